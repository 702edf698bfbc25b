"""Which items are similar: by who acted on them, and by what the catalogue says of them."""
