"""MLflow's SQLite database as a file of a home: the addresses of files in it, and what in it leads nowhere.

MLflow keeps the absolute address of each experiment's, run's and model's files. A home that was copied or moved would
go on writing into the original: its addresses are rewritten to the place where it stands now. Only addresses that this
home's experiments had are touched, and only where their files came along; those on another server or disk stay.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contracts.errors import ModelError

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_DELETED = "Deleted_Internal"
_WAIT_SECONDS = 30


@dataclass(frozen=True)
class RegistryDatabase:
    """The database of a home, and the folder in which that home keeps its artifacts."""

    file: Path
    artifacts: Path

    @classmethod
    def of(cls, uri: str, artifacts: Path) -> RegistryDatabase | None:
        """The database of a registry's address; None for a server, and where there is no file yet."""
        file = Path(uri.removeprefix("sqlite:///"))
        return cls(file, artifacts) if uri.startswith("sqlite:///") and file.is_file() else None

    def stale_roots(self) -> list[str]:
        """Addresses of folders of artifacts from which this home was moved or copied; its files came along."""
        with self._connected() as database:
            return self._stale_roots(database)

    def move_addresses(self) -> int:
        """Let all stale addresses point into this home, in one transaction; returns how many there were."""
        if not self.stale_roots():
            return 0
        moved = 0
        with self._connected() as database, database:
            database.execute("begin immediate")
            for root in self._stale_roots(database):
                here = self.artifacts.as_uri() if root.startswith("file:") else str(self.artifacts)
                for table, column in _ADDRESSES:
                    if column in _columns(database, table):
                        moved += database.execute(
                            f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",
                            (f"{here}/", len(root) + 2, len(root) + 1, f"{root}/"),
                        ).rowcount
        return moved

    def dangling_aliases(self) -> list[tuple[str, str, str]]:
        """Model, alias and number of each alias whose version is not there."""
        with self._connected() as database:
            if not _columns(database, "registered_model_aliases"):
                return []
            return database.execute(
                "select name, alias, cast(version as text) from registered_model_aliases as aliases where not exists ("
                "select 1 from model_versions as versions where versions.name = aliases.name and "
                f"versions.version = aliases.version and versions.current_stage != '{_DELETED}') order by name, alias"
            ).fetchall()

    def remove_alias(self, model: str, alias: str) -> None:
        with self._connected() as database, database:
            database.execute("delete from registered_model_aliases where name = ? and alias = ?", (model, alias))

    def broken_versions(self) -> list[tuple[str, str]]:
        """Version as `model/number`, and what it lacks: the tag of its day, its run, or its files."""
        with self._connected() as database:
            if not _columns(database, "model_versions"):
                return []
            versions = database.execute(
                "select versions.name || '/' || versions.version, versions.storage_location, runs.run_uuid, tags.value "
                "from model_versions as versions "
                "left join runs on runs.run_uuid = versions.run_id and runs.lifecycle_stage = 'active' "
                "left join model_version_tags as tags on tags.name = versions.name "
                "and tags.version = versions.version and tags.key = 'ds' "
                f"where versions.current_stage != '{_DELETED}' order by versions.name, versions.version"
            ).fetchall()
        found = []
        for version, location, run, day in versions:
            lacks = {"the tag `ds`": day is None, "its run": run is None, "its files": not _is_there(location)}
            found += [(version, what) for what, missing in lacks.items() if missing]
        return found

    def runs_without_files(self) -> list[str]:
        """Ids of runs that have ended well and whose folder is gone."""
        with self._connected() as database:
            if not _columns(database, "runs"):
                return []
            runs = database.execute(
                "select run_uuid, artifact_uri from runs where lifecycle_stage = 'active' and status = 'FINISHED' "
                "order by start_time"
            ).fetchall()
        return [run for run, address in runs if not _is_there(address)]

    def most_versions(self) -> int:
        """The number of versions of the model that has most."""
        with self._connected() as database:
            if not _columns(database, "model_versions"):
                return 0
            counted = f"select count(*) as n from model_versions where current_stage != '{_DELETED}' group by name"
            return database.execute(f"select coalesce(max(n), 0) from ({counted})").fetchone()[0]

    def runs_before(self, moment: datetime.datetime) -> bool:
        """Whether any run began before a moment, those in the trash among them."""
        with self._connected() as database:
            if not _columns(database, "runs"):
                return False
            query = "select exists (select 1 from runs where start_time < ?)"
            return bool(database.execute(query, [int(moment.timestamp() * 1000)]).fetchone()[0])

    def _stale_roots(self, database: sqlite3.Connection) -> list[str]:
        if not _columns(database, "experiments"):
            return []
        roots = set()
        for name, address in database.execute("select name, artifact_location from experiments"):
            root = (address or "").removesuffix(f"/{name}")
            path = _path(root)
            if root != address and path is not None and path != self.artifacts and (self.artifacts / name).is_dir():
                roots.add(root)
        return sorted(roots)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """
        Raises:
            ModelError: the file is no database.
        """
        with contextlib.closing(sqlite3.connect(self.file, timeout=_WAIT_SECONDS)) as database:
            try:
                yield database
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", None) not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                    raise
                raise ModelError(
                    expected=f"the model registry's SQLite database in {self.file}",
                    received="a file that is none, or no longer a whole one",
                    remedy="restore it from a backup (its models are in the artifacts folder), or move it away and "
                    "train again",
                    origin=error,
                ) from None


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in database.execute(f"pragma table_info({table})")}


def _path(address: str) -> Path | None:
    """The folder of an address on this machine; None for one elsewhere."""
    parts = urlsplit(address)
    if parts.scheme not in ("", "file"):
        return None
    path = Path(unquote(parts.path))
    return path if path.is_absolute() else None


def _is_there(address: str | None) -> bool:
    """Whether a folder is there; of one that is not on this machine nothing is known, and that counts as yes."""
    path = _path(address or "models:")
    return path is None or path.exists()
