"""Literals of Spark SQL: each value comes back from Spark as it was, however hostile; and nothing is read into it."""

from __future__ import annotations

import math
import re

import pytest
from pyspark.sql import functions as F

from spark_jobs.literals import sql_list, sql_literal

HOSTILE = [
    "",
    " ",
    "it's",
    "''",
    'say "hello"',
    "back\\slash",
    "\\",
    "\\'",
    "\\\\n",
    "\\u0041",
    "new\nline\r\nand\ttab",
    "\x00\x1a\u2028",
    "${env:HOME}",
    "${spark.app.name} $1 $",
    "%_",
    "'; drop table events; --",
    "/* no comment */ -- neither",
    "`name`",
    "Zoë 名前 🎉",
    "pseudonym('account', user)",
]


def test_hostile_texts_come_back_as_they_were(spark):
    columns = [F.expr(sql_literal(text)) for text in HOSTILE]
    assert list(spark.range(1).select(*columns).first()) == HOSTILE


def test_a_whole_statement_reads_them_alike(spark):
    row = spark.sql(f"select {', '.join(map(sql_literal, HOSTILE))}").first()
    assert list(row) == HOSTILE


def test_an_array_of_them_is_one_literal(spark):
    [values] = spark.range(1).select(F.expr(sql_literal([*HOSTILE, None]))).first()
    assert values == [*HOSTILE, None]


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (0, "bigint"),
        (-3, "bigint"),
        (2**63 - 1, "bigint"),
        (True, "boolean"),
        (False, "boolean"),
        (0.1, "double"),
        (-2.5e300, "double"),
        (math.inf, "double"),
        (b"\x00'\xff", "binary"),
        ([1, 2], "array<bigint>"),
    ],
    ids=str,
)
def test_other_values_keep_their_type(spark, value, type_name):
    rows = spark.range(1).select(F.expr(sql_literal(value)).alias("value"))
    assert rows.dtypes == [("value", type_name)]
    assert rows.first().value == value


def test_what_is_no_number_and_what_is_nothing(spark):
    not_a_number, nothing = spark.range(1).select(*(F.expr(sql_literal(value)) for value in (math.nan, None))).first()
    assert math.isnan(not_a_number)
    assert nothing is None


def test_a_pattern_means_to_spark_what_it_means_to_python(spark):
    pattern = r"^it's \d+\.\d{2} \$ \\ \"x\"$"
    texts = ['it\'s 12.50 $ \\ "x"', 'it\'s 12x50 $ \\ "x"', "its 12.50"]
    matches = f"transform({sql_literal(texts)}, text -> text rlike {sql_literal(pattern)})"
    [found] = spark.range(1).select(F.expr(matches)).first()
    assert found == [bool(re.search(pattern, text)) for text in texts] == [True, False, False]


def test_a_list_holds_its_values_and_an_empty_one_holds_none(spark):
    holds = [F.expr(f"coalesce({sql_literal(text)} in {sql_list(HOSTILE)}, false)") for text in (*HOSTILE, "other")]
    assert list(spark.range(1).select(*holds).first()) == [True] * len(HOSTILE) + [False]
    [in_none] = spark.range(1).select(F.expr(f"coalesce('a' in {sql_list([])}, false)")).first()
    assert in_none is False


def test_a_value_that_has_no_literal_is_an_error():
    with pytest.raises(TypeError, match="received one of type dict"):
        sql_literal({"a": 1})
