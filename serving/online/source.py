"""The raw source of what the API takes in; `spark_jobs/mappings/online_events.yml` maps it."""

from __future__ import annotations

SOURCE = "online_events"
ACTS, CONSENTS = "acts", "consents"
"""How the names of its files begin."""
