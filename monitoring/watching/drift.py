"""How far distributions are from those of earlier nights, and what is served from what was learned from.

psi             the population stability index: sum of (p - q) ln(p / q) over bins, p of the night, q of the reference
jensen_shannon  the Jensen-Shannon divergence in bits, 0 to 1: it stays small where a single rare bin makes psi large

The reference is what the seven nights before had together, or the last six of the same weekday, whichever is nearer:
a weekend is compared with weekends. Whole states change slowly and have no weekdays, so they have the first alone.

An alarm needs three things. psi is at least `LEAST_PSI`: below 0.1 nothing has moved, as credit scoring has it, where
the index comes from (Siddiqi, Credit Risk Scorecards, 2006). It is above what so few rows differ by anyway: without any
change psi is about chi-square times (1/n + 1/m), by which Yurdakul and Naranjo (Journal of Risk Model Validation, 2020)
replace the fixed limit. And it is improbable by the same column's psi on earlier nights, which knows what neither does:
that rows of one person are alike, that a column is restless, that a town has a trend. An index is chi-square times a
factor that those nights tell, with as many degrees of freedom as fit their variance, so that tonight's over their mean
has an F distribution.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtrc

from contracts.tables.marts import INTERACTIONS
from contracts.tables.watched import EARLIER, OWN, TRAINING
from monitoring.watching.columns import OWN_TABLES, SERVED_WITH, SOURCE_TABLES, described
from monitoring.watching.describing import Figure
from monitoring.watching.finding import Finding
from monitoring.watching.history import History, Key
from monitoring.watching.usual import ALPHA, LEVEL_NIGHTS, holm

LEAST_PSI = 0.1
LEAST_JENSEN_SHANNON = 0.01
"""In bits. A shift that is spread over all bins has both alike: psi 0.1 is about 0.018."""

LEAST_BIN_SHARE = 0.05
"""Neighbouring bins are put together until the reference has so much in each: twenty bins at most, as usual."""

LARGE_FACTOR = 5
"""Where there were too few deliveries to say what is usual, numbers whose median is so many times another are one."""

SAME_WEEKDAYS = 6

LEAST_INDEXES = 3
"""So many earlier indexes say how far a column usually is from the nights before it."""

_COMPARED = {
    (table.name, one.column.name) for table in (*SOURCE_TABLES, *OWN_TABLES) for one in described(table) if one.compared
}


@dataclass
class Distance:
    """One row of `drift`, and what becomes of it."""

    row: dict[str, Any]
    finding: Finding | None = None


def against_earlier(history: History, ds: str, look: Callable[[Key], str]) -> list[Distance]:
    """Each column of tonight against earlier nights; none where there is no earlier one."""
    found: list[tuple[Distance, float | None, Key]] = []
    for key in [key for key in history.figures if (key.table, key.column) in _COMPARED]:
        tonight = history.figures[key].get(ds)
        if tonight is None or not tonight["names"] or not (before := history.reference(key, ds)):
            continue
        daily = key.source != OWN or key.table == INTERACTIONS.name
        bins = _Bins.of([*before, tonight], numbers=key.measure == "numbers")
        psi, shannon, rows = _nights_against_earlier(bins, [*before, tonight], daily=daily)
        judged = _judge(psi, bins.width, tonight["rows"], rows)
        distance = Distance(_row(key, EARLIER, tonight, rows, psi[-1], shannon, judged))
        if key.measure == "numbers" and len(before) < LEVEL_NIGHTS and key.source != OWN:
            distance.finding = _large_step(key, tonight, before, look)
        found.append((distance, judged.chance, key))
    _correct(found, history, ds, look)
    return [distance for distance, _, _ in found]


def against_training(history: History, ds: str, look: Callable[[Key], str]) -> list[Distance]:
    """Each feature as it is scored against the same as it was learned from, both of tonight.

    They differ on every night, as what is learned from is older; so it is the difference that has to be as usual.
    """
    found: list[tuple[Distance, float | None, Key]] = []
    for key in [key for key in history.figures if (key.table, key.column) in _COMPARED and key.table in SERVED_WITH]:
        served_key = key._replace(table=SERVED_WITH[key.table])
        learned, served = history.figures[key], history.figures.get(served_key, {})
        nights = [day for day in sorted(learned) if day <= ds and day in served]
        if not nights or nights[-1] != ds or not (learned[ds]["names"] and served[ds]["names"]):
            continue
        left_out = {day for day in nights[:-1] if served[day].get("alarm") or learned[day].get("alarm")}
        nights = [day for day in nights if day not in left_out]
        figures = [*(learned[day] for day in nights), *(served[day] for day in nights)]
        bins = _Bins.of(figures, numbers=key.measure == "numbers")
        pairs = [(bins.shares(served[day]), bins.shares(learned[day])) for day in nights]
        psi = np.array([_psi(p, q) for p, q in pairs])
        judged = _judge(psi, bins.width, served[ds]["rows"], learned[ds]["rows"])
        shannon = _jensen_shannon(*pairs[-1])
        row = _row(served_key, TRAINING, served[ds], learned[ds]["rows"], psi[-1], shannon, judged)
        found.append((Distance(row), judged.chance, served_key))
    _correct(found, history, ds, look)
    return [distance for distance, _, _ in found]


def _correct(
    found: Sequence[tuple[Distance, float | None, Key]], history: History, ds: str, look: Callable[[Key], str]
) -> None:
    """Correct the chances for how many there are, and make alarms of those that are left."""
    judged = [(distance, chance, key) for distance, chance, key in found if chance is not None]
    for (distance, _, key), chance in zip(judged, holm([chance for _, chance, _ in judged]), strict=True):
        row = distance.row
        row["chance"] = chance
        row["alarm"] = bool(
            chance < ALPHA and row["psi"] >= row["limit"] and row["jensen_shannon"] >= LEAST_JENSEN_SHANNON
        )
        if row["alarm"]:
            distance.finding = _finding(key, row, look)
    for distance, _, key in found:
        if distance.finding is not None:
            distance.row["alarm"] = history.figures[key][ds]["alarm"] = True


def _finding(key: Key, row: dict[str, Any], look: Callable[[Key], str]) -> Finding:
    place = f"{key.table}.{key.column}" + ("" if key.source == OWN else f" from {key.source}")
    if row["compared_with"] == TRAINING:
        kind, what = "serving", f"{place} as it is scored has moved away from what is learned from"
    else:
        kind, what = "drift", f"{place} is not distributed as on earlier nights"
    words = f"{what}: psi {row['psi']:.2f}, where {row['usual']:.3f} is usual and {row['limit']:.2f} the limit"
    return Finding(kind, key.subject, words, look(key), row["psi"], 0.0, row["limit"])


@dataclass(frozen=True)
class _Judged:
    limit: float
    usual: float | None
    chance: float | None


def _judge(psi: np.ndarray, width: int, rows: int, reference_rows: int) -> _Judged:
    """The limit of tonight's psi, and how improbable it is by those of earlier nights (nights,)."""
    freedom, each = max(1, width - 1), 1 / max(1, rows) + 1 / max(1, reference_rows)
    limit = max(LEAST_PSI, (freedom + 4 * math.sqrt(2 * freedom)) * each)
    earlier = psi[:-1]
    if len(earlier) < LEAST_INDEXES:
        return _Judged(limit, None, None)
    mean, variance = max(float(earlier.mean()), freedom * each), max(float(earlier.var(ddof=1)), 1e-12)
    own = min(float(freedom), max(1.0, 2 * mean**2 / variance))
    return _Judged(limit, float(np.median(earlier)), float(fdtrc(own, own * len(earlier), psi[-1] / mean)))


def _row(
    key: Key, against: str, tonight: Figure, reference_rows: int, psi: float, shannon: float, judged: _Judged
) -> dict[str, Any]:
    return {
        "table_name": key.table,
        "source": key.source,
        "column_name": key.column,
        "compared_with": against,
        "rows": tonight["rows"],
        "reference_rows": reference_rows,
        "psi": float(psi),
        "jensen_shannon": shannon,
        "limit": judged.limit,
        "usual": judged.usual,
        "chance": judged.chance,
        "alarm": False,
    }


@dataclass(frozen=True)
class _Bins:
    """Which of few bins each word or range of numbers is in."""

    places: dict[str, int]
    width: int

    @classmethod
    def of(cls, figures: Sequence[Figure], *, numbers: bool) -> _Bins:
        """Put neighbours together until each bin has enough of all nights but the last; of words, the rare ones."""
        total: dict[str, float] = {}
        for figure in figures[:-1]:
            for name, count in zip(figure["names"] or (), figure["counts"] or (), strict=True):
                total[name] = total.get(name, 0) + count
        every = sum(total.values()) or 1.0
        for name in figures[-1]["names"]:
            total.setdefault(name, 0)
        if not numbers:
            often = sorted(name for name, count in total.items() if count >= 0.01 * every)
            places = {name: place for place, name in enumerate(often)}
            return cls({name: places.get(name, len(often)) for name in total}, len(often) + 1)
        places, place, filled = {}, 0, 0.0
        for name in sorted(total, key=float):
            if filled >= LEAST_BIN_SHARE * every:
                place, filled = place + 1, 0.0
            places[name] = place
            filled += total[name]
        if place and filled < LEAST_BIN_SHARE * every:  # the last one is too small, and joins its neighbour
            places = {name: min(one, place - 1) for name, one in places.items()}
            place -= 1
        return cls(places, place + 1)

    def counts(self, figure: Figure) -> np.ndarray:
        filled = np.zeros(self.width)
        for name, count in zip(figure["names"] or (), figure["counts"] or (), strict=True):
            filled[self.places[name]] += count
        return filled

    def shares(self, figure: Figure) -> np.ndarray:
        return _smoothed(self.counts(figure))


def _nights_against_earlier(bins: _Bins, figures: Sequence[Figure], *, daily: bool) -> tuple[np.ndarray, float, int]:
    """psi of each night that has enough before it, the last night's Jensen-Shannon divergence and reference rows."""
    counts = np.array([bins.counts(figure) for figure in figures])
    days = [datetime.date.fromisoformat(figure["ds"]) for figure in figures]
    psi, shannon, rows = [], 0.0, 0
    for place in range(min(LEVEL_NIGHTS, len(figures) - 1), len(figures)):
        references = [counts[max(0, place - LEVEL_NIGHTS) : place].sum(axis=0)]
        if daily:
            same = [other for other in range(place) if days[other].weekday() == days[place].weekday()]
            if len(same) >= 2:
                references.append(counts[same[-SAME_WEEKDAYS:]].sum(axis=0))
        p = _smoothed(counts[place])
        distances = [_psi(p, _smoothed(reference)) for reference in references]
        nearest = int(np.argmin(distances))
        psi.append(distances[nearest])
        shannon = _jensen_shannon(p, _smoothed(references[nearest]))
        rows = int(references[nearest].sum())
    return np.array(psi), shannon, rows


def _smoothed(counts: np.ndarray) -> np.ndarray:
    """Shares, with half a row more in each bin, so that an empty one is no infinite distance."""
    filled = counts + 0.5
    return filled / filled.sum()


def _psi(p: np.ndarray, q: np.ndarray) -> float:
    return float(((p - q) * np.log(p / q)).sum())


def _jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    middle = (p + q) / 2
    return float(max(0.0, (p * np.log2(p / middle)).sum() / 2 + (q * np.log2(q / middle)).sum() / 2))


def _large_step(key: Key, tonight: Figure, before: Sequence[Figure], look: Callable[[Key], str]) -> Finding | None:
    """Numbers of a source that came a few times only, whose median is many times every earlier one, or a fraction."""
    medians = [middle for figure in before if (middle := _median(figure)) > 0]
    now = _median(tonight)
    if not medians or now <= 0 or tonight["rows"] < 20:
        return None
    factor = now / max(medians) if now > max(medians) else min(medians) / now
    if factor < LARGE_FACTOR:
        return None
    words = (
        f"the median of {key.table}.{key.column} from {key.source} is about {now:,.4g}, where earlier deliveries had "
        f"{min(medians):,.4g} to {max(medians):,.4g}"
    )
    return Finding("drift", key.subject, words, look(key), now, min(medians), max(medians))


def _median(figure: Figure) -> float:
    """The lower end of the range in which the middle row is; 0 without a row."""
    filled, half = 0, sum(figure["counts"] or ()) / 2
    for name, count in sorted(zip(figure["names"] or (), figure["counts"] or (), strict=True), key=_number):
        filled += count
        if filled >= half:
            return float(name)
    return 0.0


def _number(one: tuple[str, int]) -> float:
    return float(one[0])
