"""Arrays with a number for each act: in memory while they are small, else in a file, and read and written in pieces.

The file is mapped into memory and has no name, so that it is gone when the process ends, however it ends. The machine
keeps as much of it in memory as there is room for, and takes that room back when it needs it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

IN_MEMORY = 64 << 20
"""Most bytes of an array that is kept in memory."""

ACTS_A_PIECE = 1 << 20
"""About as many acts are worked on at a time; a person's acts are never divided."""


def room_for(count: int, dtype: str, folder: Path | None, *, in_memory: int = IN_MEMORY) -> np.ndarray:
    """An array for so many numbers, whose values mean nothing yet (count,).

    Args:
        folder: where a large one has its file; None for the machine's folder of temporary files.
        in_memory: most bytes that are kept in memory.

    Raises:
        OSError: the disk has no room for the file.
    """
    size = count * np.dtype(dtype).itemsize
    if size <= in_memory:
        return np.empty(count, dtype)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)  # else a full disk would end the process while it writes
        return np.memmap(file, dtype, mode="r+", shape=(count,))


def pieces(lengths: np.ndarray, most: int = ACTS_A_PIECE) -> Iterator[slice]:
    """Slices of consecutive people with about `most` acts together, at least one person each.

    Args:
        lengths: number of acts of each person (people,).
    """
    ends, start = np.cumsum(lengths), 0
    while start < len(lengths):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield slice(start, end)
        start = end


def places_of(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Places of the acts of some people in a flat array, one person after the other (acts,).

    Args:
        starts: place of each person's first act (people,).
        lengths: number of acts of each person (people,).
    """
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
