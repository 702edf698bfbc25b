"""Differential privacy of a training, and attacks that measure what a model remembers."""
