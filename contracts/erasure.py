"""What `privacy` exchanges with `training` and `activation` about one request to be forgotten: files in its folder.

| file | who writes it | what it says |
|---|---|---|
| `subject.json` | privacy, for its owner alone; destroyed when the request ends | who is meant |
| `deliveries.json` | activation | from which audiences at which destinations the person was removed; it names nobody |
| `models.json` | training | which model versions learned from the person, and what was deleted; it names nobody |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.errors import LakeError
from contracts.private_files import write_private

DRY_RUN, ENFORCE = MODES = ("dry_run", "enforce")

SUBJECT_FILE = "subject.json"
MODELS_FILE = "models.json"
DELIVERIES_FILE = "deliveries.json"


@dataclass(frozen=True)
class Subject:
    """A person as the lake knows them."""

    requested_as: str
    """The pseudonym or person id under which the request was made."""
    identifiers: tuple[str, ...]
    """Pseudonyms under the keys of today."""
    person_ids: tuple[str, ...]
    """Ids that this person had and that no other person has today."""
    days: tuple[str, ...]
    """Days on which the person was known."""
    raw_values: Mapping[str, str] = field(default_factory=dict)
    """Raw value -> its kind, as far as the raw deliveries or the command gave them."""
    ids_of_day: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Day -> the ids that the person had on it, whoever has them today."""

    def search_values(self) -> dict[str, str]:
        """What a search looks for -> what it is. A pseudonym is searched without its kind."""
        values = dict(self.raw_values)
        values |= {name.partition(":")[2]: "pseudonym" for name in self.identifiers}
        return values | dict.fromkeys(self.person_ids, "person id")

    def ids_on(self, day: str) -> set[str]:
        """The ids that mean the person in what was derived on a day."""
        return {*self.person_ids, *self.ids_of_day.get(day, ())}

    def ids_ever(self) -> set[str]:
        """Every id that the person had on any day, also those that another person has today."""
        return {*self.person_ids, *(one for ids in self.ids_of_day.values() for one in ids)}

    def answers_to(self, name: str) -> bool:
        """Whether a pseudonym or person id is one of this person's."""
        return name in self.identifiers or name in self.ids_ever()

    def with_raw(self, values: Mapping[str, str], days: Collection[str]) -> Subject:
        """The same person with what the raw deliveries know beside."""
        return replace(self, raw_values={**self.raw_values, **values}, days=tuple(sorted({*self.days, *days})))


@dataclass(frozen=True)
class OpenRequest:
    """A request that has begun and not ended."""

    mode: str
    """One of `MODES`."""
    subject: Subject
    row_ids: tuple[str, ...]
    """Ids under which rows of the person may stand in quarantine."""

    def write(self, folder: Path) -> None:
        """Write `subject.json` for its owner alone."""
        write_private(folder / SUBJECT_FILE, json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> OpenRequest:
        """Read `subject.json`.

        Raises:
            LakeError: there is none, or the file holds something else.
        """
        file = folder / SUBJECT_FILE
        try:
            content = json.loads(file.read_text())
            subject = content["subject"]
            ids_of_day = {day: tuple(ids) for day, ids in subject["ids_of_day"].items()}
            lists = {name: tuple(subject[name]) for name in ("identifiers", "person_ids", "days")}
            return cls(
                content["mode"],
                Subject(subject["requested_as"], **lists, raw_values=subject["raw_values"], ids_of_day=ids_of_day),
                tuple(content["row_ids"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                expected=f"the person of a request to be forgotten in {file}",
                received=str(error) if isinstance(error, OSError) else "a file that says something else",
                remedy="delete that folder, if it is there, and make the request again with `python -m privacy forget`",
            ) from error


@dataclass(frozen=True)
class LearnedVersion:
    """A model version that learned from the person, or may have."""

    model: str
    version: str
    ds: str
    """The day of the table that it was trained on."""
    why: str


@dataclass(frozen=True)
class MarkedVersion:
    """A model version that was marked."""

    model: str
    version: str
    forgotten: str
    """The text of its tag."""


@dataclass(frozen=True)
class Deletion:
    """Things of one kind that were deleted, or would be."""

    what: str
    where: str
    count: int


@dataclass(frozen=True)
class ModelsReport:
    """What became of the models; a dry run fills `would_delete` instead of `marked` and `deleted`."""

    mode: str
    searched: tuple[str, ...]
    found: tuple[LearnedVersion, ...] = ()
    marked: tuple[MarkedVersion, ...] = ()
    deleted: tuple[Deletion, ...] = ()
    would_delete: tuple[Deletion, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def write(self, folder: Path) -> None:
        write_json(folder / MODELS_FILE, self.as_json())

    @classmethod
    def read(cls, folder: Path) -> ModelsReport | None:
        """What the last attempt at a request wrote; None before the first.

        Raises:
            LakeError: the file holds something else.
        """
        return _read_report(
            folder / MODELS_FILE,
            "what became of the models",
            lambda content: cls(
                content["mode"],
                tuple(content["searched"]),
                tuple(LearnedVersion(**one) for one in content["found"]),
                tuple(MarkedVersion(**one) for one in content["marked"]),
                tuple(Deletion(**one) for one in content["deleted"]),
                tuple(Deletion(**one) for one in content["would_delete"]),
            ),
        )


@dataclass(frozen=True)
class Withdrawal:
    """What became of a person in one campaign's audience at one destination."""

    destination: str
    campaign: str
    status: str


@dataclass(frozen=True)
class DeliveriesReport:
    """What became of the person at the destinations of deliveries."""

    mode: str
    found: tuple[Withdrawal, ...] = ()

    def added_to(self, earlier: DeliveriesReport | None) -> DeliveriesReport:
        """This, and what an earlier attempt at the same request has done: it finds nothing any more of that."""
        now = {(one.destination, one.campaign) for one in self.found}
        before = earlier.found if earlier else ()
        kept = tuple(one for one in before if (one.destination, one.campaign) not in now)
        return replace(self, found=kept + self.found)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def write(self, folder: Path) -> None:
        write_json(folder / DELIVERIES_FILE, self.as_json())

    @classmethod
    def read(cls, folder: Path) -> DeliveriesReport | None:
        """What the last attempt at a request wrote; None before the first.

        Raises:
            LakeError: the file holds something else.
        """
        return _read_report(
            folder / DELIVERIES_FILE,
            "what became of the person at destinations",
            lambda content: cls(content["mode"], tuple(Withdrawal(**one) for one in content["found"])),
        )


def _read_report(file: Path, what: str, parse: Callable[[Any], Any]) -> Any:
    if not file.is_file():
        return None
    try:
        return parse(json.loads(file.read_text()))
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(
            expected=f"{what} in {file}",
            received="a file that says something else",
            remedy="delete that file and give the same command again",
        ) from error
