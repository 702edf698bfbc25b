"""Night after night in the simulated town: what is planned and sent tonight is what people react to tomorrow.

Each night runs the commands that the three DAGs run, without Airflow between them: map, resolve, profile; train and
promote, on the first night and every few nights; score, measure, plan, export. Then the town, whose people have planted
and secret reactions to messages, lives through the next day and lays its deliveries: the web log, posts, and the mail
service's log. A line a night; in the end the planted lift beside the measured one, and what ways to choose people would
have been worth by the town's truth, each with as many messages.

A home that has lived through nights goes on from its newest day.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.errors import ERROR_MARK, SettingsError
from contracts.lake import Lake
from contracts.preloaded import python_command
from contracts.raw import landed_sources
from contracts.report import Report
from contracts.settings import Settings
from ops.nightly import day_to_run, lay_raw, require_own_lake
from ops.preloaded import preloaded
from ops.usage import Usage

MODELS = ("next_item", "taste_autoencoder", "response", "uplift")
"""Those that a campaign's messages need; `uplift` has nothing to learn from before an experiment is a week old."""

TRAINS_EVERY = 4
"""Nights from one training to the next."""

WAYS = ("random", "response", "uplift", "best")
"""To choose people, as the town's truth names them."""


@dataclass(frozen=True)
class Step:
    """One command of a night; `name` is that of its seconds."""

    name: str
    arguments: Sequence[str]


def steps_of(ds: str, sources: Sequence[str], models: Sequence[str]) -> list[Step]:
    """The commands of a night in their order, as the DAGs have them; no model, no training."""
    return [
        Step(name="spark", arguments=["spark_jobs.application", "start", "--ds", ds]),
        *(Step(name="map", arguments=["spark_jobs.main", "map", "--source", source, "--ds", ds]) for source in sources),
        Step(name="resolve", arguments=["spark_jobs.main", "resolve", "--ds", ds]),
        Step(name="profile", arguments=["dbt_project.build", "--ds", ds]),
        Step(name="words", arguments=["serving.words", "--ds", ds]),
        *(Step(name="train", arguments=["training.train", "--model", model, "--ds", ds]) for model in models),
        *([Step(name="promote", arguments=["training.promote", "--model", *models, "--ds", ds])] if models else []),
        Step(name="score", arguments=["serving.score", "--ds", ds]),
        Step(name="neighbours", arguments=["serving.neighbours", "--ds", ds]),
        Step(name="measure", arguments=["activation.measure", "--ds", ds]),
        Step(name="measure", arguments=["training.realised", "--ds", ds]),
        Step(name="plan", arguments=["activation.plan", "--ds", ds]),
        Step(name="export", arguments=["activation.export", "--ds", ds]),
        Step(name="store", arguments=["serving.store", "--ds", ds]),
        Step(name="watch", arguments=["monitoring.watch", "--ds", ds]),
        Step(name="page", arguments=["monitoring.page", "--ds", ds]),
        Step(name="truth", arguments=["sample_data.truth", "--ds", ds]),
        Step(name="town", arguments=["sample_data.next_day", "--ds", ds]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make nights", description=__doc__)
    parser.add_argument("--nights", type=int, default=7, help="how many (%(default)s)")
    parser.add_argument("--ds", type=day, help="the first night; by default the newest day that has landed")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="those that are trained (%(default)s)")
    parser.add_argument(
        "--train-every",
        type=int,
        default=TRAINS_EVERY,
        help="nights from one training to the next; 0: on the first alone (%(default)s)",
    )
    options = parser.parse_args()
    exit_with_sentence(lambda: run_nights(options.nights, options.ds, options.models, options.train_every))


def run_nights(nights: int, first: str | None, models: Sequence[str], trains_every: int) -> None:
    """Run so many nights and print what they found.

    Raises:
        SettingsError: fewer than one night, or trainings fewer than none.
        RawDataError: nothing has landed on the first night.
    """
    if nights < 1 or trains_every < 0:
        raise SettingsError(
            expected="at least 1 night, and 0 or more nights from one training to the next",
            received=f"{nights} nights, {trains_every}",
            remedy="correct the command line",
        )
    settings = Settings.from_env()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    with Lake(settings.home.lake).step("nightly"), preloaded():
        lay_raw("town", settings)
        require_own_lake(settings)
        ds = day_to_run(settings.raw, first or "")
        console.print(f"[bold]nightshift[/bold] {nights} nights from {ds} on, home {settings.home}")
        try:
            for number in range(nights):
                run_night(settings, ds, models if trains_on(settings, ds, trains_every) else (), console)
                console.print(line_of(number + 1, nights, Report(settings.home.reports, ds).merge()), soft_wrap=True)
                last, ds = ds, (datetime.date.fromisoformat(ds) + datetime.timedelta(days=1)).isoformat()
        finally:
            subprocess.run([sys.executable, "-m", "spark_jobs.application", "stop"], check=False)
    reports = read_reports(settings.home.reports, last)
    console.print(lifts_of(reports[-1]))
    console.print(policies_of(reports))
    console.print(f"report: {Report(settings.home.reports, last).file}\nlogs:   {settings.home.logs}/nights-*.log")


def trains_on(settings: Settings, ds: str, every: int) -> bool:
    """Whether models are trained on a night: on the first of a home, and after so many nights more."""
    before = sum(planned < ds for planned in Lake(settings.home.lake).days("plans"))
    return before % every == 0 if every else before == 0


def run_night(settings: Settings, ds: str, models: Sequence[str], console: Console) -> None:
    """Run the commands of a night; ends the process with a command's own sentence where one fails."""
    report = Report(settings.home.reports, ds)
    report.clear()
    log = settings.home.logs / f"nights-{ds}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    with Usage(settings.home) as usage, log.open("w", buffering=1) as stream, console.status(ds) as status:
        for step in steps_of(ds, landed_sources(settings.raw), models):
            status.update(f"{ds} {' '.join(step.arguments)}")
            started = time.monotonic()
            run_step(step, stream, log, console)
            seconds[step.name] = seconds.get(step.name, 0.0) + time.monotonic() - started
    seconds["total"] = sum(seconds.values())
    used = {"peak_memory_gib": round(usage.peak_bytes / 2**30, 2), "cpu_seconds": round(usage.cpu_seconds)}
    report.write("run", {"commands": {name: round(value, 1) for name, value in seconds.items()}, **used})


def run_step(step: Step, stream: Any, log: Path, console: Console) -> None:
    """Run one command; everything that it says goes to the log."""
    process = subprocess.Popen(
        python_command(list(step.arguments)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    error = None
    for line in process.stdout:
        stream.write(line)
        if ERROR_MARK in line:
            error = line.partition(ERROR_MARK)[2].strip()
    if process.wait() != 0:
        console.print(f"[red]{' '.join(step.arguments)} failed[/red]: {error or 'see the log'}\nlog: {log}")
        sys.exit(1)


def line_of(number: int, nights: int, report: dict[str, Any]) -> str:
    """What a night did, in one line."""
    planned = ", ".join(
        f"{name} {entry['planned']:,}" for name, entry in report.get("plans", {}).items() if "planned" in entry
    )
    trained = sorted(report.get("models", {}))
    commands = report.get("commands", {})
    long = sorted((name for name in commands if name != "total"), key=lambda name: -commands[name])[:4]
    took = ", ".join(f"{name} {commands[name]:.0f}" for name in long)
    return (
        f"night {number} of {nights}, {report['ds']}: {report.get('persons', 0):,} persons; "
        f"planned {planned or 'nothing'}{'; trained ' + ', '.join(trained) if trained else ''}; "
        f"{commands.get('total', 0):.0f} s ({took})"
    )


def read_reports(folder: Path, last: str) -> list[dict[str, Any]]:
    """The reports of the nights up to one that the town lived through, oldest first, and of the night before them."""
    files = sorted(folder.glob("nightly-*.json"))
    return [json.loads(file.read_text()) for file in files if file.stem <= f"nightly-{last}"]


def lifts_of(report: dict[str, Any]) -> Table:
    """Planted lift beside measured lift, for every campaign with an experiment."""
    table = Table(title="what sending changed a person, up to the last night", title_justify="left")
    for column in ("campaign", "arm", "metric"):
        table.add_column(column)
    for column in ("planted", "measured", "interval", "planted inside", "verdict"):
        table.add_column(column, justify="right")
    measured = report.get("lift", {})
    for campaign, arms in report.get("truth", {}).get("planted_lift", {}).items():
        for arm, metrics in arms.items():
            for metric, planted in metrics.items():
                found = measured.get(campaign, {}).get("arms", {}).get(arm, {}).get(metric, {})
                table.add_row(campaign, arm, metric, f"{planted:+.4f}", *_measured(planted, found))
    return table


def _measured(planted: float, found: dict[str, Any]) -> tuple[str, str, str, str]:
    if found.get("difference") is None:
        return "-", "-", "-", found.get("verdict", "not measured")
    if found.get("low") is None:
        return f"{found['difference']:+.4f}", "-", "-", found["verdict"]
    inside = found["low"] <= planted <= found["high"]
    interval = f"{found['low']:+.4f} to {found['high']:+.4f}"
    return f"{found['difference']:+.4f}", interval, "yes" if inside else "no", found["verdict"]


def policies_of(reports: Sequence[dict[str, Any]]) -> Table:
    """What each way to choose people would have been worth, over the nights on which all of them could choose."""
    title = "euros by truth of one message to half of the people, chosen by ... ('best' knows the truth)"
    table = Table("campaign", title=title, title_justify="left")
    for column in ("nights", "messages", *WAYS):
        table.add_column(column, justify="right")
    nights: dict[str, list[dict[str, Any]]] = {}
    for report in reports:
        for campaign, worth in report.get("truth", {}).get("policies", {}).items():
            nights.setdefault(campaign, []).append(worth)
    for campaign, every in nights.items():
        compared = [worth for worth in every if "uplift" in worth] or every
        sums = (sum(worth[way] for worth in compared) if way in compared[0] else None for way in WAYS)
        table.add_row(
            campaign,
            str(len(compared)),
            f"{sum(worth['messages'] for worth in compared):,}",
            *("-" if euros is None else f"{euros:,.0f}" for euros in sums),
        )
    return table


if __name__ == "__main__":
    main()
