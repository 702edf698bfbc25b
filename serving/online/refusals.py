"""Who withdrew since the night was made: read from where withdrawals arrive, and asked at every request.

- what this API took in and no night has mapped yet: the files `consents-*` of its raw source;
- decisions that other sources brought and that were mapped after the store was built: the table `consents`;
- requests to be forgotten that wait or are at work: `<home>/erasures`; and who was forgotten: tombstones.

A grant changes nothing before the next night.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from contracts.erasure import SUBJECT_FILE
from contracts.identifiers import Cleaning
from contracts.lake import Lake
from contracts.raw import landed_days
from contracts.settings import Settings
from contracts.tables.mapped import CONSENTS
from contracts.tables.vocabulary import IDENTIFIER_KINDS, PURPOSES
from contracts.tombstones import Tombstones, tombstone
from serving.online import layout, source
from serving.online.opened_store import OpenedStore
from serving.online.subjects import PERSON_ID, PSEUDONYM, Subject, pseudonym_of

_COLUMNS = ["identifier", "purpose", "granted"]


class Refusals:
    """Withdrawals against the store that answers."""

    def __init__(self, settings: Settings, keys: Sequence[bytes], cleaning: Cleaning) -> None:
        self._settings, self._lake, self._cleaning = settings, Lake(settings.home.lake), cleaning
        self.keys = keys
        self._identifiers: defaultdict[str, set[str]] = defaultdict(set)
        self._people: defaultdict[bytes, set[str]] = defaultdict(set)
        self.taken_in: list[tuple[str, tuple[str, ...]]] = []
        """What `refuse` took in since this was made."""
        self._named: set[bytes] = set()
        """People who were named by id."""
        self._stones: frozenset[str] = frozenset()
        self._read: dict[Path, int] = {}
        """File of withdrawals -> bytes that were read of it."""
        self._seen: dict[str, str] = {}
        """What of other places was read, by which a change is known."""

    def refuse(self, store: OpenedStore | None, pseudonym: str, purposes: Iterable[str]) -> None:
        """Take a withdrawal in; it counts for all identifiers of the person that the night knows."""
        self.taken_in.append((pseudonym, tuple(purposes)))
        self._identifiers[pseudonym].update(purposes)
        if store is not None:
            self._bind(store, pseudonym)

    def refused(self, subject: Subject, purpose: str) -> bool:
        """Whether a person withdrew from a purpose, or is to be or was forgotten."""
        pseudonym = subject.pseudonym
        if pseudonym is not None:
            if purpose in self._identifiers.get(pseudonym, ()):
                return True
            if self._stones and tombstone(self.keys, pseudonym) in self._stones:
                return True
        if subject.person in (None, layout.NOBODY):
            return False
        if purpose in self._people.get(subject.person, ()):
            return True
        return bool(self._stones) and tombstone(self.keys, layout.person_id_of(subject.person)) in self._stones

    def __len__(self) -> int:
        """Number of identifiers and people who withdrew."""
        return len(self._identifiers) + len(self._named)

    def look(self, store: OpenedStore, *, again: bool = False) -> Refusals:
        """Withdrawals as they are now, against a store; for a thread: what others ask is left as it was.

        Args:
            again: read everything, as the store is another one, which knows more; else only what is new.
        """
        fresh = Refusals(self._settings, self.keys, self._cleaning)
        if not again:
            fresh._read, fresh._seen, fresh._stones = dict(self._read), dict(self._seen), self._stones
            fresh._identifiers.update({name: set(purposes) for name, purposes in list(self._identifiers.items())})
            fresh._named = set(self._named)
        for pseudonym, purposes in (*fresh._of_raw(store), *fresh._of_lake(store), *fresh._of_requests()):
            fresh._identifiers[pseudonym].update(purposes)
        for pseudonym in list(fresh._identifiers):
            fresh._bind(store, pseudonym)
        for person in fresh._named:
            fresh._people[person].update(PURPOSES)
        return fresh

    def _bind(self, store: OpenedStore, pseudonym: str) -> None:
        person = store.person_of(pseudonym)
        if person not in (None, layout.NOBODY):
            self._people[person].update(self._identifiers[pseudonym])

    def _of_raw(self, store: OpenedStore) -> Iterator[tuple[str, list[str]]]:
        """What this API took in on days that the night had not mapped; whole lines alone, each once."""
        raw, mapped = self._settings.raw, set(store.manifest.mapped)
        for day in landed_days(raw, source.SOURCE):
            if day in mapped:
                continue
            for file in sorted((raw / source.SOURCE / f"ds={day}").glob(f"{source.CONSENTS}-*.jsonl")):
                begin = self._read.get(file, 0)
                with file.open("rb") as stream:
                    stream.seek(begin)
                    content = stream.read()
                whole = content[: content.rfind(b"\n") + 1]
                self._read[file] = begin + len(whole)
                yield from self._decisions(whole)

    def _decisions(self, lines: bytes) -> Iterator[tuple[str, list[str]]]:
        for line in lines.splitlines():
            try:
                decision = json.loads(line)
                kind, name = next((kind, decision[kind]) for kind in IDENTIFIER_KINDS if decision.get(kind))
                purposes = [one for one in decision["purposes"] if one in PURPOSES]
                granted = decision["granted"]
            except (ValueError, KeyError, StopIteration, TypeError, AttributeError):
                continue  # the mapping sets it aside
            pseudonym = pseudonym_of(self.keys, self._cleaning, kind, name) if not granted else None
            if pseudonym is not None:
                yield pseudonym, purposes

    def _of_lake(self, store: OpenedStore) -> Iterator[tuple[str, list[str]]]:
        """Withdrawals among the decisions that were mapped since the night."""
        known = store.manifest.decisions
        for day, now in self._lake.history(CONSENTS.name).items():
            if known.get(day) == now or self._seen.get(day) == now:
                continue
            self._seen[day] = now
            for file in self._lake.files(CONSENTS.name, day):
                rows = pq.read_table(file, columns=_COLUMNS).to_pylist()
                yield from ((row["identifier"], [row["purpose"]]) for row in rows if row["granted"] is False)

    def _of_requests(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Requests to be forgotten that wait or are at work; who was forgotten is taken over."""
        stones = Tombstones.of(self._settings.home)
        changed = str(stones.file.stat().st_mtime_ns) if stones.file.exists() else ""
        if self._seen.get("tombstones") != changed:
            self._seen["tombstones"] = changed
            self._stones = frozenset(stones.by_generation(len(self.keys)).get(len(self.keys), ()))
        erasures = self._settings.home.erasures
        for file in (*erasures.glob("waiting/*.json"), *erasures.glob(f"*/{SUBJECT_FILE}")):
            place = f"{file.parent.name}/{file.name}"
            try:
                moment = str(file.stat().st_mtime_ns)
                if self._seen.get(place) == moment:
                    continue
                content = json.loads(file.read_text())
            except (OSError, ValueError):
                continue  # it ended meanwhile
            self._seen[place] = moment
            for name in _names_of(content):
                if PERSON_ID.fullmatch(name):
                    self._named.add(layout.person_key(name))
                elif (pseudonym := self._pseudonym(*name.partition(":")[::2])) is not None:
                    yield pseudonym, PURPOSES

    def _pseudonym(self, kind: str, value: str) -> str | None:
        """Of `account:NAME`, or of a pseudonym as it is."""
        if kind not in IDENTIFIER_KINDS:
            return None
        as_it_is = pseudonym_of(self.keys, self._cleaning, PSEUDONYM, f"{kind}:{value}")
        return as_it_is or pseudonym_of(self.keys, self._cleaning, kind, value)


def _names_of(content: object) -> list[str]:
    """Who is meant: the text of a request that waits, or identifiers and ids of one at work."""
    subject = content.get("subject") if isinstance(content, dict) else None
    if isinstance(subject, str):
        return [subject]
    if isinstance(subject, dict):
        names = [*subject.get("identifiers", ()), *subject.get("person_ids", ())]
        return [name for name in names if isinstance(name, str)]
    return []
