"""The items that a model knows, and the rule that limits their number.

The rule for rare items: the items that most people of the training part acted on stay, of equally frequent ones those
with the lower ids. The others are left out of the vocabulary. Training skips the acts on them, a history at serving is
read without them as without any unknown item, and in evaluation each of them as a target is a miss and never shown, so
that a limit cannot raise a metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from contracts.errors import ModelError

if TYPE_CHECKING:
    from training.sequences.histories import Sequences


@dataclass(frozen=True)
class Vocabulary:
    """The items that a model knows, and the number of acts on each in its training part."""

    item_ids: np.ndarray
    """(items,)"""
    counts: np.ndarray
    """(items,)"""

    def __len__(self) -> int:
        return len(self.item_ids)

    def codes_of(self, sequences: Sequences) -> np.ndarray:
        """Code of each distinct item: its index in the vocabulary plus 1, 0 if it is not in it (distinct,)."""
        return (pd.Index(self.item_ids).get_indexer(sequences.item_ids) + 1).astype("int32")

    def categories(self, sequences: Sequences) -> np.ndarray | None:
        """Code of each item's category, from 1; None without a catalogue (items,)."""
        if sequences.described is None:
            return None
        categories = sequences.described.take(self.item_ids).categories.astype(str)
        return (np.unique(categories, return_inverse=True)[1] + 1).astype("int32")

    def limited(self, kept: Kept) -> Vocabulary:
        """The vocabulary of the items that a limit keeps."""
        return Vocabulary(self.item_ids[kept.places], self.counts[kept.places])


@dataclass(frozen=True)
class Kept:
    """The items that a limit keeps in the vocabulary, and what it leaves out."""

    places: np.ndarray
    """Indices of the items that stay, in order (items,)."""
    rare_items: int
    """Number of items that are left out."""
    acts_on_rare_items: int
    """Number of their acts in the training part."""
    acts: int
    """Number of acts in the training part, on items of both kinds."""

    def sizes(self) -> Mapping[str, int]:
        """Sizes, under the names of the run's parameters."""
        return {
            "vocabulary": len(self.places),
            "rare_items": self.rare_items,
            "acts_on_rare_items": self.acts_on_rare_items,
        }

    @property
    def words(self) -> str:
        """What the limit leaves out, in a sentence; empty where it keeps everything."""
        if not self.rare_items:
            return ""
        return (
            f"max_items keeps the {len(self.places):,} items of most people; {self.rare_items:,} rarer ones, with "
            f"{self.acts_on_rare_items:,} of {self.acts:,} training acts, are not learned, and count as misses"
        )


def most_frequent(counts: np.ndarray, max_items: int) -> Kept:
    """The items of a vocabulary of at most `max_items` items: the most frequent ones, of equals the first by id.

    Args:
        counts: people of the training part who acted on each item, items sorted by id (items,).
        max_items: 0 for no limit.

    Raises:
        ModelError: a limit below 2, with which there is nothing to rank.
    """
    if max_items < 0 or max_items == 1:
        raise ModelError(
            expected="max_items of at least 2, or 0 for no limit",
            received=str(max_items),
            remedy="change max_items in the model's configuration",
        )
    places = np.arange(len(counts))
    if max_items and len(counts) > max_items:
        places = np.sort(np.argsort(-counts, kind="stable")[:max_items])
    total, kept = round(float(counts.sum())), round(float(counts[places].sum()))
    return Kept(places, len(counts) - len(places), total - kept, total)


def training_vocabulary(sequences: Sequences) -> Vocabulary:
    """The items of the training part, sorted by id."""
    counts = np.zeros(len(sequences.item_ids), int)
    for _, places in sequences.training_places():
        counts += np.bincount(sequences.acts[places], minlength=len(counts))
    return Vocabulary(sequences.item_ids[counts > 0], counts[counts > 0])


def unknown_items(known: np.ndarray, trained_on: np.ndarray) -> int:
    """How many items of today's training part a model does not know and so can never show.

    Args:
        known: ids of the items that the model knows (items,).
        trained_on: ids of the items of the training part (training items,).
    """
    return int(np.count_nonzero(pd.Index(known).get_indexer(trained_on) < 0))
