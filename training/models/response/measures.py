"""How well yes-or-no answers of a table are told, and who else could tell them: a rate, a line, trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from training.metrics.auc import placements
from training.metrics.calibration import expected_calibration_error
from training.models.response.features import category_column, learn_features
from training.models.response.table import Table
from training.parts import Part

STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse strengths of regularisation among which the logistic regression chooses."""


@dataclass(frozen=True)
class TreeSetting:
    """What boosted trees can be told."""

    learning_rate: float = 0.05
    leaves: int = 15
    l2: float = 1.0
    rounds: int = 100


TREES = (TreeSetting(), TreeSetting(leaves=7, l2=10.0))

_MOST_CATEGORIES = 255
"""What the trees can hold; a longer vocabulary is read as a number."""


def measures(chances: np.ndarray, yes: np.ndarray) -> dict[str, float]:
    """AUC (ties against the model), average precision, log loss in nats, expected calibration error.

    Without both answers there is nothing to rank, and the first two are left out; without rows there is nothing.
    """
    if not len(yes):
        return {}
    safe = np.clip(chances, 1e-7, 1 - 1e-7)
    found = {
        "log_loss": float(-np.log(np.where(yes, safe, 1 - safe)).mean()),
        "ece": expected_calibration_error(chances, yes),
    }
    if yes.any() and not yes.all():
        found["auc"] = float(placements(chances, yes).mean())
        found["average_precision"] = float(average_precision_score(yes, chances))
    return found


Told = np.ndarray
"""Chances for the test rows of an answer."""


def baseline_answers(
    table: Table,
    answer: int,
    *,
    rate_by: str,
    strengths: Sequence[float] = STRENGTHS,
    trees: Sequence[TreeSetting] = TREES,
) -> Mapping[str, Told]:
    """What a rate, a logistic regression and boosted trees say of the test rows.

    They learn from the same rows and columns as the net, and choose their settings by the AUC of the validation rows,
    where these can be ranked; else the first setting stays.

    Args:
        rate_by: the category column of whose categories the rates are.
    """
    views = _Views(table, answer)
    if not len(views.test):
        return dict.fromkeys(("rate", "logistic_regression", "boosted_trees"), np.zeros(0))
    return {
        "rate": _rate(table, answer, rate_by),
        "logistic_regression": _logistic_regression(views, strengths),
        "boosted_trees": _boosted_trees(views, trees),
    }


def _rate(table: Table, answer: int, name: str) -> Told:
    """The share of yes among training rows of the same category, of all where that was not seen."""
    groups, yes = category_column(table.rows, name), table.yes(answer, Part.TRAIN)
    rates = pd.Series(yes.astype(float)).groupby(groups[table.places(answer, Part.TRAIN)]).mean()
    return rates.reindex(groups[table.places(answer, Part.TEST)]).fillna(yes.mean()).to_numpy()


class _Views:
    """The rows of an answer, as lines and trees read them."""

    def __init__(self, table: Table, answer: int) -> None:
        self.train, self.validation, self.test = (table.places(answer, part) for part in Part)
        self.yes_train, self.yes_validation = table.yes(answer, Part.TRAIN), table.yes(answer, Part.VALIDATION)
        training = table.rows.iloc[self.train]
        space = learn_features(training, numbers=table.numbers, categories=table.categories)
        numbers, codes = space.encode(table.rows)
        rows = np.repeat(np.arange(len(codes)), codes.shape[1])
        cells = (np.ones(codes.size, "float32"), (rows, codes.ravel()))
        marked = scipy.sparse.csr_array(cells, shape=(len(codes), space.codes))
        self.line = scipy.sparse.hstack([scipy.sparse.csr_array(numbers), marked]).tocsr()  # (rows, numbers + codes)
        scaled = np.where(numbers[:, 1::2] > 0, np.nan, numbers[:, ::2])
        self.tree = np.hstack([scaled, codes - space.unknown_codes])  # (rows, columns)
        sizes = [len(words) + 1 for words in space.vocabularies.values()]
        self.categorical = [scaled.shape[1] + place for place, size in enumerate(sizes) if size <= _MOST_CATEGORIES]

    @property
    def validates(self) -> bool:
        """Whether the validation rows can be ranked: there are any, with both answers."""
        return bool(self.yes_validation.any() and not self.yes_validation.all())

    def value(self, scores: np.ndarray) -> float:
        """AUC of the validation rows."""
        return float(placements(scores, self.yes_validation).mean())


def _logistic_regression(views: _Views, strengths: Sequence[float]) -> Told:
    tried = []
    for strength in strengths:
        line = LogisticRegression(C=strength, max_iter=1000).fit(views.line[views.train], views.yes_train)
        value = views.value(line.decision_function(views.line[views.validation])) if views.validates else 0.0
        tried.append((value, line))
    return _best(tried).predict_proba(views.line[views.test])[:, 1]


def _boosted_trees(views: _Views, settings: Sequence[TreeSetting]) -> Told:
    """Of each setting the number of rounds that validates best, of these the best."""
    tried = []
    for setting in settings:
        forest = HistGradientBoostingClassifier(
            learning_rate=setting.learning_rate,
            max_leaf_nodes=setting.leaves,
            l2_regularization=setting.l2,
            max_iter=setting.rounds,
            early_stopping=False,
            categorical_features=views.categorical or None,
            random_state=0,
        )
        with threadpool_limits(1):  # on a few busy cores, threads that wait for each other cost more than they do
            forest.fit(views.tree[views.train], views.yes_train)
            rounds = forest.staged_decision_function(views.tree[views.validation]) if views.validates else ()
            values = [views.value(scores.ravel()) for scores in rounds] or [0.0]
        best = int(np.argmax(values))
        tried.append((values[best], _until(forest, best)))
    with threadpool_limits(1):
        return _best(tried)(views.tree[views.test])


def _until(forest: HistGradientBoostingClassifier, best: int) -> Callable[[np.ndarray], np.ndarray]:
    """The chances that a forest gives after its round `best`, counted from 0."""

    def chances(rows: np.ndarray) -> np.ndarray:
        return next(one for place, one in enumerate(forest.staged_predict_proba(rows)) if place == best)[:, 1]

    return chances


def _best(tried: Sequence[tuple[float, object]]):
    """What has the highest value; the first of equals."""
    return max(tried, key=lambda one: one[0])[1]
