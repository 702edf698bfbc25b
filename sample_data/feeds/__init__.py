"""What the town leaves in raw/: one module per source, and the dirt that they share."""
