"""Baskets under differential privacy of people, and what can be told of who was learned from.

The items are those of the catalogue, which is public, and not those that somebody chose. How many people chose each is
noised, and so is where the scores begin. Steps draw people by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset
import tensorflow as tf
from scipy.sparse import csr_matrix

from contracts.errors import ModelError
from training.models.taste_autoencoder.basket_metrics import PaddedScorer, pad
from training.models.taste_autoencoder.baskets import LEAST_ITEMS, Baskets
from training.models.taste_autoencoder.network import TasteAutoencoderConfig
from training.privacy.accounting import Spending, spending
from training.privacy.membership import Attacked, relative_popularity, some

MOST_LENGTH = 4.0
"""A person adds a row of this length at most to the noised counts: 16 items count whole, of more each counts less."""


def public_items(catalogue: Path) -> np.ndarray | None:
    """Ids of the items of a day's `dim_item`, sorted (items,); None where it is not there."""
    if not catalogue.is_dir():
        return None
    found = pyarrow.dataset.dataset(catalogue, format="parquet").to_table(columns=["item_id"])
    return np.unique(found["item_id"].to_numpy(zero_copy_only=False).astype(str))


def basket_spending(baskets: Baskets, catalogue: np.ndarray | None, config: TasteAutoencoderConfig) -> Spending:
    """What a private training on these baskets costs.

    Raises:
        ModelError: there is no catalogue.
    """
    if catalogue is None or len(catalogue) < 2:
        raise ModelError(
            expected="a catalogue of items (dim_item), of which a private training learns which items there are",
            received="none of that day" if catalogue is None else f"{len(catalogue)} items",
            remedy="map the source of the catalogue, or train without `privacy`",
        )
    people = len(baskets.trained_on)
    return spending(config.privacy, people=people, batch_people=config.batch_size, epochs=config.epochs)


def noised_counts(rows: csr_matrix, spent: Spending) -> np.ndarray:
    """About how many people chose each item, at least 0 (items,).

    Args:
        rows: (training people, items).
    """
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    shares = np.minimum(1.0, MOST_LENGTH / np.maximum(lengths, 1e-12))
    noise = np.random.default_rng().normal(0, spent.statistics_noise * MOST_LENGTH, rows.shape[1])
    return np.maximum(rows.T @ shares + noise, 0.0)


def people_batches(rows: csr_matrix, config: TasteAutoencoderConfig, spent: Spending) -> tf.data.Dataset:
    """Rows (batch, items) of people drawn by chance, never that of the configuration's seed."""
    random = np.random.default_rng()
    steps = -(-spent.steps // config.epochs)

    def epoch() -> Iterator[tuple[np.ndarray]]:
        for _ in range(steps):
            drawn = np.flatnonzero(random.random(spent.people) < spent.sampling_rate)
            yield (rows[drawn].toarray().astype("float32"),)

    shape = (tf.TensorSpec((None, rows.shape[1]), "float32"),)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=shape)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def attacked(score: PaddedScorer, item_ids: np.ndarray, baskets: Baskets) -> Attacked:
    """What can be seen of people who were learned from, and of those of the validation and the test: two attacks.

    `loss`: how high the items of a person score when all of them are told, in standard deviations over all items;
    `completion`: how high the hidden fifth scores when the rest is told. Of both, what the popularity of the items
    does not explain (a straight line through all people): strangers who happen to like rarer items are no leak.
    """
    enough = baskets.trained_on[np.diff(baskets.rows.indptr)[baskets.trained_on] >= LEAST_ITEMS]
    strangers = np.concatenate([baskets.validation.people, baskets.test.people])
    codes = pd.Index(item_ids).get_indexer(baskets.distinct_ids) + 1
    people, counts = (some(group) for group in (enough, strangers)), np.ones(len(item_ids))
    counts[codes[codes > 0] - 1] = baskets.counts[codes > 0]
    seen = [_seen(score, codes, relative_popularity(counts), baskets, group) for group in people]
    members, both = len(seen[0]["loss"][0]), {}
    for name in seen[0]:
        signal, popular = (np.concatenate([group[name][place] for group in seen]) for place in (0, 1))
        both[name] = signal - np.polyval(np.polyfit(popular, signal, 1), popular) if len(signal) > 1 else signal
    return Attacked("people", *({name: both[name][part] for name in both} for part in _parted(members)))


def _parted(members: int) -> tuple[slice, slice]:
    return slice(members), slice(members, None)


def _seen(
    score: PaddedScorer, codes: np.ndarray, usual: np.ndarray, baskets: Baskets, people: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each attack the standing of people's items by the model and by popularity (people,), (people,)."""
    halves, popular = baskets.fold_in(people), _standard(usual[None, :])
    looked_at = {"loss": (baskets.rows[people], baskets.rows[people]), "completion": (halves.told, halves.wanted)}
    seen = {}
    for name, (told, asked) in looked_at.items():
        scores, known = _standard(score(pad(told, codes))), _known(asked, codes, len(usual))
        seen[name] = _means(known, scores), _means(known, np.broadcast_to(popular, scores.shape))
    there = np.all([np.isfinite(signal) for signal, _ in seen.values()], axis=0)
    return {name: (signal[there], popular[there]) for name, (signal, popular) in seen.items()}


def _standard(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean(axis=1, keepdims=True)) / (scores.std(axis=1, keepdims=True) + 1e-9)


def _known(rows: csr_matrix, codes: np.ndarray, items: int) -> csr_matrix:
    """The same rows by the items of a model (people, items); what it does not know is left out."""
    kept = np.flatnonzero(codes > 0)
    to_items = csr_matrix((np.ones(len(kept)), (kept, codes[kept] - 1)), shape=(len(codes), items))
    return (rows @ to_items).tocsr()


def _means(rows: csr_matrix, scores: np.ndarray) -> np.ndarray:
    """Mean score of the items of each row; NaN where there are none (people,)."""
    counts = np.diff(rows.indptr)
    sums = np.asarray(rows.multiply(scores).sum(axis=1)).ravel()
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts > 0, counts, np.nan)
