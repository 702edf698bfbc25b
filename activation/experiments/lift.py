"""What sending changed: each arm of an experiment against those held out, one metric after the other.

Everybody counts in the arm of the lot, whether the message reached them or not (intention to treat): who was reached,
opened or clicked is a choice of people, and comparing by it compares the eager with the others.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from activation.experiments import sample_ratio
from activation.experiments.cuped import adjusted, design
from activation.experiments.experiment import HOLDOUT, Experiment
from activation.experiments.intervals import CONFIDENCE, Arms, Plan, multiplier, people_needed
from contracts.errors import LakeError
from contracts.tables.activation import LIFT
from lake_tables.arrow import arrow_schema


@dataclass(frozen=True)
class Comparison:
    """Two arms, by each metric (metrics,)."""

    arms: Arms
    low: np.ndarray
    high: np.ndarray
    removed: np.ndarray
    """Share of the variance that behaviour before explains."""

    @property
    def significant(self) -> np.ndarray:
        """Whether the interval says anything and leaves out zero."""
        return self.arms.enough & ((self.low > 0) | (self.high < 0))


def compare(
    values: np.ndarray,
    held_out: np.ndarray,
    person_days: np.ndarray | float,
    plan: Plan,
    covariates: np.ndarray | None = None,
) -> Comparison:
    """The treated against those held out.

    Args:
        values: what each person did since the first day in the experiment (people, metrics).
        held_out: (people,)
        person_days: over how many days people were watched, all added up, of all metrics or of each (metrics,).
        plan: chosen before the first look.
        covariates: what each person did before the first day, NaN where it is not known (people, columns).
    """
    basis = design(covariates if covariates is not None else np.empty((len(values), 0)))
    after, removed, slopes = adjusted(values, basis)
    arms = Arms.of(after, held_out, values, slopes)
    with np.errstate(invalid="ignore"):  # nobody at all: infinitely wide, and no variance
        half = multiplier(person_days, plan) * arms.standard_errors
    return Comparison(arms, arms.differences - half, arms.differences + half, removed)


@dataclass(frozen=True)
class Window:
    """The days whose acts count, and for how many people intervals are narrowest."""

    first_day: datetime.date
    last_day: datetime.date
    """The last one so far."""
    planned_people: int
    """How many are expected within `experiment.days`, stated before the first look."""


def lift(
    people: pa.Table,
    experiment: Experiment,
    metrics: Sequence[str],
    covariates: Sequence[str],
    window: Window,
    of_whom: str = "",
) -> pa.Table:
    """Rows of the table `lift`, by arm and metric.

    Args:
        people: one row a person who was to be considered when the lot was drawn, whatever came after: `arm` and
            `left_out` as in `assignments`, `days` for which the person has been in it, the metrics (null is nothing
            done) and the covariates.
        metrics: columns of what people did since.
        covariates: columns of what they did before; null where it is not known.
        of_whom: what `method` says behind all else, where these are not all.

    Raises:
        LakeError: an arm that the experiment does not have, or a metric that is no finite number.
    """
    arms = people["arm"].to_numpy(zero_copy_only=False).astype(str)
    _require_known(experiment, set(np.unique(arms)))
    compared = ~people["left_out"].to_numpy(zero_copy_only=False).astype(bool)
    days = people["days"].to_numpy(zero_copy_only=False).astype(float)
    values = _columns(people, metrics, missing=0.0)
    _require_finite(experiment, metrics, values)
    before = _columns(people, covariates, missing=np.nan)
    plan = Plan(window.planned_people, experiment.days)
    counts = np.array([np.count_nonzero(compared & (arms == arm)) for arm in experiment.shares])
    log_evidence = sample_ratio.log_evidence(counts, np.array([*experiment.shares.values()]))
    ratio = {
        "sample_ratio_evidence": float(np.exp(min(log_evidence, _MOST_LOG))),
        "sample_ratio_p": float(sample_ratio.p_value(log_evidence)),
        "sample_ratio_ok": bool(sample_ratio.p_value(log_evidence) >= sample_ratio.THRESHOLD),
    }
    rows = []
    for variant in experiment.variants:
        both = (arms == variant) | (arms == HOLDOUT)
        used = both & compared
        person_days = days[used].sum()
        found = compare(values[used], arms[used] == HOLDOUT, person_days, plan, before[used] if covariates else None)
        head = {
            "campaign": experiment.name,
            "salt": experiment.salt,
            "first_day": window.first_day,
            "last_day": window.last_day,
            "planned_people": window.planned_people,
            "arm": variant,
            "people_treated": found.arms.people[0],
            "people_held_out": found.arms.people[1],
            "people_left_out": int(np.count_nonzero(both & ~compared)),
            "confidence": CONFIDENCE,
            "method": f"asymptotic confidence sequence, planned for {plan.people} people and {plan.days} days"
            + (", adjusted by behaviour before" if covariates else "")
            + of_whom,
        }
        needed = people_needed(found.arms, person_days, plan)
        rows += [
            head | {"metric": metric} | _figures(found, place, needed[place]) | ratio
            for place, metric in enumerate(metrics)
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(LIFT))


_MOST_LOG = 700.0
"""Of a Bayes factor, whose exponential is still a double."""


def _figures(found: Comparison, metric: int, needed: float) -> dict[str, float | int | str | None]:
    """What is said of one metric."""
    arms = found.arms
    if not min(arms.people):
        return {"verdict": "too_early"}
    figures = {
        "mean_treated": float(arms.means[0, metric]),
        "mean_held_out": float(arms.means[1, metric]),
        "difference": float(arms.differences[metric]),
        "variance_removed": float(found.removed[metric]),
    }
    if not arms.enough[metric]:
        return figures | {"verdict": "too_early"}
    low, high = float(found.low[metric]), float(found.high[metric])
    return figures | {
        "low": low,
        "high": high,
        "verdict": "higher" if low > 0 else "lower" if high < 0 else "none_shown",
        "people_needed": int(needed) if np.isfinite(needed) else None,
    }


def _columns(people: pa.Table, names: Sequence[str], missing: float) -> np.ndarray:
    """Numbers of some columns, without nulls (people, columns)."""
    found = np.empty((people.num_rows, len(names)))
    for place, name in enumerate(names):
        found[:, place] = pc.fill_null(people[name].cast(pa.float64()), missing).to_numpy()
    return found


def _require_known(experiment: Experiment, arms: set[str]) -> None:
    unknown = sorted(arms - experiment.shares.keys())
    if unknown:
        raise LakeError(
            expected=f"arms of {experiment.name} among {', '.join(experiment.shares)}",
            received=", ".join(unknown),
            remedy="a variant was renamed: give the experiment another salt, so that it begins again",
        )


def _require_finite(experiment: Experiment, metrics: Sequence[str], values: np.ndarray) -> None:
    broken = ~np.isfinite(values).all(0)
    if broken.any():
        raise LakeError(
            expected=f"finite numbers in the metrics of {experiment.name}",
            received=f"others in {', '.join(np.array(metrics)[broken])}",
            remedy="look for divisions by zero where they are computed; nothing of it was published",
        )
