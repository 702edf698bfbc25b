"""A learner of rows without a model, for tests of what cards and gates ask of any learner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from training.learner import Learner, Measured, Signature, Trained
from training.models.response.network import ResponseConfig


class RowsLearner(Learner):
    """Has the abilities of every learner and no others; a test adds what it looks at."""

    name = "response"
    table = "training_responses"
    watched = "validation_click_auc"
    config = ResponseConfig
    signature = Signature(inputs={}, outputs={})

    def __init__(self, slices: pd.DataFrame, *, unit: str = "rows") -> None:
        self.unit = unit
        self._slices = slices

    def load(self, settings: Any, ds: str) -> Any:  # noqa: ARG002
        return SimpleNamespace(describe=lambda: {"rows": len(self._slices)})

    def fit(self, data: Any, config: Any, context: Any) -> Any:
        raise NotImplementedError

    def measure(self, model: Any, data: Any) -> Measured:  # noqa: ARG002
        values = np.full(len(self._slices), 0.5)
        return Measured("click_auc", values, {"click_auc": 0.5})

    def baselines(self, data: Any) -> Mapping[str, Measured]:  # noqa: ARG002
        return {}

    def slices(self, data: Any) -> pd.DataFrame:  # noqa: ARG002
        return self._slices

    def parity_inputs(self, fitted: Any, data: Any) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return ()

    def example(self, data: Any) -> pd.DataFrame:  # noqa: ARG002
        return pd.DataFrame()


def trained(learner: Learner, values: Sequence[float], **changes: Any) -> Trained:
    """A training of the learner whose test units have these values of the deciding metric."""
    known = {
        "config": ResponseConfig(),
        "ds": "2026-11-20",
        "data": learner.load(None, "2026-11-20"),
        "data_hash": "",
        "fitted": SimpleNamespace(sizes=dict, epochs=[]),
        "measured": Measured("click_auc", np.asarray(values, float), {"click_auc": float(np.mean(values))}),
        "baselines": {},
    }
    return Trained(learner=learner, **{**known, **changes})
