"""Engines that carry a simulation out: native, vectorbt where it can, Lumibot in a process of its own."""
