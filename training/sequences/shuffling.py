"""The order of an epoch: all rows shuffled, or, where there are many, blocks of rows shuffled within a window.

Up to `WINDOW_ROWS` rows the order is a random permutation. Above, blocks of consecutive rows are read in random order,
and the rows of as many blocks as fill a window are shuffled together: rows that stand side by side in a file are read
side by side, and every epoch still mixes people of all places. The order follows from the random generator alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

WINDOW_ROWS, BLOCK_ROWS = 1 << 18, 1 << 10
"""Rows that are shuffled together, and rows that are read together."""


def shuffled_windows(
    rows: int, random: np.random.Generator, *, batch_size: int, window: int = WINDOW_ROWS, block: int = BLOCK_ROWS
) -> Iterator[np.ndarray]:
    """Every row once, in random order, a window at a time; windows but the last hold whole batches.

    Args:
        rows: number of rows.
        batch_size: rows of a batch.
        window, block: number of rows that are shuffled together, and that are read together.

    Yields:
        Indices of rows (about `window`,).
    """
    if rows <= window:
        yield random.permutation(rows)
        return
    blocks, some = random.permutation(-(-rows // block)), max(1, window // block)
    left = np.empty(0, int)
    for start in range(0, len(blocks), some):
        places = (blocks[start : start + some, None] * block + np.arange(block)).ravel()
        order = np.concatenate([left, random.permutation(places[places < rows])])
        whole = len(order) if start + some >= len(blocks) else len(order) // batch_size * batch_size
        order, left = order[:whole], order[whole:]
        if len(order):
            yield order
