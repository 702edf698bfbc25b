"""Model cards and their charts."""
