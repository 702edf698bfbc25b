import shutil
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from contracts.errors import ModelError, RegistryError
from contracts.settings import Settings
from training.registry.client import HASH_TAG, Registry


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_registry_that_is_down_is_an_error_within_seconds(tmp_path):
    started = time.monotonic()
    with pytest.raises(RegistryError, match="an answer of the model registry at http://127"):
        Registry(f"http://127.0.0.1:{closed_port()}", tmp_path)
    assert time.monotonic() - started < 15


@pytest.mark.usefixtures("home")
def test_an_unknown_version_is_refused_with_those_that_exist():
    registry = Registry.of(Settings.from_env())
    with pytest.raises(ModelError, match="version '99'; there are 1"):
        registry.version("next_item", "99")


def model_folder():
    return Path(mlflow.artifacts.download_artifacts("models:/next_item/1")) / "artifacts"


@pytest.mark.usefixtures("home")
def test_a_changed_model_file_is_not_loaded(tmp_path):
    registry = Registry.of(Settings.from_env())
    version = registry.version("next_item", "1")
    file = model_folder() / "vocabulary.json"
    shutil.copy(file, tmp_path / "kept")
    file.write_text(file.read_text().replace("i00", "i99"))
    try:
        with pytest.raises(ModelError, match=r"vocabulary\.json of next_item version 1 with SHA-256"):
            registry.load(version)
    finally:
        shutil.copy(tmp_path / "kept", file)


@pytest.mark.usefixtures("home")
def test_opening_a_version_leaves_nothing_beside_it_and_runs_nothing_that_python_compiled(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    registry, beside = Registry.of(Settings.from_env()), model_folder().parent / "__pycache__"
    beside.mkdir(exist_ok=True)
    name = f"pyfunc.{sys.implementation.cache_tag}.pyc"
    (beside / name).write_text("slipped in")
    version = registry.version("next_item", "1")
    assert not any("__pycache__" in tag for tag in version.tags)
    for _ in range(2):
        registry.load(version)
        assert not beside.exists()
    registry.load(replace(version, tags={**version.tags, f"{HASH_TAG}__pycache__/{name}": "0" * 64}))  # once registered


@pytest.mark.usefixtures("home")
def test_a_file_that_was_slipped_in_is_not_run():
    registry = Registry.of(Settings.from_env())
    slipped = model_folder() / "python_model.pkl"
    slipped.write_text("print('run')")
    try:
        with pytest.raises(ModelError, match=r"python_model\.pkl of next_item version 1 with SHA-256 None"):
            registry.load(registry.version("next_item", "1"))
    finally:
        slipped.unlink()
