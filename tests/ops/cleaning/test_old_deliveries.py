"""Raw deliveries go after their span, but none that is still to be mapped, and no picture that a table names."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from ops.cleaning.deliveries import Deliveries
from ops.cleaning.removal import Today

NEWEST, OLD, OLDER = "2026-11-19", "2026-10-02", "2026-10-01"


@pytest.fixture
def home(tmp_path):
    """Two sources that delivered on three days, all mapped but one."""
    lake = Lake(tmp_path / "lake")
    for ds in (OLDER, OLD, NEWEST):
        for source in ("feed", "shop"):
            folder = tmp_path / "raw" / source / f"ds={ds}"
            folder.mkdir(parents=True)
            (folder / "acts.jsonl").write_text(source)
        staging = lake.staging("test")
        for name in ("feed-0.parquet",) if ds == OLDER else ("feed-0.parquet", "shop-0.parquet"):
            (staging / name).write_text("books")
        lake.publish("reconciliation", ds, {file.name: file for file in staging.iterdir()})
    return tmp_path


def removals(home, span: int | None = 30):
    today = Today(datetime.date.fromisoformat(NEWEST), datetime.datetime.now(datetime.UTC))
    return list(Deliveries(home / "raw", Lake(home / "lake"), span, today).removals())


def left(home) -> set[str]:
    return {"/".join(file.relative_to(home / "raw").parts) for file in (home / "raw").rglob("*") if file.is_file()}


def test_mapped_deliveries_go_after_their_span(home):
    for one in removals(home):
        one.remove()
    newest = {f"{source}/ds={NEWEST}/acts.jsonl" for source in ("feed", "shop")}
    assert left(home) == {*newest, f"shop/ds={OLDER}/acts.jsonl"}, "the next night maps what was not mapped"
    assert sorted(path.name for path in (home / "raw" / "feed").iterdir()) == [f"ds={NEWEST}"]
    assert removals(home) == []


@pytest.mark.parametrize("span", [None, 400])
def test_nothing_goes_within_the_span(home, span):
    assert removals(home, span) == []


def test_the_newest_delivery_of_a_source_stays(home):
    assert {(one.what, one.name) for one in removals(home, span=1)} == {("feed", OLDER), ("feed", OLD), ("shop", OLD)}


def test_pictures_and_sounds_that_a_table_names_stay_and_what_was_delivered_beside_them_goes(home):
    for name in ("shoe.png", "hat.png", "shoe.wav"):
        (home / "raw" / "shop" / f"ds={OLD}" / name).write_text(name)
    lake = Lake(home / "lake")
    for table, end in (("training_pictures", "png"), ("training_sounds", "wav")):
        file = lake.staging("test") / "part-0.parquet"
        pq.write_table(pa.table({"path": [f"shop/ds={OLD}/shoe.{end}", f"shop/ds={NEWEST}/cap.{end}"]}), file)
        lake.publish(table, NEWEST, {file.name: file})
    for one in removals(home):
        one.remove()
    assert {path for path in left(home) if f"ds={OLD}" in path} == {
        f"shop/ds={OLD}/shoe.png",
        f"shop/ds={OLD}/shoe.wav",
    }
    assert removals(home) == []


def test_a_removal_that_was_killed_is_ended_by_the_next(home):
    folder = home / "raw" / "feed" / f"ds={OLD}"
    folder.rename(folder.with_name(f".removing-ds={OLD}"))
    for one in removals(home):
        one.remove()
    assert sorted(path.name for path in (home / "raw" / "feed").iterdir()) == [f"ds={NEWEST}"]
