"""What people can ask for, and what shows that it was done: `python -m privacy COMMAND ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # spark-submit puts this folder first on the path; the project's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from contracts.errors import exit_with_sentence
from contracts.settings import Settings

_EPILOG = """\
examples:
  python -m privacy forget --subject account:anna01 --dry-run
      says what is known of a person and where; with --enforce, it is erased
  python -m privacy forget --subject account:anna01 --prepare
      keeps the request for the DAG forget_person or --request, and prints its id
  python -m privacy scan
      searches everything that a run has written, but raw, for names of people; exit status 1 if there are any
  python -m privacy rotate-key
      hashes everything under one more key; run it again if it was interrupted

settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. What is promised: docs/privacy.md.
"""

_FROM_INPUT = "- reads it from standard input, so that no shell remembers it"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m privacy",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = "|".join(_COMMANDS)
    commands = parser.add_subparsers(dest="command", required=True, metavar=names)
    for name, (about, options, _) in _COMMANDS.items():
        command = commands.add_parser(name, help=about)
        options(command)
        command.set_defaults(parser=command)
    given = parser.parse_args(arguments)
    _COMMANDS[given.command][-1](Settings.from_env(), given)


def _rotate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--new-key-file", type=Path, metavar="FILE", help="for the new keys, where the key file cannot be written"
    )


def _rotate(settings: Settings, given: argparse.Namespace) -> None:
    from privacy.rotate_key import rotate_key

    rotate_key(settings, given.new_key_file)


def _scan_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", type=Path, help="what to search; by default everything below NIGHTSHIFT_HOME")
    command.add_argument(
        "--subject", metavar="KIND:NAME", help=f"search for this person alone, raw included; {_FROM_INPUT}"
    )


def _scan(settings: Settings, given: argparse.Namespace) -> None:
    from privacy.scan import scan

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
    from privacy import waiting_requests as asked
    from privacy.forget import forget

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
    "forget": ("a person who asks, gone from everything, with a receipt", _forget_options, _forget),
    "scan": ("names of people outside raw, which there should not be", _scan_options, _scan),
    "rotate-key": ("everything under one more key", _rotate_options, _rotate),
}
"""Command -> what it does, what adds its options, what runs it."""


if __name__ == "__main__":
    exit_with_sentence(main)
