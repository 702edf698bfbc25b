"""Groups of people that are too small to be shown: a report says how many there are, and nothing of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def too_small(slices: pd.DataFrame, people: np.ndarray | None, smallest: int) -> set[tuple[str, str]]:
    """Kind and group of what must not be shown: groups of fewer people than `smallest`.

    Where that is a single group of its kind, the next smallest goes with it: whoever knows how many people there are in
    all could reckon the one from the others (complementary suppression, Cox, 1980).

    Args:
        slices: the group of each unit, one column a kind of group (units, kinds).
        people: the person of each unit (units,); None where no unit is of a person, and everything is shown.
    """
    if people is None:
        return set()
    hidden: set[tuple[str, str]] = set()
    for kind, groups in slices.items():
        sizes = pd.Series(people).groupby(groups.astype(str).to_numpy()).nunique().sort_values(kind="stable")
        small = int((sizes < smallest).sum())
        hidden |= {(str(kind), str(group)) for group in sizes.index[: 2 if small == 1 else small]}
    return hidden


def in_words(hidden: set[tuple[str, str]], smallest: int) -> str:
    """One sentence, with the count as `suppressed_cells`."""
    return f"suppressed_cells: {len(hidden)} (groups of fewer than {smallest} people, and what would give them away)."


def shown(rows: list[tuple[Any, ...]], hidden: set[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """Rows that begin with kind and group, without those of hidden groups."""
    return [row for row in rows if (row[0], row[1]) not in hidden]
