"""Requests to be forgotten that wait: a scheduler or an operator who runs them gets an id and never a name.

`<home>/erasures/waiting/<id>.json` is readable by its owner alone. It says who is meant, when the request came, and
what was tried so far; it is destroyed when the person has been forgotten or the request is withdrawn.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from contracts.erasure import Subject
from contracts.errors import SettingsError
from contracts.lake import Lake
from contracts.private_files import destroy, write_private
from contracts.settings import Settings
from privacy.request import Request
from privacy.subject import name_of

_ID = re.compile(r"[0-9a-f]{12}")
_WAIT_SECONDS = 10


@dataclass(frozen=True)
class Attempt:
    """What was done with a request: the mode, its outcome, and the id of the receipt."""

    when: str
    mode: str
    outcome: str
    receipt: str


@dataclass(frozen=True)
class WaitingRequest:
    """A request that waits."""

    id: str
    """12 random hex digits, which say nothing of the person."""
    subject: str
    """The person, as `--subject` takes it."""
    made: str
    """When the request came."""
    attempts: tuple[Attempt, ...] = ()


class WaitingRequests:
    """Those of one home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.home.erasures / "waiting"
        former = settings.home.erasures / "asked"  # its name in homes of earlier releases
        if former.is_dir() and not self._folder.exists():
            former.rename(self._folder)

    def add(self, subject: str) -> str:
        """Keep a request; returns its id.

        Raises:
            SettingsError: the subject names nobody.
        """
        name_of(self._settings, subject)
        request = WaitingRequest(secrets.token_hex(6), subject, _now())
        with self._locked():
            self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(request)
        return request.id

    def get(self, request_id: str) -> WaitingRequest:
        """One request.

        Raises:
            SettingsError: no such request waits.
        """
        file = self._file(request_id)
        if not (_ID.fullmatch(request_id) and file.is_file()):
            raise SettingsError(
                expected="the id of a request that waits",
                received=repr(request_id),
                remedy="`python -m privacy requests` lists those that wait; one that was done is gone, and its receipt "
                "is below erasures/",
            )
        content = json.loads(file.read_text())
        attempts = tuple(Attempt(**one) for one in content.get("attempts", ()))
        made = content.get("made") or _written(datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC))
        return WaitingRequest(request_id, content["subject"], made, attempts)

    def all(self) -> list[WaitingRequest]:
        """All that wait, the oldest first."""
        found = [self.get(file.stem) for file in self._folder.glob("*.json") if _ID.fullmatch(file.stem)]
        return sorted(found, key=lambda one: (one.made, one.id))

    def note(self, request_id: str, *, mode: str, outcome: str, receipt: str) -> None:
        """Write down what was done with a request that waits on."""
        with self._locked():
            request = self.get(request_id)
            attempt = Attempt(_now(), mode, outcome, receipt)
            self._write(replace(request, attempts=(*request.attempts, attempt)))

    def withdraw(self, request_id: str) -> None:
        """Destroy what a request kept of the person.

        Raises:
            SettingsError: no such request waits, or its erasure has begun.
        """
        with self._locked():
            request = self.get(request_id)
            if begun := self.begun(request):
                raise SettingsError(
                    expected="a request whose erasure has not begun",
                    received=f"one whose erasure {begun.id} has, and has not ended",
                    remedy=f"end it (python -m privacy forget --request {request_id} --enforce)",
                )
            destroy(self._file(request_id))

    def done(self, subject: Subject) -> None:
        """Destroy every request of a person who has been forgotten, under whichever name it was made."""
        with self._locked():
            for draft in self._folder.glob(".*.json.*"):  # of a writer that was killed
                destroy(draft)
            for request in self.all():
                if subject.answers_to(name_of(self._settings, request.subject)):
                    destroy(self._file(request.id))

    def begun(self, request: WaitingRequest) -> Request | None:
        """The erasure of this person that has begun and not ended."""
        name = name_of(self._settings, request.subject)
        unfinished = Request.unfinished(self._settings.home.erasures)
        return next((one for one in unfinished if one.read().subject.answers_to(name)), None)

    def _file(self, request_id: str) -> Path:
        return self._folder / f"{request_id}.json"

    def _write(self, request: WaitingRequest) -> None:
        content = asdict(request)
        del content["id"]
        write_private(self._file(request.id), json.dumps(content))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with Lake(self._settings.home.lake).lock("requests", wait_seconds=_WAIT_SECONDS):
            yield


def show(settings: Settings) -> None:
    """Print the requests that wait and the erasures that have not ended, by id and never by name."""
    waiting = WaitingRequests(settings)
    requests, begun = waiting.all(), set()
    for request in requests:
        print(f"{request.id}  since {request.made}")
        for attempt in request.attempts:
            print(f"    {attempt.when}  {attempt.mode}: {attempt.outcome}, receipt {attempt.receipt}")
        if unfinished := waiting.begun(request):
            begun.add(unfinished.id)
            print(
                f"    erasure {unfinished.id} has begun and not ended: give `forget --request {request.id} --enforce`"
            )
    for unfinished in Request.unfinished(settings.home.erasures):
        if unfinished.id not in begun:
            print(f"erasure {unfinished.id} has begun and not ended: give the same `forget --subject` once more")
    print(f"waiting: {len(requests)}", flush=True)


def _now() -> str:
    return _written(datetime.datetime.now(datetime.UTC))


def _written(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
