"""Scores to audiences: who is shown what, and why."""
