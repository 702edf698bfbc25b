"""Which item of a history raised the score of each recommended item most, by integrated gradients."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from training.models.next_item.attributions import ExplainedHistories

_STEPS = 4
"""On a trained town they name the same item as 32 steps for 199 recommendations of 200."""

_SCORES_A_BATCH = 1024
"""What its gradients hold stays near the processor: with four times as many, a score takes half as long again."""


def most_attributed_items(model: Any, inputs: tuple[np.ndarray, ...], recommended: pd.Series) -> list[list[str | None]]:
    """For each recommended item of each row an item id of its history; None where no known item raised the score.

    Args:
        model: what `training/models/next_item/pyfunc.py` loads.
        inputs: rows as its `encode` makes them.
        recommended: for each row a list of item ids.
    """
    counts = recommended.map(len).to_numpy()
    of_row = np.repeat(np.arange(len(recommended)), counts)  # (recommended items,)
    targets = model.places.get_indexer([item for items in recommended for item in items])
    lengths = np.count_nonzero(inputs[0], axis=1)[of_row]
    explained = _explained(model.ranker)
    found = np.full(len(targets), None, dtype=object)
    for longest, chosen in _by_length(lengths, inputs[0].shape[1]):
        batch = [part[of_row[chosen]] for part in inputs]
        batch[: model.step_inputs] = [part[:, :longest] for part in batch[: model.step_inputs]]
        attributions = explained.attributions(tuple(batch), targets[chosen], _STEPS)  # (batch, step)
        attributions[batch[0] == 0] = -np.inf
        most = attributions.argmax(axis=1)[:, None]
        codes = np.take_along_axis(batch[0], most, axis=1)[:, 0]
        raised = np.take_along_axis(attributions, most, axis=1)[:, 0] > 0
        found[chosen[raised]] = model.item_ids[codes[raised] - 1]
    return [list(part) for part in np.split(found, np.cumsum(counts)[:-1])]


_explained = functools.lru_cache(maxsize=1)(ExplainedHistories)
"""That of the ranker which explains at present: to compile it takes as long as to explain thousands of scores."""


def _by_length(lengths: np.ndarray, most: int) -> Iterator[tuple[int, np.ndarray]]:
    """Histories of like lengths together: a length up to which they are cut, a power of two, and their places.

    Few different lengths are few compilations. Empty histories are left out.
    """
    cuts = [2**power for power in range(most.bit_length()) if 2**power < most] + [most]
    shorter = 0
    for cut in cuts:
        places = np.flatnonzero((lengths > shorter) & (lengths <= cut))
        for start in range(0, len(places), _SCORES_A_BATCH):
            yield cut, places[start : start + _SCORES_A_BATCH]
        shorter = cut
