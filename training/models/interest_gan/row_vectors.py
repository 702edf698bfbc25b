"""The layout of a row of codes and offsets in the vector that the generator makes and the critic reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.models.interest_gan.mixed_columns import MixedColumn


@dataclass(frozen=True)
class Layout:
    """A row's vector: first the offsets of the columns that have modes, then one block of codes per column."""

    widths: tuple[int, ...]
    """Number of codes of each column."""
    exact: tuple[int, ...]
    """Number of exact values of each column; they are its first codes."""
    conditions: tuple[int, ...]
    """Indices of the columns whose values can be conditions."""
    target: int
    """Index of the column that the classifier predicts."""

    @property
    def wide(self) -> tuple[int, ...]:
        """Indices of the columns that have modes, and so an offset."""
        return tuple(at for at, width in enumerate(self.widths) if self.exact[at] < width)

    @property
    def starts(self) -> np.ndarray:
        """Index of each column's first code among all codes (column,)."""
        return np.cumsum([0, *self.widths[:-1]])

    @property
    def codes(self) -> int:
        """Number of codes of all columns together."""
        return sum(self.widths)

    @property
    def size(self) -> int:
        """Length of a row's vector."""
        return len(self.wide) + self.codes

    @property
    def condition_size(self) -> int:
        """Number of values that can be conditions."""
        return sum(self.widths[at] for at in self.conditions)

    def condition_codes(self) -> np.ndarray:
        """Index among all codes of each value that can be a condition (value,)."""
        return np.concatenate([self.starts[at] + np.arange(self.widths[at]) for at in self.conditions])

    def padded_places(self) -> np.ndarray:
        """Indices of each column's codes, padded with its first one (column, widest)."""
        within = np.arange(max(self.widths))
        return self.starts[:, None] + np.where(within < np.array(self.widths)[:, None], within, 0)

    def offset_mask(self) -> np.ndarray:
        """1 where a code is a mode of a wide column and so has an offset (code, wide)."""
        mask = np.zeros((self.codes, len(self.wide)), "float32")
        for number, at in enumerate(self.wide):
            mask[self.starts[at] + self.exact[at] : self.starts[at] + self.widths[at], number] = 1.0
        return mask


def layout_of(columns: Sequence[MixedColumn], target: str) -> Layout:
    """The layout of a table; without a column `target` the classifier predicts the first column."""
    names = [column.name for column in columns]
    return Layout(
        widths=tuple(column.codes for column in columns),
        exact=tuple(len(column.values) for column in columns),
        conditions=tuple(at for at, column in enumerate(columns) if column.is_discrete),
        target=names.index(target) if target in names else 0,
    )


def draw_conditions(chances: Sequence[np.ndarray], rows: int, random: np.random.Generator) -> np.ndarray:
    """A random condition for each row, as an index of a value (row,): any column, its values by their real shares.

    Args:
        chances: share of rows of each value, one array per conditional column.
    """
    flat = np.concatenate([np.asarray(chance, "float64") / np.sum(chance) for chance in chances]) / len(chances)
    return random.choice(len(flat), rows, p=flat / flat.sum())


def draw_codes(raw: np.ndarray, layout: Layout, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Generator output (row, size) to codes (row, column), drawn by their probabilities, and offsets (row, column)."""
    wide = len(layout.wide)
    noisy = raw[:, wide:] + random.gumbel(size=(len(raw), layout.codes))
    blocks = np.split(noisy, layout.starts[1:], axis=1)
    codes = np.stack([block.argmax(axis=1) for block in blocks], axis=1)
    offsets = np.zeros(codes.shape, "float64")
    offsets[:, layout.wide] = np.tanh(raw[:, :wide])
    return codes, offsets
