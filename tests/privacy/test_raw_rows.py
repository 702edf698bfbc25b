"""Finding a person in raw rows: an expression that fails on a row quotes none of it."""

from __future__ import annotations

import traceback

import pytest

from privacy.raw_rows import raw_values, rows_of
from spark_jobs.mapping.spec import load_spec
from spark_jobs.spark_errors import SparkJobError
from tests.spark_jobs.feeds_by_hand import deliver


@pytest.mark.parametrize("search", ["every value", "one person"])
def test_an_error_of_spark_quotes_no_raw_row(spark, settings, monkeypatch, search):
    bundled = load_spec("movietweetings")
    mapping = bundled.translated(
        lambda sql: sql.replace("pseudonym('account', user)", "pseudonym('account', url_decode(user))")
    )
    assert mapping != bundled
    monkeypatch.setattr("privacy.raw_rows.load_spec", lambda _: mapping)
    deliver(settings, "movietweetings", "ratings.dat", ["anna@example.org%zz::1::8::1381006850"])
    with pytest.raises(SparkJobError, match="CANNOT_DECODE_URL") as error:
        raw_values(spark, settings) if search == "every value" else rows_of(spark, settings, ["account:" + "0" * 32])
    assert "anna" not in "".join(traceback.format_exception(error.value))
