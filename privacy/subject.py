"""Who is meant: all identifiers and ids that a person ever had, found through the identity graph."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

from contracts.errors import SettingsError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from contracts.tables.mapped import IDENTITY_EDGES
from contracts.tables.resolved import PERSONS
from contracts.tables.vocabulary import IDENTIFIER_KINDS

_PSEUDONYM = re.compile(rf"({'|'.join(IDENTIFIER_KINDS)}):([0-9a-f]{{32}})")
_PERSON = re.compile(r"p[0-9a-f]{16}")


@dataclass
class Subject:
    """A person as the lake knows them."""

    asked: str
    """The pseudonym, or the id, that was asked for."""
    identifiers: list[str]
    """Pseudonyms under the keys of today."""
    person_ids: list[str]
    """Ids that this person had and that are nobody else's today."""
    days: list[str]
    """Days on which the person was known."""
    raw_values: dict[str, str] = field(default_factory=dict)
    """Raw value -> its kind, as far as raw or the command gave them."""
    ids_of_day: dict[str, list[str]] = field(default_factory=dict)
    """Day -> the ids that the person had on it, whoever has them today."""

    def needles(self) -> dict[str, str]:
        """What a search looks for -> what it is. A pseudonym is searched without its kind."""
        values = dict(self.raw_values)
        values |= {name.partition(":")[2]: "pseudonym" for name in self.identifiers}
        return values | dict.fromkeys(self.person_ids, "person id")

    def ids_on(self, day: str) -> set[str]:
        """The ids that mean the person in what was derived on a day."""
        return {*self.person_ids, *self.ids_of_day.get(day, ())}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def find_subject(settings: Settings, text: str) -> Subject:
    """The person of `kind:raw value`, `kind:pseudonym` or a person id.

    Identifiers that an edge joins to the person count too, unless they are somebody else's: two who logged in on one
    device are two people.

    Raises:
        SettingsError: the text is none of these.
    """
    graph = _Graph(Lake(settings.home.lake))
    if _PERSON.fullmatch(text):
        names = next((found for day in reversed(graph.days) if (found := graph.members(day, {text}))), set())
        return _grown(graph, text, names, {}, {text})
    kind, _, value = text.partition(":")
    if kind not in IDENTIFIER_KINDS or not value.strip():
        raise SettingsError(
            expected=f"a person as <kind>:<name or pseudonym> with a kind of {', '.join(IDENTIFIER_KINDS)}, or as p...",
            received=repr(text) if kind not in IDENTIFIER_KINDS else f"a {kind} without a name",
            remedy="for example --subject account:anna01",
        )
    if _PSEUDONYM.fullmatch(text) and graph.knows(text):
        return _grown(graph, text, {text}, {}, set())
    raw = {} if _PSEUDONYM.fullmatch(text) else {value.strip().lower(): kind}
    name = text if _PSEUDONYM.fullmatch(text) else pseudonym(pseudonym_keys(settings), kind, value)
    return _grown(graph, name, {name}, raw, set())


class _Graph:
    """The published persons and edges."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._connection = duckdb.connect()
        self.days = lake.days(PERSONS.name)
        self.edge_days = lake.days(IDENTITY_EDGES.name)

    def ids(self, day: str, identifiers: Collection[str]) -> set[str]:
        return self._select(PERSONS.name, [day], "person_id", "identifier", identifiers)

    def members(self, day: str, person_ids: Collection[str]) -> set[str]:
        return self._select(PERSONS.name, [day], "identifier", "person_id", person_ids)

    def owned(self, identifiers: Collection[str]) -> dict[str, str]:
        """Identifier -> who has it today."""
        files = self._files(PERSONS.name, self.days[-1:])
        if not files or not identifiers:
            return {}
        query = "select identifier, person_id from read_parquet(?) where list_contains(?, identifier)"
        return dict(self._connection.execute(query, [files, sorted(identifiers)]).fetchall())

    def neighbours(self, identifiers: Collection[str]) -> set[str]:
        sides = ("left_identifier", "right_identifier")
        return {
            name
            for one, other in (sides, sides[::-1])
            for name in self._select(IDENTITY_EDGES.name, self.edge_days, one, other, identifiers)
        }

    def knows(self, identifier: str) -> bool:
        return any(self.ids(day, {identifier}) for day in reversed(self.days)) or bool(self.neighbours({identifier}))

    def _select(self, table: str, days: list[str], what: str, where: str, values: Collection[str]) -> set[str]:
        files = self._files(table, days)
        if not files or not values:
            return set()
        query = f"select distinct {what} from read_parquet(?) where list_contains(?, {where})"
        return {value for (value,) in self._connection.execute(query, [files, sorted(values)]).fetchall()}

    def _files(self, table: str, days: list[str]) -> list[str]:
        return [str(file) for day in days for file in self._lake.files(table, day)]


def _grown(graph: _Graph, asked: str, names: set[str], raw: dict[str, str], ids: set[str]) -> Subject:
    """The subject of some identifiers, with all that belong to the same person on any day."""
    while True:
        mine = {*graph.owned(names).values()} or {*ids}
        near = {name for day in graph.days for name in graph.members(day, graph.ids(day, names) | ids)}
        near |= graph.neighbours(names)
        owners = graph.owned(near - names)
        new = {name for name in near - names if name not in owners or owners[name] in mine}
        if not new:
            break
        names |= new
    of_day = {day: sorted(found) for day in graph.days if (found := graph.ids(day, names))}
    ever = {one for found in of_day.values() for one in found} | ids
    others = {one for one in ever if graph.days and graph.members(graph.days[-1], {one}) - names}
    return Subject(asked, sorted(names), sorted(ever - others), sorted(of_day), raw, of_day)
