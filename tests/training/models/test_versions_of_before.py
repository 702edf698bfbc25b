"""Versions that were registered by earlier code still load, score the same and are explained by today's learners.

`versions_of_before.zip` holds a small `next_item` and a small `response` with all files of their registered versions:
their served form of that day (`pyfunc.py`), the nets, and the scores that they gave (`scores.json`). They were made
when `ffn_multiplier`, `ema_momentum` and `initialisation` were called `widening`, `averaging` and `start`.
"""

import importlib.util
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import pytest

from contracts.settings import Settings
from serving.scoring.history_reasons import most_attributed_items
from tests.training.markov_town import DS, build_town
from training.models.next_item.learner import LEARNER as NEXT_ITEM
from training.models.response.attributions import click_attributions

VERSIONS = Path(__file__).with_name("versions_of_before.zip")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """By model: the object behind the registered pyfunc, and its folder."""
    folder = tmp_path_factory.mktemp("versions")
    with zipfile.ZipFile(VERSIONS) as archive:
        archive.extractall(folder)
    return {name: (_load(folder / name), folder / name) for name in ("next_item", "response")}


def _load(folder):
    """As MLflow does: run the file of the version, and let its model load its artifacts."""
    models = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow.models, "set_model", models.append)
        spec = importlib.util.spec_from_file_location(f"{folder.name}_of_before", folder / "pyfunc.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    [model] = models
    artifacts = {file.stem: str(file) for file in folder.iterdir() if file.name not in ("pyfunc.py", "scores.json")}
    model.load_context(SimpleNamespace(artifacts=artifacts))
    return model


@pytest.mark.parametrize("name", ["next_item", "response"])
def test_they_score_as_on_the_day_of_their_training(served, name):
    model, folder = served[name]
    kept = json.loads((folder / "scores.json").read_text())
    dtypes = ("int32",) if name == "next_item" else ("float32", "int32")
    inputs = [np.array(one, dtype) for one, dtype in zip(kept["inputs"], dtypes, strict=True)]
    # float32 on another processor
    np.testing.assert_allclose(model.score(*inputs), kept["scores"], rtol=1e-4, atol=1e-5)


def test_next_item_is_measured_and_explained_by_the_learner_of_today(served, tmp_path):
    model, _ = served["next_item"]
    build_town(tmp_path, people=40)
    data = NEXT_ITEM.load(Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)}), DS)
    assert len(NEXT_ITEM.measure(model, data).values) == len(data.held_out)
    assert sum(NEXT_ITEM.attributions(model, data).values()) == pytest.approx(1)
    [explained] = NEXT_ITEM.explain(model, data, 1)
    assert explained["completeness"] < 0.05
    inputs = model.encode(pd.DataFrame({"history": [["i01", "i02"]]}))
    [reasons] = most_attributed_items(model, inputs, pd.Series([["i03", "i30"]]))
    assert len(reasons) == 2
    assert set(reasons) <= {"i01", "i02", None}


def test_the_clicks_of_response_are_explained_by_the_code_of_today(served):
    model, _ = served["response"]
    rows = pd.DataFrame({"campaign": ["a", "b"], "campaign_visits": [5.0, 0.0]})
    columns, missing = click_attributions(model, rows)
    assert set(columns) == set(model.feature_slices)
    assert all(len(values) == 2 for values in columns.values())
    assert np.isfinite(missing).all()
