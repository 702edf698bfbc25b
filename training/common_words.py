"""Words that people write, as categories: the common ones by name, the rest as one."""

from __future__ import annotations

import pandas as pd

OTHER = "other"


def common_words(counts: pd.Series, *, most: int, fewest: int) -> list[str]:
    """The words that stand for themselves, sorted: at most so many, the most frequent ones, each in enough rows.

    Args:
        counts: number of rows of each word, by the word.
        fewest: a word in fewer rows is a rare one.
    """
    ranked = sorted(counts.index[counts >= fewest], key=lambda word: (-counts[word], str(word)))
    return sorted(ranked[:most])


def grouped(column: pd.Series, *, most: int, fewest: int) -> pd.Series:
    """The words of a column with all rare ones as `other`; null stays null."""
    counts = column.value_counts()
    common = common_words(counts, most=most, fewest=fewest)
    return column if len(common) == len(counts) else column.where(column.isna() | column.isin(common), OTHER)
