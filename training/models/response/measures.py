"""Measures of the predicted chances of a binary answer."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from training.metrics.auc import placements
from training.metrics.calibration import expected_calibration_error

FEWEST_YES = 30
"""Fewest yes whose share tells a ratio: it has a standard error of 18 % then."""


def measures(chances: np.ndarray, yes: np.ndarray) -> dict[str, float]:
    """AUC (ties against the model), average precision, log loss in nats, Brier score, calibration error, ratio.

    The Brier score is the mean squared difference of chance and label. The ratio is that of the mean chance to the
    share of yes: 1 for chances that come true as often as they say. It is left out where so few said yes that it is
    chance.

    If all labels are the same, AUC and average precision are left out; without rows the result is empty.

    Args:
        chances: of a yes (rows,).
        yes: boolean labels (rows,).
    """
    if not len(yes):
        return {}
    safe = np.clip(chances, 1e-7, 1 - 1e-7)
    found = {
        "log_loss": float(-np.log(np.where(yes, safe, 1 - safe)).mean()),
        "brier": float(np.square(chances - yes).mean()),
        "ece": expected_calibration_error(chances, yes),
    }
    if yes.any() and not yes.all():
        if yes.sum() >= FEWEST_YES:
            found["ratio"] = float(chances.mean() / yes.mean())
        found["auc"] = float(placements(chances, yes).mean())
        found["average_precision"] = float(average_precision_score(yes, chances))
    return found
