"""Raw deliveries to the tables of the lake, by a mapping file a source."""
