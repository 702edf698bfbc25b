"""Differentially private training, its accounting, and membership attacks on trained models."""
