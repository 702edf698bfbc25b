"""Words of the tables: what an act, a link, a purpose and an identifier can be; and columns that many tables share."""

from __future__ import annotations

from contracts.schema import Column

PURPOSES = ("profiling", "training", "personalisation", "marketing_contact")
"""What a person can agree to, each on its own; no decision means no."""

ACTIONS = ("view", "search", "cart", "purchase", "return", "rate", "post", "boost", "favourite", "visit")
"""What an event can be: acts on items, acts in public, `visit` for a page that is about no item, and `return` for what
was bought and came back, or was cancelled: it takes money off, and is no act of interest."""

ITEM_ACTIONS = ("view", "cart", "purchase", "rate")
"""The actions on an item that a model may learn from."""

EDGE_KINDS = ("account_email", "verified_link", "login", "email_click")
"""Why two identifiers are one person, strongest first."""

IDENTIFIER_KINDS = ("account", "cookie", "handle", "email", "respondent", "visitor")
"""What an identifier can be; a pseudonym is written `<kind>:<32 hex digits>`."""

CHANGES = ("merged", "split", "moved", "renamed")
"""What can happen to a known identifier: its person went into another, or fell apart, or both, or gets another name."""

CHANNELS = ("mail", "sms", "push", "post", "site")
"""What a message can go out by."""

SEND_STATUSES = (
    "processed",
    "delivered",
    "deferred",
    "bounced",
    "dropped",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
)
"""What a message can come to, as the service says that sends it: taken over, arrived, to be tried again, refused by the
mailbox, not tried, opened, followed; and the recipient wants no more, or says that it is spam."""

DEVICES = ("desktop", "mobile", "tablet", "other")
"""What an act can be done on."""

MOST_STARS = 10
"""The best rating; the worst is 0."""

MOST_EUROS = 1_000_000
"""More than that is no price and no line of an order, but a mistake or an attack."""

MOST_MONEY = 1_000_000_000
"""The same in any other currency, of which a euro may be thousands."""

MOST_PIECES = 1_000_000
"""The most pieces of a line of an order."""

EARLIEST = "1990-01-01"
"""Nothing that people do on the web happened before; an earlier moment is a broken clock."""

LATEST = "2999-12-31"
"""The last day that a date ahead may be; a later one stands for none."""

SESSION_SILENCE_MINUTES = 30
"""So many minutes without an act end a session of a visitor (Spark), and a visit of a person (dbt)."""

MOST_TEXTS = 30
"""So many texts of an array are kept."""

PSEUDONYM_PATTERN = f"^({'|'.join(IDENTIFIER_KINDS)}):[0-9a-f]{{32}}$"

HOUSE_CURRENCY = "EUR"
"""The currency of every mart; money of the mapped tables without a currency is in it too."""

CURRENCY_PATTERN = "^[A-Z]{3}$"

ROW_ID_PATTERN = "^[0-9a-f]{32}( [a-z0-9_]{1,40})?$"
"""A keyed hash; where a row gives several, with what tells them apart, which is never taken from a feed."""

SOURCE = Column("source", "string", "name of the mapping that made the row", required=True)

IDENTIFIER = Column(
    "identifier", "string", "who, as `kind:pseudonym`", required=True, pattern=PSEUDONYM_PATTERN, holds="identifier"
)

PERSON_ID = Column("person_id", "string", "the person, `p` and 16 hex digits", required=True, holds="person")

OCCURRED_AT = Column("occurred_at", "timestamp", "when it happened, UTC", required=True, earliest=EARLIEST)

TEXT_VECTOR = Column(
    "text_vector",
    "array<float>",
    "what words mean, by the model of texts: length 1, each number in steps of 1/512; near vectors mean the same",
)

TASTE_VECTOR = Column("taste_vector", "array<double>", "latent taste of the autoencoder; near vectors like the same")

TEXT_INTERESTS = Column(
    "text_interests",
    "array<struct<category:string,weight:double,confidence:double>>",
    "what posts, searches and open answers speak of, heaviest first; the weights add up to 1, confidence is how sure "
    "the texts make it",
)

MEDIA_KINDS = ("image", "audio")
"""What people post beside words."""

PICTURE_INTERESTS = Column(
    "picture_interests",
    "array<struct<category:string,weight:double,confidence:double>>",
    "what posted pictures show, heaviest first; the weights add up to 1, confidence is how sure the pictures make it",
)

SOUND_INTERESTS = Column(
    "sound_interests",
    PICTURE_INTERESTS.type,
    "what posted sounds are about, heaviest first; the weights add up to 1, confidence is how sure the sounds make it",
)
