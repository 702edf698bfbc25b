"""Distances by hand, bins, and what makes a distribution an alarm."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.tables.watched import EARLIER, OWN, TRAINING
from monitoring.watching.drift import LEAST_PSI, _Bins, _jensen_shannon, _psi, against_earlier, against_training
from monitoring.watching.history import ACCEPTED_AFTER, History, Key

KEY = Key("events", "shop", "device", "values")
DAYS = [f"2026-11-{day:02}" for day in range(1, 30)]


def figure(key: Key, ds: str, bins: dict[str, int], **more) -> dict:
    names = dict(zip(("table_name", "source", "column_name", "measure"), key, strict=True))
    return {**names, "ds": ds, "rows": sum(bins.values()), "value": None, "names": list(bins)} | {
        "counts": list(bins.values()),
        **more,
    }


def history_of(nights: list[dict[str, int]], key: Key = KEY) -> History:
    """Nights from the 1st of November on, the last one tonight."""
    history = History({})
    history.figures = {key: {}}
    history.add(figure(key, day, bins) for day, bins in zip(DAYS, nights, strict=False))
    return history


def nights(count: int, mobile: float = 0.5, rows: int = 2000) -> list[dict[str, int]]:
    random = np.random.default_rng(3)
    filled = [int(random.binomial(rows, mobile)) for _ in range(count)]
    return [{"mobile": n, "desktop": rows - n} for n in filled]


def test_the_indexes_are_those_of_a_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    # 0.25 ln 2 + 0.25 ln 1.5
    assert _psi(p, q) == pytest.approx(0.27465, abs=1e-5)
    # of 0 and 1 bit: half of what a fair coin, and of what one that falls three times in four on one side, tell apart
    assert _jensen_shannon(p, q) == pytest.approx(0.04879, abs=1e-5)
    assert _jensen_shannon(np.array([1.0 - 1e-12, 1e-12]), np.array([1e-12, 1.0 - 1e-12])) == pytest.approx(1)


def test_small_ranges_of_numbers_join_their_neighbours():
    key = Key("events", "shop", "value", "numbers")
    before, tonight = figure(key, DAYS[0], {"1": 50, "2": 2, "4": 48}), figure(key, DAYS[1], {"4": 1, "400": 9})
    bins = _Bins.of([before, tonight], numbers=True)
    assert bins.places == {"1": 0, "2": 1, "4": 1, "400": 1} or bins.places == {"1": 0, "2": 1, "4": 1, "400": 2}
    assert bins.counts(before).sum() == 100


def look(key: Key) -> str:
    return key.subject


def test_steady_nights_raise_nothing_and_a_move_does():
    [quiet] = against_earlier(history_of(nights(29)), DAYS[28], look)
    assert (quiet.row["alarm"], quiet.finding, quiet.row["compared_with"]) == (False, None, EARLIER)
    assert quiet.row["psi"] < 0.01
    [moved] = against_earlier(history_of([*nights(28), {"mobile": 1400, "desktop": 600}]), DAYS[28], look)
    assert moved.row["alarm"]
    assert moved.row["psi"] == pytest.approx(0.2 * np.log(0.7 / 0.5) + 0.2 * np.log(0.5 / 0.3), abs=0.02)
    assert moved.finding.subject == "shop: events.device"


def test_a_small_move_is_no_alarm_however_many_rows_show_it():
    million = nights(28, rows=1_000_000)
    [moved] = against_earlier(history_of([*million, {"mobile": 550_000, "desktop": 450_000}]), DAYS[28], look)
    assert moved.row["psi"] < LEAST_PSI
    assert moved.row["chance"] < 1e-6
    assert not moved.row["alarm"]


def test_few_rows_need_a_larger_move():
    [few] = against_earlier(history_of([*nights(28, rows=30), {"mobile": 22, "desktop": 8}]), DAYS[28], look)
    assert few.row["limit"] > LEAST_PSI
    assert not few.row["alarm"]


def test_a_column_that_is_always_restless_is_no_news():
    restless = [{"mobile": 1500 if day % 2 else 500, "desktop": 500 if day % 2 else 1500} for day in range(29)]
    [found] = against_earlier(history_of(restless), DAYS[28], look)
    assert found.row["psi"] > LEAST_PSI
    assert not found.row["alarm"]


def test_features_that_are_scored_may_differ_from_those_learned_from_as_they_always_do():
    learned = Key("training_responses", OWN, "main_device", "values")
    served = learned._replace(table="scoring_responses")
    history = history_of(nights(29), learned)
    history.figures[served] = {}
    history.add(figure(served, day, bins) for day, bins in zip(DAYS, nights(29, mobile=0.7), strict=True))
    history.add([figure(learned, DAYS[28], {"mobile": 1000, "desktop": 1000})])
    history.add([figure(served, DAYS[28], {"mobile": 1400, "desktop": 600})])
    [usual] = against_training(history, DAYS[28], look)
    assert (usual.row["table_name"], usual.row["compared_with"]) == ("scoring_responses", TRAINING)
    assert usual.row["psi"] == pytest.approx(0.2 * np.log(0.7 / 0.5) + 0.2 * np.log(0.5 / 0.3), abs=0.001)
    assert not usual.row["alarm"]
    history.add([figure(served, DAYS[28], {"mobile": 1980, "desktop": 20})])
    [moved] = against_training(history, DAYS[28], look)
    assert moved.finding.alarm == "serving"


def test_an_alarm_is_no_reference_until_it_is_the_new_normal():
    history = history_of([*nights(14), *nights(ACCEPTED_AFTER, mobile=0.9), *nights(1, mobile=0.9)])
    for day in DAYS[14 : 14 + ACCEPTED_AFTER - 1]:
        history.figures[KEY][day]["alarm"] = True
    last_day = DAYS[14 + ACCEPTED_AFTER - 1]
    assert [one["ds"] for one in history.reference(KEY, last_day)] == DAYS[:14]
    history.figures[KEY][last_day]["alarm"] = True
    assert [one["ds"] for one in history.reference(KEY, DAYS[21])] == DAYS[14:21]


def test_prices_a_hundred_times_too_high_are_seen_at_the_second_delivery():
    key = Key("items", "catalogue", "price", "numbers")
    prices = {"9.5137": 40, "19.027": 120, "38.055": 60}
    steady = history_of([prices, prices | {"19.027": 100}], key)
    assert [one.finding for one in against_earlier(steady, DAYS[1], look)] == [None]
    [wrong] = against_earlier(history_of([prices, {"951.37": 40, "1902.7": 120, "3805.5": 60}], key), DAYS[1], look)
    assert wrong.finding.alarm == "drift"
    assert (wrong.finding.value, wrong.finding.expected_low) == (1902.7, 19.027)
