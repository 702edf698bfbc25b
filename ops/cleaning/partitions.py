"""Tables of the lake and audiences: partitions that have lived their span, and folders that no link shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contracts.errors import BusyError
from contracts.lake import Lake
from contracts.life_spans import ACTS, KEPT_TABLES, MARTS, LifeSpans
from contracts.tables import TABLES
from contracts.tables.marts import FULL_STATES, MARTS_BY_ARRIVAL
from contracts.tables.resolved import PERSONS
from ops.cleaning.removal import Removal, Today, days, is_day

_MARTS = frozenset(table.name for table in FULL_STATES)
_NAME_PEOPLE = frozenset(
    name for name, table in TABLES.items() if any(column.holds == "person" for column in table.columns)
) - {PERSONS.name, *KEPT_TABLES, *(table.name for table in MARTS_BY_ARRIVAL)}
"""Tables in which a person stands under the id of that day, as long as they are of use. Facts by day of arrival outlive
that: who a person of theirs was is known by what changed since."""

_NOTED = {*ACTS, PERSONS.name}
"""Tables from which a later night goes on, or of which an erasure has to know which days there were."""

READ_WHOLE = frozenset(TABLES) - _MARTS - {table.name for table in MARTS_BY_ARRIVAL}
"""Tables of which resolving and dbt read all days: none may go while they do."""


@dataclass(frozen=True)
class Partitions:
    """Those of a home."""

    lake: Lake
    audiences: Lake
    spans: LifeSpans
    today: Today
    needed: Collection[tuple[str, str]] | None
    """Table and day that versions of models need, or that wait for a person; None where it is not known."""

    def removals(self) -> Iterator[Removal]:
        """Everything that goes, tables first."""
        for table, expired in self.expired.items():
            what = MARTS if table in _MARTS else table
            for ds in expired:
                yield _partition(self.lake, table, ds, "lake", what, days(self.spans.tables[table]))
        for campaign, past in self._past_audiences.items():
            for ds in past:
                yield _partition(self.audiences, campaign, ds, "audiences", campaign, days(self.spans.audiences))
        for lake, kind, going in (
            (self.lake, "lake", self.expired),
            (self.audiences, "audiences", self._past_audiences),
        ):
            yield from self._unshown(lake, kind, going)
            yield from self._staged(lake, kind)

    @cached_property
    def expired(self) -> dict[str, list[str]]:
        """Table -> its days that go, oldest first; that of persons last, as it follows from the others."""
        found = {name: self._expired(name, span) for name, span in self.spans.tables.items() if name != PERSONS.name}
        left = {ds for name in _NAME_PEOPLE for ds in _days_of(self.lake, name) if ds not in found.get(name, ())}
        for campaign, past in self._past_audiences.items():
            left |= {ds for ds in _days_of(self.audiences, campaign) if ds not in past}
        persons = self._expired(PERSONS.name, self.spans.tables.get(PERSONS.name))
        return {**found, PERSONS.name: [ds for ds in persons if ds not in left]}

    @cached_property
    def _past_audiences(self) -> dict[str, list[str]]:
        """Campaign -> its days that go; nothing reads them back, so that the newest of one that has ended goes too."""
        lake, span = self.audiences, self.spans.audiences
        campaigns = sorted(entry.name for entry in lake.root.glob("[!.]*") if entry.is_dir())
        return {campaign: self._past(lake, campaign, span) for campaign in campaigns}

    def _expired(self, table: str, span: int | None) -> list[str]:
        if self.needed is None and (table in _MARTS or table == PERSONS.name):
            return []
        newest = max(self.lake.days(table), default="")
        return [
            ds
            for ds in self._past(self.lake, table, span)
            if ds != newest and (self.needed is None or (table, ds) not in self.needed)
        ]

    def _past(self, lake: Lake, table: str, span: int | None) -> list[str]:
        """Days of a table that have lived their span; of what is derived, also the time since it was made."""
        past = [ds for ds in _days_of(lake, table) if self.today.is_past(ds, span)]
        if table in ACTS:
            return past
        links = {ds: lake.partition(table, ds) for ds in past}
        return [ds for ds, link in links.items() if not link.is_symlink() or self.today.is_untouched(link, span)]

    def _unshown(self, lake: Lake, kind: str, going: Mapping[str, Collection[str]]) -> Iterator[Removal]:
        """Folders of partitions that were made again since, and of jobs that were killed while they published.

        The folder that holds them changes whenever a partition is published, so that its age is theirs.
        """
        age = self.spans.replaced_runs
        for folder in sorted((lake.root / ".runs").glob("[!.]*/*")):
            table, ds = folder.parts[-2:]
            asked_for = self.needed is None or (table, ds) in self.needed  # an erasure looks into all of its folders
            if (asked_for and table in _MARTS) or ds in going.get(table, ()) or not folder.is_dir():
                continue
            if not self.today.is_untouched(folder, age):
                continue
            shown = _shown(lake, table, ds)
            for run in sorted(folder.iterdir()):
                if run.name != shown and run.is_dir():
                    remove = _remover_of_run(lake, table, ds, run)
                    why = f"no link has shown it for {age} {'day' if age == 1 else 'days'}"
                    yield Removal(kind, "replaced or unpublished runs", ds, why, (run,), remove)

    def _staged(self, lake: Lake, kind: str) -> Iterator[Removal]:
        """What killed jobs had written and not published."""
        age = self.spans.replaced_runs
        for folder in sorted((lake.root / ".runs" / ".staging").glob("*")):
            inside = [folder, *folder.rglob("*")]
            if all(self.today.is_untouched(path, age) for path in inside) and any(path.is_file() for path in inside):
                why = f"nobody has written to it for {age} {'day' if age == 1 else 'days'}"
                remove = _remover_of_staging(lake, folder)
                yield Removal(kind, "staged by jobs that did not end", folder.name, why, (folder,), remove)


def foreign(lake: Lake, known: Mapping[str, object] | None) -> list[Path]:
    """What stands in a lake and is none of its own: it is left alone.

    Args:
        known: names of tables; None where any folder may be one.
    """
    found = []
    for entry in sorted(lake.root.glob("[!.]*")):
        if not entry.is_dir() or entry.is_symlink() or (known is not None and entry.name not in known):
            found.append(entry)
            continue
        for link in sorted(entry.glob("[!.]*")):
            if not (link.is_symlink() and link.name.startswith("ds=") and is_day(link.name.removeprefix("ds="))):
                found.append(link)
    return found


def _days_of(lake: Lake, table: str) -> list[str]:
    """Days of a table that are published, or of which a kill has left folders; links that lead nowhere among them."""
    links = (link.name.removeprefix("ds=") for link in (lake.root / table).glob("ds=*") if link.is_symlink())
    folders = (folder.name for folder in (lake.root / ".runs" / table).glob("*") if folder.is_dir())
    return sorted(ds for ds in {*links, *folders} if is_day(ds))


def _partition(lake: Lake, table: str, ds: str, kind: str, what: str, why: str) -> Removal:
    planned = _shown(lake, table, ds)

    def remove() -> None:
        if _shown(lake, table, ds) in (planned, ""):  # nobody has made it again meanwhile
            lake.expire(table, ds, noted=table in _NOTED)

    return Removal(kind, what, ds, why, (lake.root / ".runs" / table / ds,), remove)


def _shown(lake: Lake, table: str, ds: str) -> str:
    link = lake.partition(table, ds)
    return link.resolve().name if link.is_dir() else ""


def _remover_of_run(lake: Lake, table: str, ds: str, run: Path) -> Callable[[], None]:
    def remove() -> None:
        with lake.lock(f"publish-{table}"):  # nobody publishes: a folder without a link is nobody's
            if run.name != _shown(lake, table, ds) and run.is_dir():
                shutil.rmtree(run)

    return remove


def _remover_of_staging(lake: Lake, folder: Path) -> Callable[[], None]:
    def remove() -> None:
        try:
            with lake.lock(folder.name):
                shutil.rmtree(folder)
        except BusyError:
            return  # its job is at work, and has just begun

    return remove
