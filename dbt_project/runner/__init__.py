"""How dbt is run, by engine, and how its marts are published."""
