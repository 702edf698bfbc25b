"""Every path of the lake, and how a partition is published.

A partition `<root>/<table>/ds=YYYY-MM-DD` is a link to an immutable folder `<root>/.runs/<table>/<ds>/<run>`. To
publish is one atomic rename of that link, after the data was written and checked elsewhere: a reader sees the old
folder or the new one, never a mixture, and a job that is killed leaves only a folder without a link.

Several writers may share a partition (one mapping job per source): each owns the files whose names begin with its
own name, and publishing carries the others' files over by hard link, under a lock.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import BusyError, LakeError
from contracts.home import Home

PUBLISH_WAIT_SECONDS = 120

ALONE_WAIT_SECONDS = 600
"""How long a step of the night waits for an erasure or a rotation of keys to end, and these for a step."""


@dataclass(frozen=True)
class Lake:
    """A folder of tables, each a folder of day partitions."""

    root: Path

    def partition(self, table: str, ds: str) -> Path:
        """The link to the published files of one table and day; it may not exist."""
        return self.root / table / f"ds={ds}"

    def days(self, table: str, *, until: str = "9999-12-31") -> list[str]:
        """The published days of a table, oldest first, up to and with `until`."""
        links = (self.root / table).glob("ds=*")
        days = sorted(link.name.removeprefix("ds=") for link in links if link.is_dir())
        return [day for day in days if day <= until]

    def files(self, table: str, ds: str, *, owner: str | None = None) -> list[Path]:
        """The published files of one table and day, by name; only those of `owner` where one is named."""
        folder = self.partition(table, ds)
        names = sorted(folder.iterdir()) if folder.is_dir() else []
        return [file for file in names if owner is None or _owned(file.name, owner)]

    def require(self, table: str, ds: str, *, made_by: str) -> Path:
        """The published partition, or an error that names the command which makes it.

        Raises:
            LakeError: the partition is not published.
        """
        link = self.partition(table, ds)
        if not link.is_dir():
            days = self.days(table)
            raise LakeError(
                expected=f"table {table} of {ds} in {self.root}",
                received=f"only the days {days[0]} to {days[-1]}" if days else "no day of it",
                remedy=f"run `{made_by}` first",
            )
        return link

    def staging(self, job: str) -> Path:
        """A new, empty folder to write into before publishing; the caller holds the lock of `job`.

        No run has had its name before: what a killed one may still have written for it is not among this one's files.
        """
        folder = self.root / ".runs" / ".staging" / job
        shutil.rmtree(folder, ignore_errors=True)
        own = folder / f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S%f}"
        own.mkdir(parents=True)
        return own

    def publish(self, table: str, ds: str, files: Mapping[str, Path], *, owner: str | None = None) -> None:
        """Let `files` (name -> staged file, which is moved) be the partition, in one atomic step.

        With an `owner`, only the files whose names begin with `<owner>-` are replaced. With no files left at all, the
        partition disappears. The folder published before stays for readers that are still in it; older ones go.
        """
        with self.lock(f"publish-{table}", wait_seconds=PUBLISH_WAIT_SECONDS):
            link = self.partition(table, ds)
            runs = self.root / ".runs" / table / ds
            before = runs / link.resolve().name if link.is_dir() else None
            run = runs / f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S%f}"
            run.mkdir(parents=True)
            for name, staged in files.items():
                os.replace(staged, run / name)
            if owner is not None and before is not None:
                for file in before.iterdir():
                    if not _owned(file.name, owner):
                        os.link(file, run / file.name)
            if any(run.iterdir()):
                link.parent.mkdir(parents=True, exist_ok=True)
                draft = link.with_name(f".{link.name}")
                draft.unlink(missing_ok=True)
                draft.symlink_to(os.path.relpath(run, link.parent))
                os.replace(draft, link)
            else:
                link.unlink(missing_ok=True)
                run.rmdir()
            for folder in runs.iterdir():
                if folder not in (run, before):
                    shutil.rmtree(folder)

    def withdraw(self, table: str, ds: str) -> None:
        """Let a partition disappear, together with the folders it was published from; no step may be reading it."""
        with self.lock(f"publish-{table}", wait_seconds=PUBLISH_WAIT_SECONDS):
            self.partition(table, ds).unlink(missing_ok=True)
            shutil.rmtree(self.root / ".runs" / table / ds, ignore_errors=True)

    def expire(self, table: str, ds: str, *, noted: bool) -> None:
        """Let a partition disappear whose life span has ended, with the folders it was published from.

        The link goes first: a reader sees the whole partition or none. Done twice, or again after a kill, it ends what
        was begun.

        Args:
            noted: whether `history` is to know what it was, so that who goes on from an earlier night can tell a day
                that has expired from one that was changed.
        """
        with self.lock(f"publish-{table}", wait_seconds=PUBLISH_WAIT_SECONDS):
            link = self.partition(table, ds)
            if noted and link.is_dir():
                notes = self._expired(table)
                notes.parent.mkdir(parents=True, exist_ok=True)
                with notes.open("a") as stream:
                    stream.write(json.dumps({"ds": ds, "was": self._identity(table, ds)}) + "\n")
            link.unlink(missing_ok=True)
            runs = self.root / ".runs" / table / ds
            if runs.is_dir():
                shutil.rmtree(runs)

    def history(self, table: str, *, until: str = "9999-12-31") -> dict[str, str]:
        """Day -> what was published of it, in a text that another publication changes; noted expired days among them.

        Up to and with `until`, oldest first.
        """
        notes = self._expired(table)
        lines = notes.read_text().splitlines(keepends=True) if notes.exists() else []
        expired = [json.loads(line) for line in lines if line.endswith("\n")]  # a kill may have cut the last one off
        known = {one["ds"]: one["was"] for one in expired if one["ds"] <= until}
        known |= {day: self._identity(table, day) for day in self.days(table, until=until)}
        return dict(sorted(known.items()))

    def _identity(self, table: str, ds: str) -> str:
        """Of a published partition: its run, and the names and sizes of its files."""
        sizes = [(file.name, file.stat().st_size) for file in self.files(table, ds)]
        return f"{self.partition(table, ds).resolve().name} {sizes}"

    def _expired(self, table: str) -> Path:
        return self.root / ".expired" / f"{table}.jsonl"

    def digest(self, table: str, ds: str) -> str:
        """SHA-256 over names and bytes of a published partition: equal digests are equal partitions."""
        total = hashlib.sha256()
        for file in self.files(table, ds):
            total.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return total.hexdigest()

    @contextlib.contextmanager
    def alone(self, wait_seconds: float = ALONE_WAIT_SECONDS, *, rotating: bool = False) -> Iterator[None]:
        """Hold the lake for an erasure or a rotation of keys: no step of a night is at work meanwhile.

        Raises:
            BusyError: a step is still at work after `wait_seconds`.
            LakeError: a rotation of keys was interrupted, and this is not it (`rotating`).
        """
        with self.lock("alone", wait_seconds=wait_seconds, instead="no step of a night at work"):
            if not rotating:
                self.require_one_key()
            yield

    @contextlib.contextmanager
    def among_others(self, wait_seconds: float = ALONE_WAIT_SECONDS) -> Iterator[None]:
        """Hold the lake as a step of a night does, beside any other step but not beside who has it `alone`.

        Raises:
            BusyError: an erasure or a rotation of keys is still at work after `wait_seconds`.
            LakeError: a rotation of keys was interrupted.
        """
        with self.lock(
            "alone", wait_seconds=wait_seconds, shared=True, instead="no erasure and no rotation of keys at work"
        ):
            self.require_one_key()
            yield

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Be the only run of a step, beside any other step but not beside who has the lake `alone`.

        Raises:
            BusyError: another run of it is at work, or an erasure or a rotation of keys still is.
            LakeError: a rotation of keys was interrupted.
        """
        with self.among_others(), self.lock(name):
            yield

    def require_one_key(self) -> None:
        """Refuse a lake of which a part is hashed under one key more than the rest.

        Raises:
            LakeError: a rotation of keys has not ended.
        """
        if Home(self.root.parent).rotation.exists():
            raise LakeError(
                expected=f"a lake in {self.root} whose rotation of keys has ended",
                received="one in which it was interrupted",
                remedy="end it (python -m privacy rotate-key); nothing was changed",
            )

    @contextlib.contextmanager
    def lock(self, name: str, *, wait_seconds: float = 0, shared: bool = False, instead: str = "") -> Iterator[None]:
        """Hold the lock `name` of this lake; the system releases it even when the holder is killed.

        Several may hold it `shared` at a time, but none beside a holder that does not share it.

        Args:
            instead: what is expected instead, where it is not this run alone.

        Raises:
            BusyError: another process still holds it after `wait_seconds`.
        """
        file = self.root / ".locks" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait_seconds
        with file.open("a+") as stream:
            while True:
                try:
                    fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        stream.seek(0)
                        holder = stream.read().strip() or "just starting"
                        raise BusyError(
                            expected=f"{instead or f'to be the only run of {name!r}'} on {self.root}",
                            received=f"{'one' if instead else 'another one'} at work ({holder})",
                            remedy="wait until it has ended, or stop it; nothing was changed",
                        ) from None
                    time.sleep(0.1)
            stream.truncate(0)
            stream.write(f"process {os.getpid()} since {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC\n")
            stream.flush()
            yield
            if not shared:  # others may still hold it
                stream.truncate(0)


def _owned(name: str, owner: str) -> bool:
    return name.startswith(f"{owner}-")
