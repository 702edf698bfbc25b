"""`privacy forget`: a person who asks is gone from everything, and a receipt says so.

Finds every identifier of the person through the identity graph, and every file below home and raw that names one of
them. From there, a request takes one of these ways:

    nothing found    --> nothing known | already forgotten
    found, dry run   --> would be forgotten: a receipt of what an erasure would change, and no other change
    found, enforced  --> begun: the request is written down
                     --> tombstones: no later delivery brings the person back
                     --> models: `python -m training.forget` marks what learned from the person
                     --> destinations: `python -m activation.withdraw` removes the person from audiences there
                     --> files: lake with all its runs, warehouse, audiences, logs, and at last raw are rewritten
                     --> searched once more --> forgotten: what named the person in the request is destroyed
                                            --> not finished: files still name the person

An erasure that failed or was killed is begun and not ended; the same command goes on with it, and each step may be done
again. A dry run that failed or was killed leaves nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from contracts.erasure import DRY_RUN, ENFORCE, DeliveriesReport, ModelsReport, OpenRequest, Subject
from contracts.errors import TRANSIENT_EXIT_CODE, LakeError, ModelError, NightshiftError, RegistryError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import REPOSITORY, Settings
from contracts.tables.activation import AUDIENCE_MEMBERS
from contracts.tombstones import Tombstones, tombstone
from privacy.erasure import Erasure
from privacy.occurrences import find_occurrences
from privacy.raw_rows import RawRows, rows_of
from privacy.receipt import Receipt
from privacy.request import Request, discard_interrupted
from privacy.subject import find_subject
from privacy.waiting_requests import WaitingRequests
from spark_jobs.session import start_session

FORGOTTEN, ALREADY_FORGOTTEN, NOTHING_KNOWN = "forgotten", "already forgotten", "nothing known"
WOULD_BE_FORGOTTEN = "would be forgotten"
NOT_FINISHED = "not finished"
"""A search afterwards still found the person; the request stays open, and the same command goes on."""


def forget(settings: Settings, subject: str, *, enforce: bool, wait_seconds: float) -> Receipt:
    """Look for a person, and with `enforce` erase what is found; returns the receipt, which is written.

    Raises:
        SettingsError: the subject names nobody.
        BusyError: a step of a night is at work; nothing was changed.
        LakeError: a file cannot be read or written; an erasure that has begun goes on with the same command.
        ModelError, RegistryError: the models' part failed; likewise.
    """
    say("forget: waits until no step of a night is at work")
    with Lake(settings.home.lake).alone(wait_seconds):
        discard_interrupted(settings.home.erasures)
        person = find_subject(settings, subject)
        if enforce and (unfinished := _unfinished(settings, person)):
            return _resume(settings, unfinished)
        erasure = _look_for(settings, person)
        if not erasure.occurrences:
            return _nothing_found(erasure, ENFORCE if enforce else DRY_RUN)
        return _begin(erasure) if enforce else _dry_run(erasure)


def _unfinished(settings: Settings, person: Subject) -> Request | None:
    """The erasure of this person that has begun and not ended."""
    requests = Request.unfinished(settings.home.erasures)
    return next((one for one in requests if one.read().subject.answers_to(person.requested_as)), None)


def _look_for(settings: Settings, person: Subject) -> Erasure:
    """Search raw as the mappings read it, and every file."""
    rows = rows_of(start_session(settings, "forget"), settings, person.identifiers)
    person = person.with_raw(rows.values, rows.days)
    return Erasure(settings, person, find_occurrences(settings, person, rows))


def _nothing_found(erasure: Erasure, mode: str) -> Receipt:
    settings, person = erasure.settings, erasure.subject
    known = Tombstones.of(settings.home).holds(pseudonym_keys(settings), person.requested_as)
    receipt = _receipt(erasure, mode)
    receipt.write(Request.new(settings.home.erasures), ALREADY_FORGOTTEN if known else NOTHING_KNOWN)
    if mode == ENFORCE:
        WaitingRequests(settings).done(person)
    return receipt


def _dry_run(erasure: Erasure) -> Receipt:
    receipt = _receipt(erasure, DRY_RUN)
    receipt.changes = erasure.plan()
    request = Request.new(erasure.settings.home.erasures)
    try:
        request.begin(OpenRequest(DRY_RUN, erasure.subject, erasure.row_ids()))
        receipt.models = _models_part(erasure.settings, request, DRY_RUN)
        receipt.deliveries = _deliveries_part(erasure.settings, request, DRY_RUN)
    except BaseException:
        request.discard()
        raise
    request.end()
    receipt.write(request, WOULD_BE_FORGOTTEN)
    return receipt


def _begin(erasure: Erasure) -> Receipt:
    request = Request.new(erasure.settings.home.erasures)
    row_ids = erasure.row_ids()
    request.begin(OpenRequest(ENFORCE, erasure.subject, row_ids))
    return _erase(erasure, request, row_ids)


def _resume(settings: Settings, request: Request) -> Receipt:
    say(f"forget: goes on with request {request.id}")
    begun = request.read()
    return _erase(_look_for(settings, begun.subject), request, begun.row_ids)


def _erase(erasure: Erasure, request: Request, row_ids: tuple[str, ...]) -> Receipt:
    settings, person = erasure.settings, erasure.subject
    receipt = _receipt(erasure, ENFORCE)
    receipt.tombstones = _add_tombstones(settings, person)
    receipt.models = _models_part(settings, request, ENFORCE)
    receipt.deliveries = _deliveries_part(settings, request, ENFORCE)
    erasure.execute(request, row_ids)
    _search_again(erasure, receipt)
    receipt.changes = request.changes()
    receipt.write(request, NOT_FINISHED if receipt.remaining else FORGOTTEN)
    if not receipt.remaining:
        request.end()
        request.forget_changes()
        WaitingRequests(settings).done(person)
    return receipt


def _receipt(erasure: Erasure, mode: str) -> Receipt:
    name = tombstone(pseudonym_keys(erasure.settings), erasure.subject.requested_as)
    return Receipt.begun(mode, name, erasure.occurrences)


def _add_tombstones(settings: Settings, person: Subject) -> int:
    """Write a tombstone of each identifier and id; returns how many the person has."""
    names = {*person.identifiers, *person.person_ids}
    Tombstones.of(settings.home).add(pseudonym_keys(settings), names)
    return len(names)


def _search_again(erasure: Erasure, receipt: Receipt) -> None:
    """Search every file once more; and raw as the mappings read it, where a value is too ordinary to search for."""
    say("forget: searches everything once more")
    settings, person, rows = erasure.settings, erasure.subject, RawRows()
    if erasure.occurrences.search.not_searched:
        rows = rows_of(start_session(settings, "forget"), settings, person.identifiers)
    receipt.add_rescan(find_occurrences(settings, person, rows))


def _models_part(settings: Settings, request: Request, mode: str) -> ModelsReport | None:
    """What `python -m training.forget` reports; None where there is no registry.

    Raises:
        ModelError, RegistryError: it failed.
    """
    uri = settings.registry_uri
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return None
    say("forget: looks for models that learned from the person")
    _run_part(
        [sys.executable, "-m", "training.forget", "--request", str(request.folder), "--mode", mode],
        "the models' part",
        {TRANSIENT_EXIT_CODE: RegistryError},
        ModelError,
    )
    return ModelsReport.read(request.folder)


def _deliveries_part(settings: Settings, request: Request, mode: str) -> DeliveriesReport | None:
    """What `python -m activation.withdraw` reports; None where nothing was ever delivered.

    Raises:
        LakeError: it failed.
    """
    if not Lake(settings.home.lake).days(AUDIENCE_MEMBERS.name):
        return None
    say("forget: looks for audiences at destinations")
    _run_part(
        [sys.executable, "-m", "activation.withdraw", "--request", str(request.folder), "--mode", mode],
        "the destinations' part",
        {},
        LakeError,
    )
    return DeliveriesReport.read(request.folder)


def _run_part(
    command: list[str], part: str, errors: Mapping[int, type[NightshiftError]], otherwise: type[NightshiftError]
) -> None:
    """Run another room's part of an erasure.

    Args:
        errors: exit status -> what is raised for it.
        otherwise: what is raised for any other one.

    Raises:
        NightshiftError: it failed.
    """
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last_line = " ".join((done.stderr.strip().splitlines() or ["nothing"])[-1:])
        raise errors.get(done.returncode, otherwise)(
            expected=f"{part} of the erasure to end well",
            received=last_line,
            remedy="mend that and give the same command again: it goes on where it stopped",
        )
