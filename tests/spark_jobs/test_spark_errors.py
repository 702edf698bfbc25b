"""What a failing job says: Spark's own words quote values of rows, and none of them may leave the process."""

from __future__ import annotations

import gzip
import traceback

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.sql import functions as F

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
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
        ("from_json(name, 'a int', map('mode', 'FAILFAST'))", "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]"),
        ("from_csv(repeat(concat(name, ' '), 30000), 'a string', map('sep', ' '))", "[MALFORMED_CSV_RECORD]"),
    ],
    ids=["of a value", "of an argument", "of Java", "of a parser's limit"],
)
def test_an_error_of_spark_says_its_condition_and_quotes_no_row(spark, expression, condition):
    quoting = failure(spark, expression)
    assert NAME in str(quoting), "else there is nothing to leave out"
    assert condition_of(quoting) == condition
    with pytest.raises(SparkJobError) as error, without_values():
        raise quoting
    assert condition in str(error.value)
    assert NAME not in "".join(traceback.format_exception(error.value))
    assert error.value.origin is quoting, "for the trace"


def test_other_errors_pass_as_they_are():
    with pytest.raises(ZeroDivisionError), without_values():
        raise ZeroDivisionError


def test_every_class_of_errors_ends_in_its_sentence_and_its_status(spark, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    padded, no_parquet = tmp_path / "padded.gz", tmp_path / "not.parquet"
    padded.write_bytes(gzip.compress(VALUE.encode()) + b"\0" * 512)
    no_parquet.write_bytes(VALUE.encode() * 10)
    rows = spark.range(2).select(F.concat(F.lit(VALUE), F.col("id").cast("string")).alias("name"))
    java = spark.sparkContext._jvm

    def has_ended() -> None:
        raise Py4JNetworkError(f"Answer from Java side is empty: {VALUE}")

    weekday = "try_to_timestamp(name, 'EEE MMM dd HH:mm:ss Z yyyy')"
    classes = {
        "a pattern": (lambda: rows.selectExpr(weekday).collect(), 2, "substring(x, 5), 'MMM dd HH:mm:ss Z yyyy'"),
        "an unknown letter": (lambda: rows.selectExpr("to_timestamp(name, 'bbb')").collect(), 2, "'bbb'"),
        "a value": (lambda: rows.selectExpr("cast(name as int)").collect(), 1, "[CAST_INVALID_INPUT]"),
        "a regular expression": (
            lambda: rows.selectExpr("name rlike '('").collect(),
            1,
            "[INVALID_PARAMETER_VALUE.PATTERN]",
        ),
        "a column": (lambda: rows.selectExpr(f"`{VALUE}`").collect(), 2, "[UNRESOLVED_COLUMN"),
        "a syntax": (lambda: rows.selectExpr(f"{VALUE} +").collect(), 2, "[PARSE_SYNTAX_ERROR]"),
        "a padded file": (lambda: spark.read.text(str(padded)).collect(), 2, str(padded)),
        "another format": (lambda: spark.read.schema("a int").parquet(str(no_parquet)).collect(), 2, str(no_parquet)),
        "no memory": (lambda: java.java.nio.ByteBuffer.allocate(2**31 - 1), 2, "NIGHTSHIFT_SPARK_DRIVER_MEMORY"),
        "no room": (lambda: java.java.io.FileOutputStream("/dev/full").write(1), 75, "a full disk"),
        "no Java": (has_ended, 75, "NIGHTSHIFT_SPARK_DRIVER_MEMORY"),
    }
    home = Settings.from_env().home
    for name, (fails, status, said) in classes.items():
        with pytest.raises(SystemExit) as end:
            exit_with_sentence(without_values()(fails))
        shown = "".join(capfd.readouterr())
        assert (name, end.value.code) == (name, status)
        assert shown.startswith("nightshift: error: "), name
        assert shown.count("\n") == 1, name
        assert said in shown, name
        assert NAME not in shown, name
    assert len(list(home.traces.iterdir())) == len(classes)
    assert sum(NAME in trace.read_text() for trace in home.traces.iterdir()) >= 4, "all that Spark said"
