"""One thing that goes: where it stands, why, and how."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.cleaning import Removed, bytes_freed


@dataclass(frozen=True)
class Removal:
    """A partition, a delivery, a file."""

    kind: str
    what: str
    name: str
    """Which of its kind: its day, where it has one."""
    why: str
    paths: tuple[Path, ...]
    """What the disk gets back."""
    remove: Callable[[], object]


@dataclass(frozen=True)
class Today:
    """From when ages are counted."""

    day: datetime.date | None
    """The newest day whose profiles were published; None where there is none, so that no day is too old."""
    moment: datetime.datetime
    """Now, for what is old by the clock."""

    def is_past(self, ds: str, span: int | None) -> bool:
        """Whether a day has lived its span: of 14 days, the newest published one and the 13 before it stay."""
        if self.day is None or span is None:
            return False
        return (self.day - datetime.date.fromisoformat(ds)).days >= span

    def is_untouched(self, path: Path, span: int | None) -> bool:
        """Whether nobody has changed a file, a link or the names in a folder for so many days."""
        if span is None:
            return False
        return path.lstat().st_mtime < (self.moment - datetime.timedelta(days=span)).timestamp()


def is_day(text: str) -> bool:
    """Whether a text is a day as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def days(span: int | None) -> str:
    """A span in words, as the reason of a removal."""
    return f"older than {span} {'day' if span == 1 else 'days'}"


def remove_path(path: Path) -> None:
    """Remove a file or a folder; a folder disappears in one step under a name that nobody reads, then goes."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f"{REMOVING}{path.name}")
    if draft.exists():
        shutil.rmtree(draft)
    path.rename(draft)
    shutil.rmtree(draft)


REMOVING = ".removing-"
"""Begins the name of a folder that is going: a run that was killed leaves it, and the next one removes it."""


def half_removed(folder: Path, kind: str, *, below: str = "*") -> Iterator[Removal]:
    """What killed runs left of folders that were going."""
    for path in sorted(folder.glob(f"{below}/{REMOVING}*" if below else f"{REMOVING}*")):
        name = path.name.removeprefix(REMOVING)
        yield Removal(kind, "left by a kill", name, "was going already", (path,), lambda path=path: shutil.rmtree(path))


def added_up(removals: Iterable[Removal]) -> tuple[Removed, ...]:
    """Removals that belong together in one line, in their order."""
    groups: dict[tuple[str, str, str], list[Removal]] = {}
    for one in removals:
        groups.setdefault((one.kind, one.what, one.why), []).append(one)
    return tuple(
        Removed(
            kind,
            what,
            len(members),
            bytes_freed(path for one in members for path in one.paths),
            min(one.name for one in members),
            why,
        )
        for (kind, what, why), members in groups.items()
    )
