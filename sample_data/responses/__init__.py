"""How the town reacts to what it was sent, by effects that are planted and that the pipeline cannot read."""
