"""Dense batches of basket rows for a plain training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from contracts.errors import ModelError
from training.models.taste_autoencoder.baskets import Baskets
from training.models.taste_autoencoder.network import TasteAutoencoderConfig
from training.sequences.shuffling import shuffled_windows


def basket_batches(baskets: Baskets, places: np.ndarray, config: TasteAutoencoderConfig) -> tf.data.Dataset:
    """Rows (batch, items) of the training part, reshuffled every epoch, dense batch by batch.

    Python only names the cells that are 1; TensorFlow makes them dense, two batches at a time, ahead of the training.

    Args:
        places: indices in `baskets.known` of the items of the vocabulary (items,). People without any of these are left
            out, if these are not all.
    """
    columns = baskets.known[places]
    people = baskets.trained_on if len(places) == len(baskets.known) else baskets.with_any(columns)
    random = np.random.default_rng(config.seed)

    def epoch() -> Iterator[tuple[np.ndarray, int]]:
        return cells_of_batches(baskets.rows, people, columns, batch_size=config.batch_size, random=random)

    def dense(cells: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor]:
        rows = tf.scatter_nd(cells, tf.ones(tf.shape(cells)[:1]), (count, len(columns)))
        return (tf.ensure_shape(rows, (None, len(columns))),)

    shape = (tf.TensorSpec((None, 2), "int32"), tf.TensorSpec((), "int32"))
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=shape).map(dense, num_parallel_calls=2)
    count = -(-len(people) // config.batch_size)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def cells_of_batches(
    rows: csr_matrix, people: np.ndarray, columns: np.ndarray, *, batch_size: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, int]]:
    """The rows of some people in the order of an epoch, batch by batch.

    Args:
        rows: of all people and items.
        people: rows that are read (people,).
        columns: columns that are read (columns,).

    Yields:
        Row in the batch and place in `columns` of each cell that is 1 (cells, 2), and the number of rows.
    """
    places = np.full(rows.shape[1], -1, "int32")
    places[columns] = np.arange(len(columns))
    for order in shuffled_windows(len(people), random, batch_size=batch_size):
        for start in range(0, len(order), batch_size):
            batch = rows[people[order[start : start + batch_size]]]
            cells = np.stack(
                [np.repeat(np.arange(batch.shape[0]), np.diff(batch.indptr)), places[batch.indices]], axis=1
            )
            yield cells[cells[:, 1] >= 0].astype("int32"), batch.shape[0]


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
