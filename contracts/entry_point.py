"""How a command ends that fails: one sentence without data on stderr, and an exit status; the trace goes to a file.

The words of a library's error may quote a row, and a row may name people. So the sentence says which kind of error it
was and where; the rest stands below `<home>/traces`, which only its owner can read.
"""

from __future__ import annotations

import datetime
import errno
import gc
import os
import re
import select
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from contracts.errors import (
    ERROR_MARK,
    AccessError,
    DiskFullError,
    LakeError,
    MemoryLimitError,
    NightshiftError,
    UnforeseenError,
)
from contracts.private_files import write_private
from contracts.settings import REPOSITORY, Settings

INTERRUPTED_EXIT_CODE = 130
"""What a shell reports for a command that Ctrl-C has ended."""

CLOSED_OUTPUT_EXIT_CODE = 141
"""What a shell reports for a command whose reader has gone, such as `| head`."""

IMPORTING_THRESHOLD = 10_000
"""New objects after which Python looks for cycles; with its own 700 that is a fifth of an import of TensorFlow."""

_NO_PARQUET = re.compile(r"magic bytes|Parquet file size is|too small to be a Parquet", re.IGNORECASE)
"""How Arrow and DuckDB say it of a file that was cut off or is something else; they name it in quotes."""

_NAMED_FILE = re.compile(r"'([^']*\.parquet)'")

_NO_ACCESS = (errno.EACCES, errno.EROFS)

KEPT_TRACES = 20
"""Number of traces that stay, the newest."""

DISK_IS_FULL = re.compile(r"no space left on device|disk is full|disk quota exceeded", re.IGNORECASE)
"""How libraries say it whose error for a full disk is that for any file."""

_MEMORY_IS_SHORT = re.compile(r"OutOfMemory|MemoryError|ResourceExhausted")
"""What libraries call their errors for too little memory: Python, NumPy, Arrow, DuckDB, TensorFlow."""


def exit_with_sentence(main: Callable[[], None]) -> None:
    """Run an entry point; turn every error into one sentence on stderr, and its exit status.

    The status is 2 where a retry cannot help, 75 where the error may pass by itself, and 1 where that is not known.
    """
    gc.set_threshold(IMPORTING_THRESHOLD)
    try:
        main()
        sys.stdout.flush()
    except NightshiftError as error:
        _exit(error)
    except KeyboardInterrupt:
        _say(f"{_program()} was interrupted; what it had not published is not in the lake, and it can be run again")
        sys.exit(INTERRUPTED_EXIT_CODE)
    except Exception as error:  # of any library: whatever it is, its words may quote a row
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            _say(f"{_program()} could not show everything, as whoever read its output has gone")
            sys.exit(CLOSED_OUTPUT_EXIT_CODE)
        _exit(in_a_sentence(error))
    finally:
        if "duckdb" not in sys.modules:  # whose binding complains about what has not been collected
            gc.freeze()  # else the interpreter looks for cycles in all of TensorFlow, several times, before it ends


def in_a_sentence(error: BaseException) -> NightshiftError:
    """An error that nobody foresaw as one of ours, which quotes nothing of it; the error itself is its `origin`."""
    for one in _chain(error):
        kind = _kind(one)
        if (isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT)) or DISK_IS_FULL.search(_words(one)):
            return DiskFullError(origin=error)
        if _MEMORY_IS_SHORT.search(kind) or (isinstance(one, OSError) and one.errno == errno.ENOMEM):
            return MemoryLimitError(received=kind, origin=error)
        if isinstance(one, OSError) and (one.errno in _NO_ACCESS or (one.errno == errno.EPERM and one.filename)):
            return _no_access(one, error)
        if broken := broken_parquet_file(_words(one)):
            return LakeError(
                expected=f"to read {broken}",
                received="no whole Parquet file",
                remedy="make that day of the table again, or restore it; nothing was published",
                origin=error,
            )
    return UnforeseenError(
        expected=f"{_program()} to end well",
        received=f"{_kind(error)}{_of_the_system(error)}{_place(error)}",
        remedy="its own words, which may quote data, stand in the trace alone",
        origin=error,
    )


def broken_parquet_file(words: str) -> str | None:
    """The file that Arrow or DuckDB calls no Parquet file, if it does and the file is of the lake or the audiences."""
    found = _NO_PARQUET.search(words) and _NAMED_FILE.search(words)
    with suppress(NightshiftError):
        home = Settings.from_env().home
        if found and any(Path(found[1]).is_relative_to(place) for place in (home.lake, home.audiences)):
            return found[1]
    return None


def _no_access(refused: OSError, error: BaseException) -> AccessError:
    """That a file may not be read or written; of raw it names the folder of the day alone, as in `_of_the_system`."""
    place, remedy = "a file", "let who runs this read it, and write it where it lies below NIGHTSHIFT_HOME"
    if refused.filename:
        file = Path(os.fsdecode(refused.filename))
        place = str(file)
        with suppress(NightshiftError):
            settings = Settings.from_env()
            if file.is_relative_to(settings.raw):
                known = [part for part in file.relative_to(settings.raw).parts[:2] if part.startswith("ds=")]
                place = f"what lies in {Path(settings.raw, *file.relative_to(settings.raw).parts[:1], *known)}"
                remedy = "let who runs this read it (NIGHTSHIFT_RAW)"
            elif file.is_relative_to(settings.home.root):
                remedy = "let NIGHTSHIFT_HOME be a folder that who runs this may read and write"
    return AccessError(
        expected=f"{_program()} to be allowed to read or write {place}",
        received=os.strerror(refused.errno),
        remedy=f"{remedy}; nothing was published",
        origin=error,
    )


def _exit(error: NightshiftError) -> NoReturn:
    _say(str(error) + ("" if error.origin is None else kept_trace(error, error.origin)))
    sys.exit(error.exit_code)


def _say(sentence: str) -> None:
    with suppress(OSError):  # nobody listens any more, and the status still tells
        print(f"{ERROR_MARK}{' '.join(sentence.splitlines())}", file=sys.stderr, flush=True)


def kept_trace(error: NightshiftError, origin: BaseException) -> str:
    """Write the trace of an error; returns where it stands, as the end of a sentence."""
    try:
        folder = Settings.from_env().home.traces
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H%M%S.%f")
        file = folder / f"{moment}-{os.getpid()}.txt"
        # of the command its name alone: its arguments may name a person
        text = f"{_program()}\n{error}\n\n{''.join(traceback.format_exception(origin))}"
        write_private(file, text.encode(errors="backslashreplace"))
        for old in sorted(folder.glob("*.txt"))[:-KEPT_TRACES]:
            old.unlink(missing_ok=True)
    except (OSError, NightshiftError) as reason:
        return f" (no trace could be written: {type(reason).__name__})"
    return f" (trace, for its owner alone: {file})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _program() -> str:
    """How the command is called: its module, or the file of its program."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return Path(sys.argv[0]).name or "the command"


def _kind(error: BaseException) -> str:
    """The class of an error, with its library where it is not Python's own."""
    module = type(error).__module__.partition(".")[0].lstrip("_")
    return type(error).__name__ if module in ("builtins", "main") else f"{module}.{type(error).__name__}"


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # such as words that a Java process was asked for which has ended
        return ""


def _of_the_system(error: BaseException) -> str:
    """What the system says of a file, and which; names of files in raw are others' words."""
    if not isinstance(error, OSError) or error.errno is None:
        return ""
    with suppress(NightshiftError):
        if error.filename and not Path(os.fsdecode(error.filename)).is_relative_to(Settings.from_env().raw):
            return f" ({os.strerror(error.errno)}: {os.fsdecode(error.filename)})"
    return f" ({os.strerror(error.errno)})"


def _place(error: BaseException) -> str:
    """The last line of this repository through which an error came."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(REPOSITORY) and "site-packages" not in file.parts and file != Path(__file__):
            return f" in {file.relative_to(REPOSITORY)}, line {frame.lineno}"
    return ""


def _output_is_closed() -> bool:
    """Whether nobody reads the output any more; Python then writes no more of it, nor a complaint at its end."""
    with suppress(OSError, ValueError):  # such as an output that is no file of the system
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        if poll.poll(0):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return True
    return False
