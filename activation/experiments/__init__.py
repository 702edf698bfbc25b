"""Experiments: who is held back or gets which variant, and what sending changed."""
