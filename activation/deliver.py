"""Deliver the audiences of a night to a destination: who gets which message, and who is in no audience any more.

The audiences of `activation.export` know people by pseudonyms. Their addresses come from the newest delivery of the raw
source `contacts`, are joined in memory, and are written nowhere by Nightshift. Consent is asked for once more. A
destination of destinations.yml (NIGHTSHIFT_DESTINATIONS names another file) gets each message of the night once, and is
told who has to be removed: who left the audience, withdrew, or was erased. For each campaign

    audience = delivered + already + refused + waiting + withheld

Every message has a receipt in the table `deliveries`, which names no address. A run that was killed, or whose
destination went down, is gone on with by the same command: batches that may have arrived are handed over again under
the same ids, so that a destination that honours them takes each once. Try it first with --dry-run, which counts and
sends nothing. docs/deliver.md says how to write a destination, and what a receiver has to do.

    python -m activation.deliver --ds 2026-11-20 --to crm --dry-run
    python -m activation.deliver --ds 2026-11-20 --to crm --campaign autumn_letter
"""

from __future__ import annotations

from typing import Any

from activation.delivery.run import Run
from activation.delivery.tonight import Tonight
from activation.destinations.reading import read_destination
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from lake_tables.contacts import without_spilling


def main() -> None:
    parser = day_parser("activation.deliver", __doc__)
    parser.add_argument("--to", required=True, metavar="NAME", help="a destination of destinations.yml")
    parser.add_argument("--campaign", metavar="NAME", help="this campaign alone; by default all that go there")
    parser.add_argument("--dry-run", action="store_true", help="count what would be done, and send and write nothing")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: deliver(chosen.ds, chosen.to, chosen.campaign, dry_run=chosen.dry_run))


def deliver(ds: str, to: str, only: str | None = None, *, dry_run: bool = False) -> None:
    """Deliver one night to one destination.

    Raises:
        SettingsError: no such destination or campaign, or a file that does not fit.
        LakeError: audiences, persons or consents of the day are missing, or a later night was delivered already.
        RawDataError: there are no addresses.
        DestinationDown, DestinationRefuses: after receipts of everything were published.
        BusyError: another run delivers there.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.among_others(), lake.lock(f"deliver-{to}"), without_spilling() as connection:
        tonight = Tonight.read(settings, lake, ds, connection, only)
        destination = read_destination(settings, to, tonight.names)
        tonight.choose(name for name in tonight.names if destination.takes(name) and (only is None or name == only))
        run = Run(settings, lake, ds, destination, tonight, connection)
        run.prepare()
        tonight.join(settings)
        if dry_run:
            for name, counted in run.books.to_do().items():
                say(f"deliver {to} {name}: dry run: {_shown(counted)}")
        else:
            with Report(settings.home.reports, ds).timed("deliver", part=to) as fragment:
                books = run.execute()
                fragment["deliveries"] = {to: _entry(run, books)}
            Report(settings.home.reports, ds).merge()
            for name, counted in books.items():
                say(f"deliver {to} {name}: {_shown(counted)}")
        for name, error in tonight.failed.items():
            say(f"deliver {to} {name}: failed: {error}")
        for error in [run.stopped, *tonight.failed.values()]:
            if error is not None:
                raise error


def _entry(run: Run, books: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the report says of a destination."""
    campaigns = {name: {"status": "delivered", **counted} for name, counted in books.items()}
    for name, counted in campaigns.items():
        if counted["waiting"] or counted["not_removed"]:
            campaigns[name]["status"] = "waiting"
    failed = {name: {"status": "failed", "error": str(error)} for name, error in run.tonight.failed.items()}
    stopped: NightshiftError | None = run.stopped
    return {
        "status": "delivered" if stopped is None else "stopped",
        **({} if stopped is None else {"error": str(stopped)}),
        "contacts": run.tonight.contacts,
        "campaigns": campaigns | failed,
    }


def _shown(counted: dict[str, Any]) -> str:
    """`audience 1,200, delivered 1,000, withheld no_consent 200`, without what is nothing."""
    parts = []
    for name, value in counted.items():
        if isinstance(value, dict):
            parts += [f"{name} {reason} {count:,}" for reason, count in value.items()]
        elif value or name == "audience":
            parts.append(f"{name} {value:,}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
