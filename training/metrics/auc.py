"""The area under the ROC curve, one positive row at a time (DeLong et al., 1988).

A value per row, and not the area alone, lets the gate compare two models pair by pair.
"""

from __future__ import annotations

import numpy as np


def placements(scores: np.ndarray, labels: np.ndarray, *, tie: float = 0.0) -> np.ndarray:
    """Placement value of each positive row: the share of negative rows that score lower; their mean is the AUC.

    Args:
        scores: (rows,).
        labels: True for a positive row (rows,).
        tie: what a negative row with the same score counts; 0 counts ties against the model, 0.5 is the usual AUC.

    Returns:
        One value from 0 to 1 per positive row, in their order (positive rows,).
    """
    negatives = np.sort(scores[~labels])
    below, up_to = (np.searchsorted(negatives, scores[labels], side=side) for side in ("left", "right"))
    return (below + tie * (up_to - below)) / max(len(negatives), 1)
