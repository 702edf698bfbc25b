"""What every kind of destination does: take batches of messages and removals, and say what became of them."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from contracts.errors import TRANSIENT_EXIT_CODE, NightshiftError

ADD, REMOVE = "add", "remove"


@dataclass(frozen=True)
class Batch:
    """Some messages, or some removals, of one campaign."""

    id: str
    """32 random hex digits; a batch that is handed over again has the same."""
    action: str
    campaign: str
    plan: str
    """The night, YYYY-MM-DD."""
    messages: Sequence[dict[str, Any]] = field(repr=False)
    """Each with `delivery_id` and `member_id`; of an addition also `channel`, the address, `arm` and `items`."""


@dataclass(frozen=True)
class Answer:
    """What a destination said of a batch that it has answered for good."""

    refused: Collection[str] = ()
    """Ids of deliveries that it will not take; all others are delivered."""
    all_refused: bool = False
    reason: str | None = None
    """Why it refused them, in one word."""
    tries: int = 1


class DestinationDown(NightshiftError):  # noqa: N818  what it is, not whose fault
    """A destination did not answer in time: nothing is lost, and the next run goes on."""

    exit_code = TRANSIENT_EXIT_CODE

    def __init__(self, *, reason: str, tries: int, **sentence: str) -> None:
        """Take the word for the receipts, and how often it was tried."""
        super().__init__(**sentence)
        self.reason, self.tries = reason, tries


class DestinationRefuses(NightshiftError):  # noqa: N818
    """A destination takes nothing of us: wrong credentials, a wrong address, a certificate that nobody vouches for."""

    def __init__(self, *, reason: str, tries: int, **sentence: str) -> None:
        super().__init__(**sentence)
        self.reason, self.tries = reason, tries


@dataclass(frozen=True)
class Destination(ABC):
    """One entry of destinations.yml."""

    name: str
    campaigns: tuple[str, ...] | None
    """Those that go there; None for all."""

    most_messages: ClassVar[int] = 500
    """In a batch."""
    is_whole: ClassVar[bool] = False
    """Whether it holds nothing but what one run hands over, all of it again: then no removal is sent."""
    has_members: ClassVar[bool] = True
    """Whether it knows who is in an audience, so that people have to be removed from it."""

    def takes(self, campaign: str) -> bool:
        """Whether a campaign goes there."""
        return self.campaigns is None or campaign in self.campaigns

    @contextlib.contextmanager
    def audience(self, campaign: str) -> Iterator[None]:  # noqa: ARG002
        """Hand over one campaign's messages; those of a destination `is_whole` are there when this ends, or none is."""
        yield

    @abstractmethod
    def send(self, batch: Batch) -> Answer:
        """Hand a batch over.

        Raises:
            DestinationDown: it did not answer, or asked to come back later, as often as it was tried.
            DestinationRefuses: it takes nothing of us.
        """

    def remove(self, batch: Batch) -> Answer:
        """Let people be in the audience no more; by default as `send` says it."""
        return self.send(batch)

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Let go of a connection."""
