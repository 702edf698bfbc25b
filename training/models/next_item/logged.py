"""Ranking the pools of lists that were planned on earlier nights, by what people had done until then."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from training.models.next_item.evaluation import Ranker, scorer
from training.off_policy.logged_lists import LoggedLists
from training.parts import DAY
from training.sequences.flat_arrays import places_of
from training.sequences.histories import Sequences, histories_until
from training.sequences.sampling import sample_of_people
from training.sequences.vocabulary import Vocabulary

_LISTS_A_BATCH, _SCORES_A_BATCH = 512, 16_000_000
"""Most lists and most scores that are held at a time."""


def people_of_lists(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """People on whose lists the model can be judged, and the last night on which anything was learned from each.

    Split by time these are all with an act that is learned from, and the night is the last one before the validation:
    what others did until then was learned from. Else they are the evaluated people, and the night of the last act of
    each that is learned from.
    """
    if sequences.split is not None:
        known = np.flatnonzero(sequences.train_ends > sequences.offsets[:-1])
        people = sample_of_people(sequences.person_ids, known, sequences.evaluated_people)
        return sequences.person_ids[people], np.full(len(people), sequences.split.validation_from - DAY)
    people = sequences.evaluated
    return sequences.person_ids[people], sequences.times[sequences.train_ends[people] - 1].astype("datetime64[D]")


def rank_lists(model: Ranker, sequences: Sequences, lists: LoggedLists) -> np.ndarray:
    """Scores of the items of each list's pool; minus infinity for items that the model does not know (lists, choices).

    A model that reads taste vectors gets none: those that are known were made after some of the nights.
    """
    vocabulary = Vocabulary(model.item_ids, model.counts)
    people = np.searchsorted(sequences.person_ids, lists.people)
    histories = histories_until(sequences, vocabulary, people, _ends(sequences, people, lists.nights))
    histories = dataclasses.replace(histories, taste_table=None)
    codes = pd.Index(model.item_ids).get_indexer(pd.Index(lists.pool.ravel(), dtype=object)).reshape(lists.pool.shape)
    scores, score = np.full(lists.pool.shape, -np.inf), scorer(model)
    size = min(_LISTS_A_BATCH, max(1, _SCORES_A_BATCH // len(vocabulary)))
    for start in range(0, len(lists), size):
        batch = slice(start, start + size)
        found = np.take_along_axis(score(histories.take(batch)), np.maximum(codes[batch], 0), axis=1)
        scores[batch] = np.where(codes[batch] >= 0, found, -np.inf)
    return scores


def _ends(sequences: Sequences, people: np.ndarray, nights: np.ndarray) -> np.ndarray:
    """Where in `acts` the acts end that each person had done by a night, which is over (lists,)."""
    starts, lengths = sequences.offsets[people], np.diff(sequences.offsets)[people]
    before = sequences.times[places_of(starts, lengths)] < np.repeat(nights + 1, lengths).astype("datetime64[us]")
    return starts + np.bincount(np.repeat(np.arange(len(people)), lengths), before, minlength=len(people)).astype(int)
