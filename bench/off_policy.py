"""How well off-policy estimates find a value that is known, on a real log of places that were filled by lot.

The log is the sample of the Open Bandit Dataset that comes with its pipeline (uniform policy, men's campaign): 10,000
places, 34 items, 46 clicks.

- `itself`: the uniform policy from its own log; its value is the share of clicks.
- `skewed`: logs as a skewed policy would have left them. The largest chance of an item is so many times the smallest,
  and an item is clicked with the share of clicks that it has in the real log, so that the value of any policy is known.
  From these logs the uniform policy is estimated, and from uniform ones the skewed policy; counted is how often the
  known value lies in the interval, and how often too little overlap is said.

    python -m bench.off_policy --data ../shared/data/ads/obd_random_men.csv.gz
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from bench import result
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from training.metrics.off_policy import OffPolicy, off_policy

RATIOS = (3, 10, 30, 100, 1000)
"""Largest to smallest chance of the skewed policies."""

ESTIMATES = ("ips", "self_normalised", "doubly_robust")

PRIOR_PLACES = 200
"""Weight of the mean in the model's share of clicks of an item: an item has about 300 places, and one click or two."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.off_policy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="obd_random_men.csv.gz")
    parser.add_argument("--draws", type=int, default=500, help="logs of each policy (default 500)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.data, chosen.draws, seed=chosen.seed))


def bench(data: Path, draws: int, *, seed: int) -> list[dict[str, Any]]:
    """Write and return the lines.

    Raises:
        ModelError: a known value lies in too few of the intervals.
    """
    with duckdb.connect() as connection:
        query = "select item_id, click, propensity_score as chance from read_csv($file) order by all"
        log = connection.sql(query, params={"file": str(data)}).fetchnumpy()
    items, clicks, chances = (np.asarray(log[name]) for name in ("item_id", "click", "chance"))
    count = int(items.max()) + 1
    random = np.random.default_rng(seed)
    uniform = np.full(count, 1.0 / count)
    own = estimated(random, items, clicks.astype(float), chances, uniform)
    known = float(clicks.mean())
    lines = [{"part": "itself", "rows": len(items), "clicks": int(clicks.sum()), "known": known, **_rounded(own)}]
    shares = np.bincount(items, clicks, minlength=count) / np.bincount(items, minlength=count)
    for ratio in RATIOS:
        skewed = np.geomspace(1.0, ratio, count)[random.permutation(count)]
        skewed /= skewed.sum()
        for name, logging, target in (("uniform", skewed, uniform), ("skewed", uniform, skewed)):
            started = time.monotonic()
            found = coverage(random, shares, logging, target, len(items), draws)
            seconds = round(time.monotonic() - started, 1)
            lines.append({"part": "skewed", "ratio": ratio, "estimated": name, **found, "seconds": seconds})
    for line in lines:
        result.write({"bench": "off_policy", "seed": seed, **line})
    inside = [getattr(own, name).low <= known <= getattr(own, name).high for name in ESTIMATES]
    worst = min(min(line["inside"].values()) for line in lines if "inside" in line)
    if worst < 0.93 or not all(inside):
        raise ModelError(
            expected="the known value in 93 % of the intervals",
            received=f"it in {worst:.1%} of some",
            remedy="look at the lines that were printed: off-policy estimates are not to be trusted",
        )
    return lines


def estimated(
    random: np.random.Generator, items: np.ndarray, clicks: np.ndarray, logged: np.ndarray, target: np.ndarray
) -> OffPolicy:
    """The estimates of a log, with the shares of clicks that the other half of it has as the model.

    Args:
        logged: chance of what was shown (rows,).
        target: chances of the other policy (items,).
    """
    half = random.integers(0, 2, len(items))
    model = np.empty((2, len(target)))
    for which in (0, 1):
        seen = half != which
        places = np.bincount(items[seen], minlength=len(target))
        clicked = np.bincount(items[seen], clicks[seen], minlength=len(target))
        model[which] = (clicked + PRIOR_PLACES * clicks[seen].mean()) / (places + PRIOR_PLACES)
    return off_policy(
        clicks,
        logged,
        target[items],
        expected_logged=model[half, items],
        expected_target=(model @ target)[half],
    )


def coverage(
    random: np.random.Generator, shares: np.ndarray, logging: np.ndarray, target: np.ndarray, rows: int, draws: int
) -> dict[str, Any]:
    """Estimates of a policy over many logs of another, beside its known value.

    Args:
        shares: of clicks of each item (items,).
    """
    known = float(shares @ target)
    values, inside, widths = (np.zeros((draws, len(ESTIMATES))) for _ in range(3))
    effective, said = np.zeros(draws), np.zeros(draws, bool)
    for draw in range(draws):
        items = random.choice(len(shares), rows, p=logging)
        clicks = (random.random(rows) < shares[items]).astype(float)
        found = estimated(random, items, clicks, logging[items], target)
        for place, name in enumerate(ESTIMATES):
            one = getattr(found, name)
            values[draw, place], widths[draw, place] = one.value, one.high - one.low
            inside[draw, place] = one.low <= known <= one.high
        effective[draw], said[draw] = found.effective_rows, bool(found.too_little)
    return {
        "rows": rows,
        "draws": draws,
        "known": round(known, 5),
        "mean": _named(values.mean(0), 5),
        "inside": _named(inside.mean(0), 3),
        "width": _named(widths.mean(0), 5),
        "effective_rows": round(float(effective.mean())),
        "too_little_said": round(float(said.mean()), 3),
    }


def _named(numbers: np.ndarray, digits: int) -> dict[str, float]:
    return dict(zip(ESTIMATES, np.round(numbers, digits).tolist(), strict=True))


def _rounded(found: OffPolicy) -> dict[str, Any]:
    """The three estimates, and what is said of the overlap."""
    estimates = {name: asdict(getattr(found, name)) for name in ESTIMATES}
    rounded = {name: {end: round(value, 5) for end, value in one.items()} for name, one in estimates.items()}
    return rounded | {"effective_rows": round(found.effective_rows), "too_little": found.too_little}


if __name__ == "__main__":
    main()
