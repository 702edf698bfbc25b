"""The front of a search and what is chosen from it, by hand; the page says both."""

from dataclasses import dataclass

import pytest

from training.tuning.front import Candidate, choose, front_of
from training.tuning.page import front_page


@dataclass(frozen=True)
class Config:
    width: int = 8
    rate: float = 0.01


def candidate(name: str, accuracy: float, seconds: float, coverage: float | None = None, *, error: float = 0.02):
    return Candidate(name, Config(), accuracy, error, seconds, coverage)


BEST = candidate("best", 0.50, 100, 0.60)
QUICK = candidate("quick", 0.49, 30, 0.58)
NARROW = candidate("narrow", 0.49, 5, 0.30)
WEAK = candidate("weak", 0.40, 2, 0.90)
BEATEN = candidate("beaten", 0.48, 40, 0.58)


def names(candidates) -> list[str]:
    return [one.name for one in candidates]


def test_on_the_front_is_who_is_beaten_by_no_one():
    assert names(front_of([BEATEN, WEAK, NARROW, QUICK, BEST])) == ["best", "narrow", "quick", "weak"]
    twins = [candidate("one", 0.5, 10), candidate("two", 0.5, 10)]
    assert names(front_of(twins)) == ["one", "two"]


def test_the_quickest_within_a_standard_error_that_shows_as_much_is_chosen():
    assert choose([BEATEN, WEAK, NARROW, QUICK, BEST]) is QUICK


def test_without_a_standard_error_the_most_accurate_is_chosen():
    exact = [candidate(one.name, one.accuracy, one.seconds, one.coverage, error=0.0) for one in (QUICK, BEST)]
    assert choose(exact).name == "best"


def test_a_tenth_of_the_seconds_is_no_difference():
    assert choose([candidate("quick", 0.49, 100), candidate("better", 0.50, 109)]).name == "better"
    assert choose([candidate("quick", 0.49, 100), candidate("better", 0.50, 111)]).name == "quick"


@pytest.mark.parametrize(("shows", "panels"), [(0.6, 2), (None, 1)], ids=["shows items", "shows none"])
def test_the_page_says_what_is_kept_and_in_what_it_differs(shows, panels):
    present = Candidate("present configuration", Config(), 0.48, 0.01, 40.0, shows)
    found = Candidate("trial 3", Config(width=16, rate=0.00123), 0.50, 0.01, 30.0, shows)
    page = front_page("next_item", "2026-11-19", "validation_ndcg_at_10", [present, found], stopped=2)
    assert "2 configurations trained to the end, 2 stopped early, 1 on the front" in page
    assert "trial 3 is kept: validation_ndcg_at_10 0.5000 (standard error 0.0100) in 30 s" in page
    assert "<td>width 16, rate 0.00123</td>" in page
    assert page.count("data:image/png") == 1
    assert ("coverage 0.600" in page) == (panels == 2)
    assert "http" not in page
