"""`privacy forget`: a person who asks is gone from everything, and a receipt says so.

Finds every identifier of the person through the identity graph, and every file below home and raw that names one of
them. With --enforce, in this order: the request is written down, tombstones are written (a later delivery brings nobody
back), the models' part is done (`python -m training.forget`), then the lake with all its runs, warehouse, audiences,
logs and at last raw are made anew without the person; every file is searched once more, which has to find nothing; the
receipt is written, and what named the person in the request is destroyed. A run that is killed goes on when the same
command is given again. A second request finds nothing and says so. With --dry-run, nothing changes but the receipt.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from contracts.errors import TRANSIENT_EXIT_CODE, ModelError, RegistryError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import REPOSITORY, Settings
from contracts.tombstones import Tombstones, tombstone
from privacy.erasure import Traces, erase, look, pictures, place_of, raw_rewrites, row_ids
from privacy.raw_rows import RawRows, rows_of
from privacy.receipt import Receipt
from privacy.request import Change, Request
from privacy.subject import Subject, find_subject
from spark_jobs.session import start_session

FORGOTTEN, ALREADY, UNKNOWN, WOULD = "forgotten", "already forgotten", "nothing known", "would be forgotten"

LEFT = "not finished"
"""A search afterwards still found the person; the request stays open, and the same command goes on."""


def forget(settings: Settings, subject: str, *, enforce: bool, wait_seconds: float) -> Receipt:
    """Look for a person, and with `enforce` erase what is found; returns the receipt, which is written.

    Raises:
        SettingsError: the subject cannot be understood.
        BusyError: a step of a night is at work; nothing was changed.
        LakeError: a file cannot be written.
        ModelError, RegistryError: the models' part failed; the same command goes on.
    """
    mode, erasures = "enforce" if enforce else "dry_run", settings.home.erasures
    say("forget: waits until no step of a night is at work")
    with Lake(settings.home.lake).alone(wait_seconds):
        person = find_subject(settings, subject)
        request = Request.unfinished(erasures, person.asked) if enforce else None
        if request is not None:
            say(f"forget: goes on with request {request.folder.name}")
            person, ids = request.begun()
        else:
            ids = set()
        session = start_session(settings, "forget")
        rows = rows_of(session, settings, person.identifiers)
        person.raw_values |= rows.values
        person.days = sorted({*person.days, *rows.days})
        traces = look(settings, person, rows)
        receipt = Receipt.begun(mode, tombstone(pseudonym_keys(settings), person.asked))
        if request is None and not (traces.places or rows.texts):
            request = Request.new(erasures)
            known = Tombstones.of(settings.home).holds(pseudonym_keys(settings), person.asked)
            return receipt.ended(request, ALREADY if known else UNKNOWN, traces)
        if request is None:
            request = Request.new(erasures)
            ids = row_ids(settings, person, traces)
            request.begin(person, ids, mode)
        stones = Tombstones.of(settings.home)
        if not enforce:
            receipt.would_change(planned(settings, person, traces))
            receipt.models = _models_part(settings, request, mode)
            request.end()
            return receipt.ended(request, WOULD, traces)
        keys = pseudonym_keys(settings)
        stones.add(keys, [*person.identifiers, *person.person_ids])
        receipt.tombstones = len({*person.identifiers, *person.person_ids})
        receipt.models = _models_part(settings, request, mode)
        erase(settings, request, person, ids, traces)
        say("forget: searches everything once more")
        left = rows_of(session, settings, person.identifiers) if traces.searched.not_searched else RawRows()
        rescan = look(settings, person, left)
        receipt.rescanned(rescan, sum(map(len, left.texts.values())))
        if receipt.remaining:
            return receipt.ended(request, LEFT, traces)
        request.end()
        return receipt.ended(request, FORGOTTEN, traces)


def planned(settings: Settings, person: Subject, traces: Traces) -> list[Change]:
    """What an enforced run would change, without doing it."""
    changes = [
        Change(place_of(settings, file), "rows", done.rows or done.names, "", "")
        for file, done in raw_rewrites(settings, person, traces)
    ]
    changes += [
        Change(place_of(settings, file), "pictures that they posted", 0, "", "")
        for file in pictures(settings, traces.rows)
    ]
    changes += [
        Change(place_of(settings, file), "files that name them", sum(found.values()), "", "")
        for file, found in sorted(traces.places.items())
        if not file.is_relative_to(settings.raw)
    ]
    return changes


def _models_part(settings: Settings, request: Request, mode: str) -> dict | None:
    """What `python -m training.forget` says; None where there is no registry.

    Raises:
        ModelError, RegistryError: it failed.
    """
    uri = settings.registry_uri
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return None
    say("forget: looks for models that learned from the person")
    command = [sys.executable, "-m", "training.forget", "--request", str(request.folder), "--mode", mode]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stderr.strip().splitlines() or ["nothing"])[-1:])
        kind = RegistryError if done.returncode == TRANSIENT_EXIT_CODE else ModelError
        raise kind(
            expected="the models' part of the erasure to end well",
            received=said,
            remedy="mend that and give the same command again: it goes on where it stopped",
        )
    return json.loads((request.folder / "models.json").read_text())
