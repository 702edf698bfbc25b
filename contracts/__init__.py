"""What the rooms of Nightshift agree on: standard library only, importable anywhere, nothing happens at import."""
