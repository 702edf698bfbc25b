"""Trouble with one model is a sentence about it; a lack of room is said as such, and may pass."""

from __future__ import annotations

import errno
import json

import pytest

from contracts.errors import DiskFullError, MemoryLimitError, ModelError
from training.isolation import own_trouble

DAY = "2026-11-19"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("trouble", "error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "checkpoints/state"), DiskFullError, 75),
        (MemoryError("row of anna@example.org"), MemoryLimitError, 2),
        (KeyError("anna@example.org"), ModelError, 2),
    ],
)
def test_an_error_of_any_class_is_a_sentence_without_its_own_words(home, capsys, trouble, error, status):
    with pytest.raises(error) as caught, own_trouble("taste", DAY, step="train"):
        raise trouble
    assert caught.value.exit_code == status
    assert caught.value.origin is trouble
    assert "anna" not in str(caught.value) + "".join(capsys.readouterr())
    [entry] = json.loads((home / "reports" / DAY / "train-taste.json").read_text())["models"].values()
    assert entry == {"decision": "failed", "reasons": [str(caught.value)]}
