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
    """A connection for what addresses may enter: it keeps to half of the night's memory and writes nothing to disk."""
    connection = duckdb.connect(config=duckdb_config(spills=False))
    connection.execute("set TimeZone = 'UTC'")
    return connection


def load_contacts(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], keys: Sequence[bytes], cleaning: Cleaning
) -> dict[str, int]:
    """Make the view `contacts` of a connection: place, account, email, phone, account_id, email_id.

    Beneath it is the table `arrived`, by places in their order; pseudonyms are made when they are read, since they take
    more room than addresses.

    Returns:
        `rows`, and `unreadable`, rows that are no CSV or JSON object of texts; they are left out.

    Raises:
        RawDataError: a file cannot be read, or has neither accounts nor mail addresses.
    """
    connection.execute("create or replace table arrived (place bigint, account varchar, email varchar, phone varchar)")
    _make_hash(connection, keys)
    counts = {"rows": 0, "unreadable": 0}
    for file in files:
        try:
            rows, unreadable = _load(connection, file, counts["rows"])
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
    _make_view(connection, keys, cleaning)
    return counts


def _load(connection: duckdb.DuckDBPyConnection, file: Path, first: int) -> tuple[int, int]:
    """Append a file to `arrived`, its rows from place `first` on; returns rows, and those that cannot be read."""
    names = "place, account, email, phone"
    if ".csv" in file.suffixes:
        titles, separator = _header(file)
        found = {name.strip().lower(): name for name in titles}
        _require_names(file, found)
        columns = ", ".join(
            f'"{found[name].replace(chr(34), chr(34) * 2)}" as {name}' if name in found else f"null::varchar as {name}"
            for name in COLUMNS
        )
        connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
        connection.execute(
            f"insert into arrived ({names}) select $first + row_number() over () - 1, {columns} "
            "from read_csv($file, delim = $separator, header = true, all_varchar = true, auto_detect = false, "
            "columns = $titles, quote = '\"', escape = '\"', null_padding = false, store_rejects = true)",
            {
                "first": first,
                "file": str(file),
                "separator": separator,
                "titles": dict.fromkeys(titles, "VARCHAR"),
            },
        )
        (unreadable,) = connection.execute("select count(distinct line) from reject_errors").fetchall()[0]
    else:
        lines = (
            "read_json($file, format = 'newline_delimited', ignore_errors = true, "
            "columns = {account: 'VARCHAR', email: 'VARCHAR', phone: 'VARCHAR'})"
        )
        empty = "coalesce(account, email, phone) is null"  # what stands for a line that is no such object
        (unreadable,) = connection.execute(
            f"select count(*) from {lines} where {empty}", {"file": str(file)}
        ).fetchall()[0]
        connection.execute(
            f"insert into arrived ({names}) select $first + row_number() over () - 1, account, email, phone "
            f"from {lines} where not ({empty})",
            {"first": first, "file": str(file)},
        )
    (rows,) = connection.execute("select count(*) from arrived where place >= $1", [first]).fetchall()[0]
    return rows, unreadable


def _make_view(connection: duckdb.DuckDBPyConnection, keys: Sequence[bytes], cleaning: Cleaning) -> None:
    """Make `contacts` of `arrived`. What is plain is cleaned in SQL; the rest, once, by Python: `odd_<kind>`."""
    cleaned, ids = [], []
    for kind in _HASHED:
        value = f"arrived.{kind}"
        plain = f"regexp_full_match({value}, '{PLAIN}')"
        if kind == "email":
            plain += f" and regexp_full_match(lower(trim({value})), '{_PLAIN_MAIL}')"
        if cleaning.removals(kind):
            plain = "false"
        odd = connection.execute(f"select distinct {kind} from arrived where {kind} is not null and not ({plain})")
        values = [found for (found,) in odd.fetchall()]
        texts = pa.table(
            {
                "value": pa.array(values, pa.string()),
                "cleaned": pa.array([cleaning.cleaned(kind, one) for one in values], pa.string()),
            }
        )
        connection.register("odd", texts)
        connection.execute(f"create or replace table odd_{kind} as select value, cleaned from odd")
        connection.unregister("odd")
        cleaned.append(f"case when {plain} then lower(trim({value})) else odd_{kind}.cleaned end as {kind}_cleaned")
        name = f"'{kind}:' || {kind}_cleaned"
        for number in range(len(keys)):
            name = f"'{kind}:' || keyed_{number}({name})"
        ids.append(f"case when {kind}_cleaned <> '' then {name} end as {kind}_id")
    connection.execute(
        f"create or replace temp view contacts as select place, {', '.join(COLUMNS)}, {', '.join(ids)} from ("
        f"select arrived.*, {', '.join(cleaned)} from arrived "
        "left join odd_account on odd_account.value = arrived.account "
        "left join odd_email on odd_email.value = arrived.email)"
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
