"""Spark's only entry point: `spark-submit spark_jobs/main.py map|resolve|quarantined|rotate-key|scan ...`."""

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

settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. Mappings: spark_jobs/mappings/*.yml.
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="main.py", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="map|resolve|quarantined|rotate-key|scan|forget"
    )
    map_command = commands.add_parser("map", help="raw deliveries of one source to the lake")
    map_command.add_argument("--source", required=True, help=f"a mapping: {', '.join(known_sources())}")
    resolve_command = commands.add_parser("resolve", help="identifiers to persons")
    quarantined_command = commands.add_parser("quarantined", help="print quarantined rows as they stand in raw")
    quarantined_command.add_argument("--source", required=True, help="a mapping")
    quarantined_command.add_argument("--reason", help="only the rows that broke this rule")
    for command in (map_command, resolve_command, quarantined_command):
        command.add_argument("--ds", required=True, type=day, metavar="YYYY-MM-DD", help="the day")
    rotate_command = commands.add_parser("rotate-key", help="everything under one more key")
    rotate_command.add_argument(
        "--new-key-file", type=Path, metavar="FILE", help="for the new keys, where the key file cannot be written"
    )
    scan_command = commands.add_parser("scan", help="names of people outside raw, which there should not be")
    scan_command.add_argument("--folder", type=Path, help="what to search; by default everything below NIGHTSHIFT_HOME")
    scan_command.add_argument("--subject", metavar="KIND:NAME", help="search for this person alone, raw included")
    forget_command = commands.add_parser("forget", help="a person who asks, gone from everything, with a receipt")
    forget_command.add_argument(
        "--subject", required=True, metavar="KIND:NAME", help="account:NAME, email:..., cookie:..., handle:... or p..."
    )
    how = forget_command.add_mutually_exclusive_group(required=True)
    how.add_argument("--dry-run", action="store_true", help="find and list, and change nothing")
    how.add_argument("--enforce", action="store_true", help="erase, and search once more")
    forget_command.add_argument(
        "--wait-seconds", type=float, default=600, help="how long to wait for a step of a night; then it is refused"
    )
    given = parser.parse_args(arguments)
    settings = Settings.from_env()
    if given.command == "scan":
        from spark_jobs.scan_home import scan

        sys.exit(1 if scan(settings, given.folder, given.subject).total else 0)
    if given.command == "forget":
        from spark_jobs.forget import forget

        receipt = forget(settings, given.subject, enforce=given.enforce, wait_seconds=given.wait_seconds)
        receipt.show()
        sys.exit(1 if receipt.remaining else 0)
    if given.command == "map":
        with lineage.told(
            settings, f"map.{given.source}", given.ds, lambda: lineage.of_mapping(settings, given.source)
        ) as datasets:
            fragment = map_source(settings, given.source, given.ds)
            if datasets:
                datasets.rows = lineage.counted_mapping(settings, given.source, fragment)
    elif given.command == "rotate-key":
        rotate_key(settings, given.new_key_file)
    elif given.command == "quarantined":
        for file, rule, text in original_rows(settings, given.source, given.ds, given.reason):
            print(f"{file}: {rule}: {text or 'the whole file'}")
    else:
        with lineage.told(settings, "resolve", given.ds, lambda: lineage.of_resolving(settings)) as datasets:
            fragment = resolve_identities(settings, given.ds)
            if datasets:
                datasets.rows = lineage.counted_resolving(settings, fragment)


if __name__ == "__main__":
    exit_with_sentence(main)
