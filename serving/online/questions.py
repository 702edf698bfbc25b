"""What callers send and get: the types of the API, and the words of its page."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from contracts.tables.vocabulary import (
    CURRENCY_PATTERN,
    DEVICES,
    IDENTIFIER_KINDS,
    ITEM_ACTIONS,
    MOST_MONEY,
    MOST_PIECES,
    PURPOSES,
)
from serving.online.recommending import SPEAKERS, TOP
from serving.online.subjects import KINDS

MOST_ACTS = 200
"""Most acts of a session in one request."""
MOST_CHARACTERS = 1000
"""Of an identifier or an item in a body."""

Kind = Literal[*KINDS]
RawKind = Literal[*IDENTIFIER_KINDS]
Count = Annotated[int, Field(ge=1, le=TOP, description="how many items")]
Name = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SessionAct(_Question):
    """One act of the session, on an item."""

    item_id: Name
    action: Literal[*ITEM_ACTIONS] = "view"
    occurred_at: AwareDatetime | None = Field(None, strict=False, description="by default now")


class Session(_Question):
    """A session so far."""

    person: Name | None = Field(None, description="the shop's own account id, or as `kind` says; null for a stranger")
    kind: Kind = Field("account", description="what `person` is")
    acts: list[SessionAct] = Field(max_length=MOST_ACTS, description="oldest first")
    agreed: bool = Field(
        False,
        description="whether who is not known has agreed, on this page, to personalisation; it cannot undo the refusal "
        "of a person who is known",
    )
    count: Count = TOP
    category: str | None = Field(None, max_length=100, description="only items of this category")


class _About(_Question):
    person: Name = Field(description="who, by the shop's own account id, or as `kind` says")
    kind: RawKind = Field("account", description="what `person` is")
    occurred_at: AwareDatetime | None = Field(None, strict=False, description="by default now")


class Act(_About):
    """An act, as it happens."""

    action: Literal[(*ITEM_ACTIONS, "search", "visit", "return")]
    item_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="needed for what is done with an item"
    )
    event_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="the shop's own id of the act; one that comes twice counts once"
    )
    value: FiniteFloat | None = Field(
        None, ge=0, le=MOST_MONEY, strict=False, description="money, or stars of a rating"
    )
    currency: str | None = Field(None, pattern=CURRENCY_PATTERN, description="of `value`; euros by default")
    quantity: FiniteFloat | None = Field(None, ge=0, le=MOST_PIECES, strict=False)
    order_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    campaign: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    device: Literal[*DEVICES] | None = None


class Decision(_About):
    """What a person decides on the use of what is known. A withdrawal holds from the next request on."""

    granted: bool
    purposes: list[Literal[*PURPOSES]] = Field(
        default=list(PURPOSES), min_length=1, max_length=len(PURPOSES), description="by default all"
    )


class Item(BaseModel):
    rank: int
    item_id: str
    title: str
    category: str | None
    price: float | None = Field(description="euros")
    score: float | None = Field(description="comparable within this list, among items of the same `by`")
    reason: str | None = Field(description="why, in words for the person")
    by: Literal[*SPEAKERS]


class Recommendations(BaseModel):
    """A list, and where it comes from."""

    night: datetime.date = Field(description="the day whose night everything in this answer is from")
    spoke: Literal[*SPEAKERS] = Field(description="the first link of the chain that had something to say")
    passed: dict[str, str] = Field(
        description="links of the chain that said nothing, and why: no_acts, no_model, other_arm, no_known_item, "
        "not_known, no_consent, no_list, no_segment, nothing_left"
    )
    model_version: str = Field(description="who ranked, as `next_item/3`, or `popularity`")
    experiments: dict[str, str] = Field(description="experiment -> the person's arm")
    unknown_items: int = Field(description="items of the session that the night does not know")
    items: list[Item]


class SimilarItem(BaseModel):
    item_id: str
    title: str
    category: str | None
    price: float | None
    score: float | None
    kind: str = Field(description="behaviour, content, or category where nothing is known but that")


class Similar(BaseModel):
    """Items that are like one."""

    night: datetime.date
    item_id: str
    items: list[SimilarItem]


class Why(BaseModel):
    """Why an item stands in a person's list."""

    night: datetime.date
    item_id: str
    title: str
    recommended: bool
    rank: int | None
    score: float | None
    reason: str | None
    by: Literal[*SPEAKERS] | None
    model_version: str | None
    acted_on: bool = Field(description="whether the person acted on it, so that it is not recommended")


class Accepted(BaseModel):
    """It is written down for tonight."""

    event_id: str
    day: datetime.date = Field(description="the raw delivery that it is in")


class Error(BaseModel):
    error: str = Field(description="what was expected, what was received, what to do")


class Ready(BaseModel):
    ready: bool
    night: datetime.date | None
    store: str | None
    people: int
    items: int
    session_model: str | None
    challenger_model: str | None = Field(description="ranks the sessions of the arm `challenger`")
    refusals: int = Field(description="withdrawals since the night, by identifier")
    alert: str | None = Field(description="why a newer store was refused, or none answers")
