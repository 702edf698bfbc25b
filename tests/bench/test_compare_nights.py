import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from bench.compare_nights import AS_MANY_ROWS, SAME_BYTES, SAME_ROWS, compare_lakes, compare_reports
from contracts.lake import Lake

DS = "2026-11-19"
REPORT = {
    "ds": DS,
    "seconds": {"map": 12.5},
    "persons": 3,
    "models": {"next_item": {"decision": "promoted", "reasons": ["0.41 against 0.02"], "metrics": {"mrr": 0.41}}},
}


def publish(lake: Lake, table: str, rows: str, ds: str = DS) -> None:
    """One partition of one file with the rows of a SQL list of values."""
    staging = lake.staging("tests")
    duckdb.sql(f"select * from (values {rows}) as given(number, word)").write_parquet(str(staging / "part.parquet"))
    lake.publish(table, ds, {"part.parquet": staging / "part.parquet"})


def night(home: Path) -> Path:
    """A home as a night leaves it, as far as nights are compared."""
    for file, text in (("raw/shop/ds=2026-11-19/log.csv", "a,b\n"), ("secrets/pseudonym.key", "00" * 32)):
        (home / file).parent.mkdir(parents=True)
        (home / file).write_text(text)
    publish(Lake(home / "lake"), "events", "(1, 'a'), (2, 'b')")
    publish(Lake(home / "lake"), "events", "(3, 'c')", ds="2026-11-18")
    publish(Lake(home / "lake"), "scores", "(1, 'tent'), (2, 'lamp')")
    publish(Lake(home / "audiences"), "front_page", "(1, 'tent')")
    with duckdb.connect(home / "warehouse.duckdb") as warehouse:
        warehouse.execute("create table history_person_profile as select 1 as number, 'a' as word")
    (home / "reports").mkdir()
    (home / "reports" / f"nightly-{DS}.json").write_text(json.dumps(REPORT))
    return home


def compare(old: Path, new: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "bench.compare_nights", str(old), str(new), "--ds", DS]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, COLUMNS="140"))


@pytest.fixture
def nights(tmp_path):
    return night(tmp_path / "old"), Path(shutil.copytree(tmp_path / "old", tmp_path / "new", symlinks=True))


def test_two_nights_that_gave_the_same_are_equal(nights):
    done = compare(*nights)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the nights are equal" in done.stdout


def test_a_row_that_differs_is_found_with_its_partition(nights):
    old, new = nights
    publish(Lake(new / "lake"), "events", "(1, 'a'), (2, 'B')")
    done = compare(old, new)
    assert done.returncode == 1
    assert "events ds=2026-11-19: 1 of 2 rows only old, 1 of 2 only new" in done.stdout
    assert "events ds=2026-11-18" not in done.stdout


def test_a_profile_of_the_history_that_differs_is_found(nights):
    old, new = nights
    with duckdb.connect(new / "warehouse.duckdb") as warehouse:
        warehouse.execute("update history_person_profile set word = 'b'")
    done = compare(old, new)
    assert done.returncode == 1
    assert "history_person_profile" in done.stdout.split("different:")[1]


def test_another_key_is_said_before_anything_is_compared(nights):
    old, new = nights
    (new / "secrets" / "pseudonym.key").write_text("11" * 32)
    done = compare(old, new)
    assert done.returncode == 2
    assert "1 that differ, the first pseudonym.key" in done.stderr


@pytest.mark.parametrize(
    ("table", "rows", "equal", "how"),
    [
        ("events", "(1, 'a'), (2, 'b')", True, SAME_BYTES),
        ("events", "(2, 'b'), (1, 'a')", True, SAME_ROWS),
        ("events", "(1, 'a'), (1, 'a'), (2, 'b')", False, "0 of 2 rows only old, 1 of 3 only new"),
        ("events", "(1::bigint, 'a'), (2, 'b')", False, "other columns: number"),
        ("scores", "(1, 'tent'), (3, 'boat')", True, AS_MANY_ROWS),
        ("scores", "(1, 'tent')", False, "1 of 2 rows only old, 0 of 1 only new"),
    ],
)
def test_how_two_partitions_compare(tmp_path, table, rows, equal, how):
    old, new = Lake(tmp_path / "old"), Lake(tmp_path / "new")
    publish(old, table, "(1, 'tent'), (2, 'lamp')" if table == "scores" else "(1, 'a'), (2, 'b')")
    publish(new, table, rows)
    (found,) = compare_lakes(old, new, of_models=frozenset({"scores"}))
    assert (found.equal, found.how) == (equal, how)


def test_a_table_and_a_day_of_one_night_alone_are_found(tmp_path):
    old, new = Lake(tmp_path / "old"), Lake(tmp_path / "new")
    publish(old, "events", "(1, 'a')")
    publish(new, "events", "(1, 'a')", ds="2026-11-18")
    publish(new, "items", "(1, 'a')")
    found = {(found.table, found.ds): found.how for found in compare_lakes(old, new, of_models=frozenset())}
    assert found == {
        ("events", "2026-11-18"): "missing in the old home",
        ("events", "2026-11-19"): "missing in the new home",
        ("items", "2026-11-19"): "missing in the old home",
    }


def changed(**change) -> dict:
    model = {**REPORT["models"]["next_item"], **change}
    return {**REPORT, "models": {"next_item": model}}


@pytest.mark.parametrize(
    ("new", "differences"),
    [
        ({**REPORT, "seconds": {"map": 99.0}}, []),
        (changed(metrics={"mrr": 0.42}, reasons=["0.42 against 0.02"]), []),
        (changed(metrics={"mrr": 0.44}), ["/models/next_item/metrics/mrr: 0.41 -> 0.44"]),
        (changed(metrics={}), ["/models/next_item/metrics/mrr: 0.41 -> missing"]),
        ({**REPORT, "persons": 4}, ["/persons: 3 -> 4"]),
        (changed(decision="refused"), ["/models/next_item/decision: promoted -> refused"]),
        ({**REPORT, "failed_people": 0}, ["/failed_people: missing -> 0"]),
    ],
)
def test_reports_are_equal_up_to_time_prose_and_noise(new, differences):
    found = compare_reports(REPORT, new, tolerance=0.02)[1]
    assert [difference for difference in found if "metrics: missing" not in difference] == differences


def test_which_run_folders_were_read_is_not_compared_and_all_else_of_the_links_is(nights):
    for home, inputs in zip(nights, ("a", "b"), strict=True):
        lake = Lake(home / "lake")
        staged = lake.staging("tests") / "part.parquet"
        duckdb.sql(f"select 1 as times, '{inputs}' as inputs").write_parquet(str(staged))
        lake.publish("identity_edges_known", DS, {"part.parquet": staged})
    assert compare(*nights).returncode == 0
    staged = Lake(nights[1] / "lake").staging("tests") / "part.parquet"
    duckdb.sql("select 2 as times, 'a' as inputs").write_parquet(str(staged))
    Lake(nights[1] / "lake").publish("identity_edges_known", DS, {"part.parquet": staged})
    assert compare(*nights).returncode == 1
