"""Baselines are measured each on its own: one that cannot be computed is left out and named, and ends no training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from contracts.report import say

Found = TypeVar("Found")


def each_baseline(model: str, ways: Mapping[str, Callable[[], Found]]) -> dict[str, Found]:
    """What each baseline gives, by its name; without those that cannot be computed on this data.

    The gate says of a baseline that it asks for and that is missing here: it could not be measured.

    Args:
        model: for the line that names what is left out.
        ways: what computes each baseline, by its name.
    """
    found = {}
    for name, compute in ways.items():
        try:
            found[name] = compute()
        except Exception as error:  # libraries raise exceptions of any kind, and a baseline is only compared with
            reason = (str(error).splitlines() or ["no message"])[0]
            say(f"{model}: without the baseline {name}, which cannot be computed: {type(error).__name__}: {reason}")
    return found
