"""What `ops.clean` removes, subject by subject."""
