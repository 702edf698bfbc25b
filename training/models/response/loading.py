"""Reading responses: which person could be reached by which campaign in which week, the answers, and their parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import NothingToLearn
from contracts.tables.marts import TREATMENTS
from training.models.response.features import NumberColumns, Rate
from training.models.response.network import NOT_KNOWN
from training.models.response.table import NOWHERE, STRANGERS, LabelledTable
from training.parts import Part
from training.people_rows import read_rows

CATEGORIES = ("campaign", "age_band", "gender", "region", "main_device", "favourite_category")
NUMBERS = (
    "recency_days",
    "tenure_days",
    "acts_7_days",
    "acts_28_days",
    "carts",
    "purchases",
    "monetary",
    "weekend_share",
    "campaign_visits",
    "same_campaign_visits",
)
ANSWERS = {"click": "clicked", "purchase": "purchased", "leave": "churned"}
"""Answers that the model predicts, each with its label column; the first one decides."""

CLICK, PURCHASE = 0, 1

SENT, ASSUMED = TREATMENTS

MOST_ROWS = 5_000_000
"""Of a table of more rows, those of a sample of people are read: the net is too small to learn more of more rows."""

FEWEST = 5
"""Fewest rows with each label in each part."""

PUBLIC = {
    "age_band": ("18-24", "25-34", "35-44", "45-54", "55-64", "65+", "unknown"),
    "gender": ("female", "male", "non-binary", "prefer not to say", "unknown"),
    "main_device": ("desktop", "mobile", "tablet", "unknown"),
}
"""Categories named by the contract of the marts: public knowledge, independent of the rows."""

INTERVALS = {"weekend_share": (0.0, 1.0)}
"""Least and greatest number of a column, by its definition."""

READ_AS = NumberColumns(
    rates={
        **dict.fromkeys(
            ("carts", "purchases", "monetary", "campaign_visits", "same_campaign_visits"), Rate("tenure_days", fewest=7)
        ),
        "acts_28_days": Rate("tenure_days", fewest=7, most=28),
    },
    caps={"tenure_days": 27.0},
)
"""What counts since the beginning is read as a rate, so that a week is scored as the weeks before it were learned."""

STRANGERS_FROM = 0.9
"""Where rows are split by week, people whose hashed id is above this share are strangers: never learned from."""

WEEK_DAYS = 7
_WEEKS = 3
_TENTHS = {Part.TEST: (0, 1), Part.VALIDATION: (2, 3)}


@dataclass(frozen=True)
class Responses:
    """Rows of people who agreed to training, and the synthetic rows that may be added to the training part."""

    table: LabelledTable
    people: np.ndarray
    """Person of each row (rows,)."""
    order_values: np.ndarray
    """Euros bought in each row, NaN where they are not known (rows,)."""
    split_by_person: int
    """Number of answers with too few weeks, which are split by person instead of by week."""
    not_finite: int
    """Count of infinite and NaN numbers, which are read as null."""
    rows_sent: int = 0
    """Rows of a message that a send log says was delivered; of the others it is assumed that one was."""
    synthetic: LabelledTable | None = None
    """All in the training part."""
    weeks: np.ndarray | None = None
    """First day of the week of each row, datetime64[D] (rows,)."""

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
        total = hashlib.sha256(self.table.content_hash().encode())
        total.update(self.order_values.tobytes())
        if self.synthetic is not None:
            total.update(self.synthetic.content_hash().encode())
        return total.hexdigest()

    @property
    def tested_from(self) -> np.datetime64 | None:
        """First day of the week that clicks are tested on; None where they are split by person."""
        if self.weeks is None or not len(self.table.indices(CLICK, Part.TEST)):
            return None
        first = self.weeks[self.table.indices(CLICK, Part.TEST)].min()
        others = self.weeks[self.table.indices(CLICK, Part.TRAIN)]
        return first if others.max() < first else None

    @property
    def learned_until(self) -> np.datetime64 | None:
        """Last day of the weeks whose clicks and purchases are learned from, or choose epochs; None without weeks."""
        if self.weeks is None:
            return None
        answers = [CLICK, PURCHASE]
        used = self.table.learned[:, answers] | (self.table.parts[:, answers] == Part.VALIDATION)
        return self.weeks[used.any(axis=1)].max() + WEEK_DAYS - 1

    @property
    def treatments(self) -> dict[str, int]:
        """Rows of which a send log says that a message was delivered, and rows of which that is assumed."""
        return dict(zip(TREATMENTS, (self.rows_sent, len(self.table.rows) - self.rows_sent), strict=True))

    def describe(self) -> Mapping[str, int]:
        return {
            "people": len(np.unique(self.people)),
            "rows": len(self.table.rows),
            "campaigns": self.table.rows["campaign"].nunique(),
            **{f"rows_{treatment}": count for treatment, count in self.treatments.items()},
            **{f"rows_{label}": int((self.table.labels[:, k] > 0).sum()) for k, label in enumerate(ANSWERS.values())},
            "answers_split_by_person": self.split_by_person,
            "numbers_not_finite": self.not_finite,
            "synthetic_rows_there": 0 if self.synthetic is None else len(self.synthetic.rows),
        }


def load_responses(folder: Path, synthetic_folder: Path | None = None) -> Responses:
    """Read the table `training_responses` of one day, and `synthetic_responses` of an earlier day if there is a folder.

    The table holds only people who agreed to training. Rows without a label are left out.

    Raises:
        LakeError: a column is missing.
        NothingToLearn: too few rows that clicked, or that did not.
    """
    needed = ["person_id", "sent_on", "treatment", *CATEGORIES, *NUMBERS, *ANSWERS.values(), "order_value"]
    rows_read = read_rows(folder, needed, most_rows=MOST_ROWS)
    usable = rows_read.filter(pc.is_valid(pc.field("clicked")))
    if not usable.num_rows:
        raise NothingToLearn(
            expected="weeks that are over, of people who agreed that a model may learn from them",
            received=f"{rows_read.num_rows} rows in {folder}, none of them with a label",
            remedy="wait for more data, or check the consents of that day",
        )
    rows = usable.sort_by([(name, "ascending") for name in ("sent_on", "person_id", "campaign")]).to_pandas()
    labels = _labels(rows)
    weeks, people = rows["sent_on"].to_numpy("datetime64[D]"), rows["person_id"].to_numpy(object)
    parts, split_by_person = np.full(labels.shape, NOWHERE, "int8"), 0
    for answer in range(len(ANSWERS)):
        column = split_by_week(labels[:, answer], weeks)
        if column is not None:
            column = _without_strangers(labels[:, answer], column, people)
        else:
            column, split_by_person = _split_by_person(labels[:, answer], people), split_by_person + 1
        parts[:, answer] = column
    _require_both(labels[:, CLICK], parts[:, CLICK], folder)
    return Responses(
        table=LabelledTable(
            rows[[*CATEGORIES, *NUMBERS]],
            labels,
            parts,
            NUMBERS,
            CATEGORIES,
            tuple(ANSWERS),
            people=people,
            public=PUBLIC,
            intervals=INTERVALS,
            columns=READ_AS,
        ),
        people=people,
        order_values=_numbers(rows["order_value"]),
        split_by_person=split_by_person,
        not_finite=sum(_not_finite(usable[name]) for name in NUMBERS),
        rows_sent=int((rows["treatment"] == SENT).sum()),
        synthetic=None if synthetic_folder is None else _synthetic(synthetic_folder),
        weeks=weeks,
    )


def split_by_week(labels: np.ndarray, weeks: np.ndarray) -> np.ndarray | None:
    """Part of each row: the last week with labels is the test, the week before it the validation (rows,).

    None if fewer than three weeks have labels, or a part has too few rows with a label.

    Args:
        labels: 0, 1 or `NOT_KNOWN` (rows,).
        weeks: first day of each row's week (rows,).
    """
    known = labels >= 0
    distinct = np.unique(weeks[known])
    if len(distinct) < _WEEKS:
        return None
    parts = np.where(weeks == distinct[-1], Part.TEST, np.where(weeks == distinct[-2], Part.VALIDATION, Part.TRAIN))
    parts = np.where(known, parts, NOWHERE).astype("int8")
    return parts if _fewest(labels, parts) >= FEWEST else None


def _split_by_person(labels: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Part of each row by its person: a fifth of the people are the test, another fifth the validation (rows,)."""
    tenth = pd.util.hash_array(people.astype(object)) % 10
    parts = np.full(len(labels), Part.TRAIN, "int8")
    for part, tenths in _TENTHS.items():
        parts[np.isin(tenth, tenths)] = part
    return np.where(labels >= 0, parts, NOWHERE).astype("int8")


def _without_strangers(labels: np.ndarray, parts: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The parts, with a tenth of the people in training as strangers, if enough training rows remain (rows,)."""
    strange = pd.util.hash_array(people.astype(object), hash_key="strangers-of-nts") / 2.0**64 >= STRANGERS_FROM
    column = np.where(strange & (parts == Part.TRAIN), STRANGERS, parts).astype("int8")
    return column if _fewest(labels, column) >= FEWEST else parts


def _fewest(labels: np.ndarray, parts: np.ndarray) -> int:
    """Number of rows with the rarest label in any part."""
    return min(int(((parts == part) & (labels == answer)).sum()) for part in Part for answer in (0, 1))


def _require_both(labels: np.ndarray, parts: np.ndarray, folder: Path) -> None:
    if _fewest(labels, parts) < FEWEST:
        clicked = int((labels > 0).sum())
        raise NothingToLearn(
            expected=f"at least {FEWEST} rows that clicked and {FEWEST} that did not, in each of training, validation "
            "and test",
            received=f"{clicked} that clicked and {len(labels) - clicked} that did not in {folder}",
            remedy="wait for more data, or map more days",
        )


def _synthetic(folder: Path) -> LabelledTable:
    """Synthetic rows, all of them in the training part."""
    rows = read_rows(folder, [*CATEGORIES, *NUMBERS, *ANSWERS.values()]).to_pandas()
    labels = _labels(rows)
    parts = np.where(labels >= 0, Part.TRAIN, NOWHERE).astype("int8")
    return LabelledTable(
        rows[[*CATEGORIES, *NUMBERS]], labels, parts, NUMBERS, CATEGORIES, tuple(ANSWERS), columns=READ_AS
    )


def _labels(rows: pd.DataFrame) -> np.ndarray:
    """Labels of each answer: 0, 1 or `NOT_KNOWN` (rows, answers)."""
    columns = [rows[label].astype("boolean").astype("Float32") for label in ANSWERS.values()]
    return np.stack([column.to_numpy("float32", na_value=NOT_KNOWN) for column in columns], axis=1)


def _numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan)


def _not_finite(column: pa.ChunkedArray) -> int:
    if not pa.types.is_floating(column.type):
        return 0
    return pc.sum(pc.invert(pc.is_finite(column))).as_py() or 0
