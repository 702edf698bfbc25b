"""Spark's only entry point: `spark-submit spark_jobs/main.py map|resolve|quarantined ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # spark-submit puts this folder first on the path; the project's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from contracts.arguments import day
from contracts.errors import exit_with_sentence
from contracts.settings import Settings
from spark_jobs import lineage
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.quarantine import original_rows
from spark_jobs.mapping.spec import known_sources

_EPILOG = """\
examples:
  spark-submit spark_jobs/main.py map --source apache_combined --ds 2026-11-19
      maps that day's delivery, and every earlier one that is not in the lake yet
  spark-submit spark_jobs/main.py resolve --ds 2026-11-19
      says which identifiers were one person, as far as was known on that day
  spark-submit spark_jobs/main.py quarantined --source apache_combined --ds 2026-11-19 --reason malformed
      prints the rows that could not be mapped as they stand in raw, for those who may read raw

settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. Mappings: spark_jobs/mappings/*.yml.
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="main.py", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = "|".join(_COMMANDS)
    commands = parser.add_subparsers(dest="command", required=True, metavar=names)
    for name, (about, options, _) in _COMMANDS.items():
        command = commands.add_parser(name, help=about)
        options(command)
        command.set_defaults(parser=command)
    given = parser.parse_args(arguments)
    _COMMANDS[given.command][-1](Settings.from_env(), given)


def _day(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ds", required=True, type=day, metavar="YYYY-MM-DD", help="the day")


def _map_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", required=True, help=f"a mapping: {', '.join(known_sources())}")
    _day(command)


def _map(settings: Settings, given: argparse.Namespace) -> None:
    with lineage.told(
        settings, f"map.{given.source}", given.ds, lambda: lineage.of_mapping(settings, given.source)
    ) as datasets:
        fragment = map_source(settings, given.source, given.ds)
        if datasets:
            datasets.rows = lineage.counted_mapping(settings, given.source, fragment)


def _resolve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from-scratch", action="store_true", help="from all edges, even where the night before could be gone on from"
    )
    command.add_argument(
        "--accept-merges", action="store_true", help="publish, however many known persons merge into others"
    )
    _day(command)


def _resolve(settings: Settings, given: argparse.Namespace) -> None:
    with lineage.told(settings, "resolve", given.ds, lambda: lineage.of_resolving(settings)) as datasets:
        fragment = resolve_identities(
            settings, given.ds, from_scratch=given.from_scratch, accept_merges=given.accept_merges
        )
        if datasets:
            datasets.rows = lineage.counted_resolving(settings, fragment)


def _quarantined_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", required=True, help="a mapping")
    command.add_argument("--reason", help="only the rows that broke this rule")
    _day(command)


def _quarantined(settings: Settings, given: argparse.Namespace) -> None:
    for file, rule, text in original_rows(settings, given.source, given.ds, given.reason):
        print(f"{file}: {rule}: {text or 'the whole file'}")


_COMMANDS = {
    "map": ("raw deliveries of one source to the lake", _map_options, _map),
    "resolve": ("identifiers to persons", _resolve_options, _resolve),
    "quarantined": ("print quarantined rows as they stand in raw", _quarantined_options, _quarantined),
}
"""Command -> what it does, what adds its options, what runs it."""


if __name__ == "__main__":
    exit_with_sentence(main)
