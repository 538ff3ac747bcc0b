"""Measurements: gdlab beside its peers, as ratios of interleaved runs. `python -m bench` prints the tables."""
