"""What the town remembers of a day that came after it was laid: the truth on visits and messages, by numbers of people.

It stands beside the town's other secrets, where no step of the pipeline looks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from contracts.atomic_files import write_json
from contracts.settings import Settings


class VisitOfDay(NamedTuple):
    """A visit that was, or that would have been."""

    person: int
    euros: float
    came_by: str | None
    """The campaign without whose message it would not have been."""
    kept_away_by: str | None
    """The campaign whose message prevented it: then it is in no log."""


class MessageOfDay(NamedTuple):
    """A message, and what it was to change by the planted chances."""

    person: int
    campaign: str
    arrived: bool
    left: bool
    """The person unsubscribed on it."""
    kind: str
    visits: float
    euros: float


@dataclass(frozen=True)
class Diary:
    """One day."""

    ds: str
    plan: str | None
    """The night whose plan went out on its morning."""
    visits: list[VisitOfDay]
    messages: list[MessageOfDay]
    sources: dict[str, dict[str, Any]]
    """What a faithful mapping reports of the day's deliveries."""
    held_up: list[tuple[int, str]]
    """Lines of the send log that the next delivery brings: second and text."""
    last_items: dict[str, str]
    """Person -> the item on which the last visit ended."""
    bounced: list[int] = field(default_factory=list)
    """Whose address bounced for good until the day."""
    left: list[int] = field(default_factory=list)
    """Who has unsubscribed until the day."""
    sent_after_leaving: int = 0
    """Messages of the day to people who had unsubscribed before."""

    @classmethod
    def read(cls, file: Path) -> Diary:
        content = json.loads(file.read_text())
        content["visits"] = [VisitOfDay(*one) for one in content["visits"]]
        content["messages"] = [MessageOfDay(*one) for one in content["messages"]]
        return cls(**content)

    def write(self, settings: Settings) -> None:
        write_json(diary_file(settings, self.ds), asdict(self))


def diary_file(settings: Settings, ds: str) -> Path:
    return settings.home.truth / "days" / f"{ds}.json"


def diaries(settings: Settings, until: str = "9999-12-31") -> list[Diary]:
    """Those that there are up to and with a day, oldest first."""
    files = sorted((settings.home.truth / "days").glob("[0-9]*.json"))
    return [Diary.read(file) for file in files if file.stem <= until]
