"""Identity edges to persons."""
