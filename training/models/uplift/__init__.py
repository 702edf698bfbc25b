"""`uplift`: what sending a campaign to a person changes, learned from experiments."""
