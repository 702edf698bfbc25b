"""What each campaign would do for each person who can be reached, by the champion of `response`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from serving.scoring.champions import Champion
from serving.scoring.feature_reasons import feature_reasons
from training.integrated_gradients import compiled_gradient, integrated_gradients

REASONS = 2
"""Most reasons a row: the features that raised the chance to click most."""

_PEOPLE_A_BATCH = 20_000
_STEPS = 8
_CLICK = 0
_CHANCES = ["click_chance", "purchase_chance", "leave_chance", "expected_value"]


def predict_responses(recipients: pa.Table, champion: Champion | None) -> Iterator[pd.DataFrame]:
    """The rows of the table `responses`, some people at a time; none without a champion or without campaigns.

    Args:
        recipients: the mart `scoring_responses`, by person and campaign.
    """
    if champion is None or not recipients.num_rows:
        return
    reasons = ClickReasons(champion.model, in_batches_of_people(recipients))
    for rows in in_batches_of_people(recipients):
        yield pd.DataFrame(
            {
                **rows[["person_id", "campaign"]],
                **champion.predict(rows)[_CHANCES],
                "reasons": reasons.of(rows),
                "model_version": champion.name,
            }
        )


def in_batches_of_people(recipients: pa.Table) -> Iterator[pd.DataFrame]:
    """The rows of some people at a time, never those of one in two batches, of a table that is in their order."""
    person = recipients["person_id"].combine_chunks().dictionary_encode().indices.to_numpy()  # (rows,), from 0
    starts = np.searchsorted(person, np.arange(0, person[-1] + 1, _PEOPLE_A_BATCH)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(person)], strict=True):
        yield recipients.slice(start, stop - start).to_pandas()


class ClickReasons:
    """The features that raised a chance to click most, in words.

    Integrated gradients of the click score against the average of all rows.
    """

    def __init__(self, model: Any, batches: Iterable[pd.DataFrame]) -> None:
        """Read all rows once, for their average.

        Args:
            model: with `encode(rows)`, the nets `embedder` and `head`, and `feature_slices`.
        """
        self._model = model
        sums = [(self._features(rows).sum(axis=0, dtype="float64"), len(rows)) for rows in batches]
        self._average = (sum(total for total, _ in sums) / sum(rows for _, rows in sums)).astype("float32")[None, :]
        self._gradient = compiled_gradient(self._click)

    def of(self, rows: pd.DataFrame) -> list[list[str]]:
        """For each row its reasons."""
        moved = integrated_gradients(
            self._click, self._features(rows), self._average, steps=_STEPS, gradient=self._gradient
        )
        slices = self._model.feature_slices
        sums = [moved[:, start:stop].sum(axis=1) for start, stop in slices.values()]
        return feature_reasons(rows, list(slices), np.stack(sums, axis=1), most=REASONS)

    def _features(self, rows: pd.DataFrame) -> np.ndarray:
        return np.asarray(self._model.embedder(self._model.encode(rows)))  # (rows, width)

    def _click(self, features: Any) -> Any:
        return self._model.head(features)[:, _CLICK]
