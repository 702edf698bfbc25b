"""What champions are worth now, against the interval that they were promoted with.

The ledger says of each champion what its deciding metric was at promotion, with its interval, and between what bounds
its chances had to be. `realised` says what its scores were worth on the days since. An alarm needs the whole interval
of the realised value, of tonight or of a week of nights together, to be below the lower end. It reaches three standard
errors to each side, as it is looked at every night.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from contracts.lake import Lake
from contracts.tables.activation import REALISED
from contracts.verdicts import Champion
from monitoring.watching.finding import Finding

NIGHTS = 7
LEAST_PEOPLE = 100
ERRORS = 3
"""Standard errors on each side: one steady night of 740 is below."""

RATIO = "_ratio"
"""Ends the name of a promised bound of the mean chance over the share that came true, as `click_ratio`."""


def quality(
    connection: duckdb.DuckDBPyConnection, lake: Lake, champions: Sequence[Champion], ds: str
) -> Iterator[Finding]:
    """Champions whose scores are worth less than when they were promoted, or whose chances are too high or too low."""
    nights = lake.days(REALISED.name, until=ds)[-NIGHTS:]
    if ds not in nights:
        return
    files = [str(file) for night in nights for file in lake.files(REALISED.name, night)]
    rows = connection.execute(f"""
        select people_of, metric, regexp_extract(filename, '/ds=([0-9-]+)/', 1) as ds, value, low, high, people
        from read_parquet({files!r}, filename = true, hive_partitioning = false)
        where people_of = model_version
        order by ds
    """).fetchall()
    names = ("people_of", "metric", "ds", "value", "low", "high", "people")
    figures = [dict(zip(names, row, strict=True)) for row in rows]
    for champion in champions:
        version = f"{champion.model}/{champion.version}"
        own = [figure for figure in figures if figure["people_of"] == version]
        for metric, (low, high) in champion.promised.items():
            of_metric = [figure for figure in own if figure["metric"] == metric]
            if metric.endswith(RATIO):
                yield from _calibration(champion, metric.removesuffix(RATIO), own, ds, (low, high))
            elif of_metric and of_metric[-1]["ds"] == ds:
                yield from _below(champion, metric, of_metric, own, (low, high))


def _below(
    champion: Champion,
    metric: str,
    nights: Sequence[dict[str, Any]],
    own: Sequence[dict[str, Any]],
    promised: tuple[float, float],
) -> Iterator[Finding]:
    """The metric of tonight, and of all nights together: whichever is surely below."""
    known = [(night, error) for night in nights if (error := _error(night, own)) is not None]
    for some, words in ((known[-1:], "tonight"), (known, f"on the last {len(known)} nights")):
        people = sum(night["people"] for night, _ in some)
        if people < LEAST_PEOPLE:
            continue
        value = sum(night["value"] * night["people"] for night, _ in some) / people
        error = math.sqrt(sum((error * night["people"] / people) ** 2 for night, error in some))
        if value + ERRORS * error < promised[0]:
            says = (
                f"{metric} of {champion.model} version {champion.version} is worth {value:.4f} {words}, of "
                f"{people:,} people; when it was promoted on {champion.promoted_on} it had {promised[0]:.4f} to "
                f"{promised[1]:.4f}"
            )
            yield Finding("quality", f"{champion.model}: {metric}", says, _look(champion), value, *promised)
            return


def _error(night: dict[str, Any], own: Sequence[dict[str, Any]]) -> float | None:
    """Standard error of a realised value; of an AUC, which has no interval, the largest that it can have.

    The variance of an AUC is at most AUC (1 - AUC) / the fewer of those who did and did not (Birnbaum and Klose, 1957).
    """
    if night["low"] is not None:
        return (night["high"] - night["low"]) / (2 * 1.96)
    seen = night["metric"].replace("_auc", "_seen")
    share = next((one["value"] for one in own if one["metric"] == seen and one["ds"] == night["ds"]), None)
    if share is None or not 0 < share < 1:
        return None
    return math.sqrt(night["value"] * (1 - night["value"]) / (min(share, 1 - share) * night["people"]))


def _calibration(
    champion: Champion, event: str, own: Sequence[dict[str, Any]], ds: str, bounds: tuple[float, float]
) -> Iterator[Finding]:
    """The mean chance of tonight's people over the share of whom it came true, where it is surely out of bounds."""
    tonight = {figure["metric"]: figure for figure in own if figure["ds"] == ds}
    predicted, seen = tonight.get(f"{event}_predicted"), tonight.get(f"{event}_seen")
    if predicted is None or seen is None or seen["people"] < LEAST_PEOPLE:
        return
    reach = ERRORS * math.sqrt(max(seen["value"] * (1 - seen["value"]), 1 / seen["people"]) / seen["people"])
    least = predicted["value"] / (seen["value"] + reach)
    most = predicted["value"] / (seen["value"] - reach) if seen["value"] > reach else math.inf
    if least > bounds[1] or most < bounds[0]:
        says = (
            f"{champion.model} version {champion.version} said {predicted['value']:.1%} would {event}, and "
            f"{seen['value']:.1%} of {seen['people']:,} people did; the gate lets {bounds[0]:g} to {bounds[1]:g} times "
            "as many pass"
        )
        value = predicted["value"] / max(seen["value"], 1 / seen["people"])
        yield Finding("calibration", f"{champion.model}: {event}", says, _look(champion), value, *bounds)


def _look(champion: Champion) -> str:
    return f"<home>/reports/<day>/realised.svg, and version {champion.version} of {champion.model} in MLflow"
