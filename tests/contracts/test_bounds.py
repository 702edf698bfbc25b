"""What a contract says of a value holds in Spark and in DuckDB alike, and is never undecided."""

from __future__ import annotations

import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.bounds import broken
from contracts.schema import Column, Table
from contracts.tables import TABLES
from contracts.tables.mapped import CONSENTS, EVENTS, ITEMS, MAPPED_TABLES

DAY = "2026-11-19"
NAN, INFINITE = float("nan"), float("inf")
GOOD = {
    "event_id": "0123456789abcdef" * 2,
    "source": "shop",
    "identifier": "cookie:" + "0a" * 16,
    "occurred_at": "2026-11-19 08:30:00",
    "action": "purchase",
    "item_id": "i-1",
    "category": None,
    "value": 12.5,
    "device": "mobile",
}
CASES = [
    ({}, []),
    ({"event_id": GOOD["event_id"] + " profiling"}, []),
    ({"event_id": None}, ["event_id"]),
    ({"event_id": ""}, ["event_id"]),
    ({"event_id": GOOD["event_id"] + "\n"}, ["event_id"]),
    ({"event_id": "x" + GOOD["event_id"]}, ["event_id"]),
    ({"identifier": "cookie:anna"}, ["identifier"]),
    ({"source": " \t\n\u00a0\u200b\u3000\ufeff"}, ["source"]),
    ({"source": ""}, ["source"]),
    ({"source": "\u00a0x"}, []),
    ({"occurred_at": None}, ["occurred_at"]),
    ({"occurred_at": "0001-01-01 00:00:00"}, ["occurred_at"]),
    ({"occurred_at": "1989-12-31 23:59:59.999999"}, ["occurred_at"]),
    ({"occurred_at": "1990-01-01 00:00:00"}, []),
    ({"occurred_at": "2026-11-20 23:59:59.999999"}, []),
    ({"occurred_at": "2026-11-21 00:00:00"}, ["occurred_at"]),
    ({"occurred_at": "9999-12-31 23:59:59"}, ["occurred_at"]),
    ({"action": "Purchase"}, ["action"]),
    ({"action": None}, ["action"]),
    ({"item_id": None}, []),
    ({"item_id": "ä" * 100}, []),
    ({"item_id": "ä" * 101}, ["item_id"]),
    ({"value": None}, []),
    ({"value": 0.0}, []),
    ({"value": -0.0}, []),
    ({"value": -0.01}, ["value"]),
    ({"value": 1e6}, []),
    ({"value": 1000000.01}, ["value"]),
    ({"value": 1e300}, ["value"]),
    ({"value": NAN}, ["value"]),
    ({"value": INFINITE}, ["value"]),
    ({"value": -INFINITE}, ["value"]),
    ({"value": 5e6, "currency": "JPY"}, []),
    ({"value": 5e6, "currency": "EUR"}, ["value"]),
    ({"value": 5e9, "currency": "JPY"}, ["value"]),
    ({"currency": "jpy"}, ["currency"]),
    ({"currency": ""}, ["currency"]),
    ({"quantity": -1.0}, ["quantity"]),
    ({"order_id": "o" * 101}, ["order_id"]),
    ({"action": "rate", "value": 95.0, "currency": "JPY"}, ["value"]),
    ({"action": "rate", "value": 10.0}, []),
    ({"action": "rate", "value": 95.0}, ["value"]),
    ({"action": "rate", "value": None}, []),
    ({"action": None, "value": 95.0}, ["action"]),
    ({"device": None}, []),
    ({"device": "toaster"}, ["device"]),
    ({"value": NAN, "occurred_at": None, "device": "toaster"}, ["occurred_at", "value", "device"]),
]


@pytest.fixture(scope="module")
def hostile_events(tmp_path_factory):
    """A file with one row for each case, as a mapping writes it, with the number of the case."""
    rows = [{"number": number, "raw_ds": DAY, **GOOD, **changed} for number, (changed, _) in enumerate(CASES)]
    for row in rows:
        at = row["occurred_at"]
        row["occurred_at"] = at and datetime.datetime.fromisoformat(at).replace(tzinfo=datetime.UTC)
    schema = pa.schema([("number", pa.int64()), ("raw_ds", pa.string())])
    for column in EVENTS.columns:
        kind = {"double": pa.float64(), "timestamp": pa.timestamp("us", tz="UTC")}.get(column.type, pa.string())
        schema = schema.append(pa.field(column.name, kind))
    file = tmp_path_factory.mktemp("bounds") / "events.parquet"
    filled = [{name: row.get(name) for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(filled, schema=schema), file)
    return file


def query(prefix: str, source: str) -> str:
    conditions = ", ".join(f"{sql} as {column}" for column, sql in broken(EVENTS, prefix, "raw_ds"))
    return f"select number, {conditions} from (select number, raw_ds, {source}) as rows order by number"


def assert_as_expected(found: list[dict]) -> None:
    assert len(found) == len(CASES)
    for row, (changed, expected) in zip(found, CASES, strict=True):
        assert None not in row.values(), f"undecided: {changed}"
        assert [name for name, is_broken in row.items() if is_broken and name != "number"] == expected, changed


def test_duckdb_sees_what_breaks_the_contract(hostile_events):
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        file = f"read_parquet('{hostile_events}') as events"
        for prefix, columns in (("record.", "events as record"), ("", "* exclude (number, raw_ds)")):
            found = connection.execute(query(prefix, f"{columns} from {file}"))
            names = [name for name, *_ in found.description]
            assert_as_expected([dict(zip(names, row, strict=True)) for row in found.fetchall()])


def test_spark_sees_the_same(spark, hostile_events):
    columns = ", ".join(EVENTS.column_names)
    source = f"struct({columns}) as record from parquet.`{hostile_events}`"
    assert_as_expected([row.asDict() for row in spark.sql(query("record.", source)).collect()])


def test_every_number_is_finite_whatever_the_contract_says():
    table = Table("t", "", (), (Column("share", "double", ""),))
    [(column, condition)] = broken(table)
    assert column == "share"
    with duckdb.connect() as connection:
        for value, expected in ((1.5, False), (None, False), (NAN, True), (INFINITE, True), (-INFINITE, True)):
            found = connection.execute(f"select {condition} from (select cast(? as double) as share)", [value])
            assert found.fetchone() == (expected,), value


def test_the_form_of_ids_that_no_feed_chooses_can_be_left_out():
    conditions = dict(broken(EVENTS, new_rows=False))
    assert "regexp" not in conditions["event_id"] + conditions["identifier"]
    assert "event_id is null" in conditions["event_id"]


def test_a_check_speaks_of_the_columns_of_the_struct_but_not_of_words_in_quotes():
    table = Table("t", "", (), (Column("kind", "string", ""),), checks={"kind": "kind <> 'kind' or kind = 'kinds'"})
    assert broken(table, "record.") == [
        ("kind", "coalesce(not (record.kind <> 'kind' or record.kind = 'kinds'), false)")
    ]


@pytest.mark.parametrize("written", ["it's", "a\\d"])
def test_a_text_that_engines_read_differently_is_a_mistake_in_the_contract(written):
    with pytest.raises(ValueError, match="without quotes and backslashes"):
        broken(Table("t", "", (), (Column("kind", "string", "", one_of=(written,)),)))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_contract_can_be_written_as_sql(table):
    names = {name for name, _ in broken(table)}
    assert set(table.checks) <= names <= set(table.column_names)


@pytest.mark.parametrize("table", MAPPED_TABLES, ids=lambda table: table.name)
def test_every_number_time_and_text_of_a_mapped_table_is_bounded(table):
    for column in table.columns:
        if column.type in ("double", "int", "bigint"):
            assert column.least is not None, column.name
            assert column.greatest is not None, column.name
        if column.type in ("timestamp", "date"):
            assert column.earliest, column.name
        if column.type in ("string", "array<string>"):
            bounded = column.most or column.pattern or column.one_of
            assert bounded or column.name in ("source", "session_id"), column.name


def test_a_day_that_may_lie_ahead_has_a_last_one():
    until = dict(broken(ITEMS, day="date '2026-11-19'"))["available_until"]
    days = "(values ('1989-12-31'), ('1990-01-01'), ('2027-06-01'), ('2999-12-31'), ('3000-01-01')) as of(day)"
    rows = duckdb.sql(f"select {until} from (select day::date as available_until from {days})").fetchall()
    assert [refused for (refused,) in rows] == [True, False, False, False, True]


def test_a_hash_of_tables_does_not_ask_for_their_checks():
    assert len({EVENTS, ITEMS, EVENTS}) == 2


def test_a_decision_of_an_earlier_partition_waits_until_its_moment():
    """A withdrawal that was set aside because a clock ran ahead would leave its person in."""
    ahead = "timestamp '2026-12-31 10:00:00'"
    for new_rows, refused in ((True, True), (False, False)):
        late = dict(broken(CONSENTS, day="date '2026-11-19'", new_rows=new_rows))["occurred_at"]
        assert duckdb.sql(f"select {late} from (select {ahead} as occurred_at)").fetchall() == [(refused,)]
