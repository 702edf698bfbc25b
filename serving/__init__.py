"""Serving: what the champion recommends to whom, and the audiences that a marketing team takes from it."""
