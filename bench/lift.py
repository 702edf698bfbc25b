"""How honest and how narrow the intervals of experiments are, over simulated experiments and on a town.

Simulated people visit at rates that differ from person to person and stay the same (gamma), buy at some visits, and
spend skewed sums (log-normal); three metrics, cumulated from the first night on: whether one visited, whether one
bought, euros. One in ten is held out.

- `a_a`: experiments in which nothing was sent, looked at every night: how many ever say "significant" at 95 %, beside
  Welch's t-test looked at as often, on the same nights; both with and without adjustment by behaviour before (CUPED),
  and with a standard error from each arm's own variance alone.
- `planted`: experiments in which the treated act more, or less: how many hold the truth in the interval of the last
  night, and of every night, and how wide it is beside the t-test's.
- `cuped`: width with adjustment against without: simulated; on the last ten days of a home's lake, if there is one; and
  on the last quarter of a real shop's year (UCI Online Retail), if its file is there.
- `sample_ratio`: sound experiments that ever raise the alarm, and how soon one is found whose holdout loses people.

    python -m bench.lift [--home var] [--data online_retail.csv.gz]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.stats import t as student

from activation.experiments import sample_ratio
from activation.experiments.intervals import CONFIDENCE, Plan, multiplier
from activation.experiments.lift import Comparison, compare
from bench import result
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings, duckdb_config

RETAIL = REPOSITORY.parent / "shared" / "data" / "retail" / "online_retail.csv.gz"

NIGHTS = 30
BEFORE = 28
HOLDOUT = 0.1
METRICS = ("visit", "purchase", "euros")
BUYING = 0.25
"""Chance that a visit ends in an order."""

MEAN_LOG, SPREAD = 3.4, 1.0
"""Of the logarithm of an order's euros: half are above 30, one in a hundred above 300."""

_LOTS = 20
"""Draws over which widths are averaged; they differ little."""

UNEVEN = 0.5
"""Shape of the gamma distribution of rates: few come often, most never."""


@dataclass(frozen=True)
class People:
    """What simulated people did, cumulated night by night."""

    values: np.ndarray
    """(people, metrics * nights)"""
    before: np.ndarray
    """Visits, orders and euros of the days before (people, 3)."""
    held_out: np.ndarray


class Shop:
    """A shop of which a share of people visits within the nights."""

    def __init__(self, people: int, visiting: float) -> None:
        self.people = people
        self.daily = UNEVEN * ((1.0 - visiting) ** (-1.0 / UNEVEN) - 1.0) / NIGHTS
        """Mean visits a day: a gamma mixture of Poisson counts is zero with chance (1 + mean/shape)^-shape."""

    def draw(self, random: np.random.Generator, effect: float = 0.0) -> People:
        """An experiment in which the treated come `effect` times more often."""
        rates = random.gamma(UNEVEN, self.daily / UNEVEN, self.people)
        held_out = random.random(self.people) < HOLDOUT
        visits, orders, euros = self._acts(random, rates * np.where(held_out, 1.0, 1.0 + effect), NIGHTS)
        cumulated = [table.cumsum(1) for table in (visits, orders, euros)]
        before = np.concatenate(self._acts(random, rates * BEFORE, 1), axis=1)
        return People(np.concatenate([cumulated[0] > 0, cumulated[1] > 0, cumulated[2]], 1), before, held_out)

    def _acts(self, random: np.random.Generator, rates: np.ndarray, days: int) -> tuple[np.ndarray, ...]:
        """Visits, orders and euros (people, days) of people with so many visits a day."""
        counts = random.poisson(rates * days)
        cells = np.repeat(np.arange(self.people), counts) * days + random.integers(0, days, counts.sum())
        buys = random.random(len(cells)) < BUYING
        spent = np.where(buys, random.lognormal(MEAN_LOG, SPREAD, len(cells)), 0.0)
        size = self.people * days
        return tuple(
            np.bincount(cells, weights, minlength=size).reshape(self.people, days) for weights in (None, buys, spent)
        )

    def truth(self, effect: float) -> np.ndarray:
        """The difference of means that is planted (metrics * nights,)."""
        nights = np.arange(1, NIGHTS + 1)

        def means(factor: float) -> np.ndarray:
            visits = self.daily * factor * nights
            acting = [1.0 - (1.0 + share * visits / UNEVEN) ** -UNEVEN for share in (1.0, BUYING)]
            return np.concatenate([*acting, visits * BUYING * np.exp(MEAN_LOG + SPREAD**2 / 2)])

        return means(1.0 + effect) - means(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.lift", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="the home of a town after a night (default NIGHTSHIFT_HOME)")
    parser.add_argument("--data", type=Path, default=RETAIL, help="online_retail.csv.gz (default %(default)s)")
    parser.add_argument("--experiments", type=int, default=1_000, help="experiments with no effect (default 1000)")
    parser.add_argument("--planted", type=int, default=500, help="experiments with one (default 500)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    home = chosen.home or Settings.from_env().home.root
    exit_with_sentence(lambda: bench(home, chosen.data, chosen.experiments, chosen.planted, seed=chosen.seed))


def bench(home: Path, retail: Path, experiments: int, planted: int, *, seed: int) -> list[dict[str, Any]]:
    """Write and return the lines.

    Raises:
        ModelError: a promise of docs/loop.md does not hold.
    """
    runs: list[Callable[[np.random.Generator], dict[str, Any]]] = [
        *(lambda random, people=people: a_a(random, experiments, people) for people in (2_000, 6_000)),
        lambda random: with_effects(random, planted, 6_000),
        lambda random: cuped_simulated(random, 6_000),
        lambda random: cuped_on_a_town(random, Lake(home / "lake")),
        lambda random: cuped_on_a_real_shop(random, retail),
        lambda random: sample_ratios(random, experiments),
    ]
    lines = []
    for place, run in enumerate(runs):
        started = time.monotonic()
        found = run(np.random.default_rng([seed, place]))
        lines.append({"bench": "lift", "seed": seed, **found, "seconds": round(time.monotonic() - started, 1)})
        result.write(lines[-1])
    for line in lines:
        if "missed" in line:
            raise ModelError(
                expected=line["promised"],
                received=f"{line['worst']} in {line['part']}",
                remedy="look at the line that was printed: intervals of experiments are not to be trusted",
            )
    return lines


def a_a(random: np.random.Generator, experiments: int, people: int) -> dict[str, Any]:
    """Share of experiments without any effect that ever say "significant"."""
    shop, plan = Shop(people, visiting=0.10), Plan(people, NIGHTS)
    ways = ("always_valid", "always_valid_cuped", "t_test", "t_test_cuped", "always_valid_own_variance_alone")
    ever = {name: np.zeros(3) for name in ways}
    spoke = np.zeros(3)
    for _ in range(experiments):
        drawn = shop.draw(random)
        for cuped in ("", "_cuped"):
            found = _compared(drawn, plan, adjust=bool(cuped))
            ever[f"always_valid{cuped}"] += _ever(found.significant)
            ever[f"t_test{cuped}"] += _ever(found.arms.enough & _fixed_horizon(found))
            if not cuped:
                alone = np.abs(found.arms.differences) > multiplier(_person_days(people), plan) * _welch_error(found)
                ever["always_valid_own_variance_alone"] += _ever(found.arms.enough & alone)
                spoke += _last(found.arms.enough)
    shares = {name: _by_metric(count / experiments) for name, count in ever.items()}
    worst = max(max(shares[name].values()) for name in ("always_valid", "always_valid_cuped"))
    return {
        "part": "a_a",
        **_design(people, experiments),
        "ever_significant": shares,
        "spoke_by_the_last_night": _by_metric(spoke / experiments),
        **_verdict(worst <= 1.0 - CONFIDENCE, f"at most {1.0 - CONFIDENCE:.2f} ever significant", worst),
    }


def with_effects(random: np.random.Generator, experiments: int, people: int) -> dict[str, Any]:
    """Share of experiments whose planted effect lies in the interval."""
    shop, plan = Shop(people, visiting=0.10), Plan(people, NIGHTS)
    inside = {name: np.zeros(3) for name in ("last_night", "every_night", "last_night_cuped", "t_test_last_night")}
    widths, spoke, found_effects = np.zeros(3), np.zeros(3), np.zeros(3)
    for _ in range(experiments):
        effect = random.uniform(-0.4, 0.6)
        drawn, truth = shop.draw(random, effect), shop.truth(effect)
        plain, adjusted = _compared(drawn, plan, adjust=False), _compared(drawn, plan, adjust=True)
        enough = plain.arms.enough
        holds = (plain.low <= truth) & (truth <= plain.high)
        error = np.abs(plain.arms.differences - truth)
        inside["last_night"] += _last(enough & holds)
        inside["every_night"] += _last(enough) * ~_ever(enough & ~holds)
        inside["last_night_cuped"] += _last(enough & (adjusted.low <= truth) & (truth <= adjusted.high))
        inside["t_test_last_night"] += _last(enough & (error <= _welch_error(plain) * _quantile(plain)))
        of_t_test = 2 * _last(_welch_error(plain) * _quantile(plain))
        widths += _last(enough) * _last(plain.high - plain.low) / of_t_test
        found_effects += _last(plain.significant)
        spoke += _last(enough)
    shares = {name: _by_metric(count / spoke) for name, count in inside.items()}
    worst = min(min(shares[name].values()) for name in ("last_night", "last_night_cuped"))
    return {
        "part": "planted",
        **_design(people, experiments),
        "effect_on_visits": [-0.4, 0.6],
        "inside": shares,
        "width_beside_t_test": _by_metric(widths / spoke),
        "shown": _by_metric(found_effects / spoke),
        "multiplier_at_plan_and_of_one_look": [round(float(multiplier(plan.person_days, plan)), 3), 1.96],
        **_verdict(worst >= 0.93, "at least 0.93 inside", worst),
    }


def cuped_simulated(random: np.random.Generator, people: int) -> dict[str, Any]:
    """Width of the interval with adjustment by 28 days before against without, by how many people visit."""
    widths = {}
    for visiting in (0.1, 0.3, 0.6):
        shop, plan = Shop(people, visiting), Plan(people, NIGHTS)
        drawn = [shop.draw(random) for _ in range(_LOTS)]
        ratios = [_ratio(one.values[:, NIGHTS - 1 :: NIGHTS], one.held_out, one.before, plan) for one in drawn]
        widths[f"{visiting:.0%} visit"] = _by_metric(np.mean(ratios, 0))
    return {"part": "cuped", "on": "simulated", **_design(people, _LOTS), "width_with_against_without": widths}


def cuped_on_a_town(random: np.random.Generator, lake: Lake) -> dict[str, Any]:
    """The same of the people of a lake who agreed to personalisation, over the last ten days of their acts."""
    days = lake.days("fct_interactions")
    if not days:
        return {"part": "cuped", "on": "town", "skipped": "no lake; run `make nightly` first"}
    people = lake.partition("dim_person_consent", lake.days("dim_person_consent")[-1])
    return _cuped_on(
        "town",
        random,
        """
            select person_id as person, event_id as visit, occurred_at as moment,
                   case when action = 'purchase' then event_id end as bought,
                   case when action = 'purchase' then value end as euros
            from read_parquet($acts)
        """,
        "select person_id as person from read_parquet($people) where consent_personalisation",
        days=10,
        files={
            "acts": [str(file) for day in days for file in lake.files("fct_interactions", day)],
            "people": f"{people}/*.parquet",
        },
    )


def cuped_on_a_real_shop(random: np.random.Generator, file: Path) -> dict[str, Any]:
    """The same of the customers of UCI Online Retail, over its last 91 days."""
    if not file.is_file():
        return {"part": "cuped", "on": "online_retail", "skipped": f"no {file.name}; see --data"}
    acts = """
        select CustomerID as person, InvoiceNo as visit, strptime(InvoiceDate, '%Y-%m-%d %H:%M:%S') as moment,
               InvoiceNo as bought, greatest(Quantity::double * UnitPrice::double, 0) as euros
        from read_csv($acts, all_varchar = true) where CustomerID <> ''
    """
    known = f"select distinct person from ({acts}) where moment < (select max(moment) from ({acts})) - interval 91 day"
    return _cuped_on("online_retail", random, acts, known, days=91, files={"acts": str(file)})


_AROUND = """
    with acts as ({acts}),
    last as (select max(moment) - interval {days} day as moment from acts),
    halves as (
        select person, acts.moment >= last.moment as after, count(distinct visit) as acts,
               count(distinct acts.moment::date) as days, count(distinct bought) as orders,
               coalesce(sum(euros), 0) as euros
        from acts, last group by all
    )
    select {columns} from ({people}) as people
    left join halves as past on past.person = people.person and not past.after
    left join halves as since on since.person = people.person and since.after
    order by people.person
"""
_SINCE = {
    "visit": "since.acts > 0",
    "visit_days": "since.days",
    "purchase": "since.orders > 0",
    "euros": "since.euros",
}
_PAST = ("past.acts", "past.days", "past.orders", "past.euros")


def _cuped_on(
    name: str, random: np.random.Generator, acts: str, people: str, *, days: int, files: dict[str, str | list[str]]
) -> dict[str, Any]:
    """Widths on the acts of real or simulated people, over lots that change nothing.

    Args:
        acts: SQL; person, visit, moment, bought and euros of each act.
        people: SQL; person.
        days: the last days, which are measured; all before is behaviour before.
        files: what `$name` of the SQL stands for.
    """
    columns = (*_SINCE.values(), *_PAST)
    selected = ", ".join(f"coalesce(({column})::double, 0) as c{place}" for place, column in enumerate(columns))
    with duckdb.connect(config=duckdb_config()) as connection:
        query = _AROUND.format(acts=acts, people=people, days=days, columns=selected)
        rows = connection.sql(query, params=files).fetchnumpy()
    table = np.stack([np.asarray(rows[f"c{place}"], float) for place in range(len(columns))], axis=1)
    values, before = table[:, : len(_SINCE)], table[:, len(_SINCE) :]
    plan = Plan(len(table), days)
    ratios = [_ratio(values, random.random(len(table)) < HOLDOUT, before, plan) for _ in range(_LOTS)]
    return {
        "part": "cuped",
        "on": name,
        "people": len(table),
        "days": days,
        "holdout": HOLDOUT,
        "experiments": _LOTS,
        "means": dict(zip(_SINCE, values.mean(0).round(3).tolist(), strict=True)),
        "width_with_against_without": dict(zip(_SINCE, np.mean(ratios, 0).round(3).tolist(), strict=True)),
    }


def sample_ratios(random: np.random.Generator, experiments: int) -> dict[str, Any]:
    """False alarms over 30 nights on which 500 people arrive, and how soon a loss of the holdout is found."""
    shares = np.array([HOLDOUT, 1.0 - HOLDOUT])
    line: dict[str, Any] = {"part": "sample_ratio", "experiments": experiments, "nights": NIGHTS, "a_night": 500}
    for lost in (0.0, 0.05, 0.1, 0.2):
        held_out = random.binomial(500, HOLDOUT, (experiments, NIGHTS))
        treated, left = 500 - held_out, random.binomial(held_out, 1.0 - lost)
        counts = np.stack([left, treated], axis=-1).cumsum(1)
        alarms = sample_ratio.p_value(sample_ratio.log_evidence(counts, shares)) < sample_ratio.THRESHOLD
        people = counts.sum(-1)
        chi_square = np.square(counts[..., 0] - people * HOLDOUT) / (people * HOLDOUT * (1 - HOLDOUT)) > 3.841
        entry = {"ever_alarmed": round(float(alarms.any(1).mean()), 4)}
        if lost:
            night = np.where(alarms.any(1), alarms.argmax(1) + 1, np.inf)
            entry["median_night"] = float(np.median(night)) if np.isfinite(np.median(night)) else None
        else:
            entry["chi_square_at_5_percent_every_night"] = round(float(chi_square.any(1).mean()), 4)
        line[f"holdout loses {lost:.0%}"] = entry
    wrong = line["holdout loses 0%"]["ever_alarmed"]
    return line | _verdict(wrong <= 0.005, f"about {sample_ratio.THRESHOLD} false alarms", wrong)


def _person_days(people: int) -> np.ndarray:
    """Of every night and metric (metrics * nights,)."""
    return np.tile(np.arange(1, NIGHTS + 1), len(METRICS)) * float(people)


def _compared(drawn: People, plan: Plan, *, adjust: bool) -> Comparison:
    """Every night of every metric as a column of its own, as each night would see it."""
    person_days = _person_days(len(drawn.held_out))
    return compare(drawn.values, drawn.held_out, person_days, plan, drawn.before if adjust else None)


def _ratio(values: np.ndarray, held_out: np.ndarray, before: np.ndarray, plan: Plan) -> np.ndarray:
    """Width with adjustment against without (columns,)."""
    plain = compare(values, held_out, plan.person_days, plan)
    adjusted = compare(values, held_out, plan.person_days, plan, before)
    return (adjusted.high - adjusted.low) / (plain.high - plain.low)


def _welch_error(found: Comparison) -> np.ndarray:
    """Standard errors from each arm's own variance, as the t-test has them."""
    return np.sqrt((found.arms.variances / np.array(found.arms.people, float)[:, None]).sum(0))


def _quantile(found: Comparison) -> np.ndarray:
    """97.5 % of Student's t with Welch's degrees of freedom."""
    people = np.array(found.arms.people, float)[:, None]
    parts = found.arms.variances / people
    degrees = np.square(parts.sum(0)) / np.maximum((np.square(parts) / (people - 1)).sum(0), 1e-300)
    return student.ppf(0.5 + CONFIDENCE / 2, np.maximum(degrees, 1.0))


def _fixed_horizon(found: Comparison) -> np.ndarray:
    return np.abs(found.arms.differences) > _welch_error(found) * _quantile(found)


def _ever(nights: np.ndarray) -> np.ndarray:
    """Whether on any night (metrics,)."""
    return nights.reshape(len(METRICS), NIGHTS).any(1)


def _last(nights: np.ndarray) -> np.ndarray:
    """Of the last night (metrics,)."""
    return nights.reshape(len(METRICS), NIGHTS)[:, -1]


def _by_metric(numbers: np.ndarray) -> dict[str, float]:
    return dict(zip(METRICS, np.round(numbers, 4).tolist(), strict=True))


def _design(people: int, experiments: int) -> dict[str, Any]:
    return {"people": people, "holdout": HOLDOUT, "nights": NIGHTS, "experiments": experiments}


def _verdict(holds: bool, expected: str, found: float) -> dict[str, Any]:
    """What was promised, and `missed` where it does not hold."""
    return {"promised": expected, "worst": round(float(found), 4), **({} if holds else {"missed": True})}


if __name__ == "__main__":
    main()
