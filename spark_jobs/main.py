"""Spark's commands: `python -m spark_jobs.main map|try|resolve|quarantined`, or by `spark-submit` on a cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # spark-submit puts this folder first on the path; the project's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from spark_jobs import lineage
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.quarantine import original_rows
from spark_jobs.mapping.spec import known_sources
from spark_jobs.mapping.trial import try_mapping
from spark_jobs.spark_errors import without_values

_EPILOG = """\
examples:
  python -m spark_jobs.main map --source apache_combined --ds 2026-11-19
      maps that day's delivery, and every earlier one that is not in the lake yet
  python -m spark_jobs.main try --source apache_combined --file access.log
      tries a mapping on one file: first rows of each table, the books, what was not understood; writes nothing
  python -m spark_jobs.main resolve --ds 2026-11-19
      groups identifiers into persons, by what was known on that day
  python -m spark_jobs.main quarantined --source apache_combined --ds 2026-11-19 --reason malformed
      prints the rows that could not be mapped as they stand in raw, for those who may read raw

on a cluster, or with options of Spark's own: spark-submit [OPTIONS] spark_jobs/main.py COMMAND ...
settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. Mappings: spark_jobs/mappings/*.yml.
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="main.py", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = "|".join(_COMMANDS)
    commands = parser.add_subparsers(dest="command", required=True, metavar=names)
    for name, (about, add_options, _) in _COMMANDS.items():
        command = commands.add_parser(name, help=about)
        add_options(command)
    options = parser.parse_args(arguments)
    with without_values():
        _COMMANDS[options.command][-1](Settings.from_env(), options)


def _day(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ds", required=True, type=day, metavar="YYYY-MM-DD", help="the day")


def _map_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", required=True, help=f"a mapping: {', '.join(known_sources())}")
    command.add_argument(
        "--accept-quarantine",
        action="store_true",
        help="publish although more of a day could not be mapped or understood than the mapping allows",
    )
    _day(command)


def _map(settings: Settings, options: argparse.Namespace) -> None:
    source, ds = options.source, options.ds
    with lineage.run_events(
        settings, f"map.{source}", ds, lambda: lineage.mapping_datasets(settings, source)
    ) as datasets:
        fragment = map_source(settings, source, ds, accept_quarantine=options.accept_quarantine)
        if datasets:
            datasets.rows = lineage.mapping_rows(settings, source, fragment)


def _try_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", required=True, help="a mapping")
    command.add_argument("--file", required=True, type=Path, help="a raw file of that source, wherever it lies")
    command.add_argument("--ds", type=day, metavar="YYYY-MM-DD", help="day of delivery (that of its folder, or today)")
    command.add_argument("--rows", type=_positive, default=5, help="rows of each table to show (%(default)s)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, not {text!r}")
    return int(text)


def _try(settings: Settings, options: argparse.Namespace) -> None:
    try_mapping(settings, options.source, options.file, ds=options.ds, rows=options.rows)


def _resolve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from-scratch",
        action="store_true",
        help="from all edges, even where the result of the night before could be continued",
    )
    command.add_argument(
        "--accept-merges", action="store_true", help="publish although more known persons merge than the rules allow"
    )
    _day(command)


def _resolve(settings: Settings, options: argparse.Namespace) -> None:
    with lineage.run_events(settings, "resolve", options.ds, lambda: lineage.resolving_datasets(settings)) as datasets:
        fragment = resolve_identities(
            settings, options.ds, from_scratch=options.from_scratch, accept_merges=options.accept_merges
        )
        if datasets:
            datasets.rows = lineage.resolving_rows(settings, fragment)


def _quarantined_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", required=True, help="a mapping")
    command.add_argument("--reason", help="only the rows that broke this rule")
    _day(command)


def _quarantined(settings: Settings, options: argparse.Namespace) -> None:
    for file, rule, text in original_rows(settings, options.source, options.ds, options.reason):
        print(f"{file}: {rule}: {text or 'the whole file'}")


_COMMANDS = {
    "map": ("raw deliveries of one source to the lake", _map_options, _map),
    "try": ("a mapping on one file, without a night", _try_options, _try),
    "resolve": ("identifiers to persons", _resolve_options, _resolve),
    "quarantined": ("print quarantined rows as they stand in raw", _quarantined_options, _quarantined),
}
"""Command -> what it does, what adds its options, what runs it."""


if __name__ == "__main__":
    exit_with_sentence(main)
