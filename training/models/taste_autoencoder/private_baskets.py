"""Private training on baskets: what replaces the statistics and batches of a plain training.

The items are those of the public catalogue, and not those that people chose. The number of people who chose each item
is noised, and the initial bias of the decoder is computed from it. Steps sample people at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.dataset
import tensorflow as tf
from scipy.sparse import csr_matrix

from contracts.errors import ModelError
from training.models.taste_autoencoder.baskets import Baskets
from training.models.taste_autoencoder.network import TasteAutoencoderConfig
from training.privacy.accounting import Spending, spending

MOST_LENGTH = 4.0
"""Greatest length of a person's row in the noised counts: up to 16 items count fully, of more each counts less."""


def public_items(catalogue: Path) -> np.ndarray | None:
    """Sorted ids of the items in a day's `dim_item` (items,); None without that table."""
    if not catalogue.is_dir():
        return None
    items = pyarrow.dataset.dataset(catalogue, format="parquet").to_table(columns=["item_id"])
    return np.unique(items["item_id"].to_numpy(zero_copy_only=False).astype(str))


def basket_spending(baskets: Baskets, catalogue: np.ndarray | None, config: TasteAutoencoderConfig) -> Spending:
    """The privacy budget that a training on these baskets spends.

    Raises:
        ModelError: there is no catalogue.
    """
    if catalogue is None or len(catalogue) < 2:
        raise ModelError(
            expected="a catalogue (dim_item), from which a private training takes its items",
            received="none of that day" if catalogue is None else f"{len(catalogue)} items",
            remedy="map the source of the catalogue, or train without `privacy`",
        )
    people = len(baskets.trained_on)
    return spending(config.privacy, people=people, batch_people=config.batch_size, epochs=config.epochs)


def noised_counts(rows: csr_matrix, spent: Spending) -> np.ndarray:
    """Noised number of people who chose each item, at least 0 (items,).

    Args:
        rows: (training people, items).
    """
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    shares = np.minimum(1.0, MOST_LENGTH / np.maximum(lengths, 1e-12))
    noise = np.random.default_rng().normal(0, spent.statistics_noise * MOST_LENGTH, rows.shape[1])
    return np.maximum(rows.T @ shares + noise, 0.0)


def people_batches(rows: csr_matrix, config: TasteAutoencoderConfig, spent: Spending) -> tf.data.Dataset:
    """Rows (batch, items) of people sampled at random, never by the seed of the configuration, which is known."""
    random = np.random.default_rng()
    steps = -(-spent.steps // config.epochs)

    def epoch() -> Iterator[tuple[np.ndarray]]:
        for _ in range(steps):
            sampled = np.flatnonzero(random.random(spent.people) < spent.sampling_rate)
            yield (rows[sampled].toarray().astype("float32"),)

    shape = (tf.TensorSpec((None, rows.shape[1]), "float32"),)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=shape)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
