"""Metrics of rankings and of chances."""
