"""Membership attacks on `next_item`: are acts that it learned from known better than acts that it never saw?"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from training.metrics.ranking import Scorer
from training.parts import Part
from training.privacy.membership import AttackSignals, relative_popularity, sample
from training.sequences.histories import Sequences, held_out_histories
from training.sequences.vocabulary import Vocabulary


def attack_acts(score: Scorer, sequences: Sequences, vocabulary: Vocabulary) -> AttackSignals:
    """Two attacks on the held-out people's latest training act (member) and test act (stranger).

    `loss` is the log probability of the act's item, `ratio` how far it is above the item's share in all acts.

    Args:
        score: histories to scores of the items of the vocabulary (people, items).
    """
    popularity, signals = relative_popularity(vocabulary.counts), []
    for part in (Part.TRAIN, Part.TEST):
        histories, targets = held_out_histories(sequences, vocabulary, part=part)
        people = sample(np.flatnonzero((targets > 0) & (histories.lengths > 0)))
        log_chances = log_softmax(score(histories.take(people)), axis=1)
        items = targets[people] - 1
        known = np.take_along_axis(log_chances, items[:, None], axis=1)[:, 0]
        signals.append({"loss": known, "ratio": known - popularity[items]})
    return AttackSignals("acts", *signals)
