"""Tables of the lake as Python steps read them, with Arrow."""
