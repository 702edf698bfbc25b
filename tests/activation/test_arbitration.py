"""Plans keep to what people and budgets take, and are as good as they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from activation.planning.arbitration import arbitrate


def random_case(seed: int, campaigns: int, people: int):
    random = np.random.default_rng(seed)
    values = random.gamma(0.7, 2.0, (campaigns, people))
    if seed % 2:
        values = np.round(values)  # many equal ones
    values[random.random(values.shape) < 0.3] = np.nan
    capacity = random.integers(0, people + 1, campaigns)
    room = random.integers(0, 3, people) if seed % 3 == 0 else np.ones(people, int)
    return values, capacity, room


def best_of_all(values, capacity, room) -> float:
    """The most euros of all plans, each looked at."""
    wanted = [tuple(place) for place in np.argwhere(~np.isnan(values))]
    best = 0.0
    for taken in itertools.product((False, True), repeat=len(wanted)):
        plan = [place for place, is_taken in zip(wanted, taken, strict=True) if is_taken]
        by_campaign = np.bincount([one for one, _ in plan], minlength=len(capacity))
        by_person = np.bincount([two for _, two in plan], minlength=len(room))
        if (by_campaign <= capacity).all() and (by_person <= room).all():
            best = max(best, sum(values[place] for place in plan))
    return best


def linear_programme(values, capacity, room) -> float:
    """The optimum, by HiGHS over every message."""
    campaigns, people = values.shape
    worth = np.where(np.isnan(values), 0.0, values).ravel()
    of_campaign = np.kron(np.eye(campaigns), np.ones(people))
    of_person = np.kron(np.ones(campaigns), np.eye(people))
    limits = [LinearConstraint(of_campaign, ub=capacity), LinearConstraint(of_person, ub=room)]
    return -milp(-worth, constraints=limits, bounds=Bounds(0, (~np.isnan(values)).ravel().astype(float))).fun


def require_sound(values, capacity, room, plan) -> None:
    assert (plan.offered.sum(1) <= capacity).all()
    assert (plan.offered.sum(0) <= room).all()
    assert not (plan.offered & np.isnan(values)).any()
    assert plan.value == pytest.approx(values[plan.offered].sum())
    assert plan.value <= plan.bound + 1e-9


@pytest.mark.parametrize("seed", range(30))
def test_a_tiny_plan_is_the_best_of_all_within_its_gap(seed):
    case = random_case(seed, campaigns=3, people=4)
    plan = arbitrate(*case)
    require_sound(*case, plan)
    best = best_of_all(*case)
    assert best <= plan.bound * (1 + 1e-9) + 1e-9
    assert plan.value >= best - plan.gap * plan.bound - 1e-9


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_is_near_the_optimum_and_its_bound_above(seed):
    case = random_case(seed, campaigns=5, people=60)
    plan = arbitrate(*case)
    require_sound(*case, plan)
    best = linear_programme(*case)
    assert best <= plan.bound * (1 + 1e-6) + 1e-6
    assert plan.value >= 0.9 * best
    assert plan.bound <= 1.02 * best + 1e-9, "the bound is of use"


def test_whoever_loses_most_gets_what_is_scarce():
    values = np.array([[10.0, 9.0], [9.0, 1.0]])  # greedy would give 10 + 1
    plan = arbitrate(values, np.array([1, 2]), np.array([1, 1]))
    assert plan.offered.tolist() == [[False, True], [True, False]]
    assert (plan.value, plan.gap) == (18.0, pytest.approx(0.0, abs=1e-4))


def test_equal_ones_go_by_place_and_twice_the_same():
    values = np.zeros((2, 5))
    plan = arbitrate(values, np.array([2, 2]), np.ones(5, int))
    assert plan.offered.tolist() == [[True, True, False, False, False], [False, False, True, True, False]]
    case = random_case(3, campaigns=4, people=300)
    assert (arbitrate(*case).offered == arbitrate(*case).offered).all()


@pytest.mark.parametrize(
    ("campaigns", "people", "capacity", "room"), [(2, 0, 0, 1), (2, 3, 0, 1), (2, 3, 3, 0), (1, 3, 3, 5)]
)
def test_where_there_is_nothing_to_choose(campaigns, people, capacity, room):
    plan = arbitrate(np.ones((campaigns, people)), np.full(campaigns, capacity), np.full(people, room))
    assert plan.offered.all() == ((capacity > 0 and room > 0) or people == 0)
    assert plan.gap == 0.0


def test_nobody_wanted_by_anybody():
    plan = arbitrate(np.full((2, 3), np.nan), np.array([1, 1]), np.ones(3, int))
    assert not plan.offered.any()
    assert (plan.value, plan.bound) == (0.0, 0.0)
