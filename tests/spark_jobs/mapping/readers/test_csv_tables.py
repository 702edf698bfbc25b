"""Surveys as CSV with several header rows, through whole mappings."""

from __future__ import annotations

import datetime

import pytest

from contracts.errors import RawDataError
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    RESPONSE_COLUMNS,
    accounted,
    books,
    deliver,
    expected_pseudonym,
    response,
    responses,
    rows_of,
    settings_in,
)


@pytest.fixture(scope="module")
def survey(tmp_path_factory, spark):  # noqa: ARG001
    """Two deliveries of a day: the second has a new column in front, one that nobody knows."""
    settings = settings_in(tmp_path_factory.mktemp("survey"))
    first = responses(
        response("R_1", comment="Great,\nsays anna@example.org"),
        response("R_2", email="Bo@Example.org ", account="", contact="No"),
        response("R_3", email="cy@example.org", account="cy", age="212"),
        response("R_4", email="di@example.org", account="di", age="young"),
        response("R_5", email="", account=""),
        response("R_1", comment="Great,\nsays anna@example.org"),
        "2026-11-19 09:00:00,short",
        response("", email="el@example.org", account="el"),
    )
    second = responses(
        f"red,{response('R_6', email='fo@example.org', account='fo', age='')}", columns="Q0_colour," + RESPONSE_COLUMNS
    )
    deliver(settings, "qualtrics_csv", "responses.csv", first)
    deliver(settings, "qualtrics_csv", "responses-late.csv.gz", second)
    return settings, map_source(settings, "qualtrics_csv", DAY)["sources"]["qualtrics_csv"]


def test_three_header_rows_are_no_respondents_and_every_row_is_accounted_for(survey):
    settings, entry = survey
    book = books(settings, "qualtrics_csv")
    assert book == {
        "read": 15,
        "mapped": 3,
        "dropped header_row": 6,
        "dropped duplicate": 1,
        "quarantined age_out_of_range": 2,
        "quarantined contract: answers.identifier": 1,
        "quarantined malformed": 2,
        "noted unknown_field:Q0_colour": 1,
    }
    assert accounted(book) == 15
    assert entry["unmapped_fields"] == {"Q0_colour": 1}


def test_answers_keep_their_line_breaks_out_and_their_commas_in(survey):
    settings, _ = survey
    anna = expected_pseudonym(settings, "email", "anna@example.org")
    answers = {row["question"]: row["answer"] for row in rows_of(settings, "answers") if row["identifier"] == anna}
    assert answers == {
        "Q1_age": "34",
        "Q2_gender": "Female",
        "Q3_region": "North",
        "Q4_interests": "cooking,running",
        "Q5_comment": "Great, says [email]",
        "Q6_contact": "Yes",
    }


def test_a_delivery_with_another_header_is_read_by_its_own(survey):
    settings, _ = survey
    fo = expected_pseudonym(settings, "email", "fo@example.org")
    answers = {row["question"]: row["answer"] for row in rows_of(settings, "answers") if row["identifier"] == fo}
    assert answers["Q2_gender"] == "Female"
    assert "Q1_age" not in answers, "an empty answer is no answer"


def test_consent_and_edges_come_from_the_same_row(survey):
    settings, _ = survey
    consents = {row["identifier"]: row["granted"] for row in rows_of(settings, "consents")}
    assert consents == {
        expected_pseudonym(settings, "email", "anna@example.org"): True,
        expected_pseudonym(settings, "email", "bo@example.org"): False,
        expected_pseudonym(settings, "email", "fo@example.org"): True,
    }
    edges = {
        (row["left_identifier"], row["right_identifier"], row["kind"]) for row in rows_of(settings, "identity_edges")
    }
    assert edges == {
        (
            expected_pseudonym(settings, "email", f"{name}@example.org"),
            expected_pseudonym(settings, "account", account),
            "account_email",
        )
        for name, account in (("anna", "anna01"), ("fo", "fo"))
    }


def test_a_survey_without_its_key_column_is_an_error_that_shows_the_columns(settings):
    columns = RESPONSE_COLUMNS.replace("ResponseId", "Answerer")
    deliver(settings, "qualtrics_csv", "responses.csv", responses(response("R_1"), columns=columns))
    with pytest.raises(RawDataError) as error:
        map_source(settings, "qualtrics_csv", DAY)
    assert "expected a key column ('ResponseId')" in str(error.value)
    assert "received the columns StartDate, EndDate, Status" in str(error.value)
    assert "read.key_columns" in str(error.value)
    assert not (settings.home.lake / "answers").exists()


def test_any_survey_is_named_by_its_file_and_every_column_is_a_question(settings):
    lines = [
        "RespondentID,StartDate,Do you fly?,do you fly?,,weight",
        "17,5/10/18 4:01,Yes,at night,x,0.5",
        "18,,No,,,0.7",
        ",5/10/18 4:01,Yes,,,0.5",
    ]
    deliver(settings, "generic_survey_csv", "flying.v2.csv", lines)
    map_source(settings, "generic_survey_csv", DAY)
    assert books(settings, "generic_survey_csv") == {
        "read": 4,
        "mapped": 2,
        "dropped header_row": 1,
        "quarantined malformed": 1,
    }
    answers = rows_of(settings, "answers")
    assert {row["survey"] for row in answers} == {"flying"}
    first = expected_pseudonym(settings, "respondent", "flying 17")
    assert {row["question"]: row["answer"] for row in answers if row["identifier"] == first} == {
        "Do you fly?": "Yes",
        "do you fly? (4)": "at night",
        "column_5": "x",
        "weight": "0.5",
    }
    times = {row["identifier"]: row["occurred_at"] for row in answers}
    assert times[first] == datetime.datetime(2018, 5, 10, 4, 1, tzinfo=datetime.UTC)
    second = expected_pseudonym(settings, "respondent", "flying 18")
    assert times[second] == datetime.datetime(2026, 11, 19, tzinfo=datetime.UTC), "the day of delivery"
