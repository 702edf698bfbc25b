"""The page of the night: one static HTML file that stands alone."""
