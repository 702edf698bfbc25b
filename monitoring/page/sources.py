"""Rows by source: what tonight's run mapped, and what every day of arrival became."""

from __future__ import annotations

from typing import Any

from contracts.tables.mapped import RECONCILIATION
from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import Night

_MOST_SOURCES = 24
_MOST_REASONS = 8


def sources(night: Night) -> dict[str, Any]:
    """What the section needs: a line a source, and a chart of each over its days of arrival."""
    lines = []
    for name, entry in list(night.report.get("sources", {}).items())[:_MOST_SOURCES]:
        dropped = entry.get("dropped", {})
        reasons = sorted(entry.get("quarantined_reasons", {}).items(), key=lambda one: -one[1])
        lines.append(
            {
                "name": name,
                "read": entry.get("read", 0),
                "mapped": entry.get("mapped", 0),
                "aside": entry.get("quarantined", 0),
                "dropped": sum(dropped.values()),
                "reasons": reasons[:_MOST_REASONS],
                "dropped_reasons": sorted(dropped.items(), key=lambda one: -one[1])[:_MOST_REASONS],
                "unmapped": list(entry.get("unmapped_fields", {}).items())[:_MOST_REASONS],
            }
        )
    return {"lines": lines, "more": max(0, len(night.report.get("sources", {})) - len(lines)), "charts": _charts(night)}


def _charts(night: Night) -> list[Any]:
    days = night.days(RECONCILIATION.name)
    if not days:
        return []
    rows = night.rows(
        "select source, ds, outcome, sum(rows)::bigint as count from books "
        "where unit = 'row' or unit is null group by all order by all",
        days,
        books=RECONCILIATION.name,
    )
    found: dict[str, dict[tuple[str, str], int]] = {}
    for row in rows:
        found.setdefault(row["source"], {})[row["ds"], row["outcome"]] = row["count"]
    charts = []
    for source, counts in list(found.items())[:_MOST_SOURCES]:
        own = [day for day in days if (day, "read") in counts]
        lines = [
            Line(label, [counts.get((day, outcome), 0) for day in own], colour=colour)
            for label, outcome, colour in (
                ("mapped", "mapped", 1),
                ("set aside", "quarantined", 6),
                ("dropped", "dropped", 5),
            )
        ]
        charts.append(over_nights(words.plain(source), own, lines, stacked=True, written="{:,.0f} rows".format))
    return [one for one in charts if one]
