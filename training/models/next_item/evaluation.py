"""Evaluation of next-item rankings: full ranking, without the items that a person has acted on."""

from __future__ import annotations

from typing import Protocol

import keras
import numpy as np

from training.learner import Measured
from training.metrics.diversity import ItemStatistics
from training.metrics.ranking import Ranking, Scorer, rank_targets
from training.models.next_item.batches import model_inputs, of_one_shape
from training.parts import Part
from training.sequences.histories import Histories, Sequences, held_out_histories, training_histories
from training.sequences.vocabulary import Vocabulary, training_vocabulary, unknown_items

STATISTICS_PEOPLE = 100_000
"""Diversity, novelty, item-kNN and spectral vectors compare items by the acts of a sample of so many people at most."""


class Ranker(Protocol):
    """What can be measured: the model just trained, or the object behind the registered pyfunc."""

    item_ids: np.ndarray
    """(items,)"""
    counts: np.ndarray
    """Number of training acts on each item (items,)."""
    max_length: int
    """Number of latest steps of a history that it reads."""
    time_gap: bool
    """Whether it reads the time between acts."""
    taste: int
    """Length of the taste vectors that it reads, 0 for none."""
    ranker: keras.Model

    def score(self, *inputs: np.ndarray) -> np.ndarray:
        """Histories (batch, step), then gaps (batch, step) and tastes (batch, taste), to scores (batch, items)."""


def scorer(model: Ranker) -> Scorer:
    """The scorer of a model: scores of all items for the latest steps of each history (people, items)."""

    def score(histories: Histories) -> np.ndarray:
        inputs = model_inputs(histories, model.max_length, time_gap=model.time_gap, taste=model.taste)
        if keras.backend.backend() == "jax":
            inputs = of_one_shape(inputs, model.max_length)
        return np.asarray(model.score(*inputs))[: len(histories)]

    return score


def rank_test(score: Scorer, sequences: Sequences, vocabulary: Vocabulary, statistics: ItemStatistics) -> Ranking:
    """Rank what every evaluated person acted on in the test part, each item by all acts before it.

    Items of the training part that are not in the vocabulary count as never shown.
    """
    histories, targets = held_out_histories(sequences, vocabulary, part=Part.TEST)
    never_shown = unknown_items(vocabulary.item_ids, training_vocabulary(sequences).item_ids)
    return rank_targets(
        score, histories, targets, items=len(vocabulary), never_shown=never_shown, statistics=statistics
    )


def measured(ranking: Ranking) -> Measured:
    """The measures of a ranking; NDCG@10 of each person decides."""
    return Measured("ndcg@10", ranking.of_people(ranking.ndcg), ranking.summary())


def training_statistics(sequences: Sequences, vocabulary: Vocabulary) -> ItemStatistics:
    """Who acted on which item in the training part, of at most `STATISTICS_PEOPLE` people with any act in it."""
    histories = training_histories(sequences, vocabulary, at_least=1, most_people=STATISTICS_PEOPLE)
    return ItemStatistics.of(histories, len(vocabulary))
