"""Who is in which arm of an experiment."""

from __future__ import annotations

from contracts.schema import Column, Table
from contracts.tables.vocabulary import PERSON_ID, PSEUDONYM_PATTERN

ASSIGNMENTS = Table(
    "assignments",
    grain="one person in one experiment",
    key=("person_id", "experiment"),
    columns=(
        PERSON_ID,
        Column("experiment", "string", "the campaign whose experiment it is", required=True),
        Column("salt", "string", "the experiment's salt; another one is another experiment", required=True),
        Column(
            "identifier",
            "string",
            "the person's first identifier, by which the arm is drawn",
            required=True,
            pattern=PSEUDONYM_PATTERN,
            holds="identifier",
        ),
        Column(
            "holdout_place",
            "double",
            "held out where it is below the holdout's share, 0 to 1",
            required=True,
            least=0,
            greatest=1,
        ),
        Column("variant_place", "double", "which variant the others get, 0 to 1", required=True, least=0, greatest=1),
        Column("arm", "string", "`holdout`, or the variant; `treated` where there are none", required=True),
        Column("since", "date", "the first day on which the person was in the experiment", required=True),
        Column(
            "moved",
            "boolean",
            "whether the person, or one of the identifiers, was in another arm on an earlier night",
            required=True,
        ),
        Column(
            "left_out",
            "boolean",
            "whether the person moved, merged, fell apart or got another first identifier since: not in the lift",
            required=True,
        ),
    ),
)
"""One full state a day."""

ACTIVATION_TABLES = (ASSIGNMENTS,)
"""What deciding writes."""
