"""The parts of the compiled walk, plain functions all; `engine.sim.bars` joins and compiles them."""
