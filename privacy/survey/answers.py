"""Answers of a survey to cells that were there before anybody answered, each person in a bounded number of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.checked_yaml import read_yaml
from contracts.errors import LakeError

QUESTIONS = Path(__file__).with_name("questions.yml")
OTHER = "other"
_KEYS = ("title", "options", "bands", "at_most")


@dataclass(frozen=True)
class Question:
    """A question that is counted."""

    survey: str
    name: str
    title: str
    cells: tuple[str, ...]
    """What an answer is counted as; the last is `other`."""
    bands: tuple[int, ...] = ()
    """Where the bands of a number begin."""
    at_most: int = 1
    """Most cells that one person is counted in."""

    def cells_of(self, answer: str) -> list[str]:
        """The cells of one answer, each once, in the order of `cells`."""
        if self.bands:
            number = pd.to_numeric(answer, errors="coerce")
            place = int(np.searchsorted(self.bands, number, side="right")) - 1 if np.isfinite(number) else -1
            return [self.cells[place]]  # below the first band as what is no number: other
        parts = [part.strip().lower() for part in (answer.split(",") if self.at_most > 1 else [answer])]
        named = {part if part in self.cells else OTHER for part in parts}
        return [cell for cell in self.cells if cell in named]


def read_questions(file: Path = QUESTIONS) -> list[Question]:
    """The questions of the file, in its order.

    Raises:
        LakeError: a question has neither options nor bands, or an unknown key; the error names its line.
    """
    questions = []
    for survey, section in read_yaml(file, LakeError).mapping().items():
        for name, value in section.mapping().items():
            fields = value.mapping(_KEYS)
            options = [option.text().lower() for option in fields["options"].items()] if "options" in fields else []
            bands = tuple(band.whole_number() for band in fields["bands"].items()) if "bands" in fields else ()
            if bool(options) == bool(bands):
                raise value.error("options or bands", "both" if bands else "neither", "write one of the two")
            questions.append(
                Question(
                    survey,
                    name,
                    fields["title"].text() if "title" in fields else name,
                    (*(options or _band_names(bands)), OTHER),
                    bands,
                    fields["at_most"].whole_number(least=1) if "at_most" in fields else 1,
                )
            )
    return questions


def counted(question: Question, answers: pd.DataFrame, random: np.random.Generator) -> list[int]:
    """People in each cell (cells,): each person's latest answer, in at most `at_most` cells, chosen by chance.

    Args:
        answers: person_id, survey, question, answer, occurred_at, answer_id.
    """
    own = answers[(answers["survey"] == question.survey) & (answers["question"] == question.name)]
    latest = own.sort_values(["occurred_at", "answer_id"]).drop_duplicates("person_id", keep="last")
    counts = dict.fromkeys(question.cells, 0)
    for answer in latest["answer"]:
        for cell in _at_most(question.cells_of(answer), question.at_most, random):
            counts[cell] += 1
    return list(counts.values())


def _at_most(cells: Sequence[str], at_most: int, random: np.random.Generator) -> Sequence[str]:
    return cells if len(cells) <= at_most else [cells[place] for place in random.permutation(len(cells))[:at_most]]


def _band_names(starts: Sequence[int]) -> list[str]:
    return [*(f"{low}-{high - 1}" for low, high in itertools.pairwise(starts)), f"{starts[-1]}+"]


def suppressed(counts: Mapping[str, int], smallest: int) -> tuple[dict[str, int], int]:
    """The cells of at least so many people, and how many cells there are beside them."""
    shown = {cell: count for cell, count in counts.items() if count >= smallest}
    return shown, len(counts) - len(shown)
