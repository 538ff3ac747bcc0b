"""Measures that follow a running capture: each look takes only the blocks that are new."""
