"""Who is meant: all identifiers and ids that a person ever had, found through the identity graph."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from contracts.erasure import Subject
from contracts.errors import SettingsError
from contracts.identifiers import load_cleaning
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym, pseudonym_of_old
from contracts.settings import Settings, duckdb_config
from contracts.tables.mapped import IDENTITY_EDGES
from contracts.tables.resolved import IDENTITY_CHANGES, PERSONS
from contracts.tables.vocabulary import IDENTIFIER_KINDS

_PSEUDONYM = re.compile(rf"({'|'.join(IDENTIFIER_KINDS)}):([0-9a-f]{{32}})")
_PERSON_ID = re.compile(r"p[0-9a-f]{16}")


def name_of(settings: Settings, text: str) -> str:
    """The pseudonym under the keys of today, or the person id, of `kind:raw name`, `kind:pseudonym` or a person id.

    Raises:
        SettingsError: the text is none of these.
    """
    if is_under_keys(text):
        return text
    kind, _, value = text.partition(":")
    if kind not in IDENTIFIER_KINDS or not value.strip() or not _is_unicode(text):
        raise SettingsError(
            expected=f"a person as <kind>:<name or pseudonym> with a kind of {', '.join(IDENTIFIER_KINDS)}, or as p...",
            received=f"a {kind} without a name" if kind in IDENTIFIER_KINDS and not value.strip() else repr(text),
            remedy="for example --subject account:anna01",
        )
    return pseudonym(pseudonym_keys(settings), kind, value, load_cleaning(settings))


def is_under_keys(text: str) -> bool:
    """Whether a person is named by a pseudonym or an id, which change with the keys."""
    return bool(_PERSON_ID.fullmatch(text) or _PSEUDONYM.fullmatch(text))


def find_subject(settings: Settings, text: str) -> Subject:
    """The person of `kind:raw name`, `kind:pseudonym` or a person id.

    Identifiers that an edge joins to the person count too, unless they are another person's: two who logged in on one
    device are two people.

    Raises:
        SettingsError: the text is none of these.
    """
    name, graph = name_of(settings, text), _Graph(Lake(settings.home.lake))
    if _PERSON_ID.fullmatch(name):
        identifiers = next((found for day in reversed(graph.days) if (found := graph.members(day, {name}))), set())
        identifiers = identifiers or graph.last_members(name)
        return _complete(graph, name, identifiers, {}, {name})
    kind, _, value = text.partition(":")
    if is_under_keys(text):
        return _complete(graph, name, {name}, {}, set())
    cleaned = load_cleaning(settings).cleaned(kind, value)
    names = {name, pseudonym_of_old(pseudonym_keys(settings), kind, value)}
    return _complete(graph, name, names, {value.strip().lower(): kind, cleaned or value.strip().lower(): kind}, set())


def _is_unicode(text: str) -> bool:
    """Whether a text holds no bytes that the shell or standard input could not decode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class _Period:
    """When an identifier had an id that it has no more, from the first day and before the second."""

    identifier: str
    person_id: str
    since: str
    until: str


class _Graph:
    """The published persons and edges."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._connection = duckdb.connect(config=duckdb_config())
        self.days = lake.days(PERSONS.name)
        self.edge_days = lake.days(IDENTITY_EDGES.name)
        self.gone_days = sorted(lake.history(PERSONS.name).keys() - {*self.days})
        """Days whose persons have lived their span: what changed since says who was who."""

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

    def formerly(self, identifiers: Collection[str]) -> dict[str, set[str]]:
        """Day whose persons are gone -> ids that these identifiers had on it and have no more."""
        periods = self._periods("identifier", identifiers)
        held = {day: {one.person_id for one in periods if one.since <= day < one.until} for day in self.gone_days}
        return {day: ids for day, ids in held.items() if ids}

    def former_members(self, identifiers: Collection[str]) -> set[str]:
        """Identifiers that shared an id with these while it was theirs, on days whose persons are gone."""
        own = self._periods("identifier", identifiers)
        near = self._periods("former_person_id", {one.person_id for one in own})
        return {
            other.identifier
            for other in near
            if any(
                one.person_id == other.person_id and max(one.since, other.since) < min(one.until, other.until)
                for one in own
            )
        }

    def last_members(self, person_id: str) -> set[str]:
        """The identifiers of an id that no day knows any more, when it was last in use."""
        periods = self._periods("former_person_id", {person_id})
        return {one.identifier for one in periods if one.until == max(other.until for other in periods)}

    def _periods(self, column: str, values: Collection[str]) -> list[_Period]:
        """Ids that identifiers have no more, as `identity_changes` knows them, of the rows with these values."""
        changes = self._files(IDENTITY_CHANGES.name, self._lake.days(IDENTITY_CHANGES.name))
        newest = self._files(PERSONS.name, self.days[-1:])
        if not (self.gone_days and changes and newest and values):
            return []
        query = f"""
            with changes as (
                select
                    identifier,
                    former_person_id,
                    cast(ds as varchar) as until,
                    lag(cast(ds as varchar)) over (partition by identifier order by ds) as since
                from read_parquet($changes, hive_partitioning = true)
            ),
            concerned as (select * from changes where list_contains($values, {column})),
            arrivals as (select identifier, cast(first_ds as varchar) as first_ds from read_parquet($newest))
            select identifier, former_person_id, coalesce(since, first_ds, ''), until
            from concerned left join arrivals using (identifier)
        """
        options = {"changes": changes, "newest": newest, "values": sorted(values)}
        return [_Period(*row) for row in self._connection.execute(query, options).fetchall()]

    def _select(self, table: str, days: list[str], what: str, where: str, values: Collection[str]) -> set[str]:
        files = self._files(table, days)
        if not files or not values:
            return set()
        query = f"select distinct {what} from read_parquet(?) where list_contains(?, {where})"
        return {value for (value,) in self._connection.execute(query, [files, sorted(values)]).fetchall()}

    def _files(self, table: str, days: list[str]) -> list[str]:
        return [str(file) for day in days for file in self._lake.files(table, day)]


def _complete(
    graph: _Graph, requested_as: str, identifiers: set[str], raw_values: dict[str, str], ids: set[str]
) -> Subject:
    """The subject of some identifiers and ids, with all that belong to the same person on any day."""
    while True:
        own_ids = {*graph.owned(identifiers).values()} or {*ids}
        near = {one for day in graph.days for one in graph.members(day, graph.ids(day, identifiers) | ids)}
        near |= graph.neighbours(identifiers) | graph.former_members(identifiers)
        owners = graph.owned(near - identifiers)
        new = {one for one in near - identifiers if one not in owners or owners[one] in own_ids}
        if not new:
            break
        identifiers = identifiers | new
    ids_of_day = {day: tuple(sorted(found)) for day in graph.days if (found := graph.ids(day, identifiers))}
    days = tuple(sorted(ids_of_day))
    ids_of_day |= {day: tuple(sorted(found)) for day, found in graph.formerly(identifiers).items()}
    ever = {one for found in ids_of_day.values() for one in found} | ids
    others = {one for one in ever if graph.days and graph.members(graph.days[-1], {one}) - identifiers}
    return Subject(
        requested_as,
        identifiers=tuple(sorted(identifiers)),
        person_ids=tuple(sorted(ever - others)),
        days=days,
        raw_values=raw_values,
        ids_of_day=ids_of_day,
    )
