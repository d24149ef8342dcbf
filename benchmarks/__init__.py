"""Measurements: wall time and memory, always as ratios to a baseline of the same run."""
