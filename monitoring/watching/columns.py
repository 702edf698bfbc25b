"""Which tables are watched, and by what each of their columns is described: a word, or the range of a number."""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.column_types import Array, Simple, Struct
from contracts.schema import Column, Table
from contracts.tables.mapped import ANSWERS, CONSENTS, EVENTS, IDENTITY_EDGES, IMPRESSIONS, ITEMS, MEDIA, SENDS
from contracts.tables.marts import (
    INTERACTIONS,
    ITEM,
    PROFILE,
    SCORING_RESPONSES,
    SCORING_SEQUENCES,
    TRAINING_RESPONSES,
    TRAINING_SEQUENCES,
)
from contracts.tables.served import PREDICTIONS, RESPONSES, SCORES, UPLIFTS

SOURCE_TABLES = (EVENTS, ANSWERS, MEDIA, CONSENTS, IDENTITY_EDGES, ITEMS, SENDS, IMPRESSIONS)
"""What sources bring; each source is watched on its own."""

PROFILE_TABLES = (PROFILE, ITEM, INTERACTIONS)
FEATURE_TABLES = (TRAINING_RESPONSES, SCORING_RESPONSES, TRAINING_SEQUENCES, SCORING_SEQUENCES)
PREDICTION_TABLES = (SCORES, RESPONSES, UPLIFTS, PREDICTIONS)

OWN_TABLES = (*PROFILE_TABLES, *FEATURE_TABLES, *PREDICTION_TABLES)
"""What a night makes of it: whole states, which change little from night to night, but for `fct_interactions`."""

SERVED_WITH = {
    TRAINING_RESPONSES.name: SCORING_RESPONSES.name,
    TRAINING_SEQUENCES.name: SCORING_SEQUENCES.name,
}
"""Features as they are learned from, and as they are scored."""

_IDS = frozenset({"item_id", "title", "path", "picture", "sound", "inputs", "reason", "order_id", "session_id"})
"""Columns with almost as many words as rows: of them only what is missing is watched."""

_OF_THE_DAY = frozenset(
    {"campaign", "best_campaign", "survey", "question", "answer", "model_version", "plan", "sent_on", "known_on"}
)
"""Words and days that come and go by themselves: a new campaign is no alarm. They are described, and not compared."""

RANGES_A_DOUBLING = 4
"""Numbers are counted in ranges by size, four between a number and its double: a price a hundred times too high is 27
ranges away, and the ranges of two nights are the same without either knowing the other."""


@dataclass(frozen=True)
class Described:
    """One column, and the SQL of what is counted of it."""

    column: Column
    measure: str
    """`values` or `numbers`; empty where only missing values are counted."""
    sql: str = ""
    """Of one row: the word, or the place of the range of the number; null where it has none."""
    bounded: bool = True
    """Whether there are few bins, whatever the rows hold."""

    @property
    def compared(self) -> bool:
        """Whether a new word is an alarm, and shares should be those of earlier nights."""
        return bool(self.measure) and self.column.name not in _OF_THE_DAY


def described(table: Table) -> list[Described]:
    """The columns of a table that are watched; never what names a person."""
    return [_described(column) for column in table.columns if column.name != "source" and column.holds != "person"]


def _described(column: Column) -> Described:
    name, kind = f'"{column.name}"', column.parsed_type
    if column.holds == "identifier":
        return Described(column, "values", f"split_part({name}, ':', 1)")
    if column.holds or column.whole or column.text == "title" or column.name in _IDS:
        return Described(column, "")
    match kind:
        case Simple("string"):
            return Described(column, "values", name, bounded=bool(column.one_of))
        case Simple("boolean"):
            return Described(column, "values", f"{name}::varchar")
        case Simple("timestamp") if column.name == "occurred_at":
            return Described(column, "values", f"strftime({name}, '%H')")
        case Simple("timestamp" | "date"):
            return Described(column, "numbers", _range_of(f"datediff('day', {name}::date, day)::double"))
        case Simple():
            return Described(column, "numbers", _range_of(f"{name}::double"))
        case Array(Struct()):
            return Described(column, "values", f"{name}[1].category", bounded=False)
        case Array(Simple("float" | "double")):
            return Described(column, "numbers", _range_of(f"sqrt(list_sum(list_transform({name}, lambda x: x * x)))"))
        case _:
            return Described(column, "numbers", _range_of(f"len({name})::double"))


_OFFSET = 5000
"""Of the places of ranges, so that the smallest number that there is has a place above 0."""


def _range_of(number: str) -> str:
    """The place of the range that a number is in: 0 of 0, and the same on both sides of it; null of what is none."""
    place = f"{_OFFSET} + floor({RANGES_A_DOUBLING} * log2(abs({number})) + 1e-9)"
    return (
        f"case when not isfinite({number}) then null when {number} = 0 then 0 else sign({number}) * ({place}) end::int"
    )


def lower_end(place: int) -> str:
    """The end of a range that is nearer to 0, as text that reads as a number; the way in which histograms name it."""
    if place == 0:
        return "0"
    return f"{math.copysign(2 ** ((abs(place) - _OFFSET) / RANGES_A_DOUBLING), place):.5g}"
