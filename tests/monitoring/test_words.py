"""New and vanished words: what was there already, unnamed, is not new."""

from __future__ import annotations

import pytest

from monitoring.watching.describing import RARE
from monitoring.watching.history import History, Key
from monitoring.watching.sources import words

KEY = Key("events", "shop", "device", "values")
DAYS = [f"2026-11-{day:02}" for day in range(1, 9)]


def kinds(before: dict[str, int], tonight: dict[str, int]) -> dict[str, str]:
    """Subject -> kind, after seven equal nights."""
    history = History({KEY: {}})
    names = dict(zip(("table_name", "source", "column_name", "measure"), KEY, strict=True))
    for day, bins in zip(DAYS, [before] * 7 + [tonight], strict=True):
        figure = {"ds": day, "rows": sum(bins.values()), "names": list(bins), "counts": list(bins.values())}
        history.add([{**names, **figure, "value": None}])
    return {one.subject: one.alarm for one in words(history, DAYS[-1], str)}


@pytest.mark.parametrize(
    ("before", "tonight", "found"),
    [
        ({"mobile": 300}, {"mobile": 280, "fridge": 20}, {"shop: events.device = fridge": "new_category"}),
        ({"mobile": 300}, {"mobile": 281, "fridge": 19}, {}),  # fewer than 20 rows
        ({"mobile": 5000}, {"mobile": 5000, "fridge": 40}, {}),  # fewer than one in a hundred
        ({"mobile": 300, RARE: 19}, {"mobile": 300, "fridge": 24}, {}),  # it may have been one of the rare ones
        ({"mobile": 300, "tv": 40}, {"mobile": 300}, {"shop: events.device = tv": "vanished_category"}),
        ({"mobile": 300, "tv": 15}, {"mobile": 300}, {}),  # too few to be missed
    ],
)
def test_which_words_are_alarms(before, tonight, found):
    assert kinds(before, tonight) == found
