"""Who is counted in which cells of a survey, and which cells are not shown."""

import numpy as np
import pandas as pd
import pytest

from contracts.errors import LakeError
from privacy.survey.answers import Question, counted, read_questions, suppressed

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
    values = ["17", "18", "24.9", "25", "99", "old", "nan"]
    rows = answers(*[(f"p{place}", answer, 1, f"a{place}") for place, answer in enumerate(values)])
    assert counted(AGES, rows, np.random.default_rng(0)) == [2, 2, 3]


def test_small_cells_are_counted_and_not_shown():
    assert suppressed({"a": 20, "b": 19, "c": -3}, 20) == ({"a": 20}, 2)


def test_the_cells_of_the_towns_survey():
    cells = {question.name: question.cells for question in read_questions()}
    assert cells["Q1_age"] == ("18-24", "25-34", "35-44", "45-54", "55-64", "65+", "other")
    assert cells["Q2_gender"][-2:] == ("prefer not to say", "other")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "s:\n  q: {title: T, optoins: [a]}\n",
            r"in line 2 of questions.yml \(s.q.optoins\), .*did you mean 'options'",
        ),
        ("s:\n  q:\n    title: T\n", r"options or bands in line 2 of questions.yml \(s.q\), but received neither"),
        ("s:\n  q: {options: [a], bands: [1]}\n", r"options or bands in line 2 .*received both"),
        ("s:\n  q:\n    bands: [18, many]\n", r"a whole number in line 3 .*s.q.bands.1.*received 'many'"),
        ("s:\n  q: {options: [a], at_most: 0}\n", r"a whole number of at least 1 in line 2 .*s.q.at_most"),
        ("", "YAML in questions.yml, but received nothing"),
    ],
)
def test_a_question_that_cannot_be_counted_names_its_line(tmp_path, text, sentence):
    file = tmp_path / "questions.yml"
    file.write_text(text)
    with pytest.raises(LakeError, match=sentence):
        read_questions(file)
