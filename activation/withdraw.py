"""Remove a person from the audiences at every destination: the part of an erasure that leaves the house.

One part of `python -m privacy forget`, which starts it before the lake is erased. Where the person is in an audience at
a destination, the destination is asked at once to remove them, under the random digits by which it knows them. Whom it
does not confirm now is removed with the next delivery: the row of `audience_members` stays until then, and names no
person any more. `deliveries.json` in the folder of the request says what became of each. With --mode dry_run
nothing is sent and nothing changes. Done twice, a request counts once.

    python -m activation.withdraw --request var/erasures/5f0c2d --mode dry_run
"""

from __future__ import annotations

import argparse
import secrets
from collections import defaultdict
from pathlib import Path

import duckdb

from activation.delivery.members import load_members, publish_members
from activation.destinations.destination import (
    REMOVE,
    Batch,
    Destination,
    DestinationDown,
    DestinationRefuses,
)
from activation.destinations.reading import read_destinations
from contracts.entry_point import exit_with_sentence
from contracts.erasure import DRY_RUN, MODES, DeliveriesReport, OpenRequest, Withdrawal
from contracts.errors import NightshiftError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.activation import AUDIENCE_MEMBERS
from lake_tables.contacts import without_spilling

REMOVED, WAITING, WOULD_BE_REMOVED = "removed", "waiting", "would be removed"
NO_RECALL = "was sent as mail, which cannot be called back"


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m activation.withdraw", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--request", required=True, type=Path, help="folder of the request, with its subject.json")
    arguments.add_argument("--mode", choices=MODES, required=True, help="dry_run looks and changes nothing")
    options = arguments.parse_args()
    exit_with_sentence(lambda: withdraw(options.request, options.mode))


def withdraw(request: Path, mode: str) -> None:
    """Remove the person of a request everywhere, or say where that would be done.

    Raises:
        LakeError: the request has no subject.
    """
    settings, subject = Settings.from_env(), OpenRequest.read(request).subject
    lake = Lake(settings.home.lake)
    days = lake.days(AUDIENCE_MEMBERS.name)
    found: list[Withdrawal] = []
    if days:
        with without_spilling() as connection:
            ids = sorted({*subject.person_ids, *subject.ids_on(days[-1])})
            names = _destinations_of(lake, days[-1])
            load_members(connection, lake, names)
            for name in names:
                found += _from_destination(settings, connection, name, ids, days[-1], mode)
            if mode != DRY_RUN:  # in one step, so that no run of the table is left in which the person still stands
                publish_members(connection, lake, days[-1], names)
    DeliveriesReport(mode, tuple(found)).added_to(DeliveriesReport.read(request)).write(request)


def _destinations_of(lake: Lake, ds: str) -> list[str]:
    files = [str(file) for file in lake.files(AUDIENCE_MEMBERS.name, ds)]
    with duckdb.connect() as connection:
        rows = connection.execute("select distinct destination from read_parquet(?)", [files]).fetchall()
    return sorted(name for (name,) in rows)


def _from_destination(
    settings: Settings, connection: duckdb.DuckDBPyConnection, name: str, ids: list[str], ds: str, mode: str
) -> list[Withdrawal]:
    """Withdraw from every audience of a destination; what it confirms leaves `members`, the rest loses its person."""
    rows = connection.execute(
        "select campaign, member_id from members where destination = ? and list_contains(?, person_id) order by all",
        [name, ids],
    ).fetchall()
    by_campaign: defaultdict[str, list[str]] = defaultdict(list)
    for campaign, member in rows:
        by_campaign[campaign].append(member)
    if mode == DRY_RUN:
        return [Withdrawal(name, campaign, WOULD_BE_REMOVED) for campaign in by_campaign]
    found, destination = [], _configured(settings, name) if rows else None
    for campaign, members in by_campaign.items():
        status = _remove(destination, campaign, members, ds)
        if status == WAITING:
            change = "update members set person_id = null where list_contains(?, member_id)"
        else:
            change = "delete from members where list_contains(?, member_id)"
        connection.execute(change, [members])
        found.append(Withdrawal(name, campaign, status))
        say(f"withdraw {name} {campaign}: {status}")
    if destination is not None:
        destination.close()
    return found


def _configured(settings: Settings, name: str) -> Destination | None:
    """The destination, if it is still configured; a file that cannot be understood keeps no erasure from going on."""
    campaigns = [file.stem for file in settings.campaigns.glob("*.yml")]
    try:
        return read_destinations(settings, campaigns).get(name)
    except NightshiftError as error:
        say(f"withdraw {name}: {error}")
        return None


def _remove(destination: Destination | None, campaign: str, members: list[str], ds: str) -> str:
    if destination is None:
        return WAITING
    if not destination.has_members:
        return NO_RECALL
    messages = [{"delivery_id": secrets.token_hex(16), "member_id": member} for member in members]
    try:
        answer = destination.remove(Batch(secrets.token_hex(16), REMOVE, campaign, ds, messages))
    except (DestinationDown, DestinationRefuses) as error:
        say(f"withdraw {destination.name}: {error.reason}")
        return WAITING
    return WAITING if answer.all_refused or answer.refused else REMOVED


if __name__ == "__main__":
    main()
