"""TenSEAL is loaded late, and never beside TensorFlow."""

import sys
import types

import pytest

from contracts.errors import ModelError
from privacy.encrypted.ciphertexts import tenseal


def test_a_process_with_tensorflow_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    with pytest.raises(ModelError, match="TenSEAL would hang beside it"):
        tenseal()


def test_without_tenseal_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setitem(sys.modules, "tenseal", None)
    with pytest.raises(ModelError, match=r"pip install --require-hashes -r requirements/encrypted\.txt"):
        tenseal()
