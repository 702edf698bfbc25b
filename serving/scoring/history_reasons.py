"""Which item of a history raised the score of each recommended item most, by integrated gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from training.integrated_gradients import integrated_gradients
from training.models.next_item.attributions import history_path

_STEPS = 4
"""On a trained town they name the same item as 32 steps for 199 recommendations of 200."""

_SCORES_A_BATCH = 4096


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
    lengths = np.count_nonzero(inputs[0], axis=1)
    found = np.full(len(targets), None, dtype=object)
    by_length = np.argsort(lengths[of_row], kind="stable")
    by_length = by_length[lengths[of_row][by_length] > 0]
    for start in range(0, len(by_length), _SCORES_A_BATCH):
        chosen = by_length[start : start + _SCORES_A_BATCH]
        batch = [part[of_row[chosen]] for part in inputs]
        longest = lengths[of_row[chosen[-1]]]
        batch[: model.step_inputs] = [part[:, :longest] for part in batch[: model.step_inputs]]
        path = history_path(model.ranker, tuple(batch), targets[chosen])
        attributions = integrated_gradients(*path, steps=_STEPS).sum(axis=-1)  # (batch, step)
        attributions[batch[0] == 0] = -np.inf
        most = attributions.argmax(axis=1)[:, None]
        codes = np.take_along_axis(batch[0], most, axis=1)[:, 0]
        raised = np.take_along_axis(attributions, most, axis=1)[:, 0] > 0
        found[chosen[raised]] = model.item_ids[codes[raised] - 1]
    return [list(part) for part in np.split(found, np.cumsum(counts)[:-1])]
