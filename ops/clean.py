"""Remove what has lived its span: the rest of `retention.yml`, as the last task of a night.

Days are counted back from the newest day up to --ds whose profiles were published: a night that failed makes nothing
older, and a day that is still to come removes nothing. `retention.yml` (NIGHTSHIFT_RETENTION names another file) says
how many days of each are kept, and why; consents, ledgers, keys and what an erasure needs have no span and stay.

    lake, audiences  partitions; folders of partitions that were made again, leftovers of jobs that were killed
    raw              deliveries that were mapped
    models           files, run and version of all but the champions, what waits for approval, and the last few
    checkpoints, tensorboard, logs, reports, published

A partition disappears in one step and then its files go, so that a reader sees all of it or nothing; a run that is
killed leaves only what the next one removes. What cannot be removed is said in a sentence and counted, and the rest
goes on: the exit status is 0. It is 2 where retention.yml is wrong, and 75 where another cleaning is at work.

    . ops/env.sh; python -m ops.clean --dry-run
    . ops/env.sh; python -m ops.clean --ds 2026-11-19
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from contracts.arguments import day
from contracts.cleaning import ModelsCleaned, Removed
from contracts.entry_point import exit_with_sentence
from contracts.errors import ERROR_MARK, BusyError, LakeError, NightshiftError, SettingsError
from contracts.lake import Lake
from contracts.life_spans import KEPT_TABLES, LifeSpans
from contracts.registry_database import RegistryDatabase
from contracts.report import Report, say
from contracts.settings import REPOSITORY, Settings
from contracts.tables import TABLES
from contracts.tables.marts import CONSENT, FULL_STATES
from contracts.verdicts import Verdicts
from ops.cleaning.deliveries import Deliveries
from ops.cleaning.old_files import OldFiles
from ops.cleaning.partitions import READ_WHOLE, Partitions, foreign
from ops.cleaning.removal import Removal, Today, added_up

JOB = "clean"

_READERS_OF_ALL_DAYS = ("resolve", "profile")
"""Steps that read whole tables; while one is at work no day of them goes."""

_SHOWN = 5
"""Sentences and names that are said of one kind of trouble; the rest is counted."""


Found = TypeVar("Found")


@dataclass
class Cleaned:
    """What went, or in a dry run would go."""

    removed: list[Removed] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """A sentence for each thing that could not be removed."""

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.removed)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ops.clean", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ds", type=day, metavar="DAY", help="day of the run; by default the newest that there is")
    parser.add_argument("--dry-run", action="store_true", help="show what would go, and remove nothing")
    options = parser.parse_args()
    exit_with_sentence(lambda: clean(options.ds, dry_run=options.dry_run))


def clean(ds: str | None, *, dry_run: bool) -> None:
    """Clean the home of the settings; what went wrong is said among the steps of a night, which goes on without it.

    Raises:
        NightshiftError: as `clean_home`.
    """
    try:
        clean_home(Settings.from_env(), ds, dry_run=dry_run)
    except NightshiftError as error:
        say(f"clean: failed: {error}")
        raise


def clean_home(
    settings: Settings, ds: str | None, *, dry_run: bool, moment: datetime.datetime | None = None
) -> Cleaned:
    """Clean a home, or show what would go.

    Args:
        ds: the day of the run; None for the newest.
        moment: what the clock says; None for now.

    Raises:
        SettingsError: there is no home, or the life spans are wrong.
        BusyError: another cleaning, an erasure or a rotation of keys is at work.
    """
    home, spans = settings.home, LifeSpans.read(settings.retention)
    if not home.root.is_dir():
        raise SettingsError(
            expected=f"a home in {home}", received="no such folder", remedy="set NIGHTSHIFT_HOME, or run `make nightly`"
        )
    today = today_of(Lake(home.lake), ds, moment)
    if dry_run:
        cleaned = _Cleaning(settings, spans, today, dry_run=True).run()
        show(cleaned)
        return cleaned
    name = ds or (today.day or today.moment.date()).isoformat()
    with Lake(home.lake).step(JOB), Report(home.reports, name).timed(JOB) as fragment:
        cleaned = _Cleaning(settings, spans, today, dry_run=False).run()
        counts: dict[str, int] = {}
        for one in cleaned.removed:
            counts[one.kind] = counts.get(one.kind, 0) + one.count
        fragment[JOB] = {"removed": counts, "bytes": cleaned.bytes, "not_removed": len(cleaned.troubles)}
        listed = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
        say(f"clean {name}: {f'{in_words(cleaned.bytes)} freed: {listed}' if counts else 'nothing is too old'}")
    return cleaned


def today_of(lake: Lake, ds: str | None, moment: datetime.datetime | None = None) -> Today:
    """From when ages are counted: the newest day up to `ds` whose profiles were published, and now."""
    published = lake.days(CONSENT.name, until=ds or "9999-12-31")
    newest = datetime.date.fromisoformat(published[-1]) if published else None
    return Today(newest, moment or datetime.datetime.now(datetime.UTC))


@dataclass
class _Cleaning:
    settings: Settings
    spans: LifeSpans
    today: Today
    dry_run: bool
    cleaned: Cleaned = field(default_factory=Cleaned)

    def run(self) -> Cleaned:
        """Models first: what is left of them says which tables stay."""
        home, spans, today = self.settings.home, self.spans, self.today
        lake, audiences = Lake(home.lake), Lake(home.audiences)
        partitions = Partitions(lake, audiences, spans, today, self._needed())
        with self._readers_kept_out(lake) as may_go:
            self._remove(filter(may_go, self._found("lake", partitions.removals)))
        raw_span = spans.raw if self.settings.raw.is_relative_to(home.root) else spans.raw_elsewhere
        self._remove(self._found("raw", Deliveries(self.settings.raw, lake, raw_span, today).removals))
        expired = partitions.expired.get(CONSENT.name, ())
        self._remove(self._found("old files", lambda: OldFiles(home, spans, today).removals(expired)))
        for place, known in ((lake, {*TABLES, *KEPT_TABLES}), (audiences, None)):
            if strangers := self._found("lake", lambda place=place, known=known: foreign(place, known)):
                named = ", ".join(str(one.relative_to(home.root)) for one in strangers[:_SHOWN])
                more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
                say(f"clean: left alone, as it is no table of the lake: {named}{more}")
        for trouble in self.cleaned.troubles[:_SHOWN]:
            say(f"clean: {trouble}")
        if len(self.cleaned.troubles) > _SHOWN:
            say(f"clean: {len(self.cleaned.troubles) - _SHOWN} more could not be removed")
        return self.cleaned

    def _needed(self) -> set[tuple[str, str]] | None:
        """Table and day that models need, or a person who decides on one; None where it is not known.

        MLflow starts slowly: as long as nothing could go, it is not known.
        """
        home, uri = self.settings.home, self.settings.registry_uri
        try:
            verdicts = [Verdicts(home.approvals).of(file.stem) for file in sorted(home.approvals.glob("[!.]*.json"))]
            waiting = {(table.name, verdict.line["ds"]) for verdict in verdicts if verdict for table in FULL_STATES}
            database = RegistryDatabase.of(uri, home.artifacts)
            if database is None and uri.startswith("sqlite:///"):
                return waiting
            if database is not None and not self._could_go(database):
                return None
            models = self._clean_models()
        except (OSError, ValueError, KeyError, TypeError, NightshiftError) as error:
            self.cleaned.troubles.append(f"models and the tables that they may need stay: {_reason(error)}")
            return None
        self.cleaned.removed += models.removed
        self.cleaned.troubles += models.failed
        return {*waiting, *models.needed}

    def _could_go(self, database: RegistryDatabase) -> bool:
        """Whether anything of the registry or of what it may need has lived its span."""
        lake, span = Lake(self.settings.home.lake), self.spans.marts
        if any(self.today.is_past(ds, span) for table in FULL_STATES for ds in lake.days(table.name)):
            return True
        since = self.today.moment - datetime.timedelta(days=self.spans.runs or 0)
        of_runs = self.spans.runs is not None and database.runs_before(since)
        of_versions = self.spans.versions is not None and database.most_versions() > self.spans.versions
        return of_runs or of_versions

    def _clean_models(self) -> ModelsCleaned:
        """Let training clean its registry.

        Raises:
            LakeError: it failed; the sentence says why.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "models.json"
            command = [sys.executable, "-m", "training.clean", "--result", str(file)]
            command += ["--dry-run"] if self.dry_run else []
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                last_line = " ".join((done.stderr.strip().splitlines() or ["nothing"])[-1:])
                raise LakeError(
                    expected="training to clean its registry",
                    received=last_line.removeprefix(ERROR_MARK),
                    remedy="mend that; the next night tries again",
                )
            return ModelsCleaned.read(file)

    @contextlib.contextmanager
    def _readers_kept_out(self, lake: Lake) -> Iterator[Callable[[Removal], bool]]:
        """Hold what reads whole tables; yields what may go: where one is at work, no partition of these."""
        with contextlib.ExitStack() as held:
            try:
                for step in () if self.dry_run else _READERS_OF_ALL_DAYS:
                    held.enter_context(lake.lock(step))
            except BusyError as busy:
                held.close()
                self.cleaned.troubles.append(f"days of tables stay until the next night: {busy}")
                yield lambda one: one.what not in READ_WHOLE
            else:
                yield lambda _: True

    def _found(self, subject: str, look: Callable[[], Iterable[Found]]) -> list[Found]:
        """What there is of one subject; nothing where it cannot be looked at."""
        try:
            return list(look())
        except (OSError, ValueError) as error:
            self.cleaned.troubles.append(f"{subject} stay, as they cannot be looked at: {_reason(error)}")
            return []

    def _remove(self, removals: Iterable[Removal]) -> None:
        removals = list(removals)
        lines = added_up(removals)
        if self.dry_run:
            self.cleaned.removed += lines
            return
        failed = []
        for one in removals:
            try:
                one.remove()
            except (OSError, NightshiftError) as error:
                failed.append(one)
                self.cleaned.troubles.append(f"{one.kind} {one.what} {one.name} stays: {_reason(error)}")
        self.cleaned.removed += _without(lines, failed)


def _without(lines: Iterable[Removed], failed: Iterable[Removal]) -> list[Removed]:
    """Lines without what could not be removed; its bytes, which may have gone in part, are not counted."""
    lost = {(one.kind, one.what, one.why): one for one in added_up(failed)}
    kept = []
    for line in lines:
        less = lost.get((line.kind, line.what, line.why))
        count, freed = line.count - (less.count if less else 0), line.bytes - (less.bytes if less else 0)
        if count:
            kept.append(Removed(line.kind, line.what, count, max(freed, 0), line.oldest, line.why))
    return kept


def show(cleaned: Cleaned) -> None:
    """Print what would go, as a table."""
    table = Table("kind", "what", title="would be removed", title_justify="left")
    for column in ("count", "bytes", "oldest"):
        table.add_column(column, justify="right")
    table.add_column("why")
    for one in cleaned.removed:
        table.add_row(one.kind, one.what, f"{one.count:,}", f"{one.bytes:,}", one.oldest, one.why)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    if cleaned.removed:
        console.print(table)
        console.print(f"{in_words(cleaned.bytes)} would be freed; nothing was removed (dry run)")
    else:
        console.print("nothing is too old")


def in_words(size: int) -> str:
    """A size for people."""
    amount, unit = float(size), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


def _reason(error: Exception) -> str:
    """What the system or we say of an error; other libraries' words may quote data."""
    if isinstance(error, NightshiftError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return type(error).__name__


if __name__ == "__main__":
    main()
