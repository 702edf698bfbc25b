"""What scores were worth on the days after them, of versions that people saw and of those in shadow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.tables.activation import REALISED
from monitoring.page import words
from monitoring.page.charts import Chart, Line, over_nights
from monitoring.page.night import Night

_CHARTS = ("ndcg@10", "click_auc", "purchase_auc", "leave_auc")
"""Metrics that are drawn; the table has all of them."""

Rows = list[dict[str, Any]]


def realised(night: Night) -> dict[str, Any]:
    """A line a version and metric of tonight, and charts of the deciding metrics over the nights."""
    days = night.days(REALISED.name)
    if not days:
        return {"lines": [], "charts": []}
    rows = night.rows(
        f"select * from realised where people >= {night.smallest} order by ds, people_of, metric, model_version",
        days,
        realised=REALISED.name,
    )
    own = [row | {"shadow": bool(row.get("shadow"))} for row in rows if row["model_version"] == row["people_of"]]
    tonight = [row for row in rows if row["ds"] == night.ds]
    popularity = {
        (row["people_of"], row["metric"]): row["value"] for row in tonight if row["model_version"] != row["people_of"]
    }
    lines = [
        row | {"popularity": popularity.get((row["people_of"], row["metric"]))} for row in own if row["ds"] == night.ds
    ]
    charts = [_chart(metric, days, [row for row in own if row["metric"] == metric]) for metric in _CHARTS]
    return {"lines": lines, "charts": [chart for chart in charts if chart]}


def _chart(metric: str, days: Sequence[str], rows: Rows) -> Chart | None:
    """A line a model, whichever version it was; its versions in shadow are a line of their own."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        model = words.plain(row["people_of"].partition("/")[0])
        found.setdefault(f"{model}, in shadow" if row["shadow"] else model, {})[row["ds"]] = row
    lines = [
        Line(name, *([own[day][key] if day in own else None for day in days] for key in ("value", "low", "high")))
        for name, own in found.items()
    ]
    return over_nights(f"What scores were worth: {metric}", days, lines)
