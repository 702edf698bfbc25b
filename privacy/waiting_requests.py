"""Requests to be forgotten that wait: whoever runs them, a scheduler for example, gets an id and never a name.

`<home>/erasures/asked/<id>.json` is readable by its owner alone, and is destroyed when the person has been forgotten.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from contracts.errors import SettingsError
from contracts.private_files import destroy, write_private
from contracts.settings import Settings


def prepare(settings: Settings, subject: str) -> str:
    """Keep whom a request is about; returns its id, 12 random hex digits that say nothing of the person."""
    name = secrets.token_hex(6)
    file = _file(settings, name)
    file.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(file, json.dumps({"subject": subject}))
    return name


def subject_of(settings: Settings, name: str) -> str:
    """Whom a request is about.

    Raises:
        SettingsError: no such request waits.
    """
    file = _file(settings, name)
    if not (name.isalnum() and file.is_file()):
        raise SettingsError(
            expected="the id of a request that waits",
            received=repr(name),
            remedy="make one with `python -m privacy forget --subject account:NAME --prepare`; "
            "one that was done is gone, and its receipt is below erasures/",
        )
    return json.loads(file.read_text())["subject"]


def done(settings: Settings, name: str) -> None:
    """Destroy what a request kept of the person."""
    destroy(_file(settings, name))


def _file(settings: Settings, name: str) -> Path:
    return settings.home.erasures / "asked" / f"{name}.json"
