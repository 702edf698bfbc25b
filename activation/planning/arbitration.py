"""Which campaign writes to whom, where messages are worth different sums and neither people nor budgets take them all.

The problem is a transport problem: person i takes at most `room` messages, campaign j sends at most `capacity`, and a
message from j to i is worth `values[j, i]` euros. With a price on each campaign that is short of budget, everybody
takes the best messages that are worth more than their price, and the prices that make this cheapest are the dual of the
linear programme: what people then gain, and the budgets at their prices, together are an upper bound on what any plan
can bring (Lagrangian relaxation: Fisher, Management Science 1981; for transport problems it is tight). There are only
as many prices as campaigns, so a cutting-plane method with a trust region finds them in some tens of passes over the
people: first on a sample of these, then on all. The plan follows from the prices by rounds in which people ask for
their best message and a campaign that is asked too often takes those who would lose most; where that is not near
enough, a second plan is made of values that are parted a little, and the better one counts. The gap between plan and
bound is what may be missing to the optimum, and it holds whatever the prices are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog

_SAMPLE = 20_000
"""People on whom prices are found first: a pass over them takes milliseconds."""

_PASSES_ON_SAMPLE, _PASSES = 150, 30
_CLOSE_ENOUGH = 1e-5
"""Prices are not searched further once they could lower the bound by at most this share."""

_NEAR_ENOUGH = 1e-4
"""A plan that misses at most this share is not searched further."""

_PARTING = 0.01
"""Where many messages are worth the same, people who could as well take another one crowd before a budget. A second
plan parts them by up to this share of a usual message, drawn by place; it counts by the true euros."""

_PEOPLE_A_CHUNK = 1 << 15
"""Twenty rows of so many numbers stay in a processor's cache."""


@dataclass(frozen=True)
class Arbitration:
    """A plan, and how good it is."""

    offered: np.ndarray
    """Whether the campaign writes to the person (campaigns, people)."""
    value: float
    """Euros of what is offered."""
    bound: float
    """No plan brings more euros."""

    @property
    def gap(self) -> float:
        """At most this share of the optimum is missing, 0 to 1."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0


@dataclass(frozen=True)
class _Demand:
    """What people take at some prices."""

    prices: np.ndarray
    bound: float
    slope: np.ndarray
    """How the bound changes with each price: what is left of the campaign's capacity."""


def arbitrate(values: np.ndarray, capacity: np.ndarray, room: np.ndarray) -> Arbitration:
    """A plan that keeps to capacity and room, and brings nearly as many euros as any; equal ones by place.

    Args:
        values: euros of a message, at least 0; not a number where there may be none (campaigns, people).
        capacity: most messages of a campaign (campaigns,).
        room: most messages to a person (people,).
    """
    values = np.where(np.isnan(values), -np.inf, values)
    capacity = np.minimum(np.asarray(capacity, np.int64), np.isfinite(values).sum(1))
    room = np.minimum(np.asarray(room, np.int64), len(values))
    demand = _demand(values, capacity, room, np.zeros(len(values)))
    if not (demand.slope < 0).any():  # no budget is short
        return _planned(values, values, capacity, room, demand)
    demand = _lowest_bound(values, capacity, room, demand)
    plan = _planned(values, values, capacity, room, demand)
    if plan.gap <= _NEAR_ENOUGH:
        return plan
    usual = values[np.isfinite(values)].mean()
    parted = values + usual * _PARTING * np.random.default_rng(0).random(values.shape)
    prices = _lowest_bound(parted, capacity, room, _demand(parted, capacity, room, demand.prices)).prices
    other = _planned(values, parted, capacity, room, _demand(values, capacity, room, prices))
    return replace(max(plan, other, key=lambda one: one.value), bound=min(plan.bound, other.bound))


def _planned(
    values: np.ndarray, wishes: np.ndarray, capacity: np.ndarray, room: np.ndarray, demand: _Demand
) -> Arbitration:
    """The plan that follows from prices, where people ask by `wishes`."""
    offered = _rounded(wishes, capacity, room, demand.prices)
    value = float(sum(row[taken].sum() for row, taken in zip(values, offered, strict=True)))
    return Arbitration(offered, value, max(demand.bound, value))


def _lowest_bound(values: np.ndarray, capacity: np.ndarray, room: np.ndarray, start: _Demand) -> _Demand:
    """The lowest bound that is found, of many people by way of a sample."""
    people = values.shape[1]
    if people <= 2 * _SAMPLE:
        return _best_prices(values, capacity, room, start, _PASSES_ON_SAMPLE)
    sample = np.arange(0, people, people // _SAMPLE)
    own = (np.ascontiguousarray(values[:, sample]), capacity * (len(sample) / people), room[sample])
    prices = _best_prices(*own, _demand(*own, start.prices), _PASSES_ON_SAMPLE).prices
    found = _best_prices(values, capacity, room, _demand(values, capacity, room, prices), _PASSES)
    return min(found, start, key=lambda one: one.bound)


def _best_prices(values: np.ndarray, capacity: np.ndarray, room: np.ndarray, start: np.ndarray, passes: int) -> _Demand:
    """The lowest bound that so many passes find: Kelley's cutting planes within a box around the best prices so far."""
    best = start
    cuts = [best]
    highest = np.where(np.isfinite(values), values, 0.0).max(initial=0.0)
    radius = max(start.prices.max() / 50, highest * 1e-6) if start.prices.any() else highest / 4
    for _ in range(passes):
        candidate, expected = _lowest_of_cuts(cuts, best.prices, radius)
        if candidate is None or best.bound - expected <= _CLOSE_ENOUGH * abs(best.bound):
            break
        found = _demand(values, capacity, room, candidate)
        cuts.append(found)
        gain = (best.bound - found.bound) / (best.bound - expected)
        if gain > 0:
            at_the_edge = np.abs(candidate - best.prices).max() > 0.99 * radius
            best = found
            radius = radius * 2 if gain > 0.5 and at_the_edge else radius
        else:
            radius /= 2
    return best


def _lowest_of_cuts(cuts: list[_Demand], around: np.ndarray, radius: float) -> tuple[np.ndarray | None, float]:
    """Prices within a box at which the cuts allow the lowest bound, and that bound."""
    slopes = np.stack([cut.slope for cut in cuts])
    offsets = np.array([cut.slope @ cut.prices - cut.bound for cut in cuts])
    limits = [*((max(price - radius, 0.0), price + radius) for price in around), (None, None)]
    found = linprog(
        np.eye(len(around) + 1)[-1],
        A_ub=np.hstack([slopes, -np.ones((len(cuts), 1))]),
        b_ub=offsets,
        bounds=limits,
        method="highs",
    )
    return (found.x[:-1], found.x[-1]) if found.status == 0 else (None, 0.0)


def _demand(values: np.ndarray, capacity: np.ndarray, room: np.ndarray, prices: np.ndarray) -> _Demand:
    """What everybody takes at some prices, each of the best ones that are worth more than they cost."""
    gained, taken = 0.0, np.zeros(len(values))
    for people in _chunks(values.shape[1]):
        worth = values[:, people] - prices[:, None]
        left = room[people].copy()
        takes_all = left >= (worth > 0).sum(0)
        if takes_all.any():
            all_of_them = (worth > 0) & takes_all
            gained += worth[all_of_them].sum()
            taken += all_of_them.sum(1)
        asking = np.flatnonzero(~takes_all & (left > 0))
        worth, left = worth[:, asking], left[asking]
        while len(left):
            campaign, gain = _highest(worth)
            wants = gain > 0
            gained += gain[wants].sum()
            taken += np.bincount(campaign[wants], minlength=len(values))
            left[wants] -= 1
            more = wants & (left > 0)
            worth[campaign, np.arange(len(left))] = -np.inf
            worth, left = worth[:, more], left[more]
    return _Demand(prices, gained + float(capacity @ prices), capacity - taken)


def _rounded(values: np.ndarray, capacity: np.ndarray, room: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Who gets what: first those to whom a message is worth its price, then whoever is left while there is any."""
    offered = np.zeros(values.shape, bool)
    capacity, room = capacity.copy(), room.copy()
    for worth in (values - prices[:, None], values.copy()):
        worth[offered] = -np.inf
        worth[capacity <= 0] = -np.inf
        asking = np.flatnonzero(room > 0)
        while len(asking):
            campaign, gain, other = _highest_two(worth, asking)
            asks = gain >= 0
            asking, campaign, gain, other = (one[asks] for one in (asking, campaign, gain, other))
            loss = gain - np.where(room[asking] == 1, np.maximum(other, 0.0), 0.0)
            for one in range(len(values)):
                mine = np.flatnonzero(campaign == one)
                if len(mine) > capacity[one]:
                    mine = mine[np.argsort(-loss[mine], kind="stable")[: capacity[one]]]
                people = asking[mine]
                offered[one, people] = True
                worth[one, people] = -np.inf
                room[people] -= 1
                capacity[one] -= len(people)
                if capacity[one] == 0:
                    worth[one] = -np.inf
            asking = asking[room[asking] > 0]
    return offered


def _highest(worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of each column's highest number, the first of equal ones, and that number."""
    row = np.zeros(worth.shape[1], np.int64)
    highest = worth[0].copy()
    for one in range(1, len(worth)):
        higher = worth[one] > highest
        row[higher] = one
        np.maximum(highest, worth[one], out=highest)
    return row, highest


def _highest_two(worth: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The row of the highest number of some columns, that number, and the second highest."""
    row = np.zeros(len(columns), np.int64)
    highest, second = np.empty(len(columns)), np.full(len(columns), -np.inf)
    for chunk in _chunks(len(columns)):
        part = worth[:, columns[chunk]]
        row[chunk], highest[chunk] = _highest(part)
        part[row[chunk], np.arange(part.shape[1])] = -np.inf
        second[chunk] = part.max(0)
    return row, highest, second


def _chunks(people: int) -> Iterator[slice]:
    for start in range(0, people, _PEOPLE_A_CHUNK):
        yield slice(start, min(start + _PEOPLE_A_CHUNK, people))
