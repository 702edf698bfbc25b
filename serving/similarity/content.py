"""Items that the catalogue describes alike: exact, within a category.

The score of two items of one category is a weighted mean of the cosine of their titles (words by TF-IDF) and of how
near their prices are, exp(-|ln p - ln q|), which is the cheaper price divided by the dearer; an item without a price is
near to none. An item of another category is no neighbour: what goes together across categories, behaviour says. Of
items without a category the title alone speaks, and they need a word in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import scipy.sparse

from serving.similarity.best import DECIMALS, Pairs, best_cells, best_pairs
from serving.similarity.items import Items

PRICE_WEIGHT = 0.2
"""Of the price; the title has the rest. Chosen with `python -m bench.neighbours --choose`."""

_CELLS_A_BLOCK = 8_000_000
"""Pairs of items that are scored at a time: a few hundred megabytes at most."""

_WORDS = re.compile(r"\w+")


def by_content(items: Items, *, most: int, price_weight: float = PRICE_WEIGHT) -> Pairs:
    """The neighbours of each item among the candidates of its category."""
    words = title_vectors(items)
    logarithms = np.log(items.prices).astype("float32")
    is_candidate = np.zeros(len(items), bool)
    is_candidate[items.candidates] = True
    parts = []
    for category, members in _by_category(items.categories):
        named = members[is_candidate[members]]
        if not len(named):
            continue
        others = words[named].T.tocsr()  # (words, named)
        for start in range(0, len(members), max(1, _CELLS_A_BLOCK // len(named))):
            block = members[start : start + max(1, _CELLS_A_BLOCK // len(named))]
            titles = (words[block] @ others).toarray()  # (block, named)
            scores = titles
            if category >= 0:
                near = np.exp(-np.abs(logarithms[block][:, None] - logarithms[named]))
                scores = (1 - price_weight) * titles + price_weight * np.nan_to_num(near, copy=False, nan=0.0)
            scores = np.round(scores, DECIMALS)
            scores[items.variant_of[block][:, None] == items.variant_of[named]] = -1
            if category < 0:
                scores[titles <= 0] = -1
            rows, columns = best_cells(scores, most=most)
            parts.append(best_pairs(block[rows], named[columns], scores[rows, columns], most=most))
    return Pairs.together(parts)


def title_vectors(items: Items) -> scipy.sparse.csr_array:
    """TF-IDF of the words of each title, of length 1; none for a title without a word (items, words), float32."""
    known: dict[str, int] = {}
    lengths, places = [0], []
    for title in items.titles.to_pylist():
        found = [known.setdefault(word, len(known)) for word in _WORDS.findall(title.lower())]
        places.extend(found)
        lengths.append(len(places))
    vectors = scipy.sparse.csr_array(
        (np.ones(len(places)), np.array(places, "int32"), np.array(lengths)), shape=(len(items), len(known))
    )
    vectors.sum_duplicates()
    titles_with = np.bincount(vectors.indices, minlength=len(known))
    rarity = np.log((1 + len(items)) / (1 + titles_with)) + 1
    vectors.data *= rarity[vectors.indices]
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors.data /= np.repeat(length, np.diff(vectors.indptr))
    return vectors.astype("float32")


def _by_category(categories: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each category and the places of its items, in their order."""
    if not len(categories):
        return
    order = np.argsort(categories, kind="stable")
    found, starts = np.unique(categories[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=True)
