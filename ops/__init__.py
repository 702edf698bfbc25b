"""What runs Nightshift on one machine: set-up, the nightly command, the pages."""
