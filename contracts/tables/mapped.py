"""What mapping writes: one table an entity, and the books of what became of every raw row.

Types are written as Spark SQL writes them. `ds` (the day of arrival for what is mapped, the day of the run for what is
derived) is the partition, stands in the folder's name and is therefore no column of the files.
"""

from __future__ import annotations

from dataclasses import replace

from contracts.schema import Column, Table
from contracts.tables.vocabulary import (
    ACTIONS,
    CHANNELS,
    CURRENCY_PATTERN,
    DEVICES,
    EARLIEST,
    EDGE_KINDS,
    HOUSE_CURRENCY,
    IDENTIFIER,
    LATEST,
    MEDIA_KINDS,
    MOST_EUROS,
    MOST_MONEY,
    MOST_PIECES,
    MOST_STARS,
    OCCURRED_AT,
    PSEUDONYM_PATTERN,
    PURPOSES,
    ROW_ID_PATTERN,
    SEND_STATUSES,
    SESSION_SILENCE_MINUTES,
    SOURCE,
)

UNITS = ("file", "row", "record")
"""What the books count: files, the rows in them, and the records that rows give to tables."""

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
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        OCCURRED_AT,
        Column("action", "string", f"one of {', '.join(ACTIONS)}", required=True, one_of=ACTIONS),
        Column("item_id", "string", "the item acted on, as the catalogue names it", text="code", most=100, whole=True),
        Column("category", "string", "category that the source itself states", text="free", most=100),
        Column(
            "value",
            "double",
            "money of a purchase, or given back for a return, in `currency`; or stars of a rating from 0 to "
            f"{MOST_STARS}",
            least=0,
            greatest=MOST_MONEY,
        ),
        Column(
            "session_id",
            "string",
            f"first act of the visit; {SESSION_SILENCE_MINUTES} minutes of silence, or midnight, end one",
            holds="keyed",
        ),
        Column("topics", "array<string>", "hashtags or search words, lower case, masked", text="free", most=64),
        Column("campaign", "string", "campaign that the act followed from", text="code", most=100),
        Column("device", "string", f"one of {', '.join(DEVICES)}", one_of=DEVICES),
        Column(
            "order_id",
            "string",
            "the order that it is a line of, unique in its source",
            text="code",
            most=100,
            whole=True,
        ),
        Column(
            "quantity",
            "double",
            "pieces that were bought or returned; `value` is the money of all of them",
            least=0,
            greatest=MOST_PIECES,
        ),
        Column("currency", "string", "of `value`, by ISO 4217; null for euros", pattern=CURRENCY_PATTERN),
    ),
    checks={
        "value": f"case when action = 'rate' then value <= {MOST_STARS} when currency <> '{HOUSE_CURRENCY}' then true "
        f"else value <= {MOST_EUROS} end"
    },
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
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column("survey", "string", "name of the survey", required=True, text="free", most=100),
        Column("question", "string", "name of the question's column", required=True, text="free", most=300),
        Column("answer", "string", "the answer, masked", required=True, text="free", most=2000),
        OCCURRED_AT,
    ),
)

TEXTS = Table(
    "texts",
    grain="one text that somebody posted",
    key=("text_id",),
    columns=(
        Column(
            "text_id",
            "string",
            "the event that it was posted with",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column(
            "text",
            "string",
            "its words without markup and hashtags, masked",
            required=True,
            text="free",
            most=2000,
        ),
        Column("topics", "array<string>", "its hashtags, lower case, masked", text="free", most=64),
        OCCURRED_AT,
    ),
)
"""Kept for a month only: what profiles need of it are vectors and interests."""

MEDIA = Table(
    "media",
    grain="one picture or sound",
    key=("media_id",),
    columns=(
        Column(
            "media_id",
            "string",
            "hash of source, post and place of the medium in it",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column(
            "event_id",
            "string",
            "the event that it was posted with",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        Column("kind", "string", "image or audio; null, of an earlier release, is image", one_of=MEDIA_KINDS),
        Column(
            "path", "string", "the file, below the day's folder of the source", required=True, text="code", most=300
        ),
        OCCURRED_AT,
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
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column("purpose", "string", f"one of {', '.join(PURPOSES)}", required=True, one_of=PURPOSES),
        Column("granted", "boolean", "whether it was granted or withdrawn", required=True),
        # a withdrawal must not be lost because a clock ran ahead
        replace(OCCURRED_AT, waits=True),
    ),
)

IDENTITY_EDGES = Table(
    "identity_edges",
    grain="one time two identifiers were seen to be the same person",
    key=("edge_id",),
    columns=(
        Column(
            "edge_id", "string", "hash of the record and the kind", required=True, pattern=ROW_ID_PATTERN, holds="keyed"
        ),
        SOURCE,
        Column(
            "left_identifier",
            "string",
            "one identifier, as `kind:pseudonym`",
            required=True,
            pattern=PSEUDONYM_PATTERN,
            holds="identifier",
        ),
        Column(
            "right_identifier",
            "string",
            "the other identifier",
            required=True,
            pattern=PSEUDONYM_PATTERN,
            holds="identifier",
        ),
        Column("kind", "string", f"one of {', '.join(EDGE_KINDS)}", required=True, one_of=EDGE_KINDS),
        OCCURRED_AT,
    ),
)

ITEMS = Table(
    "items",
    grain="one item as one delivery of the catalogue states it",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item, as events name it", required=True, text="code", most=100, whole=True),
        SOURCE,
        Column("title", "string", "name to show", required=True, text="title", most=300),
        Column("category", "string", "main category", text="free", most=100),
        Column("categories", "array<string>", "all categories, main one first", text="free", most=100),
        Column("price", "double", "price in euros", least=0, greatest=MOST_EUROS),
        Column("picture", "string", "the file, below the day's folder of the source", text="code", most=300),
        Column("sound", "string", "how it sounds: a file, as `picture` is one", text="code", most=300),
        Column("available", "boolean", "whether it can still be had; null is yes"),
        Column("in_stock", "boolean", "whether there is any of it to sell; null is yes"),
        Column(
            "available_from",
            "date",
            "first day on which it can be had; null for any day",
            earliest=EARLIEST,
            latest=LATEST,
        ),
        Column(
            "available_until",
            "date",
            "last day on which it can be had; null without an end",
            earliest=EARLIEST,
            latest=LATEST,
        ),
        Column("brand", "string", "who makes it", text="free", most=100),
        Column("margin", "double", "share of the price that is left to the shop, 0 to 1", least=0, greatest=1),
    ),
)

EXCHANGE_RATES = Table(
    "exchange_rates",
    grain="one currency on one day, as one delivery states it",
    key=("currency", "rated_on"),
    columns=(
        Column("currency", "string", "by ISO 4217", required=True, pattern=CURRENCY_PATTERN),
        SOURCE,
        Column(
            "rated_on",
            "date",
            "first day of the rate; it holds until a later day has another",
            required=True,
            earliest=EARLIEST,
        ),
        Column("rate", "double", "euros for one unit of the currency", required=True, least=1e-9, greatest=1000),
    ),
)

SENDS = Table(
    "sends",
    grain="one status of one message to one identifier",
    key=("send_id",),
    columns=(
        Column(
            "send_id",
            "string",
            "hash of the status: of its own id in the source, or of message, status and moment",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column(
            "message_id",
            "string",
            "hash of the source, of the message and of who it went to",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        Column(
            "campaign",
            "string",
            "the campaign that sent it, by the name of its file; null for a message of none, as an order's receipt",
            text="code",
            most=100,
        ),
        Column("plan", "date", "the night whose plan it is of; null where the log does not say", earliest=EARLIEST),
        Column("channel", "string", f"one of {', '.join(CHANNELS)}", required=True, one_of=CHANNELS),
        Column("status", "string", f"one of {', '.join(SEND_STATUSES)}", required=True, one_of=SEND_STATUSES),
        Column(
            "permanent",
            "boolean",
            "whether the address takes no message any more: refused for good, or not tried as it was before",
            required=True,
        ),
        Column(
            "by_machine",
            "boolean",
            "whether a mail program, a proxy or a scanner opened or clicked, and perhaps no person",
            required=True,
        ),
        OCCURRED_AT,
    ),
)

IMPRESSIONS = Table(
    "impressions",
    grain="one item shown at one place of a campaign on our own pages",
    key=("impression_id",),
    columns=(
        Column(
            "impression_id",
            "string",
            "hash of source and line, and the place",
            required=True,
            pattern=ROW_ID_PATTERN,
            holds="keyed",
        ),
        SOURCE,
        IDENTIFIER,
        Column("campaign", "string", "the campaign, by the name of its file", required=True, text="code", most=100),
        Column("plan", "date", "the night whose plan it is of; null where the log does not say", earliest=EARLIEST),
        Column("item_id", "string", "the item shown", required=True, text="code", most=100, whole=True),
        Column("position", "int", "the place, 1 is first", required=True, least=1, greatest=1000),
        OCCURRED_AT,
    ),
)

QUARANTINE = Table(
    "quarantine",
    grain="one raw row, one record of a row, or one raw file, that could not be mapped",
    key=("source", "file", "row_id", "record", "reason"),
    columns=(
        SOURCE,
        Column("file", "string", "the raw file, below the day's folder of the source", required=True),
        Column(
            "row_id", "string", "keyed hash of the row, by which it is found in raw; null for a file", holds="keyed"
        ),
        Column(
            "raw", "string", "shape of the row: letters as `*`, digits as `#`, names of fields kept; null for a file"
        ),
        Column("reason", "string", "the rule that it broke", required=True),
        Column("record", "int", "place of the record in its row, from 1; null for a whole row or file"),
    ),
)

RECONCILIATION = Table(
    "reconciliation",
    grain="one outcome of the files, rows or records of one source on one day",
    key=("source", "unit", "outcome", "rule"),
    columns=(
        SOURCE,
        Column("outcome", "string", "read, mapped, quarantined, dropped, or noted (beside the sum)", required=True),
        Column("rule", "string", "which rule quarantined, dropped or noted them; empty for read and mapped"),
        Column(
            "rows", "bigint", "how many; for every unit, read = mapped + quarantined + dropped", required=True, least=0
        ),
        Column("unit", "string", f"what is counted: {', '.join(UNITS)}; a file that is set aside is a row, too"),
    ),
)

MAPPED_TABLES = (EVENTS, ANSWERS, TEXTS, MEDIA, CONSENTS, IDENTITY_EDGES, ITEMS, EXCHANGE_RATES, SENDS, IMPRESSIONS)
"""What a mapping may write to."""

TABLES_OF_IDENTIFIERS = (EVENTS, ANSWERS, CONSENTS, SENDS, IMPRESSIONS)
"""In which an identifier arrives that nothing may have linked to another: each is a person's."""
