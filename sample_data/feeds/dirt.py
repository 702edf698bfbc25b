"""Raw records on their way into a delivery, and the dirt that is planted among them.

Dirt is only ever added: a dirty record is a changed copy of a clean one, under a name of its own where records have
names, so it takes nothing from the truth. Only `late` moves clean records, to a later delivery. A record has one kind
of dirt at most.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sample_data.parameters import DAY_SECONDS, Parameters

QUARANTINED = ("malformed", "wrong_encoding", "clock_skew", "age_out_of_range", "truncated_gzip")
DROPPED = ("bot", "duplicate", "not_served", "page_asset")
NOTED = ("late",)

LATIN_1_MARK, LATIN_1_BYTES = "caf__latin_1__", b"caf\xe9"
"""A word of a line, and what stands there instead in a line that is not valid UTF-8."""

MOST_DAYS_LATE = 5
SKEW_DAYS = (2, 400)


@dataclass(frozen=True)
class Record:
    """One line (or one row) of a source."""

    second: int
    """When it happened, Unix seconds."""
    day: int
    """The day of the town on which it is delivered."""
    text: str
    dirt: str | None = None
    identifiers: frozenset[str] = frozenset()
    """Raw identifiers that a mapped record shows."""
    unmapped_fields: tuple[str, ...] = ()

    def line(self) -> bytes:
        """The bytes of the line, with its end."""
        encoded = f"{self.text}\n".encode()
        return encoded.replace(LATIN_1_MARK.encode(), LATIN_1_BYTES) if self.dirt == "wrong_encoding" else encoded


def planted(rng: np.random.Generator, clean: Sequence[Record], share: float) -> list[int]:
    """Places of the clean records that a kind of dirt is made from: a share of them, at least one, in order."""
    count = min(len(clean), max(1, round(share * len(clean))))
    return sorted(rng.choice(len(clean), count, replace=False).tolist()) if clean else []


def copies(
    rng: np.random.Generator, clean: Sequence[Record], share: float, dirt: str, change: Callable[[Record], Record]
) -> list[Record]:
    """Changed copies of a share of the clean records; they show no identifier, for nothing is mapped from them."""
    chosen = [clean[place] for place in planted(rng, clean, share)]
    return [replace(change(record), dirt=dirt, identifiers=frozenset(), unmapped_fields=()) for record in chosen]


def duplicates(rng: np.random.Generator, clean: Sequence[Record], share: float) -> list[Record]:
    """The same lines once more, on the same day; lines with unknown fields are left alone, which keeps counts plain."""
    return copies(
        rng, [record for record in clean if not record.unmapped_fields], share, "duplicate", lambda same: same
    )


def delayed(
    rng: np.random.Generator,
    parameters: Parameters,
    clean: Sequence[Record],
    share: float,
    accepts: Callable[[int], bool] = lambda _: True,
) -> list[Record]:
    """All clean records, a share of them moved to a delivery 1 to 5 days later whose day `accepts` says yes to."""
    moved = list(clean)
    for place in planted(rng, clean, share):
        record = clean[place]
        days = range(record.day + 1, min(record.day + MOST_DAYS_LATE, parameters.days - 1) + 1)
        fitting = [day for day in days if accepts(day)]
        if fitting:
            moved[place] = replace(record, day=fitting[int(rng.integers(len(fitting)))], dirt="late")
    return moved


def skew_seconds(rng: np.random.Generator) -> int:
    """How far the clock of a skewed record runs ahead."""
    return int(rng.integers(SKEW_DAYS[0], SKEW_DAYS[1] + 1)) * DAY_SECONDS


def compressed(content: bytes) -> bytes:
    """Gzip without a time in it, so that equal content makes equal files."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def broken_archive(records: Iterable[Record]) -> bytes:
    """A gzip file that ends in the middle."""
    whole = compressed(b"".join(record.line() for record in records))
    return whole[: len(whole) // 2]


def tally(records: Iterable[Record], *, broken_archives: int = 0) -> dict:
    """What a faithful mapping has to report of these records; a broken archive counts as one record."""
    records = list(records)
    kinds = Counter(record.dirt for record in records)
    quarantined = {kind: kinds[kind] for kind in QUARANTINED if kinds[kind]}
    if broken_archives:
        quarantined["truncated_gzip"] = broken_archives
    dropped = {kind: kinds[kind] for kind in DROPPED if kinds[kind]}
    fields = Counter(field for record in records for field in record.unmapped_fields)
    return {
        "read": len(records) + broken_archives,
        "mapped": len(records) - sum(kinds[kind] for kind in QUARANTINED + DROPPED),
        "quarantined": sum(quarantined.values()),
        "quarantined_reasons": quarantined,
        "dropped": dropped,
        "noted": {kind: kinds[kind] for kind in NOTED if kinds[kind]},
        "unmapped_fields": dict(sorted(fields.items())),
    }


def by_day(records: Iterable[Record]) -> dict[int, list[Record]]:
    """Day of delivery -> its records by time; copies stand behind what they were copied from."""
    days: dict[int, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.day, record.second, record.text, record.dirt or "")):
        days.setdefault(record.day, []).append(record)
    return days
