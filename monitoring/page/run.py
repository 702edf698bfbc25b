"""How long the night took, and how much memory, step by step."""

from __future__ import annotations

from typing import Any

from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import Night

_NOT_STEPS = ("total", "setup")


def run(night: Night) -> dict[str, Any]:
    """What the section needs: a line a step in the order of the night, and the sum over the nights."""
    taken, memory = night.report.get("seconds", {}), night.report.get("memory_gib", {})
    steps = [step for step in taken if step not in _NOT_STEPS]
    steps.sort(key=lambda step: list(words.STEPS).index(step) if step in words.STEPS else len(words.STEPS))
    most = max((taken[step] for step in steps), default=0.0) or 1.0
    sums = [
        sum(value for step, value in report.get("seconds", {}).items() if step not in _NOT_STEPS)
        for report in night.reports.values()
    ]
    chart = None
    if len(sums) > 1:
        chart = over_nights(
            "Seconds of all steps",
            list(night.reports),
            [Line("seconds", [value or None for value in sums])],
            written=words.seconds,
        )
    return {
        "steps": [
            {
                "name": words.STEPS.get(step, words.plain(step)),
                "seconds": words.seconds(taken[step]),
                "share": 100 * taken[step] / most,
                "memory": f"{memory[step]:.1f} GiB" if step in memory else "-",
            }
            for step in steps
        ],
        "total": words.seconds(taken["total"]) if "total" in taken else "",
        "all": words.seconds(sum(taken[step] for step in steps)) if steps else "",
        "peak": f"{night.report['peak_memory_gib']:.1f} GiB" if night.report.get("peak_memory_gib") else "",
        "cpu": words.seconds(night.report["cpu_seconds"]) if night.report.get("cpu_seconds") else "",
        "chart": chart,
    }
