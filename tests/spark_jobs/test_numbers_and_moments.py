"""Numbers and points in time from texts; the values were written by hand, and each table is one query of Spark."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from contracts.errors import MappingError
from spark_jobs.pseudonyms import Functions

COMMA = {
    "19,90": 19.9,
    "1.234,50": 1234.5,
    "1.234": 1234.0,
    "1.234.567,8": 1234567.8,
    "€19,90": 19.9,
    "19,90 €": 19.9,
    "EUR 1.234,50": 1234.5,
    "-€5": -5.0,
    "\u22125,5": -5.5,
    "1\u00a0234,50": 1234.5,
    "1 234 567": 1234567.0,
    "\u00a012\t": 12.0,
    "5": 5.0,
    "1e5": 100000.0,
    "1,5e-2": 0.015,
    ",5": 0.5,
    # grouped by other than three digits, or with a first group of 0, or by two signs
    "19.90": None,
    "1.23": None,
    "0.123": None,
    "12.34,5": None,
    "1.234 567": None,
    "1.234.56": None,
    "1,234.50": None,
    "1,2,3": None,
    "NaN": None,
    "Infinity": None,
    "1e400": None,
    "5d": None,
    "0x10": None,
    "five": None,
    "5 apples": None,
    "1-2": None,
    "-": None,
    ",": None,
    "": None,
    "9" * 400: None,
}
POINT = {
    "19.90": 19.9,
    "€19.90": 19.9,
    "$ 1,234.50": 1234.5,
    "1,234,567": 1234567.0,
    "1'234.50": 1234.5,
    "1\u2019234.50": 1234.5,
    "-5": -5.0,
    "+5.": 5.0,
    ".5": 0.5,
    "1e5": 100000.0,
    "1.234": 1.234,
    "19,90": None,
    "1.234,50": None,
    "0,123": None,
    "1.2.3": None,
    "12\n34": None,
}
SURVEY = "moment(text, 'iso', 'M/d/yyyy H:mm', 'dd.MM.yyyy[ HH:mm]', 'excel')"
MOMENTS = {
    "2026-11-19T08:30:00Z": datetime(2026, 11, 19, 8, 30),
    "2026-11-19T08:30:00.250+01:00": datetime(2026, 11, 19, 7, 30, 0, 250_000),
    "2026-11-19 08:30": datetime(2026, 11, 19, 8, 30),
    "2026-11-19T08:30:00,5-0230": datetime(2026, 11, 19, 11, 0, 0, 500_000),
    "2026-11-19": datetime(2026, 11, 19),
    "2/5/2018 4:01": datetime(2018, 2, 5, 4, 1),
    "\u00a012/31/2018 23:59 ": datetime(2018, 12, 31, 23, 59),
    "05.02.2018": datetime(2018, 2, 5),
    "05.02.2018 04:01": datetime(2018, 2, 5, 4, 1),
    "43136": datetime(2018, 2, 5),
    "43136.16736": datetime(2018, 2, 5, 4, 1),
    "43136,5": datetime(2018, 2, 5, 12),
    "10000": datetime(1927, 5, 18),
    "2958465,75": datetime(9999, 12, 31, 18),
    # a time alone would take its day from the machine's clock
    "08:30": None,
    "T08:30:00": None,
    "2026": None,
    "2026-11": None,
    "2026-02-30": None,
    "30.02.2018": None,
    "13/1/2018 4:01": None,
    "2/5/2018 4:01 and more": None,
    "20180205": None,
    "2958466": None,
    "61": None,
    "yesterday": None,
    "": None,
}


def values_of(spark, expression: str, texts) -> dict:
    rows = spark.createDataFrame([(text,) for text in [*texts, None]], "text string")
    found = rows.selectExpr("text", f"{Functions(()).expanded(expression)} as value").collect()
    return {row.text: row.value for row in found}


@pytest.mark.parametrize(("sign", "expected"), [(",", COMMA), (".", POINT)], ids=["comma", "point"])
def test_numbers_are_read_by_the_sign_that_the_mapping_states(spark, sign, expected):
    assert values_of(spark, f"number(text, '{sign}')", expected) == {**expected, None: None}


def test_moments_are_read_by_the_first_pattern_that_fits_wholly(spark):
    assert values_of(spark, SURVEY, MOMENTS) == {**MOMENTS, None: None}


def test_day_first_and_month_first_are_what_the_mapping_says(spark):
    assert values_of(spark, "moment(text, 'd/M/yyyy', 'M/d/yyyy')", ["2/5/2018", "2/25/2018"]) == {
        "2/5/2018": datetime(2018, 5, 2),
        "2/25/2018": datetime(2018, 2, 25),
        None: None,
    }


def test_a_hostile_number_takes_no_minutes(spark):
    texts = ["1 " * 100_000, "1," * 100_000, " " * 100_000 + "x", "€" * 100_000]
    assert set(values_of(spark, "number(text, '.')", texts).values()) == {None}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("number(x, ';')", "'.' or ','"),
        ("number(x, sign)", "in quotes"),
        ("number(x)", "number(text, sign)"),
        ("moment(x)", "moment(text, pattern, ...)"),
        ("moment(x, pattern)", "in quotes"),
        ("moment(x, 'EEE MMM dd HH:mm:ss Z yyyy')", "'MMM dd HH:mm:ss Z yyyy')"),
        ("try_to_timestamp(x, 'EEE MMM dd HH:mm:ss Z yyyy')", "'MMM dd HH:mm:ss Z yyyy')"),
        ("coalesce(to_date(x, 'YYYY-ww'), y)", "the week or its year"),
        ("moment(x, 'iso', 'dd.MM.yyyy {HH}')", "{ has to stand in quotes"),
        ("moment(x, 'yyyy-MM-dd\\'T')", "quotes do not close"),
        ("moment(x, 'yyyy-MM-ddTHH:mm')", "whose T is no field"),
        ("moment(x, 'yyyy-MM-dd [HH:mm')", "brackets do not close"),
        ("moment(x, 'yyyyyyy')", "length"),
        ("moment(x, '')", "no field"),
    ],
)
def test_what_spark_cannot_read_by_is_one_sentence_before_it_starts(call, words):
    with pytest.raises(MappingError, match=re.escape(words)) as error:
        Functions(()).expanded(call)
    assert "\n" not in str(error.value)


def test_patterns_that_pass_the_check_are_read_by_spark(spark):
    patterns = [
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "MMM dd HH:mm:ss Z yyyy",
        "dd/MMM/yyyy:HH:mm:ss Z",
        "d MMMM yyyy h:mm a",
        "yyMMdd HHmmss",
        "yyyy.MM.dd G HH:mm[:ss] VV",
        "yyyy-DDD",
        "dd-MM-yyyy HH:mm z",
        "yyyy-MM-dd K:mm a O",
        "yyyy-MM-dd kk:mm x",
    ]
    literals = ["'" + pattern.replace("'", r"\'") + "'" for pattern in patterns]
    expressions = [Functions(()).expanded(f"moment('no date', {pattern})") for pattern in literals]
    assert set(spark.range(1).selectExpr(*expressions).first()) == {None}
