"""Where audiences are delivered to: `destinations.yml`, and one file a kind of destination."""
