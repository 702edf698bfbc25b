"""A person's rows leave a file and everybody else's stay as they were; of a text, only the names go."""

from __future__ import annotations

import sqlite3

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privacy.lake_files import (
    ERASED_WORD,
    day_of,
    kind_of,
    replace_cells,
    without_history,
    without_names,
    without_records,
    without_rows,
)
from privacy.matcher import PersonMatcher
from privacy.unpacking import parts_of

ANNA, BEN = "p" + "a" * 16, "p" + "b" * 16
COOKIE = "cookie:" + "0c" * 16
MATCHER = PersonMatcher(
    {"anna_01": "handle", "0c" * 16: "pseudonym", ANNA: "person id"}, {COOKIE, ANNA}, replacement=ERASED_WORD
)


def parquet(path, columns: dict, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize(
    ("column", "left"),
    [
        ([ANNA, BEN, None], [BEN, None]),
        ([COOKIE, "x", None], ["x", None]),
        (["said anna_01 today", "anna_012", "x"], ["anna_012", "x"]),
        ([["x", COOKIE], ["x"], None], [["x"], None]),
        ([{"a": 1, "b": [ANNA]}, {"a": 2, "b": [BEN]}, None], [{"a": 2, "b": [BEN]}, None]),
        ([1, 2, 3], [1, 2, 3]),
    ],
)
def test_rows_that_name_the_person_leave_a_parquet_file(column, left, tmp_path):
    file = parquet(tmp_path / "a.parquet", {"c": column}, compression="zstd", row_group_size=2)
    gone = without_rows(file, tmp_path / "draft", MATCHER, set())
    after = pq.ParquetFile(tmp_path / "draft")
    assert after.read().column("c").to_pylist() == left
    assert gone == len(column) - len(left)
    assert after.schema_arrow.equals(pq.read_schema(file), check_metadata=True)
    if left:
        assert after.metadata.row_group(0).column(0).compression == "ZSTD"


def test_an_id_that_was_the_person_s_on_that_day_alone_goes_too(tmp_path):
    file = parquet(tmp_path / "a.parquet", {"person_id": [BEN, "p" + "c" * 16]})
    assert without_rows(file, tmp_path / "draft", MATCHER, {BEN}) == 1
    assert day_of("lake/.runs/scores/2026-11-19/20261126T001518525439/scores.parquet") == "2026-11-19"
    assert day_of("audiences/letter/ds=2026-11-18/a.csv") == "2026-11-18"
    assert day_of("logs/nightly-2026-11-19.log") == ""


def test_records_leave_separated_values_with_their_line_breaks(tmp_path):
    (tmp_path / "a.csv").write_bytes(f'person_id,note\r\n{ANNA},"a\r\nb"\r\n{BEN},"c\nd"\r\n'.encode())
    assert without_records(tmp_path / "a.csv", tmp_path / "draft", MATCHER, set()) == 1
    assert (tmp_path / "draft").read_bytes() == f'person_id,note\r\n{BEN},"c\nd"\r\n'.encode()


def test_a_warehouse_keeps_the_history_of_others_and_no_block_of_the_old_file(tmp_path):
    old, draft = tmp_path / "w.duckdb", tmp_path / "draft"
    with duckdb.connect(str(old)) as connection:
        connection.execute("create table dim_person_profile as select ? as person_id from range(1000)", [ANNA])
        rows = f"('{ANNA}', timestamp '2026-11-18'), ('{BEN}', '2026-11-18'), ('{BEN}', '2026-11-19')"
        connection.execute(f"create table history_person_profile as from (values {rows}) t(person_id, as_of)")
    assert without_history(old, draft, MATCHER, {"2026-11-18": [BEN]}) == 2
    with duckdb.connect(str(draft)) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("history_person_profile",)]
        assert connection.execute("select person_id, as_of::date::varchar from history_person_profile").fetchall() == [
            (BEN, "2026-11-19")
        ]
    assert not any(ANNA.encode() in part.data for part in parts_of(draft))


def test_cells_of_a_database_are_erased_and_the_file_is_written_anew(tmp_path):
    file = tmp_path / "airflow.db"
    connection = sqlite3.connect(file)
    connection.execute("create table xcom (key text, value text)")
    connection.execute("insert into xcom values ('a', ?), ('b', 'anna_012')", [f'{{"who": "{ANNA}"}}'])
    connection.commit()
    connection.close()
    assert kind_of(file) == "sqlite"
    assert replace_cells(file, MATCHER) == 1
    connection = sqlite3.connect(file)
    assert connection.execute("select value from xcom").fetchall() == [('{"who": "[erased]"}',), ("anna_012",)]
    connection.close()
    assert ANNA.encode() not in file.read_bytes()


def test_a_name_leaves_a_text_however_it_is_written(tmp_path):
    matcher = PersonMatcher({"jörg.77": "handle", "anna+b@x.org": "email"}, replacement=ERASED_WORD)
    file = tmp_path / "night.log"
    file.write_text('all is well\n{"who": "j\\u00f6rg.77"}\nGET /?u=anna%2Bb%40x.org\n')
    assert without_names(file, tmp_path / "draft", matcher) == 2
    assert (tmp_path / "draft").read_text() == 'all is well\n{"who": "[erased]"}\nGET /?u=[erased]\n'
