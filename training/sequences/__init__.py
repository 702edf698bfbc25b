"""Sequences of acts: what people did in which order, read from the lake or a text file."""
