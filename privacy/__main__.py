"""What people can ask for, and what shows that it was done: `python -m privacy COMMAND ...`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:  # spark-submit puts this folder first on the path; the project's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.erasure import DRY_RUN, ENFORCE
from contracts.errors import SettingsError
from contracts.settings import Settings

_EPILOG = """\
examples:
  python -m privacy forget --subject account:anna01 --dry-run
      says what is known of a person and where; with --enforce, it is erased
  python -m privacy requests --add account:anna01
      keeps the request, and prints the id by which `forget --request` and the DAG forget_person know it
  python -m privacy scan
      searches everything that runs have written, except raw, for names of people; exit status 1 if there are any
  python -m privacy rotate-key
      hashes everything under one more key; run it again if it was interrupted
  python -m privacy survey --ds 2026-11-20 --epsilon 1
      leaves a page of counts, and charges them to the budget

Each command has a --help of its own. Settings are environment variables NIGHTSHIFT_*: see contracts/settings.py. What
is promised to people, and the command that proves it: docs/privacy.md.
"""

_FORGET = """\
A person who asks is gone from raw, lake, warehouse, audiences, logs and what models keep beside them; every file is
searched once more, and a receipt says so: <home>/erasures/<id>/receipt.html. Exit status 1 if something is left. An
erasure that failed or was killed goes on when the same command is given again.
"""

_REQUESTS = """\
Requests to be forgotten that wait. Without an option, lists them by id, with what was done with each so far, and the
erasures that have begun and not ended. Nobody's name is printed; it is kept for the owner of the files alone, and
destroyed when the person has been forgotten or the request is withdrawn.
"""

_SCAN = """\
Does anything outside raw name a person? Looks for every value that a mapping turns into a pseudonym, and for what looks
like an e-mail address, a phone number or a full IP address, in every file, unpacked. Prints files and kinds, never the
value; exit status 1 if anything was found. What may look like a name and is none stands in privacy/allowed.yml.
"""

_ROTATE_KEY = """\
One more key, and everything that was hashed is hashed under it, too; nothing is left of the old pseudonyms. Other steps
refuse until it has ended. If it was interrupted, the same command goes on.
"""

_SURVEY = """\
What people answered in a survey, as counts with noise that hide each single person (differential privacy by OpenDP).

Counted are the answers known on the day of people who agreed to profiling: each person's latest answer to each
question of privacy/survey/questions.yml, in the cells that stand there and `other`. --epsilon is shared out evenly
among the questions, so that all the report says of one person stays within it. It is written to the privacy ledger
first, and refused where all reports together would spend more than NIGHTSHIFT_PRIVACY_BUDGET. Cells of fewer than
NIGHTSHIFT_SMALLEST_GROUP people, by the count with noise, are suppressed and counted. A report that is there already is
kept as it is: another one would spend again. Leaves <home>/reports/survey-<ds>.json and survey-<ds>.html.
"""

_ENCRYPTED = """\
A partner scores people whom it cannot see: CKKS-encrypted profile vectors, and a linear response head of its own.

The owner (this company) makes keys, encrypts, and reads the answers. The partner has the public key, the encrypted
vectors and its own weights: it learns how many people there are, and the names of features and segments, and nothing
of anybody. The owner learns the scores; from enough of them it could work out the weights. Decrypted scores could give
away the key, so they do not go back to the partner. People: who agreed to profiling and to personalisation. Segments of
fewer than NIGHTSHIFT_SMALLEST_GROUP people are not sent.

  owner     keys          the pair of keys: <home>/encrypted/owner/secret.key and .../to_partner/public.key
  owner     encrypt       profile vectors and segments of a day: .../to_partner/vectors-<ds>.ckks
  owner     example-head  a head to try it with, fitted to who clicked: .../to_partner/example-head.json
  partner   score         a score a person: .../from_partner/scores-<ds>.ckks
  partner   sums          the sum of scores of each segment: .../from_partner/sums-<ds>.ckks
  owner     decrypt       both in plain numbers: lake/partner_scores and .../owner/sums-<ds>.json

    python -m privacy encrypted keys
    python -m privacy encrypted encrypt --ds 2026-11-20
    python -m privacy encrypted score --ds 2026-11-20 --head head.json
    python -m privacy encrypted decrypt --ds 2026-11-20
"""

_STEPS = ("keys", "encrypt", "example-head", "score", "sums", "decrypt")

_KINDS = (
    "account:NAME, email:..., cookie:..., handle:... or p...; - reads it from standard input, where no shell keeps it"
)


Command = Callable[[Settings, argparse.Namespace], None]


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    options.run(Settings.from_env(), options)


def parser() -> argparse.ArgumentParser:
    """The command line of this room; `run` of what it parses is what runs the command."""
    top = argparse.ArgumentParser(
        prog="python -m privacy",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, summary: str, about: str, run: Command) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        made = commands.add_parser(name, help=summary, description=about, formatter_class=raw)
        made.set_defaults(run=run, error=made.error)
        return made

    forget = command("forget", "a person who asks, gone from everything, with a receipt", _FORGET, _forget)
    person = forget.add_mutually_exclusive_group(required=True)
    person.add_argument("--subject", metavar="KIND:NAME", help=_KINDS)
    person.add_argument("--request", metavar="ID", help="a request that waits: see `python -m privacy requests`")
    mode = forget.add_mutually_exclusive_group(required=True)
    mode.add_argument("--dry-run", action="store_true", help="find and list, and change nothing")
    mode.add_argument("--enforce", action="store_true", help="erase, and search once more; this cannot be undone")
    forget.add_argument(
        "--wait-seconds", type=float, default=600, help="how long to wait for a step of a night; then it is refused"
    )

    requests = command("requests", "requests to be forgotten that wait: list, add, withdraw", _REQUESTS, _requests)
    change = requests.add_mutually_exclusive_group()
    change.add_argument("--add", metavar="KIND:NAME", help=f"keep a request and print its id: {_KINDS}")
    change.add_argument("--withdraw", metavar="ID", help="destroy what a request kept of the person")

    scan = command("scan", "names of people outside raw, which there should not be", _SCAN, _scan)
    scan.add_argument("--folder", type=Path, help="what to search; by default everything below NIGHTSHIFT_HOME")
    scan.add_argument("--subject", metavar="KIND:NAME", help=f"search for this person alone, raw included: {_KINDS}")

    rotate = command("rotate-key", "everything hashed under one more key", _ROTATE_KEY, _rotate_key)
    rotate.add_argument(
        "--new-key-file", type=Path, metavar="FILE", help="for the new keys, where the key file cannot be written"
    )

    survey = command("survey", "counts of a survey with noise that hides each single person", _SURVEY, _survey)
    survey.add_argument("--ds", required=True, type=day, help="day whose marts are read, as YYYY-MM-DD")
    survey.add_argument("--epsilon", type=_epsilon, default=1.0, help="what the report may say of one person (1)")

    encrypted = command("encrypted", "a partner scores people whom it cannot see", _ENCRYPTED, _encrypted)
    encrypted.add_argument("step", choices=_STEPS, metavar="|".join(_STEPS))
    encrypted.add_argument("--ds", type=day, help="day of the marts, as YYYY-MM-DD; all but keys need it")
    encrypted.add_argument(
        "--head", type=Path, help="the partner's weights; with decrypt: compare with the same scores without encryption"
    )
    return top


def _forget(settings: Settings, options: argparse.Namespace) -> None:
    from privacy.forget import forget
    from privacy.waiting_requests import WaitingRequests

    waiting = WaitingRequests(settings)
    subject = waiting.get(options.request).subject if options.request else _subject(options.subject)
    receipt = forget(settings, subject, enforce=options.enforce, wait_seconds=options.wait_seconds)
    receipt.show()
    if options.request and (receipt.remaining or options.dry_run):
        mode = ENFORCE if options.enforce else DRY_RUN
        waiting.note(options.request, mode=mode, outcome=receipt.outcome, receipt=receipt.request)
    if receipt.remaining:
        sys.exit(1)


def _requests(settings: Settings, options: argparse.Namespace) -> None:
    from privacy.waiting_requests import WaitingRequests, show

    if options.add is not None:
        print(WaitingRequests(settings).add(_subject(options.add)))
    elif options.withdraw is not None:
        WaitingRequests(settings).withdraw(options.withdraw)
        print(f"withdrawn: {options.withdraw}")
    else:
        show(settings)


def _scan(settings: Settings, options: argparse.Namespace) -> None:
    from privacy.scan import scan

    subject = None if options.subject is None else _subject(options.subject)
    sys.exit(1 if scan(settings, options.folder, subject).total else 0)


def _rotate_key(settings: Settings, options: argparse.Namespace) -> None:
    from privacy.rotate_key import rotate_key

    rotate_key(settings, options.new_key_file)


def _survey(settings: Settings, options: argparse.Namespace) -> None:
    from privacy.survey.report import survey_report

    survey_report(settings, options.ds, options.epsilon)


def _encrypted(settings: Settings, options: argparse.Namespace) -> None:
    if options.step != "keys" and options.ds is None:
        options.error(f"{options.step} needs --ds")
    from privacy.encrypted.steps import run

    run(settings, options.step, options.ds, options.head)


def _subject(text: str) -> str:
    """A subject, from the first line of standard input where it is `-`.

    Raises:
        SettingsError: there is none, or what there is cannot be decoded.
    """
    if text != "-":
        return text
    try:
        line = sys.stdin.readline().strip()
    except UnicodeDecodeError:
        line, received = "", "bytes that cannot be decoded"
    else:
        received = "nothing"
    if not line:
        raise SettingsError(
            expected="a person as <kind>:<name> in the first line of standard input",
            received=received,
            remedy="for example `echo account:anna01 | python -m privacy forget --subject - --dry-run`",
        )
    return line


def _epsilon(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, received {text!r}")
    return number


if __name__ == "__main__":
    exit_with_sentence(main)
