"""What the tests of Spark's room share: deliveries written by hand, and the lake read back without Spark."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.mapped import MAPPED_TABLES, QUARANTINE, RECONCILIATION
from contracts.tables.resolved import PERSONS

DAY = "2026-11-19"

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

LAKE_TABLES = [table.name for table in (*MAPPED_TABLES, QUARANTINE, RECONCILIATION, PERSONS)]

Lines = Iterable[str] | str | bytes


def settings_in(home: Path, **settings: str) -> Settings:
    """Settings for a home of its own; further ones as `component_limit="3"`."""
    further = {f"NIGHTSHIFT_{name.upper()}": value for name, value in settings.items()}
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home), "NIGHTSHIFT_SPARK_MASTER": "local[2]", **further})


def deliver(settings: Settings, source: str, name: str, content: Lines, *, ds: str = DAY) -> Path:
    """Lay a file into raw: lines, or text or bytes as they are; gzipped where the name says so."""
    if isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = "".join(f"{line}\n" for line in content).encode()
    file = settings.raw / source / f"ds={ds}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return file


def truncated_gzip(lines: Iterable[str]) -> bytes:
    """The first half of a gzip file."""
    whole = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    return whole[: len(whole) // 2]


def rows_of(settings: Settings, table: str, ds: str = DAY, *, owner: str | None = None) -> list[dict[str, Any]]:
    """The published rows of one table and day."""
    files = Lake(settings.home.lake).files(table, ds, owner=owner)
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def books(settings: Settings, source: str, ds: str = DAY) -> dict[str, Any]:
    """The published reconciliation of a source and day, `outcome` or `outcome rule` -> rows, and all notes."""
    rows = [row for row in rows_of(settings, "reconciliation", ds) if row["source"] == source]
    rows = [row for row in rows if row["unit"] == "row" or row["outcome"] == "noted"]
    return {" ".join(filter(None, (row["outcome"], row["rule"]))): row["rows"] for row in rows}


def accounted(book: dict[str, int]) -> int:
    """Rows of a book that were mapped, quarantined or dropped."""
    return sum(rows for name, rows in book.items() if name.split()[0] in ("mapped", "quarantined", "dropped"))


def digests(settings: Settings, tables: Iterable[str] = LAKE_TABLES) -> dict[tuple[str, str], str]:
    """Digest of every published partition."""
    lake = Lake(settings.home.lake)
    return {(table, day): lake.digest(table, day) for table in tables for day in lake.days(table)}


def expected_pseudonym(settings: Settings, kind: str, value: str) -> str:
    """HMAC-SHA256 by Python's own module, of a value that needs no cleaning."""
    return f"{kind}:{keyed_by_hand(settings, f'{kind}:{value}')}"


def keyed_by_hand(settings: Settings, text: str) -> str:
    """32 hex digits of HMAC-SHA256 by Python's own module, under the one key of a home."""
    key = bytes.fromhex(settings.pseudonym_key_file.read_text())
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def log_line(
    target: str,
    *,
    at: str = "19/Nov/2026:10:00:00 +0000",
    host: str = "203.0.113.7",
    user: str = "-",
    status: int = 200,
    agent: str = FIREFOX,
    cookie: str | None = "c-1",
) -> str:
    """A line of an Apache combined log, with the visitor's cookie as eleventh field unless it is None."""
    line = f'{host} - {user} [{at}] "GET {target} HTTP/1.1" {status} 512 "-" "{agent}"'
    return line if cookie is None else f'{line} "vid={cookie}"'


def post(number: str, **fields: Any) -> str:
    """A line of a Mastodon export: a post by @anna on the day of delivery, with other fields as given."""
    status = {
        "id": number,
        "created_at": f"{DAY}T10:00:00Z",
        "content": "<p>Hello</p>",
        "reblog": None,
        "account": {"acct": "anna", "bot": False, "fields": []},
        "media_attachments": [],
        "tags": [],
    }
    return json.dumps(status | fields, ensure_ascii=False)


RESPONSE_COLUMNS = (
    "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,"
    "RecipientLastName,RecipientFirstName,RecipientEmail,ExternalReference,LocationLatitude,LocationLongitude,"
    "DistributionChannel,UserLanguage,Q1_age,Q2_gender,Q3_region,Q4_interests,Q5_comment,Q6_contact"
)


def response(
    number: str,
    *,
    email: str = "anna@example.org",
    account: str = "anna01",
    age: str = "34",
    comment: str = "fine",
    contact: str = "Yes",
    recorded: str = f"{DAY} 09:00:00",
) -> str:
    """A row of a Qualtrics export with the columns of RESPONSE_COLUMNS."""
    return (
        f"{recorded},{recorded},IP Address,198.51.100.23,100,60,True,{recorded},{number},Berg,Anna,{email},{account},"
        f'52.5,13.4,email,EN,{age},Female,North,"cooking,running","{comment}",{contact}'
    )


def responses(*rows: str, columns: str = RESPONSE_COLUMNS) -> list[str]:
    """A Qualtrics export: names, questions (one with a line break) and import ids, then the rows."""
    names = columns.split(",")
    questions = ",".join('"What else?\nWe read it."' if name == "Q5_comment" else f"About {name}" for name in names)
    imports = ",".join(f'"{{""ImportId"": ""{name}""}}"' for name in names)
    return [columns, questions.replace("About ResponseId", "Response ID"), imports, *rows]
