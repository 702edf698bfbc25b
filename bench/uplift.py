"""Uplift beside simple baselines on a table of any experiment that was drawn by lot: Qini coefficients, intervals.

    python -m bench.uplift --data ../shared/data/ads/hillstrom.csv.gz --outcome visit --drop conversion spend \
        --treated "segment=Womens E-Mail" --control "segment=No E-Mail"

The file is CSV, plain or gzipped, or Parquet; a row is a person. All columns but those of the arms and the outcome are
features, numbers or categories as the file has them: whatever was known only after the lot belongs to --drop. The
outcome is 0 or 1. In each repeat a random half trains, of it a quarter to stop early and to choose by; the other half
is ranked. With --test the first file trains and that file is ranked, and a repeat is another quarter and seed.

Each figure is the mean of the repeats. Its interval, and that of each difference to the net, is the percentile
bootstrap over people, who are drawn alike for all methods and repeats. `causalml` is measured beside them where it has
an environment of its own, which this makes:

    python -m venv var/bench/causalml/venv && var/bench/causalml/venv/bin/pip install causalml==0.18.0
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings
from training.arguments import choose_backend
from training.config import CONFIGS, read_config

if TYPE_CHECKING:
    import pandas as pd

    from training.models.uplift.network import UpliftConfig
    from training.models.uplift.table import ExperimentTable

NET = "uplift"
VALIDATION_SHARE = 0.25
"""Of the rows that train: when the net stops, and how strongly baselines are regularised."""

FEWEST = 50
"""Fewest rows with each outcome in each arm."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """A column and the value that rows of an arm have in it."""

    column: str
    value: str

    @classmethod
    def of(cls, text: str) -> Arm:
        column, equals, value = text.partition("=")
        if not (column and equals):
            raise argparse.ArgumentTypeError(f"expected COLUMN=VALUE, received {text!r}")
        return cls(column, value)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One file: features, arms, outcomes (rows,)."""

    rows: pd.DataFrame
    treated: np.ndarray
    outcomes: np.ndarray
    left_out: int
    """Rows of neither arm, or without an outcome."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.uplift", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV, gzipped or not, or Parquet")
    parser.add_argument("--treated", type=Arm.of, required=True, metavar="COLUMN=VALUE", help="rows that were sent to")
    parser.add_argument("--control", type=Arm.of, required=True, metavar="COLUMN=VALUE", help="rows that were held out")
    parser.add_argument("--outcome", required=True, metavar="COLUMN", help="0 or 1")
    parser.add_argument("--test", type=Path, metavar="FILE", help="rank this file instead of a half of the first")
    parser.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns known only after the lot")
    parser.add_argument("--repeats", type=int, default=20, help="(default 20)")
    parser.add_argument("--resamples", type=int, default=300, help="of the bootstrap (default 300)")
    parser.add_argument(
        "--most-rows", type=int, default=200_000, help="of a larger file, so many are drawn (default 200000)"
    )
    parser.add_argument(
        "--config", type=Path, default=CONFIGS / "hillstrom_uplift.yml", metavar="FILE", help="settings of the net"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-keep", action="store_true", help="print the result only")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen))


def bench(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure, write and return the line.

    Raises:
        ModelError: a file cannot be read, lacks a column, or has too few rows; or the net is below the interval of the
            best baseline.
    """
    choose_backend()
    from training.models.uplift.network import UpliftConfig

    started = time.monotonic()
    config = read_config(chosen.config, UpliftConfig)
    first, second = (
        None if file is None else read_experiment(file, chosen, chosen.most_rows) for file in (chosen.data, chosen.test)
    )
    measured = Measuring(first, second, chosen.repeats, chosen.seed)
    for repeat in range(chosen.repeats):
        table, people = measured.table(repeat)
        measured.add(people, scores_of(table, dataclasses.replace(config, seed=chosen.seed + repeat)))
        _say(f"repeat {repeat + 1} of {chosen.repeats}: {measured.line(repeat)}")
    figures = measured.figures(chosen.resamples)
    best = max((name for name in figures if name != NET), key=lambda name: figures[name]["value"])
    line = {
        "bench": "uplift",
        "protocol": "Qini coefficient of "
        + ("a file of its own" if second else "a random half")
        + ", mean of the repeats, outcomes a treated person; intervals of 95 % by bootstrap over people",
        "data": chosen.data.name,
        **({"test": chosen.test.name} if second else {}),
        "treated": f"{chosen.treated.column}={chosen.treated.value}",
        "control": f"{chosen.control.column}={chosen.control.value}",
        "outcome": chosen.outcome,
        "dropped": chosen.drop,
        "rows": {"treated": int(first.treated.sum()), "controls": int((~first.treated).sum())},
        "mean_effect": round(measured.mean_effect, 5),
        "rows_left_out": first.left_out,
        "repeats": chosen.repeats,
        "config": {**dataclasses.asdict(config), "seed": chosen.seed},
        "qini": figures,
        "best_baseline": best,
        "not_below_its_interval": figures[NET]["value"] >= figures[best]["low"],
        "seconds": round(time.monotonic() - started, 1),
    }
    for name, one in figures.items():
        _say(f"{name:>28}: {one['value']:+.5f}, {one['low']:+.5f} to {one['high']:+.5f}")
    write(line, keep=not chosen.no_keep)
    if not line["not_below_its_interval"]:
        raise ModelError(
            expected=f"a Qini coefficient of the net not below the interval of {best}, {figures[best]['low']:+.5f}",
            received=f"{figures[NET]['value']:+.5f}",
            remedy="look at the difference's interval in the line that was printed",
        )
    return line


def scores_of(table: ExperimentTable, config: UpliftConfig) -> dict[str, np.ndarray]:
    """What the net and each baseline say of the test rows (test rows,)."""
    from training.learner import Context
    from training.models.uplift.baselines import RANDOM, baseline_scores
    from training.models.uplift.fitting import fit_experiment
    from training.parts import Part

    fitted = fit_experiment(table, config, Context(say=lambda _: None), watched="validation_likelihood")
    test = table.indices(Part.TEST)
    scores = {NET: fitted.score(*fitted.encode(table.rows.iloc[test]))[:, 0], **baseline_scores(table, 0)}
    scores[RANDOM] = np.random.default_rng(config.seed).random(len(test))  # an order of its own, for its interval
    return scores | _causalml(table)


class Measuring:
    """The rankings of all repeats, and the Qini coefficients of them for any weights of people."""

    def __init__(self, first: Experiment, second: Experiment | None, repeats: int, seed: int) -> None:
        self.first, self.second, self.seed, self.repeats = first, second, seed, repeats
        self.ranked = first if second is None else second
        self.rankings: list[dict[str, Any]] = []
        self.people: list[np.ndarray] = []

    @property
    def mean_effect(self) -> float:
        outcomes, treated = self.ranked.outcomes, self.ranked.treated
        return float(outcomes[treated].mean() - outcomes[~treated].mean())

    def table(self, repeat: int) -> tuple[ExperimentTable, np.ndarray]:
        """The table of a repeat in random parts, and which people are ranked, as rows of the file they stand in."""
        import pandas as pd

        from training.models.uplift.table import ExperimentTable
        from training.parts import Part

        random = np.random.default_rng((self.seed, repeat))
        train, ranked = _halves(random, self.first) if self.second is None else (np.arange(len(self.first.rows)), None)
        train = random.permutation(train)
        validation = int(VALIDATION_SHARE * len(train))
        if ranked is None:
            ranked = np.arange(len(self.second.rows))
        pieces = [(self.first, train[validation:]), (self.first, train[:validation]), (self.ranked, ranked)]
        treated = np.concatenate([source.treated[rows] for source, rows in pieces])
        share = float(self.first.treated[train].mean())
        numbers = [name for name in self.first.rows if pd.api.types.is_numeric_dtype(self.first.rows[name])]
        table = ExperimentTable(
            rows=pd.concat([source.rows.iloc[rows] for source, rows in pieces], ignore_index=True),
            treated=treated,
            propensity=np.full(len(treated), share),
            outcomes=np.concatenate([source.outcomes[rows] for source, rows in pieces])[:, None],
            parts=np.repeat(np.array(list(Part), "int8"), [len(rows) for _, rows in pieces]),
            numbers=numbers,
            categories=[name for name in self.first.rows if name not in numbers],
            names=("outcome",),
        )
        return table, ranked

    def add(self, people: np.ndarray, scores: Mapping[str, np.ndarray]) -> None:
        from training.metrics.uplift import Ranking

        outcomes, treated = self.ranked.outcomes[people].astype(float), self.ranked.treated[people]
        self.people.append(people)
        self.rankings.append({name: Ranking(values, outcomes, treated) for name, values in scores.items()})

    def line(self, repeat: int) -> str:
        return ", ".join(f"{name} {one.curve().coefficient:+.5f}" for name, one in self.rankings[repeat].items())

    def figures(self, resamples: int) -> dict[str, dict[str, float]]:
        """Of each method: mean, interval, spread over the repeats; and what the net has more, with its interval."""
        names = [name for name in self.rankings[0] if all(name in one for one in self.rankings)]
        by_repeat = self._coefficients(names, None)  # (repeats, methods)
        means = by_repeat.mean(axis=0)
        random = np.random.default_rng(self.seed)
        people = len(self.ranked.rows)
        drawn = np.empty((resamples, len(names)))
        for resample in range(resamples):
            weights = np.bincount(random.integers(0, people, people), minlength=people).astype(float)
            drawn[resample] = self._coefficients(names, weights).mean(axis=0)
        return {
            name: {
                "value": round(float(means[place]), 6),
                **_interval(drawn[:, place]),
                "spread": round(float(by_repeat[:, place].std(ddof=1)) if self.repeats > 1 else 0.0, 6),
                **(
                    {}
                    if name == NET
                    else {
                        "net_more": round(float(means[0] - means[place]), 6),
                        **{f"net_more_{end}": one for end, one in _interval(drawn[:, 0] - drawn[:, place]).items()},
                    }
                ),
            }
            for place, name in enumerate(names)
        }

    def _coefficients(self, names: Sequence[str], weights: np.ndarray | None) -> np.ndarray:
        """Of each repeat and method, with each person of the file so many times (repeats, methods)."""
        return np.array(
            [
                [one[name].curve(None if weights is None else weights[people]).coefficient for name in names]
                for one, people in zip(self.rankings, self.people, strict=True)
            ]
        )


def read_experiment(file: Path, chosen: argparse.Namespace, most_rows: int) -> Experiment:
    """The rows of both arms of a file, at most so many, in an order that a hash of their places gives.

    Raises:
        ModelError: the file cannot be read, lacks a column, has an outcome that is not 0 or 1, or too few rows.
    """
    if not file.is_file():
        raise ModelError(expected=f"the file {file}", received="no such file", remedy="name a CSV or Parquet file")
    reader = "read_parquet" if file.suffix.lower() in (".parquet", ".pq") else "read_csv"
    with duckdb.connect() as connection:
        try:
            table = connection.sql(f"select * from {reader}($file)", params={"file": str(file)})
            columns = table.columns
            table.create_view("experiment")
        except duckdb.Error as error:
            raise ModelError(
                expected=f"{file} as CSV, gzipped or not, or as .parquet",
                received=str(error).splitlines()[0],
                remedy="name another file",
            ) from error
        _require_columns(file, columns, chosen)
        arms = [_is_of(one) for one in (chosen.treated, chosen.control)]
        outcome = f"try_cast({_quoted(chosen.outcome)}::varchar as boolean)"
        ((everything, strange, both),) = connection.sql(
            f"select count(*), count(*) filter ({outcome} is null and {_quoted(chosen.outcome)} is "
            f"not null), count(*) filter ({arms[0]} and {arms[1]}) from experiment"
        ).fetchall()
        if strange:
            raise ModelError(
                expected=f"0 and 1 in the column {chosen.outcome} of {file.name}",
                received=f"something else in {strange:,} of {everything:,} rows",
                remedy="name an outcome that happened or did not, or write one into the file first",
            )
        if both:
            raise ModelError(
                expected="rows that are in one arm",
                received=f"{both:,} rows of {file.name} in both",
                remedy="let --treated and --control name different values",
            )
        rows = connection.sql(
            f"select *, {arms[0]} as __treated, {outcome} as __outcome from experiment "
            f"where ({arms[0]} or {arms[1]}) and {outcome} is not null"
        ).df()
    found = len(rows)
    if found > most_rows:
        _say(f"{file.name}: {most_rows:,} of {found:,} rows are drawn")
        rows = rows.sample(most_rows, random_state=chosen.seed)
    rows = rows.reset_index(drop=True)
    treated, outcomes = (rows.pop(name).to_numpy(bool) for name in ("__treated", "__outcome"))
    _require_enough(file, treated, outcomes)
    used = [chosen.treated.column, chosen.control.column, chosen.outcome, *chosen.drop]
    features = rows.drop(columns=list(dict.fromkeys(used)))
    booleans = features.select_dtypes(include="bool").columns
    return Experiment(features.astype(dict.fromkeys(booleans, "int8")), treated, outcomes, everything - found)


def _require_columns(file: Path, columns: Sequence[str], chosen: argparse.Namespace) -> None:
    used = [chosen.treated.column, chosen.control.column, chosen.outcome, *chosen.drop]
    missing = [name for name in used if name not in columns]
    if missing or not set(columns) - set(used):
        raise ModelError(
            expected=f"columns {', '.join(dict.fromkeys(used))} in {file.name}, and features beside them",
            received=f"columns {', '.join(columns)}",
            remedy="name columns of the file",
        )


def _require_enough(file: Path, treated: np.ndarray, outcomes: np.ndarray) -> None:
    counts = {
        f"{arm} with {outcome:d}": int(np.count_nonzero((treated == is_treated) & (outcomes == outcome)))
        for arm, is_treated in (("treated", True), ("controls", False))
        for outcome in (True, False)
    }
    if min(counts.values()) < FEWEST:
        raise ModelError(
            expected=f"at least {FEWEST} rows of each outcome in each arm of {file.name}",
            received=", ".join(f"{count} {name}" for name, count in counts.items()),
            remedy="look at --treated and --control, or take a larger file",
        )


def _halves(random: np.random.Generator, experiment: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two random halves with equal shares of arms and outcomes."""
    order = random.permutation(len(experiment.rows))
    groups = (2 * experiment.treated + experiment.outcomes)[order]
    halves = np.empty(len(order), bool)
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        halves[places] = np.arange(len(places)) % 2 == 0
    return order[halves], order[~halves]


def _is_of(arm: Arm) -> str:
    """SQL: whether a row is of the arm; numbers are compared as numbers."""
    column, value = _quoted(arm.column), "'" + arm.value.replace("'", "''") + "'"
    return (
        f"coalesce({column}::varchar = {value} or try_cast({column}::varchar as double) = "
        f"try_cast({value} as double), false)"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _interval(values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return {"low": round(float(low), 6), "high": round(float(high), 6)}


def _causalml(table: ExperimentTable) -> dict[str, np.ndarray]:
    """What causalml's methods say of the test rows; nothing without its environment."""
    from training.models.response.features import learn_features
    from training.parts import Part

    folder = Settings.from_env().home.bench / "causalml"
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        return {}
    train = np.flatnonzero(table.parts != Part.TEST)
    space = learn_features(table.rows.iloc[train], numbers=table.numbers, categories=table.categories)
    numbers, codes = space.encode(table.rows)
    one_hot = np.zeros((len(codes), space.codes), "float32")
    np.put_along_axis(one_hot, codes, 1.0, axis=1)
    features, rows, out = np.hstack([numbers, one_hot]), folder / "rows.npz", folder / "scores.npz"
    np.savez(
        rows,
        train=features[train],
        treated=table.treated[train],
        outcomes=table.outcomes[train, 0],
        share=table.propensity[0],
        test=features[table.indices(Part.TEST)],
    )
    command = [python, REPOSITORY / "bench" / "causalml_baseline.py", "--rows", rows, "--out", out]
    status = subprocess.run([str(word) for word in command], stdout=sys.stderr, check=False).returncode
    if status:
        raise ModelError(
            expected="causalml to rank the test rows",
            received=f"status {status}",
            remedy=f"look at its last lines above, or remove {folder}",
        )
    with np.load(out) as found:
        return {name: found[name] for name in found.files}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
