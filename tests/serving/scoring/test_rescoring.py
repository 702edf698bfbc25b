"""Scoring only people whose identity changed: they as a full run has them, all others as they were."""

import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.resolved import IDENTITY_CHANGES
from lake_tables.arrow import arrow_schema
from serving.score import score
from tests.training.markov_town import DS, person

SINCE = "2026-11-19"
TABLES = ("scores", "responses", "predictions")
GONE = "pdddddddddddddddd"


def rows_of(lake, table, ds):
    return pd.read_parquet(lake.partition(table, ds))


def publish(lake, table, ds, rows):
    file = lake.staging("test") / f"{table}.parquet"
    pq.write_table(rows, file)
    lake.publish(table, ds, {file.name: file})


def change(person_id, former):
    return {
        "identifier": f"account:{'0' * 32}",
        "former_person_id": former,
        "person_id": person_id,
        "change": "merged",
        "reason": "login",
    }


@pytest.fixture
def lake(night, tmp_path, monkeypatch):
    """The served town a day later: merged and split people, one gone, one not scored before; the others are marked."""
    shutil.copytree(night, tmp_path / "home", symlinks=True)
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    lake = Lake(tmp_path / "home" / "lake")
    for table in TABLES:
        folder = lake.partition(table, DS)
        rows = pq.ParquetFile(next(folder.glob("*.parquet"))).read()
        before = rows.to_pandas()
        before = before[before["person_id"] != person(8)]
        before["person_id"] = before["person_id"].where(before["person_id"] != person(9), GONE)
        if table == "scores":
            before["score"] += 100
        publish(lake, table, SINCE, pa.Table.from_pandas(before, schema=rows.schema, preserve_index=False))
    changes = {SINCE: [change(person(5), person(4))], DS: [change(person(3), GONE), change(person(11), person(10))]}
    for ds, rows in changes.items():
        publish(lake, IDENTITY_CHANGES.name, ds, pa.Table.from_pylist(rows, schema=arrow_schema(IDENTITY_CHANGES)))
    return lake


def test_those_who_changed_are_as_in_a_full_run_and_all_others_as_before(lake):
    full = {table: rows_of(lake, table, DS) for table in TABLES}
    score(DS, SINCE)
    # 9 was there before under a name that is gone, so it counts as one that was not scored; 5 changed too early
    anew = {person(number) for number in (3, 8, 9, 10, 11)}
    found = rows_of(lake, "scores", DS).sort_values(["person_id", "rank"], ignore_index=True)
    expected = full["scores"].sort_values(["person_id", "rank"], ignore_index=True)
    assert GONE not in set(found["person_id"])
    expected.loc[~expected["person_id"].isin(anew), "score"] += 100
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    for table in ("responses", "predictions"):
        found = rows_of(lake, table, DS).sort_values("person_id", ignore_index=True)
        pd.testing.assert_frame_equal(found, full[table].sort_values("person_id", ignore_index=True), rtol=1e-4)


@pytest.mark.usefixtures("lake")
def test_a_day_that_was_not_scored_cannot_be_gone_on_from():
    with pytest.raises(LakeError, match=r"serving.score --ds 2026-11-01"):
        score(DS, "2026-11-01")
