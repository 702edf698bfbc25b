"""What a night looked like, how far it is from the nights before, and what somebody should look at."""

from __future__ import annotations

from contracts.schema import Column, Table

OWN = "nightshift"
"""Stands for the source of what the pipeline itself makes: marts, features and predictions."""

ALL_ROWS = "*"
"""Stands for the column of what is measured of whole rows."""

BOOKS = "deliveries"
"""Stands for the table of what is measured of the books of a source: when it came, and what became of its rows."""

MEASURES = ("rows", "days_since", "null_share", "late_share", "share", "largest_share", "values", "numbers")
"""Of a table and source: how many rows; days since the source came last; share of rows without a value; share of rows
that happened before the day they arrived on; share of what was read that a rule of the books is about; share of the
commonest item; and histograms of words and of numbers."""

SOURCE_HEALTH = Table(
    "source_health",
    grain="one measure of one column of one table, by the source that the rows came from, of the day's partition",
    key=("table_name", "source", "column_name", "measure"),
    columns=(
        Column("table_name", "string", f"the table, or `{BOOKS}`", required=True),
        Column("source", "string", f"the mapping that made the rows; `{OWN}` for what a night makes", required=True),
        Column(
            "column_name",
            "string",
            f"the column, `{ALL_ROWS}` for whole rows, or a rule of the books",
            required=True,
        ),
        Column("measure", "string", f"one of {', '.join(MEASURES)}", required=True, one_of=MEASURES),
        Column("rows", "bigint", "rows that it is measured on", required=True, least=0),
        Column("value", "double", "the figure; null for a histogram"),
        Column(
            "names",
            "array<string>",
            "bins of a histogram: words, or the ends of ranges of numbers that are nearer to 0",
        ),
        Column("counts", "array<bigint>", "rows in each bin, in the same order"),
        Column("expected_low", "double", "lower end of what earlier nights let expect; null while they are too few"),
        Column("expected_high", "double", "upper end of it"),
        Column("chance", "double", "chance of a figure as far off on a steady night, for all figures of its kind"),
        Column(
            "alarm",
            "boolean",
            "whether it is an alarm: the day is left out of what later nights expect",
            required=True,
        ),
    ),
)
"""Names nobody; words of fewer people than the smallest group are not named. Later nights compare themselves with these
histograms, and so never read what they were made of."""

EARLIER = "earlier nights"
TRAINING = "training"

DRIFT = Table(
    "drift",
    grain="one column of one table and source of the night, against one reference",
    key=("table_name", "source", "column_name", "compared_with"),
    columns=(
        Column("table_name", "string", "the table", required=True),
        Column("source", "string", f"the mapping that made the rows; `{OWN}` for what a night makes", required=True),
        Column("column_name", "string", "the column", required=True),
        Column(
            "compared_with",
            "string",
            f"`{EARLIER}`, or `{TRAINING}`: what is served against what was learned from, the same night",
            required=True,
            one_of=(EARLIER, TRAINING),
        ),
        Column("rows", "bigint", "rows of the night", required=True, least=0),
        Column("reference_rows", "bigint", "rows that they are compared with", required=True, least=0),
        Column("psi", "double", "population stability index", required=True, least=0),
        Column("jensen_shannon", "double", "Jensen-Shannon divergence, in bits: 0 to 1", required=True, least=0),
        Column("limit", "double", "the least index that can be an alarm: what so few rows differ by is below"),
        Column("usual", "double", "the median index of earlier nights; null while they are too few"),
        Column("chance", "double", "chance of an index as large on a steady night, for all columns"),
        Column("alarm", "boolean", "whether it is an alarm: the night is no reference for later ones", required=True),
    ),
)

ALARM_KINDS = (
    "missing",
    "volume",
    "late",
    "schema",
    "nulls",
    "books",
    "new_category",
    "vanished_category",
    "concentration",
    "drift",
    "serving",
    "quality",
    "calibration",
)
"""What an alarm can be about: a source did not come; more or fewer rows; rows of earlier days; unknown fields; values
that are missing; rows set aside or dropped; a word that is new, or gone; one item everywhere; a distribution that moved
since earlier nights, or between training and serving; and scores that are worth less, or say other chances, than when
their model was promoted."""

ALARMS = Table(
    "alarms",
    grain="one alarm of the night",
    key=("alarm", "subject"),
    columns=(
        Column("alarm", "string", f"one of {', '.join(ALARM_KINDS)}", required=True, one_of=ALARM_KINDS),
        Column("subject", "string", "what it is about, as `apache_combined: events.value`", required=True),
        Column("since", "date", "the first night of an unbroken row of nights with this alarm", required=True),
        Column("value", "double", "the figure"),
        Column("expected_low", "double", "lower end of what was expected"),
        Column("expected_high", "double", "upper end of what was expected"),
        Column("says", "string", "a sentence: what, how far off, since when", required=True),
        Column("look", "string", "a command that shows more, or a place", required=True),
    ),
)

WATCHED_TABLES = (SOURCE_HEALTH, DRIFT, ALARMS)
"""What watching writes. They name nobody."""
