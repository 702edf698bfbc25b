"""Membership inference: can an attacker who has a model and a person's data tell whether it learned from that person?

Two attacks. By loss (Yeom et al., 2018, arXiv:1709.01604): a person that the model predicts well was learned from. By
the ratio of likelihoods (Carlini et al., 2022, arXiv:2112.03570, with what is usual for all people in place of shadow
models): a person that the model predicts better than is usual was learned from. The measure is the AUC of telling
members, who were learned from, and strangers of the same kind apart; 0.5 is a coin toss.

Each model has its own attack: `training/models/<name>/attack.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.metrics.auc import placements

MOST = 2000
"""Most members, and most strangers, in an attack."""

_SEED = 11


@dataclass(frozen=True)
class AttackSignals:
    """The signals that an attacker computes of members and strangers; a higher one looks more like a member."""

    unit: str
    """What members and strangers are, plural: people, acts, photos."""
    members: Mapping[str, np.ndarray]
    """By the name of the attack (members,)."""
    strangers: Mapping[str, np.ndarray]
    """By the name of the attack (strangers,)."""

    def aucs(self) -> dict[str, float]:
        """AUC of each attack; ties count half."""
        return {name: attack_auc(self.members[name], self.strangers[name]) for name in self.members}


@dataclass(frozen=True)
class Membership:
    """The result of the attacks on a model."""

    auc: float
    """Of the strongest attack."""
    words: str
    """One sentence for the model card."""


def membership(attacked: AttackSignals | None, metrics: Mapping[str, float]) -> Membership | None:
    """The result of the attacks on a model just trained; None without members or strangers.

    Args:
        attacked: the signals of the model's attacks; None if it has none.
        metrics: of the model. With `membership_auc` among them, the measures of the model include an attack already.
    """
    if "membership_auc" in metrics:
        auc = metrics["membership_auc"]
        return Membership(auc, f"A membership attack by distance reaches AUC {auc:.4f}; a coin toss has 0.5.")
    if attacked is None or not attacked.members:
        return None
    aucs, name = attacked.aucs(), next(iter(attacked.members))
    counts = len(attacked.members[name]), len(attacked.strangers[name])
    if not all(counts):
        return None
    by_attack = ", ".join(f"{auc:.4f} by {attack.replace('_', ' ')}" for attack, auc in aucs.items())
    chance = 1.96 * np.sqrt((sum(counts) + 1) / (12 * counts[0] * counts[1]))
    return Membership(
        max(aucs.values()),
        f"Membership attacks on {counts[0]:,} {attacked.unit} that were learned from and {counts[1]:,} that were not: "
        f"AUC {by_attack}. A coin toss has 0.5, give or take {chance:.3f}.",
    )


def attack_auc(members: np.ndarray, strangers: np.ndarray) -> float:
    """Probability that a member has a higher signal than a stranger; ties count half."""
    truth = np.repeat([True, False], [len(members), len(strangers)])
    return float(placements(np.concatenate([members, strangers]), truth, tie=0.5).mean())


def sample(indices: np.ndarray, most: int = MOST) -> np.ndarray:
    """At most `most` of the indices, sorted; the same ones in every call."""
    return np.sort(np.random.default_rng(_SEED).permutation(indices)[:most])


def relative_popularity(counts: Sequence[float]) -> np.ndarray:
    """Logarithm of each item's share in all counts (items,)."""
    shares = np.maximum(np.asarray(counts, float), 0.5)
    return np.log(shares / shares.sum())
