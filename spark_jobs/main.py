"""Spark's only entry point: `spark-submit spark_jobs/main.py map|resolve|quarantined|rotate-key|scan|forget ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# spark-submit puts this folder first on the path; the project's root belongs there
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from contracts.arguments import day
from contracts.errors import exit_with_sentence
from contracts.settings import Settings
from spark_jobs import lineage
from spark_jobs.identities import resolve_identities
from spark_jobs.map_source import map_source
from spark_jobs.quarantine import original_rows
from spark_jobs.rotation import rotate_key
from spark_jobs.spec import known_sources

_EPILOG = """\
examples:
  spark-submit spark_jobs/main.py map --source apache_combined --ds 2026-11-19
      maps that day's delivery, and every earlier one that is not in the lake yet
  spark-submit spark_jobs/main.py resolve --ds 2026-11-19
      says which identifiers were one person, as far as was known on that day
  spark-submit spark_jobs/main.py quarantined --source apache_combined --ds 2026-11-19 --reason malformed
      prints the rows that could not be mapped as they stand in raw, for those who may read raw
  spark-submit spark_jobs/main.py rotate-key
      hashes everything under one more key; run it again if it was interrupted
  python -m spark_jobs.main scan
      searches everything that a run has written, but raw, for names of people; exit status 1 if there are any
  python -m spark_jobs.main forget --subject account:anna01 --dry-run
      says what is known of a person and where; with --enforce, it is erased
  python -m spark_jobs.main forget --subject account:anna01 --prepare
      keeps the request for the DAG forget_person or --request, and prints its id

settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. Mappings: spark_jobs/mappings/*.yml.
"""

_FROM_INPUT = "- reads it from standard input, so that no shell remembers it"


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


def _rotate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--new-key-file", type=Path, metavar="FILE", help="for the new keys, where the key file cannot be written"
    )


def _rotate(settings: Settings, given: argparse.Namespace) -> None:
    rotate_key(settings, given.new_key_file)


def _scan_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", type=Path, help="what to search; by default everything below NIGHTSHIFT_HOME")
    command.add_argument(
        "--subject", metavar="KIND:NAME", help=f"search for this person alone, raw included; {_FROM_INPUT}"
    )


def _scan(settings: Settings, given: argparse.Namespace) -> None:
    from spark_jobs.scan_home import scan

    sys.exit(1 if scan(settings, given.folder, _told(given.subject)).total else 0)


def _forget_options(command: argparse.ArgumentParser) -> None:
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument(
        "--subject", metavar="KIND:NAME", help=f"account:NAME, email:..., cookie:..., handle:... or p...; {_FROM_INPUT}"
    )
    whom.add_argument("--request", metavar="ID", help="the id of a request that --prepare has kept")
    how = command.add_mutually_exclusive_group(required=True)
    how.add_argument("--dry-run", action="store_true", help="find and list, and change nothing")
    how.add_argument("--enforce", action="store_true", help="erase, and search once more")
    how.add_argument("--prepare", action="store_true", help="only keep the request, and print its id")
    command.add_argument(
        "--wait-seconds", type=float, default=600, help="how long to wait for a step of a night; then it is refused"
    )


def _forget(settings: Settings, given: argparse.Namespace) -> None:
    from spark_jobs import asked
    from spark_jobs.forget import forget

    if given.prepare:
        if given.request:
            given.parser.error("--prepare makes a request of a --subject")
        print(asked.prepare(settings, _told(given.subject)))
        return
    subject = _told(given.subject) or asked.subject_of(settings, given.request)
    receipt = forget(settings, subject, enforce=given.enforce, wait_seconds=given.wait_seconds)
    receipt.show()
    if receipt.remaining:
        sys.exit(1)
    if given.request and given.enforce:
        asked.done(settings, given.request)


def _told(subject: str | None) -> str | None:
    """A subject, from standard input where it is `-`."""
    return sys.stdin.readline().strip() if subject == "-" else subject


_COMMANDS = {
    "map": ("raw deliveries of one source to the lake", _map_options, _map),
    "resolve": ("identifiers to persons", _resolve_options, _resolve),
    "quarantined": ("print quarantined rows as they stand in raw", _quarantined_options, _quarantined),
    "rotate-key": ("everything under one more key", _rotate_options, _rotate),
    "scan": ("names of people outside raw, which there should not be", _scan_options, _scan),
    "forget": ("a person who asks, gone from everything, with a receipt", _forget_options, _forget),
}
"""Command -> what it does, what adds its options, what runs it."""


if __name__ == "__main__":
    exit_with_sentence(main)
