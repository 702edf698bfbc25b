"""How the store of a night is made from its tables, and compared with them."""
