"""Files for their owner alone: keys, passwords, and who a request is about. No other file writes or destroys them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def write_private(file: Path, content: str | bytes, *, owner: int | None = None) -> None:
    """Let a file hold this content, for its owner alone, in one atomic step that outlasts a power cut.

    Args:
        owner: id of the user whose file it is; by default who runs this. Only root can name another.
    """
    draft = _draft(file, content)
    if owner is not None:
        os.chown(draft, owner, -1)
    os.replace(draft, file)
    _sync_folder(file.parent)


def create_private(file: Path, content: str | bytes) -> None:
    """The same for a file that must stay as it is once it is there, whichever of several processes made it."""
    draft = _draft(file, content)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(file.parent)


@contextlib.contextmanager
def private_draft(file: Path) -> Iterator[TextIO]:
    """A text to write into, piece by piece, that takes the file's place when this ends well, and is gone else."""
    draft = _new_draft(file)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(file.parent)


def destroy(file: Path) -> None:
    """Overwrite a file and remove it; none is no error."""
    if not file.exists():
        return
    with file.open("r+b") as stream:
        stream.write(b"\0" * file.stat().st_size)
        stream.flush()
        os.fsync(stream.fileno())
    file.unlink()
    _sync_folder(file.parent)


def _draft(file: Path, content: str | bytes) -> Path:
    draft = _new_draft(file)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def _new_draft(file: Path) -> Path:
    """Where a file is written before it takes its place; nothing of a killed run is left there."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    return draft


def _sync_folder(folder: Path) -> None:
    """Let the names in a folder outlast a power cut, as well as what the files hold."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
