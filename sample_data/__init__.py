"""Raw data to run Nightshift on: a simulated town whose truth is known, and bundled real data."""
