"""What the DAG files have in common: which day a run is for, its form, its retries."""
