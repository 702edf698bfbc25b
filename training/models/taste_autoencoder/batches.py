"""Dense batches of basket rows for a plain training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from contracts.errors import ModelError
from training.models.taste_autoencoder.baskets import Baskets
from training.models.taste_autoencoder.network import TasteAutoencoderConfig


def basket_batches(baskets: Baskets, places: np.ndarray, config: TasteAutoencoderConfig) -> tf.data.Dataset:
    """Rows (batch, items) of the training part, reshuffled every epoch, dense batch by batch.

    Args:
        places: indices in `baskets.known` of the items of the vocabulary (items,). People without any of these are left
            out, if these are not all.
    """
    rows = baskets.training_rows
    if len(places) < rows.shape[1]:
        rows = rows[:, places].tocsr()
        rows = rows[np.flatnonzero(np.diff(rows.indptr))]
    random = np.random.default_rng(config.seed)

    def epoch() -> Iterator[tuple[np.ndarray]]:
        for batch in dense_batches(rows, config.batch_size, random):
            yield (batch,)

    shape = (tf.TensorSpec((None, rows.shape[1]), "float32"),)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=shape)
    count = -(-rows.shape[0] // config.batch_size)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def dense_batches(rows: csr_matrix, batch_size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """The rows of one epoch in random order, one dense batch after the other (batch, items)."""
    order = random.permutation(rows.shape[0])
    for start in range(0, len(order), batch_size):
        yield rows[order[start : start + batch_size]].toarray()


def require_cells(batch_size: int, items: int, cells: int) -> None:
    """Refuse a batch that would not fit into memory.

    Raises:
        ModelError: more cells than the configuration allows.
    """
    if batch_size * items > cells:
        raise ModelError(
            expected=f"a batch of at most {cells:,} cells (batch_cells), people x items",
            received=f"{batch_size:,} people x {items:,} items = {batch_size * items:,} cells",
            remedy=f"lower batch_size to {cells // items:,}, or raise batch_cells if memory allows 4 bytes a cell",
        )
