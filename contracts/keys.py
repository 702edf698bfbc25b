"""The pseudonyms' keys on disk, and the mark by which a lake knows the keys under which it was hashed.

The key file holds 64 hex digits a line, the oldest key first. `<lake>/.key` holds 16 hex digits that follow from all of
them and from which none can be computed: a lake is never gone on with under other keys, nor under a new one by mistake.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from contracts.atomic_files import write_whole
from contracts.errors import SettingsError
from contracts.private_files import create_private, write_private
from contracts.pseudonyms import keyed
from contracts.settings import Settings

_LOST = (
    "restore it from its backup; without it new deliveries cannot be joined to the people known here, no person can be "
    "found by a raw name (by pseudonym or person id they still can), and keys cannot be rotated; if it is lost for "
    "good, begin a new lake in another NIGHTSHIFT_HOME"
)


def pseudonym_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys under which identifiers are hashed, 32 bytes each, oldest first: one line of the file each.

    The demo's first key is made on first use, for its owner only; a rotation appends one.

    Raises:
        SettingsError: a key file was named but is not there, or a line of it does not hold 64 hex digits; or the
            lake was hashed under other keys, or under some that are gone.
    """
    file, lake = settings.pseudonym_key_file, settings.home.lake
    require_found(lake, file)
    if not file.exists():
        if file.parent != settings.home.secrets:
            raise SettingsError(
                expected=f"the pseudonym key in {file}",
                received="no such file",
                remedy="create it with 64 hex digits, or unset NIGHTSHIFT_PSEUDONYM_KEY_FILE to use the demo's key",
            )
        create_private(file, f"{secrets.token_hex(32)}\n")
    keys = read_keys(file)
    require_known(lake, keys, file)
    return keys


def read_keys(file: Path) -> tuple[bytes, ...]:
    """The keys of a file, 32 bytes each, oldest first.

    Raises:
        SettingsError: a line does not hold 64 hex digits.
    """
    lines = file.read_text().split()
    try:
        keys = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        keys = ()
    if not keys or any(len(key) != 32 for key in keys):
        raise SettingsError(
            expected=f"64 hex digits in each line of {file}",
            received=f"{len(lines)} lines that are not that",
            remedy="restore the key from its backup: under another key all identifiers would change",
        )
    return keys


def write_keys(file: Path, keys: Sequence[bytes]) -> None:
    """Let a file hold these keys, as `write_private` does."""
    write_private(file, "".join(f"{key.hex()}\n" for key in keys))


def fingerprint(keys: Sequence[bytes]) -> str:
    """16 hex digits by which keys are known again."""
    return keyed(keys, "nightshift fingerprint")[:16]


def remember(lake: Path, keys: Sequence[bytes], *, rotated: bool = False) -> None:
    """Let a lake that has no mark yet, or whose keys were `rotated`, know the keys under which it is hashed."""
    file = _mark(lake)
    if rotated or not file.exists():
        write_whole(file, f"{fingerprint(keys)}\n")


def require_known(lake: Path, keys: Sequence[bytes], file: Path) -> None:
    """Refuse keys under which a lake was not hashed.

    Raises:
        SettingsError: it was hashed under other keys.
    """
    mark = _mark(lake)
    if mark.exists() and mark.read_text().strip() != fingerprint(keys):
        raise SettingsError(
            expected=f"the keys of the lake {lake} in {file} (fingerprint {mark.read_text().strip()})",
            received=f"others ({len(keys)} keys, fingerprint {fingerprint(keys)})",
            remedy=_LOST,
        )


def require_found(lake: Path, file: Path) -> None:
    """Refuse to go on with a lake whose key file is gone.

    Raises:
        SettingsError: the file is not there although the lake was hashed under its keys.
    """
    if not file.exists() and (_mark(lake).exists() or next(lake.glob("*/ds=*"), None)):
        raise SettingsError(
            expected=f"the keys of the lake {lake} in {file}",
            received="no such file",
            remedy=_LOST,
        )


def _mark(lake: Path) -> Path:
    return lake / ".key"
