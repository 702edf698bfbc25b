"""Groups of people that are too small to be shown: their people are counted together with others'."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Folded:
    """Groups by size, and how many people are in all those that must not be shown."""

    shown: dict[str, int]
    """Group -> people, the largest first."""
    others: int
    """People of the groups that are not shown; 0 where there are none."""
    hidden: int
    """How many groups these are."""


def fold_small(groups: Mapping[str, int], smallest: int, *, keep: Collection[str] = ()) -> Folded:
    """Fold groups of fewer people than `smallest` into one, until that one is large enough.

    So nobody can subtract the groups shown from the total and find the size of a small one (complementary suppression,
    Cox, 1980).

    Args:
        groups: group -> people; empty groups are left out.
        smallest: fewest people of a group that is shown.
        keep: groups that are stated elsewhere as well, and that are shown where they are large enough.
    """
    by_size = sorted(((people, name) for name, people in groups.items() if people > 0), reverse=True)
    shown = {name: people for people, name in by_size if people >= smallest}
    small = [people for people, _ in by_size if people < smallest]
    others, hidden = sum(small), len(small)
    for name in [one for one in reversed(shown) if one not in keep]:
        if hidden == 0 or others >= smallest:
            break
        others, hidden = others + shown.pop(name), hidden + 1
    return Folded(shown, others, hidden)


def in_words(people: int, smallest: int) -> str:
    """How many people, without saying how few."""
    return f"fewer than {smallest}" if 0 < people < smallest else f"{people:,}"
