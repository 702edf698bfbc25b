"""Benchmarks: one module each, every result one JSON line with protocol, seeds, seconds and its baselines."""
