"""Every table that crosses a room: its grain, its key, its columns and what they mean.

Types are written as Spark SQL writes them. `ds` (the day of arrival for what is mapped, the day of the run for what is
derived) is the partition, stands in the folder's name and is therefore no column of the files.
"""

from __future__ import annotations

from dataclasses import dataclass

PURPOSES = ("profiling", "training", "personalisation", "marketing_contact")
"""What a person can agree to, each on its own; no decision means no."""

ACTIONS = ("view", "search", "cart", "purchase", "rate", "post", "boost", "favourite", "visit")
"""What an event can be: acts on items, acts in public, and `visit` for a page that is about no item."""

ITEM_ACTIONS = ("view", "cart", "purchase", "rate")
"""The actions on an item that a model may learn from."""

EDGE_KINDS = ("account_email", "verified_link", "login", "email_click")
"""Why two identifiers are one person, strongest first."""

IDENTIFIER_KINDS = ("account", "cookie", "handle", "email", "respondent", "visitor")
"""What an identifier can be; a pseudonym is written `<kind>:<32 hex digits>`."""


@dataclass(frozen=True)
class Column:
    """One column; a mapped row with a value outside `one_of` or `pattern` (a regular expression) is quarantined."""

    name: str
    type: str
    meaning: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Table:
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        return [column.name for column in self.columns if column.required]

    def ddl(self) -> str:
        """The columns as a Spark schema string."""
        return ", ".join(f"{column.name} {column.type}" for column in self.columns)


_SOURCE = Column("source", "string", "name of the mapping that made the row", required=True)
_PSEUDONYM = f"^({'|'.join(IDENTIFIER_KINDS)}):[0-9a-f]{{32}}$"
_IDENTIFIER = Column("identifier", "string", "who, as `kind:pseudonym`", required=True, pattern=_PSEUDONYM)
_OCCURRED_AT = Column("occurred_at", "timestamp", "when it happened, UTC", required=True)
_PERSON = Column("person_id", "string", "the person, `p` and 16 hex digits", required=True)

EVENTS = Table(
    "events",
    grain="one act of one identifier",
    key=("event_id",),
    columns=(
        Column("event_id", "string", "hash of the source and of what makes the act unique in it", required=True),
        _SOURCE,
        _IDENTIFIER,
        _OCCURRED_AT,
        Column("action", "string", f"one of {', '.join(ACTIONS)}", required=True, one_of=ACTIONS),
        Column("item_id", "string", "the item acted on, as the catalogue names it"),
        Column("category", "string", "category that the source itself states"),
        Column("value", "double", "money of a purchase in euros, or stars of a rating from 0 to 10"),
        Column("session_id", "string", "first act of the visit; 30 minutes of silence, or midnight, end one"),
        Column("topics", "array<string>", "hashtags or search words, lower case, masked"),
        Column("campaign", "string", "campaign that the act followed from"),
        Column("device", "string", "desktop, mobile, tablet or other"),
    ),
)

ANSWERS = Table(
    "answers",
    grain="one answer to one question",
    key=("answer_id",),
    columns=(
        Column("answer_id", "string", "hash of source, respondent and question", required=True),
        _SOURCE,
        _IDENTIFIER,
        Column("survey", "string", "name of the survey", required=True),
        Column("question", "string", "name of the question's column", required=True),
        Column("answer", "string", "the answer, masked", required=True),
        _OCCURRED_AT,
    ),
)

MEDIA = Table(
    "media",
    grain="one picture",
    key=("media_id",),
    columns=(
        Column("media_id", "string", "hash of source, post and place of the picture in it", required=True),
        _SOURCE,
        _IDENTIFIER,
        Column("event_id", "string", "the event that it was posted with", required=True),
        Column("path", "string", "the file, below the day's folder of the source", required=True),
        _OCCURRED_AT,
    ),
)

CONSENTS = Table(
    "consents",
    grain="one decision on one purpose",
    key=("consent_id",),
    columns=(
        Column("consent_id", "string", "hash of source, decision and purpose", required=True),
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
        Column("edge_id", "string", "hash of the record and the kind", required=True),
        _SOURCE,
        Column("left_identifier", "string", "one identifier, as `kind:pseudonym`", required=True, pattern=_PSEUDONYM),
        Column("right_identifier", "string", "the other identifier", required=True, pattern=_PSEUDONYM),
        Column("kind", "string", f"one of {', '.join(EDGE_KINDS)}", required=True, one_of=EDGE_KINDS),
        _OCCURRED_AT,
    ),
)

ITEMS = Table(
    "items",
    grain="one item as one delivery of the catalogue states it",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item, as events name it", required=True),
        _SOURCE,
        Column("title", "string", "name to show", required=True),
        Column("category", "string", "main category"),
        Column("categories", "array<string>", "all categories, main one first"),
        Column("price", "double", "price in euros"),
        Column("picture", "string", "the file, below the day's folder of the source"),
    ),
)

QUARANTINE = Table(
    "quarantine",
    grain="one raw row, or one raw file, that could not be mapped",
    key=("source", "file", "raw", "reason"),
    columns=(
        _SOURCE,
        Column("file", "string", "the raw file, below the day's folder of the source", required=True),
        Column("raw", "string", "the row as it came; null where a whole file was set aside"),
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

PROFILE = Table(
    "dim_person_profile",
    grain="one person, as known on the day of the run",
    key=("person_id",),
    columns=(
        _PERSON,
        Column("age_band", "string", "18-24, 25-34, 35-44, 45-54, 55-64, 65+ or unknown", required=True),
        Column("gender", "string", "latest answer, or unknown", required=True),
        Column("region", "string", "latest answer, or unknown", required=True),
        Column("interests", "array<struct<category:string,weight:double>>", "heaviest first; the weights add up to 1"),
        Column("recency_days", "int", "days since the last purchase; null without one"),
        Column("frequency", "int", "purchases in the last 365 days", required=True),
        Column("monetary", "double", "euros spent in the last 365 days", required=True),
        Column("basket", "double", "euros a purchase; null without one"),
        Column("price_tier", "string", "low, middle, high or unknown", required=True),
        Column("rfm_band", "string", "champion, loyal, promising, sleeping or none", required=True),
        Column("active_daypart", "string", "night, morning, afternoon, evening or unknown", required=True),
        Column("weekend_share", "double", "share of acts on Saturday and Sunday"),
        Column("main_device", "string", "desktop, mobile, tablet, other or unknown", required=True),
        Column("posts", "int", "posts and boosts written", required=True),
        Column("segments", "array<string>", "names of the segments that the person is in"),
        Column("consent_profiling", "boolean", "latest decision; no decision means no", required=True),
        Column("consent_training", "boolean", "latest decision; no decision means no", required=True),
        Column("consent_personalisation", "boolean", "latest decision; no decision means no", required=True),
        Column("consent_marketing_contact", "boolean", "latest decision; no decision means no", required=True),
        Column("first_seen", "timestamp", "first act, UTC", required=True),
        Column("last_seen", "timestamp", "last act, UTC", required=True),
    ),
)

ITEM = Table(
    "dim_item",
    grain="one item, as the latest delivery of the catalogue states it",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item", required=True),
        Column("title", "string", "name to show; the id of an item unknown to the catalogue", required=True),
        Column("category", "string", "main category, or unknown", required=True),
        Column("price", "double", "price in euros"),
        Column("interactions", "bigint", "acts of people on it until the day of the run", required=True),
    ),
)

INTERACTIONS = Table(
    "fct_interactions",
    grain="one act of a person on an item",
    key=("event_id",),
    columns=(
        Column("event_id", "string", "the event", required=True),
        _PERSON,
        Column("item_id", "string", "the item", required=True),
        Column("category", "string", "main category of the item, or unknown", required=True),
        _OCCURRED_AT,
        Column("known_on", "date", "day on which the event arrived", required=True),
        Column("action", "string", f"one of {', '.join(ITEM_ACTIONS)}", required=True),
        Column("weight", "double", "strength of the act: view 1, cart 3, purchase 5, rate stars / 2", required=True),
        Column("value", "double", "euros of a purchase, or stars of a rating"),
        Column("campaign", "string", "campaign that the session came from"),
    ),
)

TRAINING_SEQUENCES = Table(
    "training_sequences",
    grain="one person with at least one act on an item",
    key=("person_id",),
    columns=(
        _PERSON,
        Column("item_ids", "array<string>", "each item once, in the order of the first act on it", required=True),
        Column("occurred_at", "array<timestamp>", "time of that first act, in the same order", required=True),
        Column("age_band", "string", "as in the profile", required=True),
        Column("gender", "string", "as in the profile", required=True),
        Column("region", "string", "as in the profile", required=True),
        Column("consent_training", "boolean", "whether a model may learn from this person", required=True),
        Column("consent_personalisation", "boolean", "whether this person may be scored", required=True),
    ),
)

SCORES = Table(
    "scores",
    grain="one recommended item of one person",
    key=("person_id", "rank"),
    columns=(
        _PERSON,
        Column("rank", "int", "1 is the best", required=True),
        Column("item_id", "string", "the item", required=True),
        Column("score", "double", "the model's score, comparable within the person only", required=True),
        Column("reason", "string", "why, in words for the person", required=True),
        Column("model_version", "string", "registry version that scored, or `popularity`", required=True),
    ),
)

MAPPED_TABLES = (EVENTS, ANSWERS, MEDIA, CONSENTS, IDENTITY_EDGES, ITEMS)
"""What a mapping may write to."""

MART_TABLES = (PROFILE, ITEM, INTERACTIONS, TRAINING_SEQUENCES)
"""What dbt hands over to training and serving, one full state a day."""

TABLES = {table.name: table for table in (*MAPPED_TABLES, QUARANTINE, RECONCILIATION, PERSONS, *MART_TABLES, SCORES)}
