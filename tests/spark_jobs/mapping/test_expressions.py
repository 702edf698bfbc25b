"""What a raw row gives to a table, of a mapping whose names and words are hostile to Spark's parser."""

from __future__ import annotations

import pytest

from contracts.schema import Column, Table
from spark_jobs.mapping.expressions import _steps_of_let, records_of, values_given, with_let, with_records
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.spec import Spec, Writing
from spark_jobs.pseudonyms import Functions

SOURCE = 'it\'s a "source" \\ ${env:HOME}'
ITEMS = Table(
    "items",
    grain="one item",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item", required=True, holds="identifier"),
        Column("source", "string", "the mapping"),
        Column("title", "string", "what it is called", text="title", most=5),
        Column("price", "double", "euros", least=0),
    ),
)


def spec_with(**writing: object) -> Spec:
    return Spec(
        source=SOURCE,
        about="",
        read=Reading(format="delimited", files="*"),
        writings=(Writing(ITEMS, **writing),),
        key="raw_text",
        let={},
        drop={},
        quarantine={},
    )


FUNCTIONS = Functions(keys=())


def given_by(spark, spec: Spec, rows: str, *, erasing: bool = False) -> list:
    """The records that the mapping's one writing gives for each row of the SQL `rows`, without the names of notes."""
    [records] = records_of(spec, FUNCTIONS, erasing=erasing)
    found = []
    for row in with_records(spark.sql(rows), [records]).select(records.name).collect():
        records_of_row = row[0] if records.several else row[0] and [row[0]]
        found.append(
            records_of_row and [one.asDict() | {"notes": [*records.notes.noted(one.notes)]} for one in records_of_row]
        )
    return found


def test_a_row_is_typed_masked_cut_and_has_its_source(spark):
    spec = spec_with(columns={"item_id": "id", "title": "title", "price": "price"}, where="id != 'none'")
    rows = """
        select stack(4,
            'i-1', 'a@b.org', '2.5', null,
            'i-2', 'sixsix', 'dear', null,
            'none', 'x', '1', null,
            'i-3', 'x', '1', 'dropped') as (id, title, price, verdict)
    """
    good = {"source": SOURCE, "dropped": None, "broken": None}
    assert given_by(spark, spec, rows) == [
        [good | {"item_id": "i-1", "title": "[emai", "price": 2.5, "notes": ["shortened"]}],
        [good | {"item_id": "i-2", "title": "sixsi", "price": None, "notes": ["shortened", "uncast: items.price"]}],
        None,
        None,
    ]


@pytest.mark.parametrize("where", ["each.id != 'none'", "wanted"], ids=["of each", "of the row"])
def test_each_element_gives_a_record_but_none_of_an_erased_person(spark, where):
    spec = spec_with(columns={"item_id": "each.id"}, for_each="things", where=where)
    rows = """
        select {things} as things, cast(null as string) as verdict, array('b') as raw_erased_identifiers,
            {wanted} as wanted
    """
    things = "array(struct('a' as id), struct('none' as id), struct('b' as id))"
    ids = ["a", "b"] if "each" in where else ["a", "none", "b"]
    for erasing, dropped in ((False, None), (True, "erased")):
        [records_of_row] = given_by(spark, spec, rows.format(things=things, wanted="true"), erasing=erasing)
        assert [(one["item_id"], one["dropped"]) for one in records_of_row] == [
            (one, dropped if one == "b" else None) for one in ids
        ]
    [writing] = spec.writings
    values = spark.sql(rows.format(things=things, wanted="true")).select(values_given(writing, "item_id").alias("ids"))
    assert values.first().ids == [one if one in ids else None for one in ("a", "none", "b")]
    if where == "wanted":
        assert given_by(spark, spec, rows.format(things=things, wanted="false")) == [[]]
    assert given_by(spark, spec, rows.format(things="cast(null as array<struct<id:string>>)", wanted="true")) == [None]


def test_the_first_column_that_the_contract_does_not_allow_is_named(spark):
    """What a column may hold is tested with `contracts/bounds.py`; here, that a record is asked for it."""
    spec = spec_with(columns={"item_id": "id", "title": "title", "price": "price"})
    rows = """
        select stack(3,
            'i-1', 'x', 'NaN',
            cast(null as string), 'x', '-1',
            'i-2', 'x', '1') as (id, title, price), cast(null as string) as verdict, date'2026-11-19' as raw_ds
    """
    broken = [one["broken"] for [one] in given_by(spark, spec, rows)]
    assert broken == ["contract: items.price", "contract: items.item_id", None]


def test_names_under_let_are_added_with_all_that_use_none_of_each_other(spark):
    let = {"Account": "upper(a)", "first": "b", "both": "account || first", "alone": "'both'"}
    spec = Spec("x", "", Reading("csv", "*"), (), "raw_text", let, {}, {})
    plan = with_let(spark.sql("select 'a' as a, 'b' as b"), spec)
    assert plan.first().asDict() == {"a": "a", "b": "b", "Account": "A", "first": "b", "both": "Ab", "alone": "both"}
    assert [sorted(step) for step in _steps_of_let(let)] == [["Account", "first"], ["both"], ["alone"]]
