"""Deliveries, rows, missing values, late rows, rules of the books, words: is tonight's day of each as usual?

An alarm has to be both improbable and of some size. Improbable alone is not enough: of a million rows a share that is
off by a thousandth is, and nobody would do anything about it. The sizes are those at which somebody would.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from contracts.tables.watched import ALL_ROWS, BOOKS, OWN
from monitoring.watching.columns import OWN_TABLES, SOURCE_TABLES, described
from monitoring.watching.describing import RARE, Figure
from monitoring.watching.finding import Finding
from monitoring.watching.history import History, Key, weekdays
from monitoring.watching.usual import ALPHA, LEVEL_NIGHTS, Compared, compare, holm

LEAST_FACTOR = 1.5
"""Half as many rows again, or a third fewer: less is what a campaign or a holiday does."""

LEAST_ROWS = 20
"""Fewer rows say nothing of shares; and a word is missed only where so many rows of it were expected."""

LARGE_SHARE = 0.5
"""How far beyond every delivery so far a share is an alarm where there were too few to say what is usual."""

NEW_WORD_SHARE = 0.01
"""A new word in fewer rows is a slip of the pen, and not a change of the source."""

GAPS_KNOWN = 5
"""After so many deliveries at odd intervals, twice the longest of them is late."""


@dataclass(frozen=True)
class _Share:
    """A measure that is a share of rows: how much more of them is an alarm, and of which kind."""

    alarm: str
    least_more: float
    words: str


_SHARES = {
    "null_share": _Share("nulls", 0.05, "of {rows} rows have no {column}"),
    "late_share": _Share("late", 0.10, "of {rows} rows happened before the day they arrived on"),
    "largest_share": _Share("concentration", 0.10, "of {rows} rows have the same item"),
    "share": _Share("books", 0.05, "of {rows} rows were {column}"),
}

_COMPARED = {
    (table.name, one.column.name)
    for table in (*SOURCE_TABLES, *OWN_TABLES)
    for one in described(table)
    if one.compared and one.measure == "values" and one.column.name != "occurred_at"
}
"""Table and column whose new and vanished words are alarms."""


def deliveries(history: History, ds: str) -> Iterator[Finding]:
    """Sources that did not come, though by their habit they should have.

    A source that came on each of seven days, or on each of the last three of this weekday, is expected tonight; one
    that comes at odd intervals is late after twice its longest.
    """
    night = datetime.date.fromisoformat(ds)
    came: dict[str, list[datetime.date]] = {}
    for day, source in sorted(history.days()):
        came.setdefault(source, []).append(datetime.date.fromisoformat(day))
    for source, days in came.items():
        since = (night - days[-1]).days
        if since == 0:
            continue
        known = set(days)
        week = all(days[-1] - datetime.timedelta(days=age) in known for age in range(LEVEL_NIGHTS))
        weekday = all(night - datetime.timedelta(days=7 * age) in known for age in (1, 2, 3))
        gaps = [(after - before).days for before, after in pairwise(days)]
        odd = len(gaps) >= GAPS_KNOWN and since >= 2 * max(gaps)
        if week or weekday or odd:
            usual = "daily" if week else f"each {night:%A}" if weekday else f"within {max(gaps)} days"
            yield Finding(
                "missing",
                source,
                f"{source} did not come, and usually comes {usual}; its last day is {days[-1]}",
                f"ls <raw>/{source}/",
                value=float(since),
                expected_low=0.0,
                expected_high=0.0 if week or weekday else float(max(gaps)),
            )


def volumes(history: History, ds: str, look: Callable[[Key], str]) -> list[Finding]:
    """Sources, tables of a source, and marts that have many more or fewer rows than they usually have."""
    delivered: dict[str, list[str]] = {}
    for day, source in sorted(history.days()):
        delivered.setdefault(source, []).append(day)
    judged: list[tuple[Key, Figure, Compared]] = []
    for key in [key for key in history.figures if key.measure == "rows"]:
        tonight = _rows_of_tonight(history, key, ds, came=ds in delivered.get(key.source, ()))
        if tonight is None:
            continue
        before = _with_empty_days(history.reference(key, ds), key, delivered.get(key.source, []), history, ds)
        counts = np.array([float(figure["rows"]) for figure in (*before, tonight)])
        found = compare(
            np.log1p(counts), weekdays((*before, tonight)), noise=1 / math.sqrt(1 + float(np.median(counts)))
        )
        if found is not None:
            judged.append((key, tonight, found))
    findings = []
    flagged_sources = set()
    for (key, tonight, found), chance in _adjusted(judged):
        low, high = math.expm1(found.low), math.expm1(found.high)
        usual = math.sqrt(max(0.0, low) * high) if low > 0 else high / 2
        factor = (tonight["rows"] + 1) / (usual + 1)
        alarm = chance < ALPHA and not 1 / LEAST_FACTOR < factor < LEAST_FACTOR and abs(tonight["rows"] - usual) >= 10
        tonight |= {"expected_low": max(0.0, low), "expected_high": high, "chance": chance, "alarm": alarm}
        if alarm and key.table == BOOKS:
            flagged_sources.add(key.source)
        if alarm and (key.table == BOOKS or key.source not in flagged_sources):
            came = "came from" if key.table == BOOKS else "of table"
            of = key.source if key.table == BOOKS else f"{key.table}, from {key.source},"
            rows = "row" if tonight["rows"] == 1 else "rows"
            words = f"{tonight['rows']:,} {rows} {came} {of} where {max(0, low):,.0f} to {high:,.0f} were expected"
            findings.append(
                Finding("volume", key.subject, words, look(key), float(tonight["rows"]), max(0.0, low), high)
            )
    return findings


def _rows_of_tonight(history: History, key: Key, ds: str, *, came: bool) -> Figure | None:
    """The figure of tonight; no row of a table whose source came is one, too."""
    if (tonight := history.figures[key].get(ds)) is not None or not came or key.source == OWN:
        return tonight
    tonight = {**_empty(key), "ds": ds}
    history.add([tonight])
    return tonight


def _with_empty_days(
    before: Sequence[Figure], key: Key, delivered: Sequence[str], history: History, ds: str
) -> list[Figure]:
    """Earlier figures, and those of days on which the source came without a row for the table."""
    if key.source == OWN or not before:
        return list(before)
    known = history.figures[key]
    empty = [{**_empty(key), "ds": day} for day in delivered if before[0]["ds"] < day < ds and day not in known]
    return sorted([*before, *empty], key=lambda figure: figure["ds"])


def _empty(key: Key) -> Figure:
    names = dict(zip(("table_name", "source", "column_name", "measure"), key, strict=True))
    return {**names, "rows": 0, "value": 0.0, "names": None, "counts": None}


def shares(history: History, ds: str, look: Callable[[Key], str]) -> list[Finding]:
    """Columns with more missing values, sources with more late rows, or more rows under a rule than usual."""
    judged: list[tuple[Key, Figure, Compared]] = []
    large: list[tuple[Key, Figure, float]] = []
    for key in [key for key in history.figures if key.measure in _SHARES]:
        tonight = history.figures[key].get(ds)
        if tonight is None or tonight["rows"] < LEAST_ROWS:
            continue
        before = _with_days_without(history, key, ds)
        values = np.array([figure["value"] for figure in (*before, tonight)])
        rows = float(np.median([max(1, figure["rows"]) for figure in (*before, tonight)]))
        found = compare(
            np.arcsin(np.sqrt(np.clip(values, 0, 1))), weekdays((*before, tonight)), noise=0.5 / math.sqrt(rows)
        )
        if found is not None:
            judged.append((key, tonight, found))
        elif key.source != OWN and before and values[-1] >= values[:-1].max() + LARGE_SHARE:
            large.append((key, tonight, float(values[:-1].max())))
    findings = []
    for measure in _SHARES:  # each kind of alarm is corrected on its own
        of_kind = [one for one in judged if one[0].measure == measure]
        for (key, tonight, found), chance in _adjusted(of_kind):
            low, high = (math.sin(min(max(end, 0), math.pi / 2)) ** 2 for end in (found.low, found.high))
            enough = tonight["value"] >= (low + high) / 2 + _SHARES[measure].least_more and tonight["value"] > high
            alarm = chance < ALPHA and found.higher and enough
            tonight |= {"expected_low": low, "expected_high": high, "chance": chance, "alarm": alarm}
            if alarm:
                findings.append(_share_finding(key, tonight, low, high, look))
    for key, tonight, most in large:
        tonight |= {"expected_low": 0.0, "expected_high": most, "alarm": True}
        findings.append(_share_finding(key, tonight, 0.0, most, look))
    return findings


def _with_days_without(history: History, key: Key, ds: str) -> list[Figure]:
    """Earlier figures; of a rule of the books, 0 on days of the source on which it was about no row."""
    before = history.reference(key, ds)
    if key.measure != "share":
        return before
    known = history.figures[key]
    rows = history.figures[Key(BOOKS, key.source, ALL_ROWS, "rows")]
    without = [{"ds": day, "rows": figure["rows"], "value": 0.0} for day, figure in rows.items()]
    return sorted([*before, *(one for one in without if one["ds"] < ds and one["ds"] not in known)], key=_by_day)


def _by_day(figure: Figure) -> str:
    return figure["ds"]


def _share_finding(key: Key, tonight: Figure, low: float, high: float, look: Callable[[Key], str]) -> Finding:
    share = _SHARES[key.measure]
    if "unknown_field:" in key.column:
        field = key.column.partition("unknown_field:")[2]
        alarm, of = (
            "schema",
            f"of {tonight['rows']:,} rows of {key.source} have the field {field}, which no mapping reads",
        )
    else:
        alarm = share.alarm
        of = f"{share.words.format(rows=format(tonight['rows'], ','), column=key.column)} in {_place(key)}"
    words = f"{tonight['value']:.1%} {of}, where at most {high:.1%} were expected"
    return Finding(alarm, key.subject, words, look(key), tonight["value"], low, high)


def _place(key: Key) -> str:
    if key.table == BOOKS:
        return key.source
    return key.table if key.source == OWN else f"{key.table} from {key.source}"


def words(history: History, ds: str, look: Callable[[Key], str]) -> Iterator[Finding]:
    """Words that no earlier night had, and words of every earlier night that tonight has not."""
    for key in [key for key in history.figures if key.measure == "values" and (key.table, key.column) in _COMPARED]:
        tonight = history.figures[key].get(ds)
        before = history.reference(key, ds)
        if tonight is None or not before or (key.source == OWN and len(before) < LEVEL_NIGHTS):
            continue
        counts = dict(zip(tonight["names"], tonight["counts"], strict=True))
        earlier = [dict(zip(figure["names"], figure["counts"], strict=True)) for figure in before]
        found = [*_new(key, counts, earlier, look), *_vanished(key, counts, earlier, look)]
        if found:
            tonight["alarm"] = True
        yield from found


def _new(
    key: Key, counts: Mapping[str, int], earlier: Sequence[Mapping[str, int]], look: Callable[[Key], str]
) -> Iterator[Finding]:
    """A word is new where it has more rows than it could have had unnamed, among the rare ones of earlier nights."""
    known, rows = set().union(*earlier) | {RARE}, sum(counts.values())
    unnamed = max(of_night.get(RARE, 0) / sum(of_night.values()) for of_night in earlier) * rows
    least = max(LEAST_ROWS, NEW_WORD_SHARE * rows, 2 * unnamed)
    for word, n in sorted(counts.items()):
        if word not in known and n >= least:
            says = f"{n:,} rows of {_place(key)} have the {key.column} {word!r}, which no earlier night had"
            yield Finding("new_category", f"{key.subject} = {word}", says, look(key), float(n), 0.0, 0.0)


def _vanished(
    key: Key, counts: Mapping[str, int], earlier: Sequence[Mapping[str, int]], look: Callable[[Key], str]
) -> Iterator[Finding]:
    if len(earlier) < LEVEL_NIGHTS:
        return
    rows = sum(counts.values())
    for word in sorted(set.intersection(*map(set, earlier)) - {RARE} - counts.keys()):
        shares_before = [of_night[word] / sum(of_night.values()) for of_night in earlier]
        least, usual = rows * min(shares_before), rows * float(np.median(shares_before))
        if usual >= LEAST_ROWS and least >= LEAST_ROWS / 4:
            says = f"no row of {_place(key)} has the {key.column} {word!r}, which every earlier night had"
            yield Finding("vanished_category", f"{key.subject} = {word}", says, look(key), 0.0, least, usual)


def _adjusted(
    judged: Iterable[tuple[Key, Figure, Compared]],
) -> Iterator[tuple[tuple[Key, Figure, Compared], float]]:
    """Each with its chance, corrected for all of them; books before the tables that are made of them."""
    judged = sorted(judged, key=lambda one: one[0].table != BOOKS)
    yield from zip(judged, holm([found.chance for _, _, found in judged]), strict=True)
