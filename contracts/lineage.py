"""Where OpenLineage events of the engines go."""

from __future__ import annotations

from typing import Any

from contracts.settings import Settings

LINEAGE_NAMESPACE = "nightshift"
"""Under which OpenLineage finds the jobs of all engines."""


def lineage_transport(settings: Settings, engine: str) -> dict[str, Any] | None:
    """OpenLineage's `transport` for the events of one engine; None where they are off.

    Events that go to files make their folder.
    """
    if settings.lineage == "off":
        return None
    if settings.lineage == "file":
        settings.home.lineage.mkdir(parents=True, exist_ok=True)
        return {"type": "file", "log_file_path": str(settings.home.lineage / f"{engine}.jsonl"), "append": True}
    return {"type": "http", "url": settings.lineage}
