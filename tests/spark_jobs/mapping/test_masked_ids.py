"""Ids are no free text: two items stay two, and what is masked in one is known."""

from __future__ import annotations

from contracts.tables.mapped import EVENTS, ITEMS
from spark_jobs.mapping.masked_text import cleaned, was_masked

EXPECTED = {
    "EAN 4006381333931": ("EAN 4006381333931", False),
    "EAN 4006381333948": ("EAN 4006381333948", False),
    "0815/4711 XL": ("0815/4711 XL", False),
    "4006381333931": ("4006381333931", False),
    "ISBN 978-3-16-148410-0": ("ISBN 978-3-16-148410-0", False),
    "Größe 42 (2026) 1234567": ("Größe 42 (2026) 1234567", False),
    "[phone] XL": ("[phone] XL", False),
    "call +49 170 1234567": ("call [phone]", True),
    "zoe@example.org": ("[email]", True),
    "by @zoe": ("by [handle]", True),
    "203.0.113.7": ("[address]", True),
    "https://example.org/zoe now": ("[link] now", True),
}


def test_ids_stay_apart_and_masks_in_them_are_known(spark):
    rows = spark.createDataFrame([(text,) for text in EXPECTED], "value string")
    for table in (EVENTS, ITEMS):
        [column] = [one for one in table.columns if one.name == "item_id"]
        found = rows.selectExpr("value", cleaned(column, "value"), was_masked(column, "value")).collect()
        assert {row[0]: (row[1], row[2]) for row in found} == EXPECTED


def test_words_of_people_are_masked_as_before(spark):
    [topics] = [one for one in EVENTS.columns if one.name == "topics"]
    rows = spark.sql("select array('garden', 'call 0170 1234567') as value, array('garden') as plain")
    [found] = rows.selectExpr(
        cleaned(topics, "value"), was_masked(topics, "value"), was_masked(topics, "plain")
    ).collect()
    assert tuple(found) == (["garden", "call [phone]"], True, False)
