"""Interests of people from how many of their texts are expected to speak of each category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from contracts.column_types import parse_type
from contracts.tables.vocabulary import TEXT_INTERESTS
from lake_tables.arrow import arrow_type

LEAST_WEIGHT = 0.05
"""Interests of less weight are what the model could not rule out rather than what texts speak of; they are left out."""

DOUBTED_TEXTS = 1.0
"""Texts that are set against those read: one sure text makes an interest as likely as not."""


def interests_of(expected: np.ndarray, categories: Sequence[str]) -> pa.Array:
    """Interests of each person, heaviest first, equal ones by name, in the form of the column `text_interests`.

    As interests in photos (`serving/scoring/interests.py`): the weight is the category's share of the expected
    texts among the interests that are kept; the confidence is s / (s + DOUBTED_TEXTS) of s expected texts.

    Args:
        expected: texts expected to speak of each category (people, categories).
        categories: their names, sorted.
    """
    totals = expected.sum(axis=1, keepdims=True)
    shares = np.divide(expected, totals, out=np.zeros_like(expected), where=totals > 0)
    kept = shares >= np.minimum(LEAST_WEIGHT, shares.max(axis=1, keepdims=True, initial=0))
    kept &= shares > 0
    order = np.argsort(np.where(kept, -shares, np.inf), axis=1, kind="stable")
    counts = kept.sum(axis=1)
    people = np.repeat(np.arange(len(expected)), counts)
    ranks = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = order[people, ranks]
    heavy = expected[people, chosen]
    of_kept = np.where(kept, expected, 0).sum(axis=1)
    element = arrow_type(parse_type(TEXT_INTERESTS.type)).value_type
    rows = pa.StructArray.from_arrays(
        [
            pa.array(list(categories), pa.string()).take(pa.array(chosen)),
            pa.array(heavy / of_kept[people]),
            pa.array(heavy / (heavy + DOUBTED_TEXTS)),
        ],
        fields=list(element),
    )
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32()), rows)
