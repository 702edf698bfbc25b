"""How a night is described, compared with those before, and what becomes an alarm."""
