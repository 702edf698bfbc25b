"""Baselines for what sending changes: two logistic regressions, class transformation, response ranking, random order.

They learn from the same rows and columns as the net, and choose how strongly they are regularised by the likelihood of
the validation part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from training.baselines import each_baseline
from training.models.response.features import learn_features
from training.models.uplift.table import ExperimentTable
from training.parts import Part

STRENGTHS = (0.003, 0.03, 0.3)
"""Inverse strengths of regularisation that a logistic regression tries."""

RANDOM = "random"


def baseline_scores(table: ExperimentTable, outcome: int) -> Mapping[str, np.ndarray]:
    """What each baseline says of the test rows and one outcome: higher is sent to first (test rows,).

    - `two_logistic_regressions`: one of the treated, one of the controls; the difference of their chances.
    - `class_transformation`: one of "treated and yes, or control and no", whose chance grows with the difference
      (Jaskowski and Jaroszewicz, 2012); rows are weighted by the inverse chance of their arm, so that any shares of
      the arms will do.
    - `response_ranking`: the chance of a yes of those who are sent to, whatever they would do without.
    - `random`: in no order.

    A baseline that cannot be computed on this table is left out and named.
    """
    views = _Views(table, outcome)
    return each_baseline(
        f"outcome {table.names[outcome]}",
        {
            "two_logistic_regressions": lambda: views.chances(treated=True) - views.chances(treated=False),
            "class_transformation": lambda: 2 * views.transformed() - 1,
            "response_ranking": lambda: views.chances(treated=True),
            RANDOM: lambda: np.zeros(len(views.test)),
        },
    )


class _Views:
    """The rows in the form that a logistic regression reads, and the regressions."""

    def __init__(self, table: ExperimentTable, outcome: int) -> None:
        self.train, self.validation, self.test = (table.indices(part) for part in Part)
        self.treated, self.yes = table.treated, table.outcomes[:, outcome]
        self.own_chance = np.where(table.treated, table.propensity, 1 - table.propensity)
        space = learn_features(
            table.rows.iloc[self.train], numbers=table.numbers, categories=table.categories, columns=table.columns
        )
        numbers, codes = space.encode(table.rows)
        rows = np.repeat(np.arange(len(codes)), codes.shape[1])
        cells = (np.ones(codes.size, "float32"), (rows, codes.ravel()))
        one_hot = scipy.sparse.csr_array(cells, shape=(len(codes), space.codes))
        self.linear = scipy.sparse.hstack([scipy.sparse.csr_array(numbers), one_hot]).tocsr()  # (rows, numbers + codes)
        self._by_arm: dict[bool, np.ndarray] = {}

    def chances(self, *, treated: bool) -> np.ndarray:
        """Chance of a yes of the test rows, learned from one arm (test rows,)."""
        if treated not in self._by_arm:
            train, validation = (part[self.treated[part] == treated] for part in (self.train, self.validation))
            self._by_arm[treated] = self._fitted(train, validation, self.yes, np.ones(len(self.yes)))
        return self._by_arm[treated]

    def transformed(self) -> np.ndarray:
        """Chance of the transformed class of the test rows (test rows,)."""
        return self._fitted(self.train, self.validation, self.yes == self.treated, 0.5 / self.own_chance)

    def _fitted(self, train: np.ndarray, validation: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Chances of the test rows by the strength with the best validation likelihood (test rows,)."""
        tried: list[tuple[float, Sequence[float]]] = []
        for strength in STRENGTHS:
            regression = LogisticRegression(C=strength, max_iter=1000)
            regression.fit(self.linear[train], labels[train], sample_weight=weights[train])
            lines = regression.decision_function(self.linear[validation])
            signs = np.where(labels[validation], 1.0, -1.0)
            likelihood = -(weights[validation] * np.logaddexp(0.0, -signs * lines)).sum()
            tried.append((likelihood, regression.predict_proba(self.linear[self.test])[:, 1]))
        return max(tried, key=lambda one: one[0])[1]
