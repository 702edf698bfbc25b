"""What dbt hands to training, serving and activation: full states of a day, and facts by day of arrival."""

from __future__ import annotations

from contracts.schema import Column, Table
from contracts.tables.vocabulary import (
    CHANNELS,
    EARLIEST,
    ITEM_ACTIONS,
    MOST_EUROS,
    OCCURRED_AT,
    PERSON_ID,
    PICTURE_INTERESTS,
    PURPOSES,
    SEND_STATUSES,
    SOUND_INTERESTS,
    TASTE_VECTOR,
    TEXT_INTERESTS,
    TEXT_VECTOR,
)

MOST_WEIGHT = 5
"""The weight of the strongest act: a purchase, or a rating with all stars."""

_CONSENTS = tuple(
    Column(f"consent_{purpose}", "boolean", "latest decision; no decision means no", required=True)
    for purpose in PURPOSES
)

CONSENT = Table(
    "dim_person_consent",
    grain="one person who was seen or decided anything, as known on the day of the run",
    key=("person_id",),
    columns=(PERSON_ID, *_CONSENTS),
)
"""Whom every other table, score and audience may be about."""

PROFILE = Table(
    "dim_person_profile",
    grain="one person who agrees to profiling, as known on the day of the run",
    key=("person_id",),
    columns=(
        PERSON_ID,
        Column("age_band", "string", "18-24, 25-34, 35-44, 45-54, 55-64, 65+ or unknown", required=True),
        Column("gender", "string", "latest answer, or unknown", required=True),
        Column("region", "string", "latest answer, or unknown", required=True),
        Column("interests", "array<struct<category:string,weight:double>>", "heaviest first; the weights add up to 1"),
        Column("recency_days", "int", "days since the last purchase; null without one", least=0),
        Column(
            "frequency", "int", "orders, or days of purchases without one, in the last 365 days", required=True, least=0
        ),
        Column("monetary", "double", "euros spent less euros given back in the last 365 days", required=True),
        Column("basket", "double", "euros an order, as it was bought; null without one", least=0),
        Column("price_tier", "string", "low, middle, high or unknown", required=True),
        Column("rfm_band", "string", "champion, loyal, promising, sleeping or none", required=True),
        Column("active_daypart", "string", "night, morning, afternoon, evening or unknown", required=True),
        Column("weekend_share", "double", "share of acts on Saturday and Sunday", least=0, greatest=1),
        Column("main_device", "string", "desktop, mobile, tablet, other or unknown", required=True),
        Column("posts", "int", "posts and boosts written", required=True, least=0),
        Column("segments", "array<string>", "names of the segments that the person is in"),
        *_CONSENTS,
        Column("first_seen", "timestamp", "first act, UTC", required=True, earliest=EARLIEST),
        Column("last_seen", "timestamp", "last act, UTC", required=True, earliest=EARLIEST),
        TASTE_VECTOR,
        PICTURE_INTERESTS,
        SOUND_INTERESTS,
        TEXT_VECTOR,
        TEXT_INTERESTS,
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
        Column("price", "double", "price in euros", least=0, greatest=MOST_EUROS),
        Column("available", "boolean", "false where its latest delivery says so", required=True),
        Column("in_stock", "boolean", "false where its latest delivery says that it is sold out; null is yes"),
        Column("available_from", "date", "first day on which it can be had; null for any day"),
        Column("available_until", "date", "last day on which it can be had; null without an end"),
        Column("brand", "string", "who makes it; null where the catalogue does not say"),
        Column("margin", "double", "share of the price that is left to the shop; null unknown", least=0, greatest=1),
        Column(
            "interactions",
            "bigint",
            "people who acted on it and agree to profiling, training or personalisation, each once",
            required=True,
            least=0,
        ),
    ),
)

PROFILE_HISTORY = Table(
    "history_person_profile",
    grain="one period in which one person's profile stayed the same, of people who agree to profiling now",
    key=("person_id", "dbt_valid_from"),
    columns=(
        PERSON_ID,
        Column("as_of", "timestamp", "day of the run that saw this state first", required=True),
        Column("age_band", "string", "as in the profile", required=True),
        Column("gender", "string", "as in the profile", required=True),
        Column("region", "string", "as in the profile", required=True),
        Column("main_interest", "string", "the heaviest interest; null without one"),
        Column("price_tier", "string", "as in the profile", required=True),
        Column("rfm_band", "string", "as in the profile", required=True),
        Column("active_daypart", "string", "as in the profile", required=True),
        Column("main_device", "string", "as in the profile", required=True),
        Column("segments", "array<string>", "as in the profile"),
        *_CONSENTS,
        Column("dbt_scd_id", "string", "key of the row", required=True),
        Column("dbt_updated_at", "timestamp", "the same as as_of", required=True),
        Column("dbt_valid_from", "timestamp", "first day of the period", required=True),
        Column("dbt_valid_to", "timestamp", "first day after the period; null while it lasts"),
    ),
)
"""In DuckDB's warehouse; in the lake where Spark builds it, whose own tables may be gone with its server."""

INTERACTIONS = Table(
    "fct_interactions",
    grain="one act on an item that arrived on the day, of a person who agreed to any use of it then",
    key=("event_id",),
    columns=(
        Column("event_id", "string", "the event", required=True, holds="keyed"),
        PERSON_ID,
        Column("item_id", "string", "the item", required=True),
        Column("category", "string", "main category of the item, or unknown", required=True),
        OCCURRED_AT,
        Column("known_on", "date", "day on which the event arrived", required=True),
        Column("action", "string", f"one of {', '.join(ITEM_ACTIONS)}", required=True, one_of=ITEM_ACTIONS),
        Column(
            "weight",
            "double",
            "strength of the act: view 1, cart 3, purchase 5, rate stars / 2",
            required=True,
            least=0,
            greatest=MOST_WEIGHT,
        ),
        Column("value", "double", "euros of a purchase, or stars of a rating"),
        Column("campaign", "string", "campaign that the session came from"),
    ),
)

TRAINING_SEQUENCES = Table(
    "training_sequences",
    grain="one person with at least one act on an item, who agrees to training",
    key=("person_id",),
    columns=(
        PERSON_ID,
        Column("item_ids", "array<string>", "each item once, in the order of the first act on it", required=True),
        Column("occurred_at", "array<timestamp>", "time of that first act, in the same order", required=True),
        Column("age_band", "string", "as in the profile; unknown without one", required=True),
        Column("gender", "string", "as in the profile; unknown without one", required=True),
        Column("region", "string", "as in the profile; unknown without one", required=True),
    ),
)

SCORING_SEQUENCES = Table(
    "scoring_sequences",
    grain="one person with at least one act on an item, who agrees to personalisation",
    key=TRAINING_SEQUENCES.key,
    columns=(
        *TRAINING_SEQUENCES.columns,
        Column(
            "strongest_actions",
            "array<string>",
            "the action of most weight on each item, in the same order",
            required=True,
        ),
    ),
)

TRAINING_PICTURES = Table(
    "training_pictures",
    grain="one picture of an item, or one that a person posted",
    key=("picture_id",),
    columns=(
        Column(
            "picture_id", "string", "`item:` and the item, or `media:` and the medium", required=True, holds="keyed"
        ),
        Column("path", "string", "the file, below the folder of raw deliveries", required=True),
        Column("category", "string", "main category of the item; null for a posted picture"),
        Column("person_id", "string", "who posted it; null for a picture of an item", holds="person"),
        Column("consent_profiling", "boolean", "whether what it shows may enter the profile", required=True),
    ),
)

TRAINING_SOUNDS = Table(
    "training_sounds",
    grain="one sound of an item, or one that a person posted",
    key=("sound_id",),
    columns=(
        Column("sound_id", "string", "`item:` and the item, or `media:` and the medium", required=True, holds="keyed"),
        Column("path", "string", "the file, below the folder of raw deliveries", required=True),
        Column("category", "string", "main category of the item; null for a posted sound"),
        Column("person_id", "string", "who posted it; null for a sound of an item", holds="person"),
        Column("consent_profiling", "boolean", "whether what it tells may enter the profile", required=True),
    ),
)

POSTED_FILES = (TRAINING_PICTURES, TRAINING_SOUNDS)
"""The marts that name files below the folder of raw deliveries."""

TREATMENTS = ("sent", "assumed")
"""How it is known that a campaign reached a person: a send log says so, or there is none and it could have."""

TRAINING_RESPONSES = Table(
    "training_responses",
    grain="one person who agrees to training and was, or could be, reached by one campaign in one week that is over",
    key=("person_id", "campaign", "sent_on"),
    columns=(
        PERSON_ID,
        Column("campaign", "string", "the campaign", required=True),
        Column("sent_on", "date", "first day of the week; every feature is as known before it", required=True),
        Column(
            "treatment",
            "string",
            "`sent`: a message was delivered in the week, by a send log; `assumed`: the campaign has none of the week",
            required=True,
            one_of=TREATMENTS,
        ),
        Column("age_band", "string", "latest answer before, or unknown", required=True),
        Column("gender", "string", "latest answer before, or unknown", required=True),
        Column("region", "string", "latest answer before, or unknown", required=True),
        Column("main_device", "string", "device of most acts before; unknown without acts", required=True),
        Column("favourite_category", "string", "category of most weight before; unknown without acts", required=True),
        Column("recency_days", "int", "days since the last act; null without one", least=0),
        Column("tenure_days", "int", "days since the first act; null without one", least=0),
        Column("acts_7_days", "int", "acts on items in the 7 days before", required=True, least=0),
        Column("acts_28_days", "int", "acts on items in the 28 days before", required=True, least=0),
        Column("carts", "int", "acts of putting into the cart before", required=True, least=0),
        Column("purchases", "int", "orders before, or days of purchases without one", required=True, least=0),
        Column("monetary", "double", "euros spent less euros given back before", required=True),
        Column(
            "weekend_share", "double", "share of acts on Saturday and Sunday; null without acts", least=0, greatest=1
        ),
        Column("campaign_visits", "int", "sessions before that came from any campaign", required=True, least=0),
        Column("same_campaign_visits", "int", "sessions before that came from this campaign", required=True, least=0),
        Column("clicked", "boolean", "came from the campaign within the week; where sent, in the 7 days from delivery"),
        Column("purchased", "boolean", "bought in a visit that came from it in that time"),
        Column("churned", "boolean", "no act in the 14 days from sent_on; null while they are not over"),
        Column("order_value", "double", "euros bought in visits that came from it in that time", least=0),
    ),
)

RESPONSE_LABELS = ("clicked", "purchased", "churned", "order_value")
"""What came of a campaign, known when the week is over, or two weeks."""

SCORING_RESPONSES = Table(
    "scoring_responses",
    grain="one person who agrees to personalisation and can be reached by one campaign in the coming week",
    key=("person_id", "campaign"),
    columns=tuple(
        column for column in TRAINING_RESPONSES.columns if column.name not in ("treatment", *RESPONSE_LABELS)
    ),
)

SENDS_OF_PEOPLE = Table(
    "fct_sends",
    grain="one message of a campaign to one person, sent in the last 100 days, of people who agree to any use",
    key=("message_id",),
    columns=(
        Column("message_id", "string", "the message", required=True, holds="keyed"),
        PERSON_ID,
        Column("campaign", "string", "the campaign, by the name of its file; also an unknown one", required=True),
        Column("plan", "date", "the night whose plan it is of; null where the log does not say"),
        Column("channel", "string", f"one of {', '.join(CHANNELS)}", required=True, one_of=CHANNELS),
        Column(
            "status",
            "string",
            "the furthest that it came: complained, unsubscribed, clicked, opened, delivered, bounced, dropped, "
            "deferred, processed",
            required=True,
            one_of=SEND_STATUSES,
        ),
        Column("sent_at", "timestamp", "its first status, UTC", required=True),
        Column("delivered_at", "timestamp", "when it arrived; null where it did not, or was sent back"),
        Column("opened_at", "timestamp", "when a person first opened it; null where only machines did"),
        Column("clicked_at", "timestamp", "when a person first followed a link of it; null where only machines did"),
        Column("unsubscribed_at", "timestamp", "when the person wanted no more"),
        Column("complained_at", "timestamp", "when the person said that it is spam"),
        Column("bounced", "boolean", "whether the address takes no message any more", required=True),
    ),
)

SUPPRESSION = Table(
    "dim_person_suppression",
    grain="one person who agrees to personalisation, and one channel that must not or should not reach them",
    key=("person_id", "channel"),
    columns=(
        PERSON_ID,
        Column("channel", "string", f"one of {', '.join(CHANNELS)}", required=True, one_of=CHANNELS),
        Column("refused_on", "date", "last day on which an address of the person was refused for good; else null"),
        Column("complained_on", "date", "last day on which the person said that a message is spam; else null"),
    ),
)

_OF_ONE_CAMPAIGN = ("person_id", "campaign", "sent_on", "treatment", "same_campaign_visits", *RESPONSE_LABELS)

TRAINING_UPLIFT = Table(
    "training_uplift",
    grain="one person who agrees to training, in one experiment, whose window is over",
    key=("person_id", "campaign"),
    columns=(
        PERSON_ID,
        Column("campaign", "string", "the campaign whose experiment it is", required=True),
        Column("sent_on", "date", "the day after the first night; every feature is as known before it", required=True),
        Column("treated", "boolean", "whether the lot gave a message; false for those held out", required=True),
        *(column for column in TRAINING_RESPONSES.columns if column.name not in _OF_ONE_CAMPAIGN),
        Column("visited", "boolean", "came to the shop within the window", required=True),
        Column("purchased", "boolean", "bought within the window", required=True),
        Column("euros", "double", "euros of these orders", required=True, least=0),
    ),
)
"""Experiments alone: whoever was sent to, and whoever could have been, by lot."""

MART_TABLES = (
    CONSENT,
    PROFILE,
    ITEM,
    INTERACTIONS,
    TRAINING_SEQUENCES,
    TRAINING_PICTURES,
    TRAINING_SOUNDS,
    TRAINING_RESPONSES,
    TRAINING_UPLIFT,
    SCORING_SEQUENCES,
    SCORING_RESPONSES,
    SENDS_OF_PEOPLE,
    SUPPRESSION,
)
"""What dbt hands over to training and serving."""

MARTS_BY_ARRIVAL = (INTERACTIONS,)
"""Of these, the ones of which a day holds only what arrived on it."""

FULL_STATES = tuple(table for table in MART_TABLES if table not in MARTS_BY_ARRIVAL)
"""The others, of which each day is a full state."""
