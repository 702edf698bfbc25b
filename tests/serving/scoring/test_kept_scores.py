"""People who keep what was published for an earlier day: these rows as they were, all others as a full run has them."""

import json
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


@pytest.fixture
def report_of(tmp_path):
    return lambda step: json.loads((tmp_path / "home" / "reports" / DS / f"{step}.json").read_text())


def published_before(lake, *, inputs=None, ended=(), drop_inputs=False):
    """Tonight's tables as those of the day before, their scores marked; a few as if they had followed from others."""
    full = {table: rows_of(lake, table, DS) for table in TABLES}
    for table in ("scores", "predictions", "dim_item"):
        rows = pq.ParquetFile(next(lake.partition(table, DS).glob("*.parquet"))).read()
        before = rows.to_pandas()
        if table == "scores":
            before["score"] += 100
        if table == "predictions":
            before.loc[before["person_id"].isin(inputs or ()), "inputs"] = "others"
        found = pa.Table.from_pandas(before, schema=rows.schema, preserve_index=False)
        if table == "dim_item":
            found = with_availability(found, ended)
        publish(lake, table, SINCE, found.drop_columns(["inputs"]) if drop_inputs and table == "predictions" else found)
    return full


def with_availability(items, ended):
    available = [item not in ended for item in items["item_id"].to_pylist()]
    return items.drop_columns(["available"] if "available" in items.column_names else []).append_column(
        "available", pa.array(available)
    )


def kept(lake):
    """People whose rows of tonight are marked, and whether nobody has both kinds of rows."""
    marked = rows_of(lake, "scores", DS).groupby("person_id")["score"].agg(lambda scores: (scores > 50).mean())
    assert set(marked) <= {0.0, 1.0}
    return set(marked[marked == 1].index)


def test_who_has_new_inputs_or_an_ended_item_is_ranked_anew_and_nobody_else(lake):
    full = published_before(lake, inputs=[person(2), person(7)])
    score(DS)
    people = set(full["scores"]["person_id"])
    assert kept(lake) == people - {person(2), person(7)}
    found = rows_of(lake, "scores", DS)
    found["score"] -= 100 * (found["score"] > 50)
    pd.testing.assert_frame_equal(found, full["scores"], rtol=1e-4)
    pd.testing.assert_frame_equal(rows_of(lake, "predictions", DS), full["predictions"], rtol=1e-4)

    ended = full["scores"]["item_id"].iloc[0]
    items = pq.ParquetFile(next(lake.partition("dim_item", DS).glob("*.parquet"))).read()
    publish(lake, "dim_item", DS, with_availability(items, [ended]))
    score(DS)
    named = set(full["scores"].loc[full["scores"]["item_id"] == ended, "person_id"])
    assert kept(lake) == people - {person(2), person(7)} - named
    assert ended not in set(rows_of(lake, "scores", DS)["item_id"])

    score(DS, everyone=True)
    assert kept(lake) == set()


def test_where_nothing_is_known_of_the_inputs_all_are_ranked_anew(lake):
    published_before(lake, drop_inputs=True)
    score(DS)
    assert kept(lake) == set()


def stock(lake, ds, sold_out):
    """The marts of the night, of another day, with a catalogue of which some items are sold out."""
    for table in ("dim_item", "dim_person_consent", "scoring_sequences", "scoring_responses", "training_pictures"):
        if not lake.files(table, DS):
            continue
        rows = pq.ParquetFile(next(lake.partition(table, DS).glob("*.parquet"))).read()
        if table == "dim_item":
            rows = rows.drop_columns([name for name in ("in_stock",) if name in rows.column_names])
            rows = rows.append_column(
                "in_stock", pa.array([one not in sold_out for one in rows["item_id"].to_pylist()])
            )
        publish(lake, table, ds, rows)


def lists(lake):
    rows = rows_of(lake, "scores", DS).sort_values(["person_id", "rank"], ignore_index=True)
    return rows[["person_id", "rank", "item_id", "reason"]]


def test_a_change_of_stock_ranks_those_alone_whose_lists_it_changes(lake, report_of):
    """Night after night: who keeps the list of the night before has the one that a ranking of everybody would give."""
    items = sorted(rows_of(lake, "dim_item", DS)["item_id"])
    stock(lake, SINCE, sold_out=items[:8])
    score(SINCE, everyone=True)
    people = set(rows_of(lake, "scores", SINCE)["person_id"])
    before = rows_of(lake, "predictions", SINCE).set_index("person_id")["passed_over"]
    lists_before = rows_of(lake, "scores", SINCE)
    gone, back = items[9], items[3]
    stock(lake, DS, sold_out=[*items[:3], *items[4:8], gone])
    score(DS)
    changes = {person for person in people if back in before[person]}
    changes |= set(lists_before.loc[lists_before["item_id"] == gone, "person_id"])
    assert report_of("score")["scored_anew"] == len(changes)
    assert 0 < len(changes) < len(people)
    found = lists(lake)
    assert not set(found["item_id"]) & {*items[:3], *items[4:8], gone}
    assert back in set(found["item_id"])
    score(DS, everyone=True)
    pd.testing.assert_frame_equal(found, lists(lake))


def test_lists_that_were_ordered_among_an_item_that_ended_are_ranked_anew(lake, tmp_path, monkeypatch, report_of):
    """With diversity the order depends on all items of the pool, also on those that are in no list."""
    rules = tmp_path / "rules.yml"
    rules.write_text("diversity: {weight: 0.4}\n")
    monkeypatch.setenv("NIGHTSHIFT_RULES", str(rules))
    items = sorted(rows_of(lake, "dim_item", DS)["item_id"])
    stock(lake, SINCE, sold_out=items[:2])
    score(SINCE, everyone=True)
    before = rows_of(lake, "predictions", SINCE).set_index("person_id")["passed_over"]
    stock(lake, DS, sold_out=[*items[:2], items[9]])
    score(DS)
    depend = {person for person, some in before.items() if items[9] in some}  # others have acted on it
    assert 0 < report_of("score")["scored_anew"] == len(depend) < len(before)
    found = lists(lake)
    score(DS, everyone=True)
    pd.testing.assert_frame_equal(found, lists(lake))


def test_other_rules_rank_everybody_anew(lake, tmp_path, monkeypatch):
    full = published_before(lake)
    rules = tmp_path / "rules.yml"
    rules.write_text("excluded: {items: [i00]}")
    monkeypatch.setenv("NIGHTSHIFT_RULES", str(rules))
    score(DS)
    assert kept(lake) == set()
    assert "i00" in set(full["scores"]["item_id"])
    assert "i00" not in set(rows_of(lake, "scores", DS)["item_id"])


@pytest.mark.usefixtures("lake")
def test_a_day_that_was_not_scored_cannot_be_gone_on_from():
    with pytest.raises(LakeError, match=r"serving.score --ds 2026-11-01"):
        score(DS, "2026-11-01")
