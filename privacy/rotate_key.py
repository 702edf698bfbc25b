"""`privacy rotate-key`: one more key, and everything that was hashed is hashed under it, too.

Nothing raw is needed: a pseudonym is made under the oldest key and hashed again under each newer one. Each partition is
rewritten beside itself and published by its link, so it is under the old keys or the new ones and never a mixture. A
journal stands beside the lake until all is done; meanwhile every other step refuses. A rotation that was killed goes on
where it was: files say in their footers under how many keys they are. What stood under the old keys is removed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from contracts.errors import LakeError, SettingsError
from contracts.keys import pseudonym_keys, read_keys, remember, require_known, write_keys
from contracts.lake import Lake
from contracts.private_files import write_private
from contracts.report import say
from contracts.schema import Column, Table
from contracts.settings import REPOSITORY, Settings
from contracts.tables import TABLES
from contracts.tables.marts import PROFILE_HISTORY
from contracts.tables.resolved import PERSONS
from contracts.tables.summaries import DAILY_INPUTS, SUMMARY_TABLES, TO_DATE_TABLES
from privacy.rekeying import Renaming, keys_of, rekeyed_files, renamed_persons
from privacy.request import Request, discard_interrupted
from privacy.subject import is_under_keys
from privacy.waiting_requests import WaitingRequests

JOB = "rotate-key"
WITHDRAWN = (
    "identity_edges_known",
    DAILY_INPUTS.name,
    *(table.name for table in (*TO_DATE_TABLES, *SUMMARY_TABLES)),
)
"""State in which pairs are ordered by name, or of equals the first by id counts: resolving makes it again from the
edges, and the profiles make their summaries again from the events."""

_AUDIENCE = Table("audience", "one person", (), (Column("person_id", "string", "the person", holds="person"),))


def rotate_key(settings: Settings, new_key_file: Path | None = None) -> int:
    """Hash the home under one more key; how many partitions were rewritten.

    Args:
        new_key_file: where the key file cannot be written: a file that holds its keys and a new one behind them, which
            is made where it is not there. It has to take the key file's place before the next step.

    Raises:
        SettingsError: keys are missing or others than the lake's, or the key file cannot be written.
        LakeError: an erasure has not ended.
        BusyError: a step of a night is at work.
    """
    lake = Lake(settings.home.lake)
    with lake.alone(rotating=True):
        keys = _new_keys(settings, new_key_file)
        say(f"rotate-key: {len(keys)} keys, {settings.home}")
        rotation = _Rotation(settings, keys)
        rewritten = rotation.run()
        remember(settings.home.lake, keys, rotated=True)
        target = json.loads(settings.home.rotation.read_text())["keys"]
        settings.home.rotation.unlink()
    say(f"rotate-key: {rewritten} partitions are under {len(keys)} keys; nothing is left of those before")
    if Path(target) != settings.pseudonym_key_file:
        say(f"rotate-key: let {target} take the place of {settings.pseudonym_key_file} before the next step")
    return rewritten


class _Rotation:
    def __init__(self, settings: Settings, keys: tuple[bytes, ...]) -> None:
        self.settings, self.keys = settings, keys
        self.lake, self.audiences = Lake(settings.home.lake), Lake(settings.home.audiences)
        self.rewritten = 0
        self.renaming_of = lru_cache(maxsize=2)(self._renaming_of)

    def run(self) -> int:
        tables = {**TABLES, PROFILE_HISTORY.name: PROFILE_HISTORY}
        for name in WITHDRAWN:
            for day in self.lake.days(name):
                self.lake.withdraw(name, day)
        for name in sorted(tables.keys() - {PERSONS.name, *WITHDRAWN}):
            self._rekey(self.lake, tables[name])
        for folder in sorted(self.settings.home.audiences.glob("[!.]*")):
            self._rekey(self.audiences, Table(folder.name, _AUDIENCE.grain, (), _AUDIENCE.columns))
        self._rekey_warehouse()
        self._rekey(self.lake, PERSONS)  # the last: it is what says who is who
        for lake in (self.lake, self.audiences):
            _remove_unpublished(lake)
        home = self.settings.home
        for file in (*home.encrypted_profiles(), *home.traces.glob("*")):  # they name people by their old ids
            file.unlink()
        return self.rewritten

    def _rekey(self, lake: Lake, table: Table) -> None:
        if not any(column.holds for column in table.columns):
            return
        for day in lake.days(table.name):
            files = lake.files(table.name, day)
            if keys_of(files) == len(self.keys):
                continue
            staging = lake.staging(JOB)
            renaming = self.renaming_of(day)
            lake.publish(table.name, day, rekeyed_files(files, table, renaming, len(self.keys), staging))
            self.rewritten += 1

    def _rekey_warehouse(self) -> None:
        """The warehouse is another room's: it gets the names in a file that only its owner can read."""
        file = self.lake.staging(JOB) / "persons.json"
        write_private(file, json.dumps(self._newest))
        command = [sys.executable, "-m", "dbt_project.rekey", "--persons", str(file), "--keys", str(len(self.keys))]
        command += ["--file", str(self.settings.home.warehouse), "--spark", str(self.settings.home.spark_warehouse)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LakeError(
                expected="the warehouse under the new key",
                received=(done.stderr.strip().splitlines() or ["no word"])[-1],
                remedy="mend that, then run rotate-key again: it goes on where it was",
            )

    def _renaming_of(self, day: str) -> Renaming:
        """Names as of a day; a person whom that day does not know is named as on the newest day that does."""
        of_day = self._persons_of(day) if day in self.lake.days(PERSONS.name) else {}
        return Renaming(self.keys[-1], {**self._newest, **of_day})

    @cached_property
    def _newest(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for day in self.lake.days(PERSONS.name):
            names |= self._persons_of(day)
        return names

    def _persons_of(self, day: str) -> dict[str, str]:
        files = self.lake.files(PERSONS.name, day)
        if keys_of(files) == len(self.keys):  # nothing but persons is left to do then
            return {}
        columns = [PERSONS.columns[0].name, "person_id", "first_ds"]
        rows = [pq.ParquetFile(file).read(columns).to_pydict() for file in files]
        return renamed_persons(
            (row for part in rows for row in zip(*(part[name] for name in columns), strict=True)), self.keys[-1]
        )


def _new_keys(settings: Settings, new_key_file: Path | None) -> tuple[bytes, ...]:
    """The keys after the rotation, which is begun in the journal, or gone on with where one was interrupted."""
    own, journal = settings.pseudonym_key_file, settings.home.rotation
    if not journal.exists():
        discard_interrupted(settings.home.erasures)
        _require_no_request_under_old_keys(settings)
        keys = pseudonym_keys(settings)
        if new_key_file is None and not (os.access(own, os.W_OK) and os.access(own.parent, os.W_OK)):
            raise SettingsError(
                expected=f"a key file {own} that can be written, in a folder that can",
                received="one that is mounted for reading",
                remedy="name a file for the new keys (--new-key-file FILE), which takes the secret's place afterwards; "
                "nothing was changed",
            )
        if new_key_file is not None and not new_key_file.exists():
            write_keys(new_key_file, (*keys, secrets.token_bytes(32)))
        if new_key_file is not None:
            _require_one_more(keys, new_key_file)
        begun = {"generation": len(keys) + 1, "keys": str((new_key_file or own).resolve())}
        write_private(journal, json.dumps(begun))
    begun = json.loads(journal.read_text())
    file = Path(begun["keys"])
    keys = read_keys(file) if file.exists() else ()
    if file == own and len(keys) == begun["generation"] - 1:
        require_known(settings.home.lake, keys, own)
        keys = (*keys, secrets.token_bytes(32))
        write_keys(own, keys)
    if len(keys) != begun["generation"]:
        raise SettingsError(
            expected=f"the {begun['generation']} keys of the rotation that was begun, in {file}",
            received=f"{len(keys)}",
            remedy="restore that file: a part of the lake is hashed under its newest key already",
        )
    return keys


def _require_one_more(keys: tuple[bytes, ...], file: Path) -> None:
    new = read_keys(file)
    if new[:-1] != keys:
        raise SettingsError(
            expected=f"the {len(keys)} keys of now and one more behind them in {file}",
            received=f"{len(new)} keys that are not that",
            remedy="name a file that is not there yet: it is made",
        )


def _require_no_request_under_old_keys(settings: Settings) -> None:
    """Refuse where a request to be forgotten names a person as nothing does any more under the new key."""
    if begun := Request.unfinished(settings.home.erasures):
        raise LakeError(
            expected="no erasure that has begun and not ended",
            received=begun[0].id,
            remedy="end it first (the same `forget` once more); nothing was changed",
        )
    waiting = [one.id for one in WaitingRequests(settings).all() if is_under_keys(one.subject)]
    if waiting:
        raise LakeError(
            expected="no request to be forgotten that names a person by a pseudonym or a person id",
            received=", ".join(waiting),
            remedy="end or withdraw it first (python -m privacy requests); nothing was changed",
        )


def _remove_unpublished(lake: Lake) -> None:
    """Remove every run that no link shows, and all that was staged: the lake is held alone, so nobody reads them."""
    for run in lake.root.glob(".runs/[!.]*/*/*"):
        table, day = run.parts[-3:-1]
        if lake.partition(table, day).resolve() != run.resolve():
            shutil.rmtree(run)
    shutil.rmtree(lake.root / ".runs" / ".staging", ignore_errors=True)
