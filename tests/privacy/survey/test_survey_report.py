"""From answers to a page of counts with noise: once, within the budget, without small cells."""

import json

import pandas as pd
import pytest

from contracts.lake import Lake
from contracts.privacy_ledger import LedgerFile
from contracts.settings import Settings
from privacy.survey.report import read_answers, survey_report

DS = "2026-11-20"


@pytest.fixture
def settings(tmp_path):
    """400 people of three regions, one of them alone in hers; every fourth did not agree to profiling."""
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
    given_answers = [
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
    publish("answers", given_answers[:200], "2026-11-19")
    publish("answers", given_answers[200:])
    publish("answers", [{**given_answers[0], "answer": "later"}], "2026-11-21")
    return Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})


def test_from_answers_to_a_page(settings):
    assert len(read_answers(Lake(settings.home.lake), DS)) == 300
    page = survey_report(settings, DS, 4.0)
    report = json.loads(page.with_suffix(".json").read_text())
    [region] = [one for one in report["questions"] if one["question"] == "Q3_region"]
    assert set(region["counts"]) == {"north", "west"}  # one person in the east is not shown, nor is nobody
    assert region["counts"]["north"] == pytest.approx(100, abs=15)  # scale 1: further with a chance of 3e-7
    assert region["counts"]["west"] == pytest.approx(199, abs=15)
    assert region["suppressed_cells"] == 4
    assert "<rect" in page.read_text()
    [line] = LedgerFile(settings.home.privacy_ledger).lines()
    assert (line["table"], line["epsilon"], line["report"]) == ("answers", 4.0, f"survey-{DS}")

    before = page.read_bytes()
    assert survey_report(settings, DS, 4.0).read_bytes() == before
    assert len(LedgerFile(settings.home.privacy_ledger).lines()) == 1
