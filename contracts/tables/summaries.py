"""What a night of profiles keeps, so that the next one reads only what has arrived since.

All are increments, a partition a day: of arrival where rows are events, else of the day from which an act can be used
(it has happened and arrived). They are keyed by identifier: who is who, and who agrees to what, is looked up each
night. A partition may hold all days up to its own, folded together. Only `dbt_project` reads them.

Two are no increments: `acts_to_date` and `interests_to_date` add up all days up to their own, so that what asks for no
single day reads a row for what an identifier did a hundred times. They follow from the others, and any may be missing.
"""

from __future__ import annotations

from contracts.schema import Column, Table
from contracts.tables.mapped import EVENTS
from contracts.tables.vocabulary import IDENTIFIER

_EVENT_ID = Column("event_id", "string", "the event", required=True, holds="keyed")
_USABLE_ON = Column("usable_on", "date", "day from which the acts can be used; of folded days, the last", required=True)
_ACT_COUNTS = ("item_acts", "carts", "posts", "weekend_acts")
_DAYPARTS = ("night", "morning", "afternoon", "evening")
_DEVICES = ("desktop", "mobile", "other", "tablet")
MONEY, WEIGHT = "decimal(38,2)", "decimal(38,20)"

DAILY_EVENT_IDS = Table(
    "daily_event_ids",
    grain="one event, on the day of its first delivery",
    key=("event_id",),
    columns=(_EVENT_ID, IDENTIFIER),
)

DAILY_EVENTS = Table(
    "daily_events",
    grain="one event that later nights read again: a payment, an act ahead of its time, or one not in euros",
    key=("event_id",),
    columns=(*EVENTS.columns, Column("known_on", "date", "day of the first delivery", required=True)),
)

_COUNTS = (
    Column("acts", "bigint", "acts, without returns", required=True, least=0),
    *(
        Column(name, "bigint", "how many of the acts", required=True, least=0)
        for name in (*_ACT_COUNTS, *(f"{name}_acts" for name in (*_DAYPARTS, *_DEVICES)))
    ),
)
_SEEN = (
    Column("events", "bigint", "acts and returns", required=True, least=0),
    Column("first_usable_on", "date", "first day from which one of them can be used; null if not in euros"),
    Column("first_seen", "timestamp", "first act or return, UTC; null if not in euros"),
    Column("last_seen", "timestamp", "last act or return, UTC; null if not in euros"),
)

DAILY_ACTS = Table(
    "daily_acts",
    grain="one identifier, day from which its acts can be used, and day of the acts; null days are folded",
    key=("identifier", "usable_on", "acted_on"),
    columns=(
        IDENTIFIER,
        _USABLE_ON,
        Column("acted_on", "date", "day of the acts; null for returns, and for folded days"),
        *_SEEN,
        Column("first_acted_on", "date", "day of the first act"),
        Column("last_acted_on", "date", "day of the last act"),
        *_COUNTS,
    ),
)

ACTS_TO_DATE = Table(
    "acts_to_date",
    grain="one identifier that acted or returned something up to the day",
    key=("identifier",),
    columns=(IDENTIFIER, *_SEEN, *_COUNTS),
)

_INTEREST = (
    IDENTIFIER,
    Column("item_id", "string", "the item; null for words, and for acts on a category alone"),
    Column("category", "string", "category that the acts state, or that the words speak of"),
    Column("period", "int", "number of the period from whose beginning the weights have grown", required=True),
)
_WEIGHTS = Column("interest", WEIGHT, "weights of the acts, each doubled for every half-life since then", required=True)
_INTERESTING_ACTS = (
    Column("looks", "int", "1 if the item was viewed, put in a cart or bought, else 0", required=True, least=0),
    Column("first_at", "timestamp", "the first act, UTC", required=True),
    Column("first_event_id", "string", "its event; of equals the first", required=True, holds="keyed"),
    Column("strongest_weight", "double", "weight of the strongest act", required=True),
    Column("strongest_action", "string", "its action; of equals the first by name"),
    Column("last_at", "timestamp", "the last act, UTC", required=True),
    Column("last_event_id", "string", "its event; of equals the first", required=True, holds="keyed"),
)

DAILY_INTERESTS = Table(
    "daily_interests",
    grain="one identifier, item and stated category, in one period, from one day on",
    key=("identifier", "item_id", "category", "period", "usable_on"),
    columns=(
        *_INTEREST,
        _USABLE_ON,
        _WEIGHTS,
        Column("weight", MONEY, "weights of the acts", required=True),
        *_INTERESTING_ACTS,
    ),
)

INTERESTS_TO_DATE = Table(
    "interests_to_date",
    grain="one identifier, item and stated category up to the day, in one period",
    key=("identifier", "item_id", "category", "period"),
    columns=(*_INTEREST, _WEIGHTS, *_INTERESTING_ACTS),
)

DAILY_SESSIONS = Table(
    "daily_sessions",
    grain="one part of a session of one identifier without half an hour of silence in it, from one day on",
    key=("identifier", "session_id", "usable_on", "started_at"),
    columns=(
        IDENTIFIER,
        Column("session_id", "string", "the session", required=True, holds="keyed"),
        _USABLE_ON,
        Column("started_at", "timestamp", "first act, UTC", required=True),
        Column("ended_at", "timestamp", "last act, UTC", required=True),
        Column("campaign", "string", "first campaign of the part"),
        Column("campaign_at", "timestamp", "the act that names it, UTC"),
        Column("campaign_event_id", "string", "its event; of equals the first", holds="keyed"),
        Column("purchases", "bigint", "purchases", required=True, least=0),
        Column("euros", MONEY, "euros of these purchases", required=True),
    ),
)

DAILY_EVENTS_SET_ASIDE = Table(
    "daily_events_set_aside",
    grain="one column of the events",
    key=("column_name",),
    columns=(
        Column("column_name", "string", "the column", required=True),
        Column("set_aside_rows", "bigint", "rows that its contract refuses", required=True, least=0),
    ),
)

DAILY_INPUTS = Table(
    "daily_inputs",
    grain="one day of arrival that the summaries of this day, or of this day and those before it, were made from",
    key=("day",),
    columns=(
        Column("day", "date", "the day of arrival", required=True),
        Column("inputs", "string", "hash of the models and of the partition of events that they read", required=True),
        Column("chain", "string", "hash of that and of the chain of the day before", required=True),
        Column("is_folded", "boolean", "whether the summaries of days up to this one are folded", required=True),
    ),
)
"""Written last: what has none is no summary."""

FOLDED_TABLES = (DAILY_ACTS, DAILY_INTERESTS, DAILY_SESSIONS)
"""Summaries of which many days can be one partition."""

TO_DATE_TABLES = (INTERESTS_TO_DATE, ACTS_TO_DATE)
"""Sums of all days up to one. The last is there on a day if any is: what has interests has acts."""

SUMMARY_TABLES = (DAILY_EVENT_IDS, DAILY_EVENTS, *FOLDED_TABLES, DAILY_EVENTS_SET_ASIDE)
