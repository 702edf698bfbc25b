"""The mappings of docs/map.md for newcomers' formats, read out of that page and run on a file each."""

from __future__ import annotations

import datetime
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import REPOSITORY
from contracts.tables import TABLES
from spark_jobs.mapping.deliveries import look_at
from spark_jobs.mapping.job import mapped
from spark_jobs.mapping.readers.formats import raw_scratch
from spark_jobs.mapping.reading import FORMATS
from spark_jobs.mapping.spec import load_spec
from tests.spark_jobs.feeds_by_hand import DAY

PAGE = (REPOSITORY / "docs" / "map.md").read_text(encoding="utf-8")
NEWCOMERS = PAGE.partition("### Five newcomers")[2].partition("\n## ")[0]
MAPPINGS = re.findall(r"^```yaml\n(.*?)^```$", NEWCOMERS, re.MULTILINE | re.DOTALL)
TEN = datetime.datetime(2026, 11, 19, 10)


def parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


FILES = {
    "json": (
        "posts.js",
        b'window.YTD.posts.part0 = [\n {"id": "1", "created_at": "2026-11-19T10:00:00Z", "user": {"id": "a", "x": 1},'
        b' "text": "x"},\n {"id": "2", "created_at": "2026-11-19T10:00:00Z", "user": {"id": "b"}}]',
    ),
    "csv tab": (
        "receipts-1.txt",
        "Receipt\tDay\tCustomer\tItem\tAmount\r\n7\t19.11.2026 10:00\tann\ti-1\t1.234,50\r\n"
        "7\t19.11.2026 10:00\tann\ti-1\t1.234,50\r\n".encode("utf-16"),
    ),
    "nginx_json": (
        "access.json",
        json.dumps(
            {"client": "203.0.113.7", "time_iso8601": "2026-11-19T10:00:00+00:00", "status": 200}
            | {"request": "GET /item/i-1 HTTP/1.1", "http_user_agent": "Mozilla/5.0 (X11; Linux) Firefox/133.0"}
        ).encode(),
    ),
    "parquet": (
        "ratings.parquet",
        parquet(
            pa.table(
                {
                    "user_id": [1, 2],
                    "item_id": ["i-1", "i-2"],
                    "stars": pa.array([5, 4], pa.int8()),
                    "rated_at": pa.array([TEN, TEN], pa.timestamp("ns")),
                }
            )
        ),
    ),
    "csv ;": ("survey.csv", b"Submitted;How old?\n19/11/2026;30\n46345;31\nsoon;32\n"),
}

EXPECTED = {
    "json": ("events", [("post", None, None, TEN), ("post", None, None, TEN)]),
    "csv tab": ("events", [("purchase", "i-1", 1234.5, TEN), ("purchase", "i-1", 1234.5, TEN)]),
    "nginx_json": ("events", [("view", "i-1", None, TEN)]),
    "parquet": ("events", [("rate", "i-1", 5.0, TEN), ("rate", "i-2", 4.0, TEN)]),
    "csv ;": (
        "answers",
        [
            ("How old?", "30", "visitors", datetime.datetime(2026, 11, 19)),
            ("How old?", "31", "visitors", datetime.datetime(2026, 11, 19)),
        ],
    ),
}

COLUMNS = {
    "events": ("action", "item_id", "value", "occurred_at"),
    "answers": ("question", "answer", "survey", "occurred_at"),
}


def name_of(text: str) -> str:
    name = re.search("^  format: (.*)", text, re.MULTILINE)[1]
    separator = re.search("^  separator: (.*)", text, re.MULTILINE)
    return f"{name} {separator[1].strip(chr(34))}" if separator else name


def test_five_newcomers_are_read_by_the_mappings_of_the_page(spark, tmp_path):
    assert {name_of(text) for text in MAPPINGS} == set(FILES)
    for text in MAPPINGS:
        name = name_of(text)
        assert text.count("\n") < 30, name
        source = name.replace(" ", "_").replace(";", "semicolon")
        (tmp_path / f"{source}.yml").write_text(text)
        spec = load_spec(source, tmp_path)
        file, content = FILES[name]
        folder = tmp_path / "raw" / source / f"ds={DAY}"
        folder.mkdir(parents=True)
        (folder / file).write_bytes(content)
        delivery = look_at(tmp_path / "raw", spec, DAY)
        table, expected = EXPECTED[name]
        with raw_scratch(Lake(tmp_path / "lake"), source) as scratch:
            result = mapped(spark, spec, [delivery], [b"k" * 32], {}, scratch)
            rows = result.tables[TABLES[table]].select(*COLUMNS[table]).collect()
        assert sorted(map(tuple, rows), key=str) == sorted(expected, key=str), name
        unknown = [count.rule for count in result.counts if count.outcome == "noted" and "unknown" in count.rule]
        assert unknown == [], name
        refused = sum(count.rows for count in result.counts if count.outcome == "quarantined" and count.unit == "row")
        assert refused == (1 if name == "csv ;" else 0), "a date that is not understood is no day of delivery"


def test_every_format_and_every_key_of_it_stands_on_the_page():
    section = PAGE.partition("## Formats")[2].partition("### Five newcomers")[0]
    for name, keys in FORMATS.items():
        [row] = [line for line in section.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
        missing = [key for key in (*keys.required, *keys.optional) if f"`{key}" not in row]
        assert not missing, f"{name}: {missing}"
