"""What resolving writes: which identifiers are one person, from which links, and what changed since the day before."""

from __future__ import annotations

from contracts.schema import Column, Table
from contracts.tables.vocabulary import CHANGES, EARLIEST, EDGE_KINDS, IDENTIFIER, PERSON_ID, PSEUDONYM_PATTERN

PERSONS = Table(
    "persons",
    grain="one identifier of one person, as known on the day of the run",
    key=("identifier",),
    columns=(
        IDENTIFIER,
        PERSON_ID,
        Column("first_ds", "date", "day on which the identifier first arrived", required=True),
    ),
)

IDENTITY_EDGES_KNOWN = Table(
    "identity_edges_known",
    grain="one pair of identifiers and one kind of link between them, over all days up to the day of the run",
    key=("left_identifier", "right_identifier", "kind"),
    columns=(
        Column(
            "left_identifier",
            "string",
            "the identifier of the smaller name",
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
        Column("times", "bigint", "how often it was seen", required=True, least=1),
        Column("first_time", "timestamp", "when it was seen first, UTC", required=True, earliest=EARLIEST),
        Column("last_time", "timestamp", "when it was seen last, UTC", required=True, earliest=EARLIEST),
        Column(
            "refused", "string", "the rule by which it does not join: kind, excluded, a limit, component_limit; or null"
        ),
        Column(
            "cluster",
            "string",
            "smallest identifier that the links reach before the component limit; null where a rule before it refused",
            holds="identifier",
        ),
        Column("inputs", "string", "hash of the rules and of the partitions that the run had read", required=True),
    ),
)
"""The state from which the next night goes on; only the latest two days are kept."""

IDENTITY_CHANGES = Table(
    "identity_changes",
    grain="one identifier that is another person's than on the published day before",
    key=("identifier",),
    columns=(
        IDENTIFIER,
        Column("former_person_id", "string", "the person of the day before", required=True, holds="person"),
        PERSON_ID,
        Column("change", "string", f"one of {', '.join(CHANGES)}", required=True, one_of=CHANGES),
        Column("reason", "string", "kind of link that joined, or rule that parted", required=True),
    ),
)
"""No partition of a day on which nothing changed, and none of the first."""

IDENTIFIERS_OF_NOBODY = Table(
    "identifiers_of_nobody",
    grain="one identifier that belongs to nobody by the rules of the day",
    key=("identifier",),
    columns=(IDENTIFIER,),
)
"""Excluded identifiers, and what earlier releases made of words that name nobody. Persons hold none of them."""

RESOLVED_TABLES = (PERSONS, IDENTITY_EDGES_KNOWN, IDENTITY_CHANGES, IDENTIFIERS_OF_NOBODY)
"""What resolving writes."""
