"""Membership inference: who has a model and a person's data, can they tell whether it learned from that person?

The attack by loss (Yeom et al., 2018, arXiv:1709.01604): who is known well was learned from. And by the ratio of
likelihoods (Carlini et al., 2022, arXiv:2112.03570, here with what everybody is like in place of shadow models): who is
known better than such people are in general was learned from. AUC of telling those learned from and strangers of the
same kind apart; 0.5 is a coin toss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

from training.metrics.auc import placements
from training.metrics.ranking import Scorer
from training.models.response.table import TRAIN, Table
from training.sequences.histories import Sequences, Vocabulary, held_out_histories

if TYPE_CHECKING:
    from training.learner import Data, Fitted, Learner, Measured

MOST = 2000
"""Most members, and most strangers, that an attack looks at."""

_SEED = 11


@dataclass(frozen=True)
class Attacked:
    """What an attacker sees of some members and some strangers: higher means more like a member."""

    unit: str
    """People, acts or pictures."""
    members: Mapping[str, np.ndarray]
    """By the name of the attack (members,)."""
    strangers: Mapping[str, np.ndarray]
    """By the name of the attack (strangers,)."""

    def aucs(self) -> dict[str, float]:
        """AUC of each attack; ties count half."""
        return {name: attack_auc(self.members[name], self.strangers[name]) for name in self.members}


@dataclass(frozen=True)
class Membership:
    """How well the strongest attack on a model does."""

    auc: float
    words: str
    """In a sentence, for the card."""


def membership(brought: Learner, fitted: Fitted, data: Data, measured: Measured) -> Membership | None:
    """The attacks on a model just trained; None where there are no members or no strangers to look at.

    A learner whose measures have `membership_auc` already has an attack of its own; the others bring
    `attacked(fitted, data)`.
    """
    if "membership_auc" in measured.metrics:
        auc = measured.metrics["membership_auc"]
        return Membership(auc, f"A membership attack by distance reaches AUC {auc:.4f}; a coin toss has 0.5.")
    attacked = brought.attacked(fitted, data) if hasattr(brought, "attacked") else None
    if attacked is None or not attacked.members:
        return None
    aucs, name = attacked.aucs(), next(iter(attacked.members))
    counts = len(attacked.members[name]), len(attacked.strangers[name])
    if not all(counts):
        return None
    told = ", ".join(f"{auc:.4f} by {attack.replace('_', ' ')}" for attack, auc in aucs.items())
    chance = 1.96 * np.sqrt((sum(counts) + 1) / (12 * counts[0] * counts[1]))
    return Membership(
        max(aucs.values()),
        f"Membership attacks on {counts[0]:,} {attacked.unit} that were learned from and {counts[1]:,} that were not: "
        f"AUC {told}. A coin toss has 0.5, give or take {chance:.3f}.",
    )


def attack_auc(members: np.ndarray, strangers: np.ndarray) -> float:
    """Chance that a member looks more like one than a stranger does; ties count half."""
    truth = np.repeat([True, False], [len(members), len(strangers)])
    return float(placements(np.concatenate([members, strangers]), truth, tie=0.5).mean())


def some(places: np.ndarray, most: int = MOST) -> np.ndarray:
    """At most so many of some places, the same in every call."""
    return np.sort(np.random.default_rng(_SEED).permutation(places)[:most])


def attacked_acts(score: Scorer, data: Sequences, vocabulary: Vocabulary) -> Attacked:
    """How well the last act that was learned from is known, the third from the end, and the last of all, which was not.

    Args:
        score: histories to scores of the items of the vocabulary.
    """
    usual, seen = relative_popularity(vocabulary.counts), []
    for target in (3, 1):
        histories, targets = held_out_histories(data, vocabulary, target=target)
        people = some(np.flatnonzero((targets > 0) & (histories.lengths > 0)))
        chances = log_softmax(score(histories.take(people)), axis=1)
        known = np.take_along_axis(chances, targets[people, None] - 1, axis=1)[:, 0]
        seen.append({"loss": known, "ratio": known - usual[targets[people] - 1]})
    return Attacked("acts", *seen)


def attacked_answers(model: Any, table: Table, *, strangers: int) -> Attacked:
    """How well the first answer of people is known, of those in the training part and of strangers to it.

    `loss` is a person's mean cross-entropy, `ratio` how far it is below that of the mean chance of all.

    Args:
        model: with `encode` and `score`, as the learner of responses says.
        strangers: their part of the table.
    """
    seen, usual = [], table.yes(0, TRAIN).mean()
    for part in (TRAIN, strangers):
        people = some(np.unique(table.owners[table.places(0, part)]))
        rows = np.flatnonzero((table.parts[:, 0] == part) & np.isin(table.owners, people))
        yes, owners = table.labels[rows, 0] > 0, np.unique(table.owners[rows], return_inverse=True)[1]
        losses = _log_losses(model.score(*model.encode(table.rows.iloc[rows]))[:, 0], yes)
        saved = _log_losses(np.full(len(rows), usual), yes) - losses
        means = [np.bincount(owners, weights=one) / np.bincount(owners) for one in (-losses, saved)]
        seen.append(dict(zip(("loss", "ratio"), means, strict=True)))
    return Attacked("people", *seen)


def _log_losses(chances: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Cross-entropy of each (rows,)."""
    return -np.log(np.clip(np.where(yes, chances, 1 - chances), 1e-6, 1.0))


def relative_popularity(counts: Sequence[float]) -> np.ndarray:
    """Log share of each item (items,)."""
    shares = np.maximum(np.asarray(counts, float), 0.5)
    return np.log(shares / shares.sum())
