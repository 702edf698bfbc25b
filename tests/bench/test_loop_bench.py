"""bench.loop in a very small town: each way sends as many messages, and knowing the truth is worth most."""

from __future__ import annotations

import pytest

from bench.loop import by_response, by_two_models, compare_ways, run
from contracts.errors import SettingsError
from sample_data.parameters import Parameters

QUICK = {"response": by_response, "two_models": by_two_models}


def test_ways_are_compared_at_one_budget():
    euros, messages = compare_ways(Parameters(people=400, days=1, seed=4), learn=6, nights=4, share=0.1, learned=QUICK)
    assert set(euros) == {"random", "response", "two_models", "best"}
    assert messages == 4 * 40
    assert max(euros, key=euros.get) == "best"


def test_equal_seeds_find_the_same():
    first, again = (compare_ways(Parameters(people=200, days=1, seed=4), 4, 2, 0.1, QUICK) for _ in range(2))
    assert first == again


def test_a_share_of_everybody_is_refused():
    with pytest.raises(SettingsError, match="a share between 0 and 1"):
        run([1], 200, 4, 2, 1.0)
    with pytest.raises(SettingsError, match="as many messages by each way"):
        compare_ways(Parameters(people=200, days=1, seed=4), 4, 14, 0.9, QUICK)
