"""What a failing job says: Spark's own words quote values of rows, and none of them may leave the process."""

from __future__ import annotations

import traceback

import pytest
from pyspark.sql import functions as F

from spark_jobs.spark_errors import SparkJobError, condition_of, without_values

VALUE = "anna@example.org%zz"
NAME = "anna"
"""Of the value, what each error quotes."""


def failure(spark, expression: str) -> Exception:
    rows = spark.range(2).select(F.concat(F.lit(VALUE), F.col("id").cast("string")).alias("name"))
    with pytest.raises(Exception, match=r"(?s).") as error:
        rows.select(F.expr(expression)).collect()
    return error.value


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("cast(name as int)", "[CAST_INVALID_INPUT]"),
        ("url_decode(name)", "[CANNOT_DECODE_URL]"),
        ("from_json(name, 'a int', map('mode', 'FAILFAST'))", "org.apache.spark.SparkException"),
    ],
    ids=["of a value", "of an argument", "of Java"],
)
def test_an_error_of_spark_says_its_condition_and_quotes_no_row(spark, expression, condition):
    quoting = failure(spark, expression)
    assert NAME in str(quoting), "else there is nothing to leave out"
    assert condition_of(quoting) == condition
    with pytest.raises(SparkJobError) as error, without_values():
        raise quoting
    assert condition in str(error.value)
    assert NAME not in "".join(traceback.format_exception(error.value))


def test_other_errors_pass_as_they_are():
    with pytest.raises(ZeroDivisionError), without_values():
        raise ZeroDivisionError
