"""Interests of a person from posted photos or sounds: chances file by file in, weights and confidences out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_WEIGHT = 0.05
"""Interests of less weight are what the model could not rule out rather than what files show; they are left out."""

DOUBTED_FILES = 1.0
"""Files that are set against those seen: one sure photo makes an interest as likely as not."""


def person_interests(probabilities: np.ndarray, categories: Sequence[str]) -> list[tuple[str, float, float]]:
    """Interests of one person, heaviest first; equal ones by name.

    With s the sum over files of the calibrated chance that a file shows the category, which is the number of files
    expected to show it:

    - the weight is the category's share of that sum among the interests that are kept; weights add up to 1.
    - the confidence is s / (s + DOUBTED_FILES): anybody posts a photo of something once, so that one sure
      photo gives 0.5, three give 0.75, nine give 0.9, and a photo that the model is unsure of counts in part. The
      chance that at least one shows it was not taken, since small mistakes of many files add up in it to near
      certainty.

    Args:
        probabilities: calibrated chances (files, categories); a file with a chance that is no number is passed over.
        categories: their names, in that order.

    Returns:
        (category, weight, confidence) each; nothing without a file.
    """
    chances = np.asarray(probabilities, dtype="float64").reshape(-1, len(categories))
    chances = chances[np.isfinite(chances).all(axis=1)]
    expected = chances.sum(axis=0)  # (categories,), files expected to show each
    if not expected.sum() > 0:
        return []
    kept = expected / expected.sum() >= min(LEAST_WEIGHT, expected.max() / expected.sum())
    weights = np.where(kept, expected, 0.0) / expected[kept].sum()
    confidences = expected / (expected + DOUBTED_FILES)
    order = sorted(np.flatnonzero(kept), key=lambda place: (-weights[place], categories[place]))
    return [(str(categories[place]), float(weights[place]), float(confidences[place])) for place in order]
