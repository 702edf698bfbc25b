"""Alarms and drift, as the watch of the night has found them."""

from __future__ import annotations

from typing import Any

from monitoring.page.night import Night

ALARMS, DRIFT = "alarms", "drift"
_MOST = 50


def alarms_of(night: Night) -> list[dict[str, Any]]:
    """The alarms of the night, by kind and subject; each with `alarm`, `subject`, `since`, `says` and `look`."""
    if not night.has(ALARMS):
        return []
    return night.rows(
        f"select alarm, subject, since, says, look from alarms order by alarm, subject limit {_MOST}", alarms=ALARMS
    )


def watch(night: Night) -> dict[str, Any]:
    """What the section needs: the alarms, and whether anything was watched."""
    alarms = alarms_of(night)
    watched = bool(alarms) or night.has(DRIFT) or night.has("source_health") or "alarms" in night.report
    return {"alarms": alarms, "watched": watched}
