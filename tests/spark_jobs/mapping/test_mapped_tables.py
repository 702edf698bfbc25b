"""What is published holds to the contracts: columns, patterns, keys, and no raw identifier in any byte."""

from __future__ import annotations

import json
import re

import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES, RECONCILIATION
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, deliver, log_line, post, response, responses, rows_of, settings_in

RAW_IDENTIFIERS = (
    "secretcookie",
    "anna-account",
    "anna.berg@example.org",
    "annahandle",
    "203.0.113.77",
    "198.51.100.23",
)

SPARK_TO_PARQUET = {
    "string": "string",
    "double": "double",
    "int": "int32",
    "bigint": "int64",
    "boolean": "bool",
    "date": "date32[day]",
    "timestamp": "timestamp[us, tz=UTC]",
    "array<string>": "list<element: string>",
}

PSEUDONYM = re.compile(r"(account|cookie|handle|email|respondent|visitor):[0-9a-f]{32}")


@pytest.fixture(scope="module")
def lake(tmp_path_factory, spark):  # noqa: ARG001
    """A day of six sources, in which a few raw identifiers occur wherever they may."""
    settings = settings_in(tmp_path_factory.mktemp("lake"))
    cookie, account, email, handle, address, _ = RAW_IDENTIFIERS
    weblog = [
        log_line("/login?next=%2F", host=address, user=account, cookie=cookie),
        log_line(f"/?subscriber={email}", host=address, cookie=cookie),
        log_line(f"/search?q=write+{email}", host=address, cookie=None),
        log_line("/consent?training=1", host=address, cookie=cookie),
        log_line("/shown?campaign=front_page&plan=2026-11-18&items=i-1,i-2", host=address, cookie=cookie),
    ]
    shop = {"name": "Shop", "value": f"https://shop.example/u/{account}", "verified_at": "2026-01-01"}
    posts = [
        post(
            "1",
            content=f"<p>I am @{handle}, {email}</p>",
            account={"acct": handle, "bot": False, "fields": [shop]},
            tags=[{"name": "tea"}],
            media_attachments=[{"id": "m", "type": "image", "url": "media/1.png"}],
        )
    ]
    item = {"id": "i-1", "title": "Pan", "category": "cooking", "categories": ["cooking"], "picture": "1.png"}
    deliver(settings, "apache_combined", "access.log", weblog)
    deliver(settings, "mastodon", "statuses.jsonl", posts)
    deliver(
        settings,
        "qualtrics_csv",
        "responses.csv",
        responses(response("R_1", email=email, account=account, comment=f"mail {email}")),
    )
    deliver(settings, "catalogue", "items.jsonl", [json.dumps(item)])
    rates = ["Date,USD,GBP,CYP,", "2026-11-18,1.25,0.8,N/A,", "2026-11-17,1.28,0.8,N/A,"]
    deliver(settings, "exchange_rates", "eurofxref-hist.csv", rates)
    opened = {"email": email, "timestamp": 1795075200, "event": "open", "sg_event_id": "e", "ip": address}
    deliver(settings, "esp_events", "events.jsonl", [json.dumps(opened | {"sg_message_id": "m", "campaign": "x"})])
    for source in ("apache_combined", "mastodon", "qualtrics_csv", "catalogue", "exchange_rates", "esp_events"):
        map_source(settings, source, DAY)
    resolve_identities(settings, DAY)
    return settings


def files_of(settings) -> dict:
    lake = Lake(settings.home.lake)
    found = {table: lake.files(table, DAY) for table in TABLES if lake.days(table)}
    resolved = ("persons", "identity_edges_known", "identifiers_of_nobody")
    assert set(found) == {*(table.name for table in MAPPED_TABLES), RECONCILIATION.name, *resolved}
    return found


def test_published_columns_are_those_of_the_contract_in_order_and_type(lake):
    for table, files in files_of(lake).items():
        for file in files:
            schema = pq.ParquetFile(file).schema_arrow
            columns = [(field.name, str(field.type)) for field in schema]
            assert columns == [(one.name, SPARK_TO_PARQUET[one.type]) for one in TABLES[table].columns], file


def test_every_source_owns_its_files(lake):
    names = {file.name for file in files_of(lake)["events"]}
    assert names == {"apache_combined-00000.parquet", "mastodon-00000.parquet"}
    assert {row["source"] for row in rows_of(lake, "events", owner="mastodon")} == {"mastodon"}


def test_identifiers_are_pseudonyms_everywhere(lake):
    found = 0
    for table in files_of(lake):
        for row in rows_of(lake, table):
            for column in ("identifier", "left_identifier", "right_identifier"):
                if column in row:
                    assert PSEUDONYM.fullmatch(row[column]), (table, row)
                    found += 1
    assert found > 10


def test_keys_are_unique_and_required_columns_filled(lake):
    for table in files_of(lake):
        rows = rows_of(lake, table)
        keys = [tuple(row[name] for name in TABLES[table].key) for row in rows]
        assert len(keys) == len(set(keys)), table
        assert all(row[name] is not None for row in rows for name in TABLES[table].required), table


def test_a_rate_is_the_euros_for_one_unit_and_what_was_not_traded_has_none(lake):
    rates = {(row["currency"], str(row["rated_on"])): row["rate"] for row in rows_of(lake, "exchange_rates")}
    assert rates == {
        ("USD", "2026-11-18"): 0.8,
        ("GBP", "2026-11-18"): 1.25,
        ("USD", "2026-11-17"): 0.78125,
        ("GBP", "2026-11-17"): 1.25,
    }


def test_no_raw_identifier_is_left_in_any_published_byte(lake):
    """Both as stored, where Parquet keeps least and greatest values in clear, and unpacked, value by value."""
    for table, files in files_of(lake).items():
        stored = b"".join(file.read_bytes() for file in files).lower()
        unpacked = json.dumps([rows_of(lake, table)], default=str).lower()
        for raw in RAW_IDENTIFIERS:
            assert raw.encode() not in stored, (table, raw)
            assert raw not in unpacked, (table, raw)


def test_reports_hold_no_raw_identifier_either(lake):
    text = "".join(file.read_text() for file in (lake.home.reports / DAY).glob("*.json"))
    assert '"apache_combined"' in text
    assert not any(raw in text for raw in RAW_IDENTIFIERS)
