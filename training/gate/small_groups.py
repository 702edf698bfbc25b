"""Groups of people that are too small to be shown: a report says how many they are and nothing else of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def too_small(slices: pd.DataFrame, people: np.ndarray | None, smallest: int) -> set[tuple[str, str]]:
    """Kind and group of what must not be shown: groups of fewer people than `smallest`.

    Where a kind has a single such group, its next smallest is hidden too: otherwise the size of the hidden group would
    follow from the total and the sizes of the others (complementary suppression, Cox, 1980).

    Args:
        slices: the group of each unit, one column a kind of group (units, kinds).
        people: the person of each unit (units,); None where units belong to no person, and everything is shown.
    """
    if people is None:
        return set()
    hidden: set[tuple[str, str]] = set()
    for kind, groups in slices.items():
        sizes = pd.Series(people).groupby(groups.astype(str).to_numpy()).nunique().sort_values(kind="stable")
        small = int((sizes < smallest).sum())
        hidden |= {(str(kind), str(group)) for group in sizes.index[: 2 if small == 1 else small]}
    return hidden


def suppression_note(hidden: set[tuple[str, str]], smallest: int) -> str:
    """The count of hidden groups, as `suppressed_cells`, in a sentence."""
    return f"suppressed_cells: {len(hidden)} (groups of fewer than {smallest} people, and what would reveal them)."


def without_hidden(rows: list[tuple[Any, ...]], hidden: set[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """Rows, which begin with kind and group, of the groups that are not hidden."""
    return [row for row in rows if (row[0], row[1]) not in hidden]
