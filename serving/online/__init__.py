"""The API that a shop asks between nights: recommendations, similar items, reasons; acts and withdrawals come in."""
