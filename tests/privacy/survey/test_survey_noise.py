"""The noise is as large as its epsilon says, and a budget is not overspent."""

import numpy as np
import pytest

from contracts.errors import LakeError
from contracts.privacy_ledger import LedgerFile
from privacy.survey.noise import noisy, spend

DS = "2026-11-20"


def test_noise_is_as_large_as_its_epsilon_says():
    released, scale = noisy([100] * 20_000, most_cells=3, epsilon=0.5)
    assert scale == pytest.approx(6.0, rel=1e-3)  # Laplace: sensitivity / epsilon
    error = np.array(released) - 100
    assert abs(error.mean()) < 0.3
    assert np.abs(error).mean() == pytest.approx(6.0, rel=0.05)


def test_a_budget_is_not_overspent(tmp_path):
    ledger = LedgerFile(tmp_path / "privacy_ledger.jsonl")
    ledger.write({"what": "begun", "table": "answers", "mechanism": {}})
    for expected in (1.0, 2.0):
        assert spend(ledger, epsilon=1.0, budget=2.5, ds=DS, report="r") == expected
    before = ledger.file.read_bytes()
    with pytest.raises(LakeError, match=r"2 spent, and 1 more: over by 0\.5"):
        spend(ledger, epsilon=1.0, budget=2.5, ds=DS, report="r")
    assert ledger.file.read_bytes() == before
