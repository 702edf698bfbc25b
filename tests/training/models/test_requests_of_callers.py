"""What a caller over HTTP can write, as MLflow reads it with the signatures of the models."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from training.config import MODELS, load_learner
from training.registry.client import mlflow_signature


def parsed(model: str, record: dict) -> pd.DataFrame:
    """One record of a request as it reaches the model."""
    from mlflow.models.utils import _enforce_schema
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    schema = mlflow_signature(load_learner(model).signature).inputs
    data = infer_and_parse_data(json.loads(json.dumps({"dataframe_records": [record]})), schema)
    return _enforce_schema(data, schema)


@pytest.mark.parametrize("numbers", [[1795000000, 1795000060], [1795000000.5, 1795000060], []])
def test_javascript_writes_whole_numbers_without_a_point(numbers):
    found = parsed("next_item", {"history": ["a", "b"], "occurred_at": numbers, "taste_vector": numbers})
    assert list(found["occurred_at"][0]) == list(found["taste_vector"][0]) == numbers


@pytest.mark.parametrize("model", ["next_item", "taste_autoencoder"])
@pytest.mark.parametrize("history", [None, [], ["a"]])
def test_a_history_may_be_null(model, history):
    assert parsed(model, {"history": history})["history"].tolist() == [history]


def test_every_model_takes_whole_numbers_where_it_takes_numbers():
    for model in MODELS:
        inputs = load_learner(model).signature.inputs
        record = {
            name: {"long": 3, "double": 3, "array<any>": [3]}.get(kind, "x")
            for name, kind in inputs.items()
            if kind not in ("binary", "array<string>")
        }
        if record:
            found = parsed(model, record)
            for name, kind in inputs.items():
                if kind in ("long", "double"):
                    assert found[name].tolist() == [3], f"{model}: {name}"
