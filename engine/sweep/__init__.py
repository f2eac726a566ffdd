"""Sweeps: a grid of configs planned, run in shards and ranked."""
