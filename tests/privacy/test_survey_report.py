"""Counts of answers with noise: who is counted, in how many cells, what it costs, and what is not shown."""

import json

import numpy as np
import pandas as pd
import pytest

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.privacy_ledger import LedgerFile
from privacy.survey.answers import Question, counted, read_questions, suppressed
from privacy.survey.noise import noisy, spend
from privacy.survey.report import read_answers, survey_report

DS = "2026-11-20"
COLOURS = Question("s", "q", "Colours", ("red", "green", "blue", "other"), at_most=2)
AGES = Question("s", "q", "Age", ("18-24", "25+", "other"), bands=(18, 25))


def answers(*rows):
    names = ["person_id", "answer", "occurred_at", "answer_id"]
    return pd.DataFrame(rows, columns=names).assign(survey="s", question="q")


def test_a_person_is_counted_once_however_often_they_answer():
    rows = [("p1", "red", 1, "a"), ("p1", "blue", 2, "b"), ("p2", "red", 1, "c"), ("p2", "green", 1, "d")]
    assert counted(COLOURS, answers(*rows), np.random.default_rng(0)) == [0, 1, 1, 0]


def test_a_person_is_counted_in_no_more_cells_than_the_bound():
    rows = answers(*[(f"p{number}", "red, Green,blue,pink", 1, f"a{number}") for number in range(300)])
    counts = counted(COLOURS, rows, np.random.default_rng(0))
    assert sum(counts) == 600
    assert min(counts) > 100  # which two is left to chance


def test_what_was_written_makes_no_cell():
    rows = [("p1", "=cmd()", 1, "a"), ("p2", "red,<b>,x", 1, "b")]
    assert counted(COLOURS, answers(*rows), np.random.default_rng(0)) == [1, 0, 0, 2]


def test_numbers_in_bands():
    told = ["17", "18", "24.9", "25", "99", "old", "nan"]
    rows = answers(*[(f"p{place}", answer, 1, f"a{place}") for place, answer in enumerate(told)])
    assert counted(AGES, rows, np.random.default_rng(0)) == [2, 2, 3]


def test_noise_is_as_large_as_its_epsilon_says():
    released, scale = noisy([100] * 20_000, most_cells=3, epsilon=0.5)
    assert scale == pytest.approx(6.0, rel=1e-3)  # Laplace: sensitivity / epsilon
    error = np.array(released) - 100
    assert abs(error.mean()) < 0.3
    assert np.abs(error).mean() == pytest.approx(6.0, rel=0.05)


def test_small_cells_are_counted_and_not_shown():
    assert suppressed({"a": 20, "b": 19, "c": -3}, 20) == ({"a": 20}, 2)


def test_a_budget_is_not_overspent(tmp_path):
    ledger = LedgerFile(tmp_path / "privacy_ledger.jsonl")
    ledger.write({"what": "begun", "table": "answers", "mechanism": {}})
    for expected in (1.0, 2.0):
        assert spend(ledger, epsilon=1.0, budget=2.5, ds=DS, report="r") == expected
    before = ledger.file.read_bytes()
    with pytest.raises(LakeError, match=r"2 spent, and 1 more: over by 0\.5"):
        spend(ledger, epsilon=1.0, budget=2.5, ds=DS, report="r")
    assert ledger.file.read_bytes() == before


@pytest.fixture
def home(tmp_path, monkeypatch):
    """400 people of three regions, of whom every fourth did not agree to profiling, and one who lives nowhere else."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    lake = Lake(tmp_path / "lake")

    def publish(table, rows, ds=DS):
        file = lake.staging(table) / "part-0.parquet"
        pd.DataFrame(rows).to_parquet(file, index=False)
        lake.publish(table, ds, {file.name: file})

    people = range(400)
    publish("persons", [{"identifier": f"respondent:{n}", "person_id": f"p{n}"} for n in people])
    others = dict.fromkeys(("consent_training", "consent_personalisation", "consent_marketing_contact"), True)
    consents = [{"person_id": f"p{n}", "consent_profiling": n % 4 != 3, **others} for n in people]
    publish("dim_person_consent", consents)
    told = [
        {
            "answer_id": f"a{n}",
            "identifier": f"respondent:{n}",
            "survey": "customer_survey",
            "question": "Q3_region",
            "answer": "north" if n % 2 else "west" if n != 100 else "east",
            "occurred_at": pd.Timestamp(DS),
        }
        for n in people
    ]
    publish("answers", told[:200], "2026-11-18")
    publish("answers", told[200:])
    publish("answers", [{**told[0], "answer": "later"}], "2026-11-21")
    return tmp_path


def test_from_answers_to_a_page(home):
    assert len(read_answers(Lake(home / "lake"), DS)) == 300
    page = survey_report(DS, 4.0)
    report = json.loads(page.with_suffix(".json").read_text())
    [region] = [one for one in report["questions"] if one["question"] == "Q3_region"]
    assert set(region["counts"]) == {"north", "west"}  # one person in the east is not shown, nor is nobody
    assert region["counts"]["north"] == pytest.approx(100, abs=15)  # scale 1: further with a chance of 3e-7
    assert region["counts"]["west"] == pytest.approx(199, abs=15)
    assert region["suppressed_cells"] == 4
    assert "<rect" in page.read_text()
    [line] = LedgerFile(home / "privacy_ledger.jsonl").lines()
    assert (line["table"], line["epsilon"], line["report"]) == ("answers", 4.0, f"survey-{DS}")

    before = page.read_bytes()
    assert survey_report(DS, 4.0).read_bytes() == before
    assert len(LedgerFile(home / "privacy_ledger.jsonl").lines()) == 1


def test_the_cells_of_the_towns_survey():
    cells = {question.name: question.cells for question in read_questions()}
    assert cells["Q1_age"] == ("18-24", "25-34", "35-44", "45-54", "55-64", "65+", "other")
    assert cells["Q2_gender"][-2:] == ("prefer not to say", "other")


def test_a_question_without_cells_is_refused(tmp_path):
    file = tmp_path / "questions.yml"
    file.write_text("s:\n  q: {title: T, optoins: [a]}\n")
    with pytest.raises(LakeError, match="did you mean options"):
        read_questions(file)
