"""A delivery: whose message goes to which address, what a destination knows already, and what became of it."""
