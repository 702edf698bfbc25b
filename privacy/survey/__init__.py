"""Counts of a survey with noise that hides each single person."""
