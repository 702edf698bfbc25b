"""The admission gate: whether synthetic rows may enter a training set. Pure functions of tables and numbers.

Four rules. What holds between the columns of every real row holds for them. The rows must help: under each of several
seeds, a fixed classifier ranks real held-out rows better with them than without. They must not be closer to the rows
that the generator learned from than real strangers are. And an attacker who has them must not be able to tell which
rows the generator learned from (membership inference by distance, as in GAN-Leaks, Chen et al., 2020,
arXiv:1909.03935). A refusal is a normal outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from training.metrics.auc import placements
from training.models.interest_gan.constraints import broken as broken_constraints
from training.models.interest_gan.mixed_columns import NUMBER, WHOLE, as_numbers
from training.models.interest_gan.synthetic_quality import classifier_chances

_NEIGHBOURS = 5  # in the attack by density
_CHUNK = 1000
_REFERENCE_ROWS = 12_000  # most rows that distances are measured to


@dataclass(frozen=True)
class AdmissionConfig:
    """Thresholds of the gate."""

    seeds: int = 3
    """How many times synthetic rows are generated and the classifier is trained."""
    least_lift: float = 0.0
    """With synthetic rows the AUC on the holdout must be higher by more than this, under every seed."""
    nearest_share: float = 0.1
    """Share of the rows, the closest ones, whose mean distances are compared. A median would miss a few copied rows; a
    low percentile is 0 on both sides as soon as that many real people are equal."""
    resamples: int = 300
    """Bootstrap samples of the distances of both groups."""
    confidence: float = 0.95
    """Distances may be smaller than the holdout's as long as this interval of the difference includes 0, since then
    chance explains it."""
    most_membership_auc: float = 0.55
    """Greatest AUC of the membership attacks; a coin toss has 0.5."""
    compared_rows: int = 2000
    """Most rows of each group whose distances are measured."""
    seed: int = 7


@dataclass(frozen=True)
class Admission:
    """The decision and its numbers."""

    admitted: bool
    reasons: list[str]
    """One sentence for each broken rule; without any, one sentence with what was measured."""
    numbers: dict[str, float]


@dataclass(frozen=True)
class Privacy:
    """How close synthetic rows are to the rows that the generator learned from."""

    nearest: float
    """Mean distance of the closest synthetic rows to their nearest training row."""
    holdout_nearest: float
    """The same for the closest real rows of strangers."""
    floor: float
    """Least allowed `nearest`: `holdout_nearest` minus what chance explains."""
    membership_auc: float
    """Of the stronger of two attacks."""

    @property
    def ratio(self) -> float:
        """`nearest` over `holdout_nearest`, or 1 + `nearest` if that is 0; 1 and above is no closer than strangers."""
        if self.holdout_nearest > 0:
            return self.nearest / self.holdout_nearest
        return 1.0 + self.nearest


def admit(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: Sequence[pd.DataFrame],
    *,
    kinds: Mapping[str, str],
    features: Sequence[str],
    target: str,
    config: AdmissionConfig | None = None,
    constraints: Sequence[Mapping[str, Any]] = (),
) -> Admission:
    """Decide on synthetic rows, one table per seed, by the rows that the generator learned from and those of strangers.

    Args:
        train: rows that the generator learned from.
        holdout: rows of people that it did not learn from.
        kinds: all columns that are compared, column -> number, whole, boolean or category.
        features: the columns from which the classifier predicts `target`.
        constraints: what every real row keeps, as `constraints.py` learns it; not one synthetic row may break it.
    """
    config = config or AdmissionConfig()
    numbers, broken = _lifts(train, holdout, synthetic, {name: kinds[name] for name in features}, target, config)
    privacy = measure_privacy(train, holdout, pd.concat(synthetic, ignore_index=True), kinds, config)
    numbers |= {
        "nearest_distance": privacy.nearest,
        "holdout_nearest_distance": privacy.holdout_nearest,
        "nearest_distance_floor": privacy.floor,
        "nearest_distance_ratio": privacy.ratio,
        "membership_auc": privacy.membership_auc,
        "rows_that_cannot_be": float(sum(broken_constraints(rows, constraints).sum() for rows in synthetic)),
    }
    if numbers["rows_that_cannot_be"]:
        broken.append(
            f"{numbers['rows_that_cannot_be']:,.0f} of {sum(map(len, synthetic)):,} synthetic rows break what holds "
            "between the columns of every real row, and none may"
        )
    if not privacy.nearest >= privacy.floor:
        broken.append(
            f"the closest {config.nearest_share:.0%} of synthetic rows are {privacy.nearest:.4f} from a training row, "
            f"those of strangers {privacy.holdout_nearest:.4f}; at least {privacy.floor:.4f} is required"
        )
    if not privacy.membership_auc <= config.most_membership_auc:
        broken.append(
            f"a membership attack reaches AUC {privacy.membership_auc:.4f}, "
            f"and at most {config.most_membership_auc:.4f} is allowed"
        )
    measured = (
        f"lift {min(lift for name, lift in numbers.items() if name.startswith('lift_')):+.4f} at least, distance "
        f"{privacy.nearest:.4f} against {privacy.holdout_nearest:.4f} of strangers, "
        f"membership AUC {privacy.membership_auc:.4f}"
    )
    return Admission(not broken, broken or [measured], numbers)


def measure_privacy(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    kinds: Mapping[str, str],
    config: AdmissionConfig | None = None,
) -> Privacy:
    """Measure distances and attacks, on at most `compared_rows` rows per group."""
    config = config or AdmissionConfig()
    random = np.random.default_rng(config.seed)
    space = _Space(train, kinds)
    known, generated = (space.vectors(_sample(frame, _REFERENCE_ROWS, random)) for frame in (train, synthetic))
    strangers = space.vectors(_sample(holdout, config.compared_rows, random))
    of_strangers = _distances(strangers, known, 1)[:, 0]
    of_generated = _distances(generated[: config.compared_rows], known, 1)[:, 0]

    members = known[random.permutation(len(known))[: len(strangers)]]
    truth = np.repeat([True, False], [len(members), len(strangers)])
    around = _distances(np.concatenate([members, strangers]), generated, _NEIGHBOURS)  # (row, neighbour)
    attacks = (-around[:, 0], -np.log(around + 1e-3).mean(axis=1))
    membership_auc = max(float(placements(attack, truth, tie=0.5).mean()) for attack in attacks)
    nearest, holdout_nearest = (float(_closest(one, config.nearest_share)) for one in (of_generated, of_strangers))
    differences = _resampled(of_generated, config, random) - _resampled(of_strangers, config, random)
    by_chance = float(np.quantile(differences, (1 + config.confidence) / 2) - (nearest - holdout_nearest))
    return Privacy(
        nearest=nearest,
        holdout_nearest=holdout_nearest,
        floor=holdout_nearest - max(by_chance, 0.0),
        membership_auc=membership_auc,
    )


def _lifts(train, holdout, synthetic, kinds, target, config) -> tuple[dict[str, float], list[str]]:
    truth = holdout[target].astype(bool).to_numpy()
    numbers, broken = {}, []
    for number, rows in enumerate(synthetic, start=1):
        seed = config.seed + number
        tables = (train, pd.concat([train, rows], ignore_index=True))
        real, both = (
            float(placements(classifier_chances(table, holdout, kinds, target, seed), truth, tie=0.5).mean())
            for table in tables
        )
        numbers |= {f"real_auc_{number}": real, f"with_synthetic_auc_{number}": both, f"lift_{number}": both - real}
        if not both - real > config.least_lift:
            broken.append(
                f"AUC {both:.4f} with synthetic rows against {real:.4f} without, under seed {number} of "
                f"{len(synthetic)}: a lift above {config.least_lift:g} is required"
            )
    return numbers, broken


class _Space:
    """Rows as vectors: numbers by their rank among training rows, from 0 to 1; two different categories have a distance
    of 1, and so have null and a number."""

    def __init__(self, train: pd.DataFrame, kinds: Mapping[str, str]) -> None:
        self.kinds = kinds
        self.sorted = {
            name: np.sort(values[~np.isnan(values)])
            for name, kind in kinds.items()
            if kind in (NUMBER, WHOLE)
            for values in [as_numbers(train[name])]
        }
        self.values = {name: pd.Index(train[name].astype(object).astype(str).unique()) for name in kinds}

    def vectors(self, frame: pd.DataFrame) -> np.ndarray:
        """(row, dimension), float32."""
        columns = []
        for name in self.kinds:
            if name in self.sorted:
                values, known = as_numbers(frame[name]), self.sorted[name]
                is_null = np.isnan(values)
                rank = np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")
                columns.append(np.where(is_null, 0.5, rank / (2.0 * max(len(known), 1)))[:, None])
                columns.append(is_null[:, None])
            else:
                codes = self.values[name].get_indexer(frame[name].astype(object).astype(str))
                columns.append(np.eye(len(self.values[name]) + 1)[codes] / np.sqrt(2.0))
        return np.concatenate(columns, axis=1).astype("float32")


def _distances(queries: np.ndarray, rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Euclidean distances of queries (query, dimension) to their nearest rows, nearest first (query, neighbour)."""
    neighbours = min(neighbours, len(rows))
    lengths = (rows**2).sum(axis=1)
    distances = []
    for start in range(0, len(queries), _CHUNK):
        chunk = queries[start : start + _CHUNK]
        squared = (chunk**2).sum(axis=1)[:, None] + lengths - 2 * chunk @ rows.T
        nearest = np.sort(np.partition(squared, neighbours - 1, axis=1)[:, :neighbours], axis=1)
        distances.append(np.sqrt(np.where(nearest > 1e-5, nearest, 0.0)))  # equal rows are not exactly 0 in float32
    return np.concatenate(distances)


def _closest(distances: np.ndarray, share: float) -> np.ndarray:
    """Mean of the smallest distances, along the last axis."""
    count = max(1, int(distances.shape[-1] * share))
    return np.partition(distances, count - 1, axis=-1)[..., :count].mean(axis=-1)


def _resampled(distances: np.ndarray, config: AdmissionConfig, random: np.random.Generator) -> np.ndarray:
    """Mean of the smallest distances in bootstrap samples (resamples,)."""
    drawn = random.integers(len(distances), size=(config.resamples, len(distances)))
    return _closest(distances[drawn], config.nearest_share)


def _sample(frame: pd.DataFrame, most: int, random: np.random.Generator) -> pd.DataFrame:
    """At most `most` rows of a table, in random order."""
    return frame.iloc[random.permutation(len(frame))[:most]]
