"""What left the house on a night, as the town sees it: which of its people got which message.

The town knows who is who. It hashes its own identifiers under the lake's keys, as `sample_data.truth` does, to find its
people among the pseudonyms of `plans`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as parquet

from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from sample_data.people import Person


@dataclass(frozen=True)
class Planned:
    """One message to one person of the town."""

    person: int
    campaign: str
    channel: str
    items: tuple[str, ...]


def planned_messages(settings: Settings, ds: str, people: list[Person]) -> list[Planned]:
    """The messages of a night's plan, by person and campaign; who is in no one's memory gets none.

    Raises:
        LakeError: the night has no plan, or no persons.
    """
    number_of = people_of_pseudonyms(settings, ds, people)
    plans = rows(settings, "plans", ds, ["person_id", "campaign", "channel", "items"], made_by="activation.plan")
    found = {
        (number_of[row["person_id"]], row["campaign"]): Planned(
            number_of[row["person_id"]], row["campaign"], row["channel"], tuple(row["items"])
        )
        for row in plans.to_pylist()
        if row["person_id"] in number_of
    }
    return [found[key] for key in sorted(found)]


def people_of_pseudonyms(settings: Settings, ds: str, people: list[Person]) -> dict[str, int]:
    """The lake's person id -> the number of the person of the town that most of its identifiers are of."""
    keys = pseudonym_keys(settings)
    own = {pseudonym(keys, kind, raw): person.number for person in people for kind, raw in identifiers_of(person)}
    persons = rows(settings, "persons", ds, ["identifier", "person_id"], made_by="spark_jobs/main.py resolve")
    votes: dict[str, Counter[int]] = {}
    for identifier, person_id in zip(*(persons[name].to_pylist() for name in ("identifier", "person_id")), strict=True):
        if identifier in own:
            votes.setdefault(person_id, Counter())[own[identifier]] += 1
    return {person_id: min(count, key=lambda number: (-count[number], number)) for person_id, count in votes.items()}


def identifiers_of(person: Person) -> list[tuple[str, str]]:
    """Kind and raw identifier of everything that a person can be seen by."""
    return [
        *(("account", account) for account in person.accounts),
        *(("cookie", device.cookie) for device in person.devices),
        ("email", person.email),
        *(("handle", handle.acct) for handle in person.handles),
    ]


def rows(settings: Settings, table: str, ds: str, columns: list[str], *, made_by: str) -> pa.Table:
    """Columns of one day of a table of the lake.

    Raises:
        LakeError: it is not published.
    """
    lake = Lake(settings.home.lake)
    lake.require(table, ds, made_by=made_by)
    files = [file for file in lake.files(table, ds) if file.suffix == ".parquet"]
    found = [parquet.ParquetFile(file).read(columns=columns) for file in files]
    return pa.concat_tables(found, promote_options="default")  # books of early releases lack a column
