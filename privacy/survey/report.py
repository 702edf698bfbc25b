"""The report of a survey: counts with noise, released once and charged to the budget, as JSON and as a page."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contracts.atomic_files import write_json
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.pages import html_page, html_section
from contracts.privacy_ledger import LedgerFile
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.mapped import ANSWERS
from lake_tables.arrow import read_table
from lake_tables.consent import latest_consents
from lake_tables.within_contract import read_within_contract
from privacy.survey.answers import counted, read_questions, suppressed
from privacy.survey.noise import noisy, spend

COLUMNS = ["answer_id", "identifier", "survey", "question", "answer", "occurred_at"]


def survey_report(settings: Settings, ds: str, epsilon: float) -> Path:
    """Release the report of one day; returns its page.

    Raises:
        LakeError: persons or marts of that day are missing, or the budget does not allow it.
        ModelError: OpenDP is not installed.
        BusyError: another report is being made.
    """
    lake, page = Lake(settings.home.lake), settings.home.reports / f"survey-{ds}.html"
    file = page.with_suffix(".json")
    with lake.lock("survey-report"):
        if not file.is_file():
            report = _released(settings, lake, ds, epsilon)
            write_json(file, report)
        else:
            report = json.loads(file.read_text())
            say(f"survey report: {file.name} is there already, with epsilon {report['epsilon']:g}; nothing was spent")
        page.write_text(report_page(report))
    say(f"survey report: {len(report['questions'])} questions, {report['suppressed_cells']} cells suppressed; {page}")
    return page


def read_answers(lake: Lake, ds: str) -> pd.DataFrame:
    """Answers known on a day of people who agreed to profiling, with their person_id.

    Raises:
        LakeError: persons or marts of that day are missing.
    """
    persons = read_table(lake.require("persons", ds, made_by=f"main.py resolve --ds {ds}"), ["identifier", "person_id"])
    consents = latest_consents(lake, ds)
    agreed = consents.loc[consents["consent_profiling"], "person_id"]
    days = lake.days(ANSWERS.name, until=ds)
    if not days:
        raise LakeError(
            expected=f"answers until {ds}", received="none", remedy="map a survey first, or choose a later day"
        )
    answers = read_within_contract(lake, ANSWERS, days, COLUMNS).to_pandas()
    answers = answers.merge(persons.to_pandas(), on="identifier")
    return answers[answers["person_id"].isin(agreed)]


def report_page(report: dict[str, Any]) -> str:
    """The report as a page."""
    parts = [
        f"<h1>Survey, {report['ds']}</h1><p class=note>Counts with noise: whether any one person answered, or what, "
        f"changes the chance of any of these numbers by at most a factor of e<sup>{report['epsilon']:g}</sup>. "
        f"People who agreed to profiling. {report['suppressed_cells']} cells of fewer than {report['smallest_group']} "
        "people are not shown.</p>"
    ]
    for one in report["questions"]:
        parts.append(html_section(one["title"], _bars(one["counts"])))
        bound = f", of at most {one['at_most']} answers a person" if one["at_most"] > 1 else ""
        parts.append(
            f"<p class=note>{html.escape(one['survey'])}, {html.escape(one['question'])}{bound}. 19 of 20 counts are "
            f"within {one['within']} people of the true ones; cells not shown: {one['suppressed_cells']}.</p>"
        )
    return html_page(f"Survey {report['ds']}", *parts)


def _released(settings: Settings, lake: Lake, ds: str, epsilon: float) -> dict[str, Any]:
    answers, questions, random = read_answers(lake, ds), read_questions(), np.random.default_rng()
    ledger = LedgerFile(settings.home.privacy_ledger)
    counts = [counted(question, answers, random) for question in questions]
    share = epsilon / len(questions)
    noisy([0], most_cells=1, epsilon=share)  # nothing is spent where OpenDP is missing
    spent = spend(ledger, epsilon=epsilon, budget=settings.privacy_budget, ds=ds, report=f"survey-{ds}")
    released_questions = []
    for question, of_question in zip(questions, counts, strict=True):
        released, scale = noisy(of_question, most_cells=question.at_most, epsilon=share)
        cells = dict(zip(question.cells, released, strict=True))
        shown, hidden = suppressed(cells, settings.smallest_group)
        released_questions.append(
            {
                "survey": question.survey,
                "question": question.name,
                "title": question.title,
                "at_most": question.at_most,
                "epsilon": share,
                "scale": scale,
                "within": round(scale * float(np.log(20))),
                "counts": shown,
                "suppressed_cells": hidden,
            }
        )
    return {
        "ds": ds,
        "epsilon": epsilon,
        "spent_of_answers": spent,
        "budget": settings.privacy_budget,
        "smallest_group": settings.smallest_group,
        "suppressed_cells": sum(one["suppressed_cells"] for one in released_questions),
        "questions": released_questions,
    }


def _bars(counts: dict[str, int]) -> str:
    """Horizontal bars as a picture in the page."""
    most = max(counts.values(), default=1)
    lines = []
    for place, (cell, count) in enumerate(counts.items()):
        y = 24 * place
        lines.append(
            f'<text x="150" y="{y + 16}" text-anchor="end">{html.escape(cell)}</text>'
            f'<rect x="160" y="{y + 3}" width="{400 * count / most:.0f}" height="18" fill="#4a7ab5"/>'
            f'<text x="{168 + 400 * count / most:.0f}" y="{y + 16}">{count:,}</text>'
        )
    height = 24 * max(len(counts), 1)
    return f'<svg viewBox="0 0 640 {height}" role="img" aria-label="people by answer">{"".join(lines)}</svg>'
