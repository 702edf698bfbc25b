"""How fast a night's messages are arbitrated, and how near to the best plan: 1,000,000 people, 20 campaigns.

Each campaign wants seven people of ten, everybody takes one message, and budgets pay for half of the people together.
Messages are worth:

- `random`: sums drawn for each person and campaign alone (gamma);
- `skewed`: nearly the same to a person whatever the campaign, for few people much, and to the last campaigns four
  times what they are to the first, so that all want the same people (log-normal);
- `coarse`: whole euros, most of them 0 or 1, so that most are equal;
- `several`: random, with none to three messages a person.

Beside the plan stands the greedy one, which gives the dearest message first that person and budget still take. On few
people the linear programme is solved too (HiGHS), and the plan and its bound are compared with its optimum.

    python -m bench.arbitration [--people 1000000]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from activation.planning.arbitration import arbitrate
from bench import result
from contracts.entry_point import exit_with_sentence

CAMPAIGNS = 20
SMALL = 2_000
"""People for whom the linear programme is solved."""

CASES = ("random", "skewed", "coarse", "several")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.arbitration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="people of the large cases (default %(default)s)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: run(chosen.people))


def run(people: int) -> None:
    """Measure every case on few people, beside the optimum, and on many, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        for case in CASES:
            for count in (SMALL, people):
                result.write(processes.submit(measured, case, count, solve=count == SMALL).result())


def measured(case: str, people: int, *, solve: bool) -> dict:
    """One line of the results."""
    values, capacity, room = make_case(case, people)
    started = time.monotonic()
    plan = arbitrate(values, capacity, room)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, before the others take their part
    line = {
        "bench": "arbitration",
        "case": case,
        "people": people,
        "campaigns": CAMPAIGNS,
        "seconds": round(seconds, 2),
        "peak_gib": round(peak / 2**20, 2),
        "messages": int(plan.offered.sum()),
        "euros": round(plan.value, 2),
        "gap": round(float(plan.gap), 6),
        "greedy_share_of_bound": round(float(greedy(values, capacity, room) / plan.bound), 6),
    }
    if solve:
        optimum = linear_programme(values, capacity, room)
        line |= {
            "optimum": round(optimum, 2),
            "missing": round(float(1 - plan.value / optimum), 6),
            "bound_above": round(float(plan.bound / optimum - 1), 6),
        }
    return line


def make_case(case: str, people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (campaigns, people), capacity (campaigns,), room (people,)."""
    random = np.random.default_rng(CASES.index(case))
    shape = (CAMPAIGNS, people)
    if case == "skewed":
        of_person = np.exp(random.normal(0.0, 1.0, people))
        of_campaign = np.linspace(0.5, 2.0, CAMPAIGNS)[:, None]
        values = of_person * of_campaign * np.exp(random.normal(0.0, 0.3, shape))
    else:
        values = random.gamma(0.5, 1.0, shape)
    if case == "coarse":
        values = np.round(values)
    values[random.random(shape) < 0.3] = np.nan
    capacity = (random.dirichlet(np.ones(CAMPAIGNS)) * people / 2).astype(np.int64)
    room = random.integers(0, 4, people) if case == "several" else np.ones(people, np.int64)
    return values, capacity, room


def greedy(values: np.ndarray, capacity: np.ndarray, room: np.ndarray) -> float:
    """Euros of the plan that gives the dearest message first that person and budget still take."""
    wanted = np.flatnonzero(~np.isnan(values.ravel()))
    wanted = wanted[np.argsort(-values.ravel()[wanted], kind="stable")]
    campaigns, people = np.divmod(wanted, values.shape[1])
    left, space, euros = capacity.tolist(), room.tolist(), 0.0
    worth = values.ravel()[wanted]
    for start in range(0, len(wanted), 1_000_000):
        part = slice(start, start + 1_000_000)
        rows = zip(campaigns[part].tolist(), people[part].tolist(), worth[part].tolist(), strict=True)
        for one, person, value in rows:
            if left[one] and space[person]:
                left[one] -= 1
                space[person] -= 1
                euros += value
    return euros


def linear_programme(values: np.ndarray, capacity: np.ndarray, room: np.ndarray) -> float:
    """The optimum of all plans, as HiGHS finds it."""
    campaigns, people = np.nonzero(~np.isnan(values))
    ones, columns = np.ones(len(people)), np.arange(len(people))
    rows = [
        csr_array((ones, (campaigns, columns)), shape=(len(capacity), len(columns))),
        csr_array((ones, (people, columns)), shape=(len(room), len(columns))),
    ]
    found = linprog(
        -values[campaigns, people],
        A_ub=vstack(rows),
        b_ub=np.concatenate([capacity, room]),
        bounds=(0.0, 1.0),
        method="highs",
    )
    return -found.fun


if __name__ == "__main__":
    main()
