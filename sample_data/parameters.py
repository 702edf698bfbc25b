"""What a town is made from, its clock, and where its truth lies; seconds are Unix seconds, days are counted from 0."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from contracts.settings import Settings

DAY_SECONDS = 86_400

MOST_LINES = 10
"""Lines of items for which each category has words."""


@dataclass(frozen=True)
class Parameters:
    """Equal parameters make equal towns, byte for byte."""

    people: int = 2000
    days: int = 30
    seed: int = 7
    last_day: str = "2026-11-19"
    lines: int = MOST_LINES
    """Lines of five items in each category of the shop."""

    @property
    def start(self) -> int:
        """First second of the first day, UTC."""
        last = datetime.datetime.fromisoformat(self.last_day).replace(tzinfo=datetime.UTC)
        return int(last.timestamp()) - (self.days - 1) * DAY_SECONDS

    @property
    def end(self) -> int:
        """First second after the last day."""
        return self.start + self.days * DAY_SECONDS

    @property
    def price_update_day(self) -> int:
        """The day of the catalogue's second delivery; a town of one day has none."""
        return max(1, self.days // 2)

    def day_of(self, second: int) -> int:
        return (second - self.start) // DAY_SECONDS

    def ds(self, day: int) -> str:
        """A day as the folders name it, YYYY-MM-DD."""
        return f"{moment(self.start + day * DAY_SECONDS):%Y-%m-%d}"

    def until(self, ds: str) -> Parameters:
        """A longer town that begins on the same day and ends with `ds`."""
        more = (datetime.date.fromisoformat(ds) - datetime.date.fromisoformat(self.last_day)).days
        return replace(self, days=self.days + more, last_day=ds)

    def generator(self, subject: str) -> np.random.Generator:
        """A source of chance for one subject: what one feed draws does not change another feed."""
        return np.random.default_rng([self.seed, *subject.encode()])

    def as_dict(self) -> dict[str, int | str]:
        return asdict(self)


def moment(second: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(second, tz=datetime.UTC)


def truth_file(settings: Settings) -> Path:
    """The town's secrets; the file appears last, so that it stands only beside complete feeds."""
    return settings.home.truth / "town.json"
