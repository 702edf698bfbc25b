"""The table `item_neighbours` of a night."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.served import ITEM_NEIGHBOURS
from lake_tables.arrow import arrow_schema
from serving.neighbours import publish_neighbours

DS = "2026-11-20"


def publish(lake: Lake, table: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    file = lake.staging(table) / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    lake.publish(table, DS, {file.name: file})


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Six people on two shoes, and a lamp that nobody acted on."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    lake = Lake(tmp_path / "lake")
    items = [
        ("i2", "Red shoe", "shoes", 20.0, 6),
        ("i1", "Blue shoe", "shoes", 10.0, 6),
        ("i3", "Lamp", "home", 5.0, 0),
    ]
    names = ("item_id", "title", "category", "price", "interactions")
    publish(lake, "dim_item", [{**dict(zip(names, row, strict=True)), "available": True} for row in items])
    people = [f"p{number:016x}" for number in range(6)]
    publish(lake, "training_sequences", [{"person_id": one, "item_ids": ["i1", "i2"]} for one in people])
    publish(lake, "dim_person_consent", [{"person_id": one, "consent_training": True} for one in people])
    return lake


def test_a_night_publishes_neighbours_by_its_contract_and_again_the_same(lake, tmp_path, capsys):
    publish_neighbours(DS)
    file = next(lake.partition(ITEM_NEIGHBOURS.name, DS).glob("*.parquet"))
    before, found = file.read_bytes(), pq.ParquetFile(file).read()
    assert found.schema.equals(arrow_schema(ITEM_NEIGHBOURS))
    rows = [tuple(row.values()) for row in found.to_pylist()]
    # 6 people of 6 and 6: 1 x 6 / 16
    assert [row for row in rows if row[1] == "behaviour"] == [
        ("i1", "behaviour", 1, "i2", 0.375),
        ("i2", "behaviour", 1, "i1", 0.375),
    ]
    assert [row[:4] for row in rows if row[1] == "content"] == [("i1", "content", 1, "i2"), ("i2", "content", 1, "i1")]
    assert rows == sorted(rows, key=lambda row: row[:3])
    assert "of 3 items 2 have neighbours by behaviour, of 6 people, and 2 by content" in capsys.readouterr().out
    report = json.loads((tmp_path / "reports" / DS / "neighbours.json").read_text())
    assert report["item_neighbours"] == {"items": 3, "with_behaviour": 2, "with_content": 2}
    publish_neighbours(DS)
    assert next(lake.partition(ITEM_NEIGHBOURS.name, DS).glob("*.parquet")).read_bytes() == before


def test_no_neighbour_is_sold_out_or_excluded(lake, tmp_path, monkeypatch):
    names = ("item_id", "title", "category", "price", "interactions", "available", "in_stock")
    rows = [(f"i{number}", f"Shoe {number}", "shoes", 20.0, 6, True, number != 2) for number in range(1, 5)]
    publish(lake, "dim_item", [dict(zip(names, row, strict=True)) for row in rows])
    (tmp_path / "rules.yml").write_text("excluded: {items: [i3]}")
    monkeypatch.setenv("NIGHTSHIFT_RULES", str(tmp_path / "rules.yml"))
    publish_neighbours(DS)
    found = pq.ParquetFile(next(lake.partition(ITEM_NEIGHBOURS.name, DS).glob("*.parquet"))).read()
    assert set(found["neighbour_id"].to_pylist()) == {"i1", "i4"}
    assert set(found["item_id"].to_pylist()) == {"i1", "i2", "i3", "i4"}


def test_who_did_not_agree_to_training_stops_it(lake):
    publish(lake, "dim_person_consent", [{"person_id": f"p{0:016x}", "consent_training": True}])
    with pytest.raises(LakeError, match=r"only people with consent_training .* but received 5 people without it"):
        publish_neighbours(DS)
    assert not lake.files(ITEM_NEIGHBOURS.name, DS)


def test_a_day_without_marts_is_a_sentence(lake):  # noqa: ARG001  the home that the settings name
    with pytest.raises(LakeError, match=r"run `python -m dbt_project\.build --ds 2026-11-21` first"):
        publish_neighbours("2026-11-21")
