"""Of which Airflow run the work of a command is a part, for OpenLineage events of Spark and dbt."""

from __future__ import annotations

from contracts.settings import Settings

_PARENT = "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(ti) }}"


def part_of_this_run() -> dict[str, str]:
    """Environment of a command that sends events of its own; nothing where lineage is off: there is no such macro."""
    return {} if Settings.from_env().lineage == "off" else {"NIGHTSHIFT_LINEAGE_PARENT": _PARENT}
