"""Every table that crosses a room: its grain, its key, its columns and what they mean.

What mapping and resolving write, and the list of all; `contracts/marts.py` has what dbt and serving write.
Types are written as Spark SQL writes them. `ds` (the day of arrival for what is mapped, the day of the run for what is
derived) is the partition, stands in the folder's name and is therefore no column of the files.
"""

from __future__ import annotations

from contracts.marts import MART_TABLES, SERVED_TABLES
from contracts.schema import Column, Table

PURPOSES = ("profiling", "training", "personalisation", "marketing_contact")
"""What a person can agree to, each on its own; no decision means no."""

ACTIONS = ("view", "search", "cart", "purchase", "rate", "post", "boost", "favourite", "visit")
"""What an event can be: acts on items, acts in public, and `visit` for a page that is about no item."""

EDGE_KINDS = ("account_email", "verified_link", "login", "email_click")
"""Why two identifiers are one person, strongest first."""

IDENTIFIER_KINDS = ("account", "cookie", "handle", "email", "respondent", "visitor")
"""What an identifier can be; a pseudonym is written `<kind>:<32 hex digits>`."""


_SOURCE = Column("source", "string", "name of the mapping that made the row", required=True)
_PSEUDONYM = f"^({'|'.join(IDENTIFIER_KINDS)}):[0-9a-f]{{32}}$"
_ROW_ID = "^[0-9a-f]{32}( [a-z0-9_]{1,40})?$"
"""A keyed hash; where a row gives several, with what tells them apart, which is never taken from a feed."""
MOST_TEXTS = 30
"""So many texts of an array are kept."""
_IDENTIFIER = Column(
    "identifier", "string", "who, as `kind:pseudonym`", required=True, pattern=_PSEUDONYM, holds="identifier"
)
_OCCURRED_AT = Column("occurred_at", "timestamp", "when it happened, UTC", required=True)
_PERSON = Column("person_id", "string", "the person, `p` and 16 hex digits", required=True, holds="person")

EVENTS = Table(
    "events",
    grain="one act of one identifier",
    key=("event_id",),
    columns=(
        Column(
            "event_id",
            "string",
            "hash of the source and of what makes the act unique in it",
            required=True,
            pattern=_ROW_ID,
            holds="keyed",
        ),
        _SOURCE,
        _IDENTIFIER,
        _OCCURRED_AT,
        Column("action", "string", f"one of {', '.join(ACTIONS)}", required=True, one_of=ACTIONS),
        Column("item_id", "string", "the item acted on, as the catalogue names it", text="code", most=100),
        Column("category", "string", "category that the source itself states", text="free", most=100),
        Column("value", "double", "money of a purchase in euros, or stars of a rating from 0 to 10"),
        Column(
            "session_id", "string", "first act of the visit; 30 minutes of silence, or midnight, end one", holds="keyed"
        ),
        Column("topics", "array<string>", "hashtags or search words, lower case, masked", text="free", most=64),
        Column("campaign", "string", "campaign that the act followed from", text="code", most=100),
        Column("device", "string", "desktop, mobile, tablet or other"),
    ),
)

ANSWERS = Table(
    "answers",
    grain="one answer to one question",
    key=("answer_id",),
    columns=(
        Column(
            "answer_id",
            "string",
            "hash of source, respondent and question",
            required=True,
            pattern=_ROW_ID,
            holds="keyed",
        ),
        _SOURCE,
        _IDENTIFIER,
        Column("survey", "string", "name of the survey", required=True, text="free", most=100),
        Column("question", "string", "name of the question's column", required=True, text="free", most=300),
        Column("answer", "string", "the answer, masked", required=True, text="free", most=2000),
        _OCCURRED_AT,
    ),
)

MEDIA = Table(
    "media",
    grain="one picture",
    key=("media_id",),
    columns=(
        Column(
            "media_id",
            "string",
            "hash of source, post and place of the picture in it",
            required=True,
            pattern=_ROW_ID,
            holds="keyed",
        ),
        _SOURCE,
        _IDENTIFIER,
        Column(
            "event_id", "string", "the event that it was posted with", required=True, pattern=_ROW_ID, holds="keyed"
        ),
        Column(
            "path", "string", "the file, below the day's folder of the source", required=True, text="code", most=300
        ),
        _OCCURRED_AT,
    ),
)

CONSENTS = Table(
    "consents",
    grain="one decision on one purpose",
    key=("consent_id",),
    columns=(
        Column(
            "consent_id",
            "string",
            "hash of source, decision and purpose",
            required=True,
            pattern=_ROW_ID,
            holds="keyed",
        ),
        _SOURCE,
        _IDENTIFIER,
        Column("purpose", "string", f"one of {', '.join(PURPOSES)}", required=True, one_of=PURPOSES),
        Column("granted", "boolean", "whether it was granted or withdrawn", required=True),
        _OCCURRED_AT,
    ),
)

IDENTITY_EDGES = Table(
    "identity_edges",
    grain="one time two identifiers were seen to be the same person",
    key=("edge_id",),
    columns=(
        Column("edge_id", "string", "hash of the record and the kind", required=True, pattern=_ROW_ID, holds="keyed"),
        _SOURCE,
        Column(
            "left_identifier",
            "string",
            "one identifier, as `kind:pseudonym`",
            required=True,
            pattern=_PSEUDONYM,
            holds="identifier",
        ),
        Column(
            "right_identifier", "string", "the other identifier", required=True, pattern=_PSEUDONYM, holds="identifier"
        ),
        Column("kind", "string", f"one of {', '.join(EDGE_KINDS)}", required=True, one_of=EDGE_KINDS),
        _OCCURRED_AT,
    ),
)

ITEMS = Table(
    "items",
    grain="one item as one delivery of the catalogue states it",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item, as events name it", required=True, text="code", most=100),
        _SOURCE,
        Column("title", "string", "name to show", required=True, text="title", most=300),
        Column("category", "string", "main category", text="free", most=100),
        Column("categories", "array<string>", "all categories, main one first", text="free", most=100),
        Column("price", "double", "price in euros"),
        Column("picture", "string", "the file, below the day's folder of the source", text="code", most=300),
    ),
)

QUARANTINE = Table(
    "quarantine",
    grain="one raw row, or one raw file, that could not be mapped",
    key=("source", "file", "row_id", "reason"),
    columns=(
        _SOURCE,
        Column("file", "string", "the raw file, below the day's folder of the source", required=True),
        Column(
            "row_id", "string", "keyed hash of the row, by which it is found in raw; null for a file", holds="keyed"
        ),
        Column(
            "raw", "string", "shape of the row: letters as `*`, digits as `#`, names of fields kept; null for a file"
        ),
        Column("reason", "string", "the rule that it broke", required=True),
    ),
)

RECONCILIATION = Table(
    "reconciliation",
    grain="one outcome of the rows of one source on one day",
    key=("source", "outcome", "rule"),
    columns=(
        _SOURCE,
        Column("outcome", "string", "read, mapped, quarantined, dropped, or noted (beside the sum)", required=True),
        Column("rule", "string", "which rule quarantined, dropped or noted the rows; empty for read and mapped"),
        Column("rows", "bigint", "how many rows; read = mapped + quarantined + dropped", required=True),
    ),
)

PERSONS = Table(
    "persons",
    grain="one identifier of one person, as known on the day of the run",
    key=("identifier",),
    columns=(
        _IDENTIFIER,
        _PERSON,
        Column("first_ds", "date", "day on which the identifier first arrived", required=True),
    ),
)

MAPPED_TABLES = (EVENTS, ANSWERS, MEDIA, CONSENTS, IDENTITY_EDGES, ITEMS)
"""What a mapping may write to."""

TABLES = {
    table.name: table for table in (*MAPPED_TABLES, QUARANTINE, RECONCILIATION, PERSONS, *MART_TABLES, *SERVED_TABLES)
}
