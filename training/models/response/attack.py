"""Membership attacks on `response`: does it predict people of its training part better than strangers?"""

from __future__ import annotations

from typing import Any

import numpy as np

from training.models.response.table import LabelledTable
from training.parts import Part
from training.privacy.membership import AttackSignals, sample


def attack_answers(model: Any, table: LabelledTable, *, strangers: int) -> AttackSignals:
    """Two attacks on people's first answers, of people in the training part (members) and of strangers.

    `loss` is minus a person's mean cross-entropy, `ratio` how far the cross-entropy is below that of the mean chance.

    Args:
        model: with `encode` and `score`, as in `training/models/response/learner.py`.
        strangers: the part of the table that the strangers are in.
    """
    signals, mean_chance = [], table.yes(0, Part.TRAIN).mean()
    for part in (Part.TRAIN, strangers):
        people = sample(np.unique(table.owners[table.indices(0, part)]))
        rows = np.flatnonzero((table.parts[:, 0] == part) & np.isin(table.owners, people))
        yes, owners = table.labels[rows, 0] > 0, np.unique(table.owners[rows], return_inverse=True)[1]
        losses = _log_losses(model.score(*model.encode(table.rows.iloc[rows]))[:, 0], yes)
        saved = _log_losses(np.full(len(rows), mean_chance), yes) - losses
        means = [np.bincount(owners, weights=values) / np.bincount(owners) for values in (-losses, saved)]
        signals.append(dict(zip(("loss", "ratio"), means, strict=True)))
    return AttackSignals("people", *signals)


def _log_losses(chances: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Cross-entropy of each row, in nats (rows,)."""
    return -np.log(np.clip(np.where(yes, chances, 1 - chances), 1e-6, 1.0))
