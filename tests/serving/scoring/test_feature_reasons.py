"""Reasons of a response in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from serving.scoring.feature_reasons import feature_reasons


def test_reasons_are_what_raised_the_score_strongest_first_in_words():
    rows = pd.DataFrame({"monetary": [120.4, -30.2, np.nan], "purchases": [2, 1, 0]})
    attributions = np.array([[0.2, 0.5], [0.4, -0.1], [0.3, 0.0]])
    assert feature_reasons(rows, ["monetary", "purchases"], attributions, most=2) == [
        ["2 purchases", "spent 120 euros"],
        ["got back 30 euros more than spent"],
        ["unknown monetary"],
    ]
