"""Measures of synthetic rows: their use on real test rows, their quality and their closeness to training rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.learner import Measured
from training.metrics.auc import placements
from training.models.interest_gan.admission import measure_privacy
from training.models.interest_gan.mixed_rows import MixedRows
from training.models.interest_gan.synthetic_quality import Quality, classifier_chances
from training.parts import Part

MEASURED_SEED = 11

_COMPARED_ROWS = 20_000  # most rows for the classifier and the quality report, real and synthetic alike


def measured(synthetic: pd.DataFrame, train: pd.DataFrame, data: MixedRows, *, with_privacy: bool = True) -> Measured:
    """Measure rows by their use on the test part, and by quality and closeness against the training rows.

    Args:
        train: the training rows that are compared with.
        with_privacy: whether closeness is measured too.
    """
    values = _ranked(synthetic, data)
    quality = Quality(train, synthetic, data.kinds)
    metrics = {
        "tstr_auc": float(values.mean()),
        "column_shape": quality.column_shape,
        "pair_trend": quality.pair_trend,
        "minority_modes": quality.minority_modes,
    }
    if with_privacy:
        privacy = measure_privacy(train, data.part(Part.TEST), synthetic, data.kinds)
        metrics |= {"nearest_distance_ratio": privacy.ratio, "membership_auc": privacy.membership_auc}
    return Measured("tstr_auc", values, metrics)


def _ranked(learned_from: pd.DataFrame, data: MixedRows) -> np.ndarray:
    """Placement value of each positive test row, under a classifier that learned from these rows (positive rows,)."""
    test = data.part(Part.TEST)
    kinds = {name: data.kinds[name] for name in data.features}
    chances = classifier_chances(learned_from, test, kinds, data.target, MEASURED_SEED)
    return placements(chances, test[data.target].astype(bool).to_numpy(), tie=0.5)


def independent_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with each column shuffled on its own."""
    random = np.random.default_rng(MEASURED_SEED)
    return rows.apply(lambda column: column.to_numpy()[random.permutation(len(rows))])


def compared_rows(data: MixedRows) -> pd.DataFrame:
    """The training rows, at most `_COMPARED_ROWS` of them."""
    train = data.part(Part.TRAIN)
    if len(train) <= _COMPARED_ROWS:
        return train
    chosen = np.sort(np.random.default_rng(MEASURED_SEED).permutation(len(train))[:_COMPARED_ROWS])
    return train.iloc[chosen].reset_index(drop=True)
