"""Baselines for the binary answers of a table: a rate, a logistic regression, boosted trees.

They learn from the same rows and columns as the net, and choose their settings by the AUC of the validation part, or
keep the first setting if that part is empty or has one label only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from training.baselines import each_baseline
from training.metrics.auc import placements
from training.models.response.features import category_column, learn_features
from training.models.response.regression import STRENGTHS, best_regression, one_hot
from training.models.response.table import LabelledTable
from training.parts import Part


@dataclass(frozen=True)
class TreeSetting:
    """Settings of boosted trees."""

    learning_rate: float = 0.05
    leaves: int = 15
    l2: float = 1.0
    rounds: int = 100


TREES = (TreeSetting(), TreeSetting(leaves=7, l2=10.0))

_MOST_CATEGORIES = 255
"""Most categories that the trees can hold; a column with more is read as numbers."""


def baseline_chances(
    table: LabelledTable,
    answer: int,
    *,
    rate_by: str,
    strengths: Sequence[float] = STRENGTHS,
    trees: Sequence[TreeSetting] = TREES,
) -> Mapping[str, np.ndarray]:
    """Chances of a yes that each baseline predicts for the test rows of an answer (test rows,).

    A baseline that cannot be computed on this table is left out and named.

    Args:
        rate_by: the category column by which rates are computed.
        strengths: inverse strengths of regularisation to try.
        trees: settings of boosted trees to try.
    """
    if not len(table.indices(answer, Part.TEST)):
        return dict.fromkeys(("rate", "logistic_regression", "boosted_trees"), np.zeros(0))
    views = functools.cache(lambda: Views(table, answer))
    return each_baseline(
        f"answer {table.answers[answer]}",
        {
            "rate": lambda: _rate(table, answer, rate_by),
            "logistic_regression": lambda: _logistic_regression(views(), strengths),
            "boosted_trees": lambda: _boosted_trees(views(), trees),
        },
    )


def _rate(table: LabelledTable, answer: int, name: str) -> np.ndarray:
    """Share of yes among training rows of the same category; an unseen category gets the share of all rows."""
    groups, yes = category_column(table.rows, name), table.yes(answer, Part.TRAIN)
    rates = pd.Series(yes.astype(float)).groupby(groups[table.indices(answer, Part.TRAIN)]).mean()
    return rates.reindex(groups[table.indices(answer, Part.TEST)]).fillna(yes.mean()).to_numpy()


class Views:
    """The rows of an answer in the forms that logistic regression and trees read."""

    def __init__(self, table: LabelledTable, answer: int) -> None:
        self.train, self.validation, self.test = (table.indices(answer, part) for part in Part)
        self.yes_train, self.yes_validation = table.yes(answer, Part.TRAIN), table.yes(answer, Part.VALIDATION)
        training = table.rows.iloc[self.train]
        space = learn_features(training, numbers=table.numbers, categories=table.categories, columns=table.columns)
        numbers, codes = space.encode(table.rows)
        self.linear = one_hot(numbers, codes, space.codes)  # (rows, numbers + codes)
        scaled = np.where(numbers[:, 1::2] > 0, np.nan, numbers[:, ::2])
        scaled[:, np.isnan(scaled[self.train]).all(axis=0)] = 0.0  # the trees refuse a column without a single number
        self.trees = np.hstack([scaled, codes - space.unknown_codes])  # (rows, columns)
        sizes = [len(words) + 1 for words in space.vocabularies.values()]
        self.categorical = [scaled.shape[1] + column for column, size in enumerate(sizes) if size <= _MOST_CATEGORIES]

    @property
    def can_validate(self) -> bool:
        """Whether the validation rows have both labels, so that they have an AUC."""
        return bool(self.yes_validation.any() and not self.yes_validation.all())

    def value(self, scores: np.ndarray) -> float:
        """AUC of the validation rows."""
        return float(placements(scores, self.yes_validation).mean())


def _logistic_regression(views: Views, strengths: Sequence[float]) -> np.ndarray:
    regression, _ = best_regression(
        views.linear[views.train],
        views.yes_train,
        views.linear[views.validation],
        views.yes_validation,
        strengths=tuple(strengths),
    )
    return regression.predict_proba(views.linear[views.test])[:, 1]


def _boosted_trees(views: Views, settings: Sequence[TreeSetting]) -> np.ndarray:
    """The best setting, each with its best number of rounds, by the validation part."""
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
        with threadpool_limits(1):  # on few busy cores, waiting for each other costs threads more than they gain
            forest.fit(views.trees[views.train], views.yes_train)
            rounds = forest.staged_decision_function(views.trees[views.validation]) if views.can_validate else ()
            values = [views.value(scores.ravel()) for scores in rounds] or [0.0]
        best = int(np.argmax(values))
        tried.append((values[best], _until(forest, best)))
    with threadpool_limits(1):
        return _best(tried)(views.trees[views.test])


def _until(forest: HistGradientBoostingClassifier, best: int) -> Callable[[np.ndarray], np.ndarray]:
    """The prediction of a forest after round `best`, counted from 0."""

    def chances(rows: np.ndarray) -> np.ndarray:
        return next(one for index, one in enumerate(forest.staged_predict_proba(rows)) if index == best)[:, 1]

    return chances


def _best(tried: Sequence[tuple[float, object]]):
    """The candidate with the highest value; the first of equals."""
    return max(tried, key=lambda one: one[0])[1]
