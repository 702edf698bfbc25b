"""How a row of codes and offsets lies in the vector that a generator makes and a critic judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.models.interest_gan.mixed_columns import MixedColumn


@dataclass(frozen=True)
class Layout:
    """How a row lies in a vector: first the offset of each number that has modes, then one block of codes a column."""

    widths: tuple[int, ...]
    """Codes of each column."""
    exact: tuple[int, ...]
    """How many of them, the first ones, are exact values."""
    conditions: tuple[int, ...]
    """Places of the columns that a value can be wanted of."""
    target: int
    """Place of the column that the classifier learns."""

    @property
    def wide(self) -> tuple[int, ...]:
        """Places of the columns with an offset."""
        return tuple(at for at, width in enumerate(self.widths) if self.exact[at] < width)

    @property
    def starts(self) -> np.ndarray:
        """First code of each column among all codes (column,)."""
        return np.cumsum([0, *self.widths[:-1]])

    @property
    def codes(self) -> int:
        return sum(self.widths)

    @property
    def size(self) -> int:
        """Length of a row's vector."""
        return len(self.wide) + self.codes

    @property
    def condition_size(self) -> int:
        return sum(self.widths[at] for at in self.conditions)

    def condition_codes(self) -> np.ndarray:
        """Place among all codes of each value that can be wanted (value,)."""
        return np.concatenate([self.starts[at] + np.arange(self.widths[at]) for at in self.conditions])

    def padded_places(self) -> np.ndarray:
        """Place of each code by column, the first one repeated to the widest column's length (column, widest)."""
        within = np.arange(max(self.widths))
        return self.starts[:, None] + np.where(within < np.array(self.widths)[:, None], within, 0)

    def offset_mask(self) -> np.ndarray:
        """1 where a code has an offset, by code and wide column (code, wide)."""
        mask = np.zeros((self.codes, len(self.wide)), "float32")
        for number, at in enumerate(self.wide):
            mask[self.starts[at] + self.exact[at] : self.starts[at] + self.widths[at], number] = 1.0
        return mask


def layout_of(columns: Sequence[MixedColumn], target: str) -> Layout:
    """The layout of a table; where it has no column `target`, the first one stands for it."""
    names = [column.name for column in columns]
    return Layout(
        widths=tuple(column.codes for column in columns),
        exact=tuple(len(column.values) for column in columns),
        conditions=tuple(at for at, column in enumerate(columns) if column.is_discrete),
        target=names.index(target) if target in names else 0,
    )


def wanted_values(chances: Sequence[np.ndarray], rows: int, random: np.random.Generator) -> np.ndarray:
    """A wanted value for each row (row,): any conditional column, its values as often as they really occur.

    Args:
        chances: share of rows of each value, one array a conditional column.
    """
    flat = np.concatenate([np.asarray(chance, "float64") / np.sum(chance) for chance in chances]) / len(chances)
    return random.choice(len(flat), rows, p=flat / flat.sum())


def draw_codes(raw: np.ndarray, layout: Layout, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Generator output (row, size) to codes (row, column), drawn by their chances, and offsets (row, column)."""
    wide = len(layout.wide)
    noisy = raw[:, wide:] + random.gumbel(size=(len(raw), layout.codes))
    blocks = np.split(noisy, layout.starts[1:], axis=1)
    codes = np.stack([block.argmax(axis=1) for block in blocks], axis=1)
    offsets = np.zeros(codes.shape, "float64")
    offsets[:, layout.wide] = np.tanh(raw[:, :wide])
    return codes, offsets
