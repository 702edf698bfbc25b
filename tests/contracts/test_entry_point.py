"""How commands end that fail: one sentence, without a value of a row in it, an exit status, and a private trace."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest

from contracts.entry_point import KEPT_TRACES, exit_with_sentence
from contracts.errors import BusyError, LakeError, RawDataError, RegistryError
from contracts.settings import REPOSITORY, Settings

VALUE = "anna@example.org"
FULL, SHORT = "a full disk or quota", "enough memory"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    return Settings.from_env().home


def ended(main, capsys) -> tuple[str, int]:
    """What is on the terminal, and the exit status."""
    with pytest.raises(SystemExit) as end:
        exit_with_sentence(main)
    shown = capsys.readouterr()
    return shown.out + shown.err, end.value.code


def raising(error: BaseException):
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(("error", "status"), [(RawDataError, 2), (BusyError, 75), (RegistryError, 75)])
def test_an_error_of_ours_is_its_own_sentence_and_exit_status(home, capsys, error, status):
    shown = ended(raising(error(expected="a", received="b", remedy="do c")), capsys)
    assert shown == ("nightshift: error: expected a, but received b; do c\n", status)
    assert not home.traces.exists(), "it says all there is to say"


def test_an_error_of_ours_on_several_lines_is_one_line(home, capsys):  # noqa: ARG001
    said, _ = ended(raising(LakeError(expected="a\nb", received="c", remedy="d")), capsys)
    assert said == "nightshift: error: expected a b, but received c; d\n"


def arrow_cannot_parse() -> None:
    pa.array([VALUE]).cast(pa.int64())


def duckdb_cannot_cast() -> None:
    duckdb.sql(f"select cast('{VALUE}' as int)").fetchall()


def duckdb_cannot_parse() -> None:
    duckdb.sql(f"selec '{VALUE}'")


def sqlite_refuses() -> None:
    sqlite3.connect(":memory:").execute(f"select * from {VALUE!r}")


def python_cannot_convert() -> None:
    int(VALUE)


def python_finds_no_key() -> None:
    {}[VALUE]


def of_another_error() -> None:
    try:
        int(VALUE)
    except ValueError as error:
        raise RuntimeError(f"row {VALUE}") from error


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        (arrow_cannot_parse, "pyarrow.ArrowInvalid"),
        (duckdb_cannot_cast, "duckdb.ConversionException"),
        (duckdb_cannot_parse, "duckdb.ParserException"),
        (sqlite_refuses, "sqlite3.OperationalError"),
        (python_cannot_convert, "ValueError"),
        (python_finds_no_key, "KeyError"),
        (of_another_error, "RuntimeError"),
        (lambda: np.array([VALUE]).astype(float), "ValueError"),
        (raising(sqlite3.DatabaseError(VALUE)), "sqlite3.DatabaseError"),
        (raising(ConnectionResetError(VALUE)), "ConnectionResetError"),
        (raising(ExceptionGroup(VALUE, [ValueError(VALUE)])), "ExceptionGroup"),
    ],
)
def test_an_error_of_a_library_is_a_sentence_that_quotes_nothing(home, capsys, fails, kind):
    said, status = ended(fails, capsys)
    assert status == 1, "whether a retry helps is not known"
    assert said.startswith("nightshift: error: expected ")
    assert said.count("\n") == 1
    assert VALUE not in said
    assert f"but received {kind} in tests/contracts/test_entry_point.py, line " in said
    [trace] = home.traces.iterdir()
    assert str(trace) in said
    assert VALUE in trace.read_text(), "all that the library said"
    assert "Traceback" in trace.read_text()
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", VALUE),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        duckdb.IOException(f"Could not write file {VALUE}: No space left on device"),
        pa.ArrowException("Error writing bytes: [errno 28] No space left on device"),
    ],
    ids=["written", "quota", "sqlite", "duckdb", "arrow"],
)
def test_a_full_disk_may_pass_by_itself(home, capsys, error):  # noqa: ARG001
    said, status = ended(raising(error), capsys)
    assert status == 75
    assert FULL in said
    assert VALUE not in said


def test_a_full_disk_behind_another_error_is_a_full_disk(home, capsys):  # noqa: ARG001
    def main() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("the checkpoint") from error

    assert ended(main, capsys)[1] == 75


def test_a_full_disk_is_said_even_where_no_trace_has_room(capsys, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", "/dev/full")  # no folder can be made there
    said, status = ended(raising(OSError(errno.ENOSPC, "No space left on device")), capsys)
    assert status == 75
    assert FULL in said
    assert "no trace could be written" in said


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError(f"malloc of {VALUE} failed"),
        duckdb.OutOfMemoryException(f"could not allocate {VALUE}"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=["python", "arrow", "duckdb", "system"],
)
def test_too_little_memory_names_the_setting(home, capsys, error):  # noqa: ARG001
    said, status = ended(raising(error), capsys)
    assert status == 2, "it needs as much the next time"
    assert SHORT in said
    assert "NIGHTSHIFT_MEMORY" in said
    assert VALUE not in said


def test_a_file_of_the_home_is_named_and_one_of_raw_is_not(home, capsys):
    said, _ = ended(lambda: (home.lake / "none").read_text(), capsys)
    assert f"(No such file or directory: {home.lake / 'none'})" in said
    said, _ = ended(lambda: (home.raw / "mail" / VALUE).read_text(), capsys)
    assert "(No such file or directory)" in said
    assert VALUE not in said


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + VALUE.encode() * 9], ids=["empty", "short", "cut off"])
@pytest.mark.parametrize(
    "read",
    [lambda file: pa.dataset.dataset(str(file)), lambda file: duckdb.read_parquet(str(file))],
    ids=["arrow", "duckdb"],
)
def test_a_broken_file_of_the_lake_is_named(home, capsys, content, read):
    file = home.lake / "persons" / "ds=2026-11-19" / "part-0.parquet"
    for place in (file, home.root / "elsewhere" / "part-0.parquet"):
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    said, status = ended(lambda: read(file), capsys)
    assert status == 2
    assert f"expected to read {file}, but received no whole Parquet file; make that day of the table again" in said
    said, status = ended(lambda: read(home.root / "elsewhere" / "part-0.parquet"), capsys)
    assert status == 1
    assert "elsewhere" not in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_what_may_not_be_read_or_written_is_named_with_its_setting(home, capsys, number):
    def refusing(file):
        return raising(OSError(number, os.strerror(number), str(file)))

    said, status = ended(refusing(home.lake / "persons"), capsys)
    assert (status, said.count("\n")) == (2, 1)
    assert f"to read or write {home.lake / 'persons'}, but received {os.strerror(number)}; let NIGHTSHIFT_HOME" in said
    said, status = ended(refusing(home.raw / "mail" / "ds=2026-11-19" / VALUE), capsys)
    assert status == 2
    assert f"what lies in {home.raw / 'mail' / 'ds=2026-11-19'}, but" in said
    assert "NIGHTSHIFT_RAW" in said
    assert VALUE not in said
    said, _ = ended(refusing(home.raw / "mail" / VALUE), capsys)
    assert f"what lies in {home.raw / 'mail'}, but" in said
    assert VALUE not in said


def test_ctrl_c_is_a_sentence(home, capsys):
    said, status = ended(raising(KeyboardInterrupt()), capsys)
    assert status == 130
    assert said.startswith("nightshift: error: ")
    assert "interrupted" in said
    assert not home.traces.exists()


def test_settings_that_cannot_be_understood_hide_no_error(home, capsys, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_DBT_TARGET", "oracle")
    said, status = ended(python_cannot_convert, capsys)
    assert status == 1
    assert "ValueError" in said
    assert "no trace could be written: SettingsError" in said
    assert not home.traces.exists()


def test_only_the_newest_traces_stay(home, capsys):
    for _ in range(KEPT_TRACES + 3):
        said, _ = ended(python_cannot_convert, capsys)
    assert len(list(home.traces.iterdir())) == KEPT_TRACES
    assert any(str(trace) in said for trace in home.traces.iterdir()), "the last is among them"


def test_who_ends_well_or_by_a_status_of_its_own_says_nothing(home, capsys):
    exit_with_sentence(lambda: None)
    with pytest.raises(SystemExit) as end:
        exit_with_sentence(lambda: sys.exit(1))
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "")
    assert not home.traces.exists()


@pytest.mark.parametrize(
    ("reader", "status", "said"),
    [("/dev/full", 75, FULL), ("closed pipe", 141, "has gone")],
)
def test_output_that_cannot_be_written_is_a_sentence(tmp_path, reader, status, said):
    program = (
        "from contracts.entry_point import exit_with_sentence\nexit_with_sentence(lambda: print('x\\n' * 100_000))"
    )
    if reader == "closed pipe":
        readable, writable = os.pipe()
        os.close(readable)
    else:
        writable = os.open(reader, os.O_WRONLY)
    environment = os.environ | {"NIGHTSHIFT_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, stdout=writable, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(writable)
    assert done.returncode == status
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
