"""What the report and the lines of a run say of `realised`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from activation.measuring.lists import POPULARITY


def realised_report(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Model version -> metric -> figures, popularity's beside it as `popularity`."""
    report: dict[str, dict[str, Any]] = {}
    for row in rows.to_pylist():
        entry = report.setdefault(row["people_of"], {}).setdefault(row["metric"], {})
        if row["model_version"] != row["people_of"]:
            entry[POPULARITY] = round(row["value"], 6)
            continue
        entry |= {"value": round(row["value"], 6), "people": row["people"], "scored_on": str(row["scored_on"])}
        if row["shadow"]:
            entry["shadow"] = True
        if row["low"] is not None:
            entry |= {"low": round(row["low"], 6), "high": round(row["high"], 6)}
    return report


def realised_sentences(rows: pa.Table, *, withheld: int) -> list[str]:
    """A line a model version and day of scores.

    Args:
        withheld: metrics that were of too few people.
    """
    lines: dict[tuple[str, Any], list[str]] = {}
    beside = {
        (row["people_of"], row["metric"]): row["value"]
        for row in rows.to_pylist()
        if row["model_version"] != row["people_of"]
    }
    for row in rows.to_pylist():
        if row["model_version"] != row["people_of"]:
            continue
        figure = f"{row['metric']} {row['value']:.4f}"
        if (row["people_of"], row["metric"]) in beside:
            figure += f" against {beside[row['people_of'], row['metric']]:.4f} of popularity"
        shown = f"{row['people_of']}, in shadow" if row["shadow"] else row["people_of"]
        lines.setdefault((shown, row["scored_on"], row["people"]), []).append(figure)
    said = [
        f"realised {version}: of {scored_on}, {people:,} people: {', '.join(figures)}"
        for (version, scored_on, people), figures in lines.items()
    ]
    if withheld:
        said.append(f"realised: {withheld} metrics of too few people are not published")
    elif not said:
        said.append("realised: nothing to measure: no earlier day was scored, or nobody acted on anything new since")
    return said
