"""The profile step: dbt models over the lake, and the command that builds and publishes them for a day."""
