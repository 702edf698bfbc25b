"""The table `lift` of a night: each experiment whose lot an earlier night has drawn."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.experiments.experiment import Experiment
from activation.experiments.lift import Window, lift
from activation.measuring.outcomes import COVARIATES, Began, Outcomes
from contracts.lake import Lake
from contracts.tables.activation import ASSIGNMENTS, LIFT, LIFT_METRICS
from lake_tables.arrow import arrow_schema, read_table

ELIGIBLE_PEOPLE = ", of people whom the campaign could have written to on their first night"

_FIGURES = ("mean_treated", "mean_held_out", "difference", "variance_removed")


@dataclass(frozen=True)
class Measured:
    """An experiment, and whose people are in neither of its arms."""

    experiment: Experiment
    without: Experiment | None = None
    """The global holdout, where the campaign heeds it."""


def measure_lift(lake: Lake, ds: str, measured: Sequence[Measured], smallest_group: int) -> pa.Table:
    """Rows of `lift` as known on a night; none of an experiment whose lot is drawn on this night or later.

    Args:
        measured: the experiments of tonight.
        smallest_group: of an arm of fewer people only their number is published.

    Raises:
        LakeError: the persons of that day are missing, an arm is unknown, or a value is no finite number.
    """
    nights = [day for day in lake.days(ASSIGNMENTS.name) if day < ds]
    if not measured or not nights:
        return arrow_schema(LIFT).empty_table()
    with Outcomes(lake, ds, nights[-1]) as outcomes:
        began = {one.experiment.name: outcomes.began(one.experiment) for one in measured}
        running = {name: found for name, found in began.items() if found is not None}
        if not running:
            return arrow_schema(LIFT).empty_table()
        outcomes.read(min(found.day for found in running.values()))
        planned = _planned_before(lake, ds)
        tables = []
        for one in measured:
            if (found := running.get(one.experiment.name)) is None:
                continue
            window = window_of(one.experiment, found, ds, planned.get((one.experiment.name, one.experiment.salt)))
            without = one.without if one.without is not None and outcomes.began(one.without) else None
            people = outcomes.of(one.experiment, found, window.last_day, without)
            of_whom = ELIGIBLE_PEOPLE if found.of_eligible else ""
            tables.append(lift(people, one.experiment, LIFT_METRICS, COVARIATES, window, of_whom))
    return without_small_groups(pa.concat_tables(tables), smallest_group)


def window_of(experiment: Experiment, began: Began, ds: str, planned: int | None) -> Window:
    """From the day after the first lot, on whose morning the first messages left, for `experiment.days` days.

    Args:
        planned: for how many people an earlier night has planned; else for those of the first.
    """
    last = min(datetime.date.fromisoformat(ds), began.day + datetime.timedelta(days=experiment.days))
    return Window(began.day + datetime.timedelta(days=1), last, planned or max(began.people, 1))


def _planned_before(lake: Lake, ds: str) -> dict[tuple[str, str], int]:
    """Experiment and salt -> the people that an earlier night has planned for: that is stated once."""
    days = [day for day in lake.days(LIFT.name) if day < ds]
    planned: dict[tuple[str, str], int] = {}
    for day in days[-_NIGHTS_LOOKED_BACK:]:
        rows = read_table(lake.partition(LIFT.name, day), ["campaign", "salt", "planned_people"]).to_pylist()
        for row in rows:
            planned.setdefault((row["campaign"], row["salt"]), row["planned_people"])
    return planned


_NIGHTS_LOOKED_BACK = 30
"""Assignments are kept for as many: an experiment that paused for longer has forgotten its arms too."""


def without_small_groups(rows: pa.Table, smallest_group: int) -> pa.Table:
    """The rows without the figures of arms that have fewer people, which could be about one of them."""
    small = pc.less(pc.min_element_wise(rows["people_treated"], rows["people_held_out"]), smallest_group)
    for name in (*_FIGURES, "low", "high", "people_needed"):
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(name)
        kept = pc.if_else(small, pa.scalar(None, field.type), rows[name])
        rows = rows.set_column(place, field, kept)
    return rows


def lift_report(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Campaign -> its window, and arm -> metric -> figures: what the night's report says."""
    report: dict[str, dict[str, Any]] = {}
    for row in rows.to_pylist():
        campaign = report.setdefault(
            row["campaign"],
            {
                "first_day": str(row["first_day"]),
                "last_day": str(row["last_day"]),
                "sample_ratio_p": row["sample_ratio_p"],
                "sample_ratio_ok": row["sample_ratio_ok"],
                "arms": {},
            },
        )
        arm = campaign["arms"].setdefault(
            row["arm"], {name: row[name] for name in ("people_treated", "people_held_out", "people_left_out")}
        )
        arm[row["metric"]] = {name: _rounded(row[name]) for name in _REPORTED}
    return report


_REPORTED = ("verdict", "difference", "low", "high", "mean_treated", "mean_held_out", "people_needed")


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def lift_sentences(report: Mapping[str, dict[str, Any]]) -> list[str]:
    """What a run says of it, a line each campaign, arm and metric of which something is known, and a warning."""
    lines = []
    for campaign, found in report.items():
        if not found["sample_ratio_ok"]:
            lines.append(
                f"lift {campaign}: WARNING: arms do not have the sizes of the lot (p {found['sample_ratio_p']:.1g}): "
                "do not trust its figures, and look for people who are lost in one arm alone"
            )
        for arm, figures in found["arms"].items():
            people = f"{figures['people_treated']:,} against {figures['people_held_out']:,} held out"
            known = [
                f"{metric} {figures[metric]['difference']:+.4f} "
                f"({figures[metric]['low']:+.4f} to {figures[metric]['high']:+.4f}: {figures[metric]['verdict']})"
                for metric in LIFT_METRICS
                if figures[metric]["low"] is not None
            ]
            said = "; ".join(known) or "too early to say anything"
            lines.append(f"lift {campaign}, {arm}: {people}, until {found['last_day']}: {said}")
    return lines
