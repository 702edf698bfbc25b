"""What the champions of a night say of everyone who agreed to personalisation."""
