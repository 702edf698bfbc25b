"""What every source hands over: its files, what is true of them, and who can be seen in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from sample_data.feeds.dirt import Record

T = TypeVar("T")

Track = Callable[[Iterable[T], str], Iterable[T]]
"""Passes its first argument on, item by item, and may show how far it has come; the second says with what."""


def silently(things: Iterable[T], _label: str) -> Iterable[T]:
    """A `Track` that shows nothing."""
    return things


@dataclass(frozen=True)
class Feed:
    source: str
    files: dict[str, bytes]
    """`ds=YYYY-MM-DD/<name>` -> content."""
    tally: dict[str, Any]
    identifiers: frozenset[str]
    """Raw identifiers in the records that a mapping keeps."""


def seen_in(records: Iterable[Record]) -> frozenset[str]:
    return frozenset().union(*(record.identifiers for record in records))
