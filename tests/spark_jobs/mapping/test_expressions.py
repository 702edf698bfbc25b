"""What a raw row gives to a table, of a mapping whose names and words are hostile to Spark's parser."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from contracts.schema import Column, Table
from spark_jobs.mapping.expressions import breaks_contract, rows_given, values_given
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.spec import Spec, Writing

SOURCE = 'it\'s a "source" \\ ${env:HOME}'
ITEMS = Table(
    "items",
    grain="one item",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item", required=True, holds="identifier"),
        Column("source", "string", "the mapping"),
        Column("title", "string", "what it is called", text="title", most=5),
        Column("price", "double", "euros"),
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


def given_by(spark, spec: Spec, rows: str, *, erasing: bool = False) -> list:
    """The rows that the mapping's one writing gives for each row of the SQL `rows`."""
    [writing] = spec.writings
    given = spark.sql(rows).select(rows_given(writing, spec, erasing=erasing).alias("given")).collect()
    return [row.given and [item.asDict() for item in row.given] for row in given]


def test_a_row_is_typed_masked_cut_and_has_its_source(spark):
    spec = spec_with(columns={"item_id": "id", "title": "title", "price": "price"}, where="id != 'none'")
    rows = """
        select stack(4,
            'i-1', 'a@b.org', '2.5', null,
            'i-2', 'sixsix', 'dear', null,
            'none', 'x', '1', null,
            'i-3', 'x', '1', 'dropped') as (id, title, price, verdict)
    """
    assert given_by(spark, spec, rows) == [
        [{"item_id": "i-1", "source": SOURCE, "title": "[emai", "price": 2.5, "shortened": True}],
        [{"item_id": "i-2", "source": SOURCE, "title": "sixsi", "price": None, "shortened": True}],
        [],
        None,
    ]


def test_each_element_gives_a_row_but_not_to_an_erased_person(spark):
    spec = spec_with(columns={"item_id": "each.id"}, for_each="things", where="each.id != 'none'")
    rows = """
        select array(struct('a' as id), struct('none' as id), struct('b' as id)) as things,
            cast(null as string) as verdict, array('b') as raw_erased_identifiers
    """
    for erasing, ids in ((False, ["a", "b"]), (True, ["a"])):
        [given] = given_by(spark, spec, rows, erasing=erasing)
        assert [row["item_id"] for row in given] == ids
    [writing] = spec.writings
    values = spark.sql(rows).select(values_given(writing, "item_id").alias("ids")).first()
    assert values.ids == ["a", None, "b"]


@pytest.mark.parametrize(
    ("column", "fits", "does_not"),
    [
        (Column("name", "string", "", one_of=("it's", "a\\b")), ["it's", "a\\b"], ["its", "ab", "it\\'s"]),
        (Column("name", "string", "", pattern=r"^it's \d+ \$\{x\}$"), ["it's 12 ${x}"], ["it's dd ${x}", "it's 12 $"]),
        (Column("name", "string", "", required=True), ["", "null"], [None]),
    ],
    ids=["one of", "pattern", "required"],
)
def test_a_value_that_the_contract_does_not_allow_is_seen(spark, column, fits, does_not):
    for values, broken in ((fits, False), (does_not, True)):
        for value in values:
            given = F.array(F.struct(F.lit(value).cast("string").alias("name")))
            rows = spark.range(1).select(given.alias("given")).select(breaks_contract("given", column))
            assert rows.first()[0] is broken, value


def test_a_column_that_may_hold_anything_has_no_condition():
    assert breaks_contract("given", Column("name", "string", "")) is None
