"""Alarms and drift, as the watch of the night has found them."""

from __future__ import annotations

from typing import Any

from contracts.tables.watched import ALARMS, DRIFT, SOURCE_HEALTH
from monitoring.page import words
from monitoring.page.night import Night

_MOST_ALARMS = 50
_MOST_MOVED = 10


def alarms_of(night: Night) -> list[dict[str, Any]]:
    """The alarms of the night, by kind and subject; each with `alarm`, `subject`, `since`, `says` and `look`."""
    if not night.has(ALARMS.name):
        return []
    columns = "alarm, subject, since, says, look"
    query = f"select {columns} from alarms order by alarm, subject limit {_MOST_ALARMS}"
    return night.rows(query, alarms=ALARMS.name)


def watch(night: Night) -> dict[str, Any]:
    """What the section needs: the alarms, what moved most, and whether anything was watched."""
    alarms = alarms_of(night)
    for alarm in alarms:
        alarm["since"] = words.day_in_words(alarm["since"].isoformat())
    watched = bool(alarms) or night.has(SOURCE_HEALTH.name) or "alarms" in night.report
    return {"alarms": alarms, "watched": watched, "moved": _moved(night)}


def _moved(night: Night) -> list[dict[str, Any]]:
    """The columns whose distributions moved most beyond what is usual for them, of those that could be judged."""
    if not night.has(DRIFT.name):
        return []
    return night.rows(
        'select table_name, source, column_name, compared_with, psi, usual, "limit", alarm from drift '
        "where chance is not null order by alarm desc, chance, psi desc, source, table_name, column_name "
        f"limit {_MOST_MOVED}",
        drift=DRIFT.name,
    )
