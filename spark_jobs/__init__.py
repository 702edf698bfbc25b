"""Raw deliveries to the lake: mapping, pseudonyms, quarantine, identities. Spark's room."""
