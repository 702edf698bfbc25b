"""Batches of encoded rows: all rows in random order, or for a private training the rows of people sampled at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from training.models.response.network import NOT_KNOWN, ResponseConfig
from training.privacy.accounting import Spending

MOST_ROWS = 64
"""Most rows of a person in a step, chosen at random; a person's gradient has the same bound with any number."""


def row_batches(
    numbers: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    unknown_codes: np.ndarray,
    config: ResponseConfig,
) -> tf.data.Dataset:
    """((numbers, codes), labels, weights) of all rows, reshuffled every epoch, with random values hidden.

    Args:
        numbers: encoded number columns, each with its indicator of null (rows, 2 * numbers).
        codes: encoded category columns (rows, categories).
        labels: (rows, answers).
        weights: (rows,).
        unknown_codes: code for unknown categories of each column (categories,).
    """
    random = np.random.default_rng(config.seed)

    def epoch() -> Iterator[tuple]:
        order = random.permutation(len(labels))
        for start in range(0, len(order), config.batch_size):
            rows = order[start : start + config.batch_size]
            hidden_numbers = random.random((len(rows), numbers.shape[1] // 2)) < config.hidden_share
            hidden_codes = random.random((len(rows), codes.shape[1])) < config.hidden_share
            values = numbers[rows]
            values[:, ::2][hidden_numbers] = 0
            values[:, 1::2][hidden_numbers] = 1
            yield (values, np.where(hidden_codes, unknown_codes, codes[rows])), labels[rows], weights[rows]

    signature = (
        (tf.TensorSpec((None, numbers.shape[1]), "float32"), tf.TensorSpec((None, codes.shape[1]), "int32")),
        tf.TensorSpec((None, labels.shape[1]), "float32"),
        tf.TensorSpec((None,), "float32"),
    )
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(labels) // config.batch_size))).prefetch(2)


def people_batches(
    numbers: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    owners: np.ndarray,
    unknown_codes: np.ndarray,
    config: ResponseConfig,
    spent: Spending,
) -> tf.data.Dataset:
    """((numbers, codes), (labels, indices of each person's rows)) of people sampled at random, each with all rows.

    The seed of the configuration is never used: whoever knows it would know who was sampled.

    Args:
        owners: person of each row, from 0 (rows,).
    """
    random = np.random.default_rng()
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(spent.people + 1))
    steps, nothing = -(-spent.steps // config.epochs), np.full((1, labels.shape[1]), NOT_KNOWN, "float32")

    def epoch() -> Iterator[tuple]:
        for _ in range(steps):
            people = np.flatnonzero(random.random(spent.people) < spent.sampling_rate)
            if not len(people):  # a step of noise alone: one row without known labels
                yield (np.zeros((1, numbers.shape[1]), "float32"), unknown_codes[None, :]), (nothing, np.zeros((1, 1)))
                continue
            rows, rows_of_people = _sample_rows(people, order, starts, random)
            values, words = numbers[rows], codes[rows]
            hidden = random.random((len(rows), values.shape[1] // 2)) < config.hidden_share
            values[:, ::2][hidden] = 0
            values[:, 1::2][hidden] = 1
            words = np.where(random.random(words.shape) < config.hidden_share, unknown_codes, words)
            yield (values, words), (labels[rows], rows_of_people)

    signature = (
        (tf.TensorSpec((None, numbers.shape[1]), "float32"), tf.TensorSpec((None, codes.shape[1]), "int32")),
        (tf.TensorSpec((None, labels.shape[1]), "float32"), tf.TensorSpec((None, None), "int32")),
    )
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def _sample_rows(
    people: np.ndarray, order: np.ndarray, starts: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_ROWS` rows of each person, and the positions of each person's rows among them.

    Args:
        people: numbers of the people (people,).
        order: indices of all rows, sorted by person (rows,).
        starts: index in `order` of each person's first row, and the end (all people + 1,).

    Returns:
        Indices of the chosen rows (chosen,), and for each person the positions of the own rows among them, padded with
        their number (people, most rows).
    """
    lengths = starts[people + 1] - starts[people]
    kept = np.minimum(lengths, MOST_ROWS)
    person = np.repeat(np.arange(len(people)), kept)
    rank = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    shift = random.integers(0, np.maximum(lengths, 1))[person]  # of more rows than are kept, a random run of them
    rows = order[starts[people][person] + (rank + shift) % lengths[person]]
    positions = np.full((len(people), max(1, kept.max(initial=0))), len(rows), "int32")
    positions[person, rank] = np.arange(len(rows))
    return rows, positions
