"""Membership attacks on `next_item`: are acts that it learned from known better than acts that it never saw?"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from training.metrics.ranking import Scorer
from training.parts import Part
from training.privacy.membership import AttackSignals, relative_popularity, sample
from training.sequences.histories import Sequences, held_out_histories
from training.sequences.vocabulary import Vocabulary

_SCORES_A_BATCH = 16_000_000


def attack_acts(score: Scorer, sequences: Sequences, vocabulary: Vocabulary) -> AttackSignals:
    """Two attacks on acts that were learned from (members) and acts of the test (strangers), both as the parts ask.

    `loss` is the log probability of the act's item, `ratio` how far it is above the item's share in all acts.

    Args:
        score: histories to scores of the items of the vocabulary (people, items).
    """
    popularity, signals = relative_popularity(vocabulary.counts), []
    for part in (Part.TRAIN, Part.TEST):
        histories, targets = held_out_histories(sequences, vocabulary, part=part)
        people = sample(np.flatnonzero((targets > 0) & (histories.lengths > 0)))
        items, size = targets[people] - 1, max(1, _SCORES_A_BATCH // len(vocabulary))
        known = np.concatenate(
            [
                np.empty(0),
                *(
                    _log_chances(score(histories.take(people[start : start + size])), items[start : start + size])
                    for start in range(0, len(people), size)
                ),
            ]
        )
        signals.append({"loss": known, "ratio": known - popularity[items]})
    return AttackSignals("acts", *signals)


def _log_chances(scores: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Log probability of one item a person (people,), from scores of all items (people, items)."""
    return np.take_along_axis(log_softmax(scores, axis=1), items[:, None], axis=1)[:, 0]
