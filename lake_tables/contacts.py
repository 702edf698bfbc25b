"""Addresses of people, from the raw source `contacts`: joined to persons in memory, and never written.

The newest delivery is the whole list: `<raw>/contacts/ds=YYYY-MM-DD/*.csv` or `*.jsonl`, also packed by gzip, one row
an account with the columns `account`, `email` and `phone`; others are not read. Accounts and mail addresses are hashed
under the pseudonyms' keys as mappings do it; what is plain, in SQL.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from contracts.errors import NightshiftError, RawDataError
from contracts.identifiers import PLAIN, Cleaning
from contracts.pseudonyms import DIGITS
from contracts.raw import CONTACTS, landed_days
from contracts.settings import duckdb_config

COLUMNS = ("account", "email", "phone")
_HASHED = ("account", "email")
_PATTERNS = ("*.csv", "*.csv.gz", "*.jsonl", "*.jsonl.gz")
_SEPARATORS = (",", ";", "\t")
_BLOCK_BYTES = 64
"""Of SHA-256, to which HMAC fills its key up."""

_PLAIN_MAIL = r"[a-z0-9._+-]*[a-z0-9]@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+"
"""A cleaned mail address, of printable ASCII, of which cleaning takes nothing away."""


@dataclass(frozen=True)
class ContactFiles:
    """The newest delivery of the source."""

    ds: str
    files: tuple[Path, ...]

    @classmethod
    def newest(cls, raw: Path) -> ContactFiles:
        """Find it.

        Raises:
            RawDataError: there is none, or it has no file of addresses.
        """
        days = landed_days(raw, CONTACTS)
        files = files_of(raw, days[-1]) if days else []
        if not files:
            raise RawDataError(
                expected=f"addresses in {raw / CONTACTS}/ds=YYYY-MM-DD/*.csv or *.jsonl",
                received=f"none in the newest day, {days[-1]}" if days else "no delivery of them",
                remedy="deliver them as docs/deliver.md shows; nothing was sent",
            )
        return cls(days[-1], tuple(files))


def files_of(raw: Path, ds: str) -> list[Path]:
    """The files of addresses that a day delivered, by name."""
    folder = raw / CONTACTS / f"ds={ds}"
    return sorted(file for pattern in _PATTERNS for file in folder.glob(pattern))


def without_spilling() -> duckdb.DuckDBPyConnection:
    """A connection for what addresses may enter: it keeps to its share of memory and writes nothing to disk."""
    connection = duckdb.connect(config={**duckdb_config(), "temp_directory": ""})
    connection.execute("set TimeZone = 'UTC'")
    return connection


def load_contacts(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], keys: Sequence[bytes], cleaning: Cleaning
) -> dict[str, int]:
    """Make the table `contacts` of a connection: place, account, email, phone, account_id, email_id, in their order.

    Returns:
        `rows`, and `unreadable`, rows that are no CSV or JSON object of texts; they are left out.

    Raises:
        RawDataError: a file cannot be read, or has neither accounts nor mail addresses.
    """
    connection.execute(
        "create or replace table contacts (place bigint, account varchar, email varchar, phone varchar, "
        "account_id varchar, email_id varchar)"
    )
    _make_hash(connection, keys)
    counts = {"rows": 0, "unreadable": 0}
    for file in files:
        try:
            rows, unreadable = _load(connection, file, keys, cleaning)
        except NightshiftError:
            raise
        except (duckdb.Error, OSError, EOFError, UnicodeError) as error:
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            raise RawDataError(  # the words of the library may quote an address: they are not kept
                expected=f"CSV or JSON lines of {', '.join(COLUMNS)} in {file.name} of {CONTACTS}",
                received=f"what cannot be read ({type(error).__name__})",
                remedy="deliver that file again; nothing was sent",
            ) from None
        counts["rows"] += rows
        counts["unreadable"] += unreadable
    return counts


def _load(
    connection: duckdb.DuckDBPyConnection, file: Path, keys: Sequence[bytes], cleaning: Cleaning
) -> tuple[int, int]:
    is_csv = ".csv" in file.suffixes
    connection.execute("drop table if exists arrived")
    if is_csv:
        names, separator = _header(file)
        found = {name.strip().lower(): name for name in names}
        _require_names(file, found)
        columns = ", ".join(
            f'"{found[name].replace(chr(34), chr(34) * 2)}" as {name}' if name in found else f"null::varchar as {name}"
            for name in COLUMNS
        )
        connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
        connection.execute(
            f"create temp table arrived as select {columns} from read_csv($file, delim = $separator, header = true, "
            "all_varchar = true, auto_detect = false, columns = $names, quote = '\"', escape = '\"', "
            "null_padding = false, store_rejects = true)",
            {"file": str(file), "separator": separator, "names": dict.fromkeys(names, "VARCHAR")},
        )
        (unreadable,) = connection.execute("select count(distinct line) from reject_errors").fetchall()[0]
    else:
        connection.execute(
            "create temp table arrived as select account, email, phone from read_json($file, "
            "format = 'newline_delimited', columns = {account: 'VARCHAR', email: 'VARCHAR', phone: 'VARCHAR'}, "
            "ignore_errors = true)",
            {"file": str(file)},
        )
        (unreadable,) = connection.execute(
            "select count(*) from arrived where coalesce(account, email, phone) is null"
        ).fetchall()[0]
        connection.execute("delete from arrived where coalesce(account, email, phone) is null")
    for kind in _HASHED:
        _clean(connection, kind, keys, cleaning)
    (rows,) = connection.execute("select count(*) from arrived").fetchall()[0]
    connection.execute(
        "insert into contacts select (select count(*) from contacts) + arrived.rowid, account, email, phone, "
        "account_id.name, email_id.name from arrived "
        "left join account_id on account_id.value = arrived.account "
        "left join email_id on email_id.value = arrived.email order by arrived.rowid"
    )
    connection.execute("drop table arrived; drop table account_id; drop table email_id")
    return rows, unreadable


def _clean(connection: duckdb.DuckDBPyConnection, kind: str, keys: Sequence[bytes], cleaning: Cleaning) -> None:
    """Make the table `<kind>_id` of what arrived: value, and its pseudonym as name; of what is odd, by Python."""
    plain = "regexp_full_match(value, $plain)"
    if kind == "email":
        plain += " and regexp_full_match(lower(trim(value)), $mail)"
    if cleaning.removals(kind):
        plain = "false and " + plain
    options = {"plain": PLAIN} | ({"mail": _PLAIN_MAIL} if kind == "email" else {})
    connection.execute(
        f"create temp table {kind}_id as with found as (select distinct {kind} as value from arrived "
        f"where {kind} is not null) select value, case when {plain} then lower(trim(value)) end as cleaned from found",
        options,
    )
    found = connection.execute(f"select value from {kind}_id where cleaned is null").fetchall()
    odd = [value for (value,) in found]
    if odd:
        cleaned = pa.table(
            {"value": pa.array(odd), "cleaned": pa.array([cleaning.cleaned(kind, one) for one in odd], pa.string())}
        )
        connection.register("cleaned_odd", cleaned)
        connection.execute(
            f"update {kind}_id set cleaned = cleaned_odd.cleaned from cleaned_odd "
            f"where cleaned_odd.value = {kind}_id.value"
        )
        connection.unregister("cleaned_odd")
    name = f"'{kind}:' || cleaned"
    for number in range(len(keys)):
        name = f"'{kind}:' || keyed_{number}({name})"
    connection.execute(
        f"create or replace temp table {kind}_id as select value, {name} as name from {kind}_id where cleaned <> ''"
    )


def _make_hash(connection: duckdb.DuckDBPyConnection, keys: Sequence[bytes]) -> None:
    """A macro `keyed_<number>` for each key: HMAC-SHA256 is two hashes over padded keys (RFC 2104).

    Keys are variables of the connection, so that no error quotes one.
    """
    for number, key in enumerate(keys):
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        for pad, byte in (("inner", 0x36), ("outer", 0x5C)):
            connection.register("pads", pa.table({"pad": pa.array([bytes(one ^ byte for one in padded)], pa.binary())}))
            connection.execute(f"set variable {pad}_{number} = (select pad from pads)")
            connection.unregister("pads")
        connection.execute(
            f"create or replace temp macro keyed_{number}(text) as substr(sha256(getvariable('outer_{number}') || "
            f"unhex(sha256(getvariable('inner_{number}') || encode(text)))), 1, {DIGITS})"
        )


def _header(file: Path) -> tuple[list[str], str]:
    """The names of a CSV file's columns, and what stands between them."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        line = stream.readline().decode("utf-8-sig")
    separator = separator_of(line)
    return next(csv.reader([line], delimiter=separator), []), separator


def separator_of(first_line: str) -> str:
    """What stands between the names in the first line of a CSV file, and between the values below."""
    return max(_SEPARATORS, key=first_line.count)


def _require_names(file: Path, found: dict[str, str]) -> None:
    if not {"account", "email"} & set(found):
        raise RawDataError(
            expected=f"a first line with the columns {', '.join(COLUMNS)} in {file.name} of {CONTACTS}",
            received=f"{len(found)} columns, neither `account` nor `email` among them",
            remedy="deliver the file with its names in the first line; nothing was sent",
        )
