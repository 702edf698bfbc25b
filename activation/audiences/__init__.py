"""Campaigns, and the people and items that each selects."""
