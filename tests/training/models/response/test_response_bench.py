"""The benchmark of responses on a small file of the same form."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.response import at_random, measure, read_table
from contracts.errors import ModelError
from training.parts import Part

SMALL = "epochs: 2\ndeep_layers: 0\nembedding_dimensions: 2\nfewest_rows: 1\n"


@pytest.fixture
def file(tmp_path):
    random = np.random.default_rng(0)
    age = random.integers(18, 90, 200)
    rows = pd.DataFrame(
        {
            "age": age,
            "poutcome": random.choice(["failure", "success"], 200),
            "duration": random.integers(0, 900, 200),
            "y": np.where(random.random(200) < age / 100, "yes", "no"),
        }
    )
    rows.to_csv(tmp_path / "bank.csv.gz", sep=";", index=False)
    return tmp_path / "bank.csv.gz"


def test_the_file_is_split_in_its_own_order_and_without_what_is_known_too_late(file):
    table = read_table(file)
    assert [len(table.indices(0, part)) for part in Part] == [120, 40, 40]
    assert table.indices(0, Part.TEST).tolist() == list(range(160, 200))
    assert (list(table.numbers), list(table.categories)) == (["age"], ["poutcome"])


def test_a_line_has_each_seed_and_the_baselines_of_the_same_run(file, tmp_path, monkeypatch):
    (tmp_path / "small.yml").write_text(SMALL)
    monkeypatch.setattr("bench.response.baseline_chances", lambda *_, **__: {"rate": np.full(40, 0.5)})
    line = json.loads(json.dumps(measure(file, tmp_path / "small.yml", [1])))
    assert {"bench", "protocol", "data", "config", "seeds", "seconds", "metrics", "baselines"} <= set(line)
    assert len(line["metrics_by_seed"]) == 1
    assert 0 <= line["metrics"]["auc"] <= 1


def test_at_random_every_row_has_a_part_and_each_seed_draws_anew(file):
    table = read_table(file)
    one, again, other = (at_random(table, seed).parts[:, 0] for seed in (1, 1, 2))
    assert [(one == part).sum() for part in Part] == [120, 40, 40]
    assert (one == again).all()
    assert (one != other).any()
    assert (one != table.parts[:, 0]).any()


def test_another_file_is_refused_in_words(tmp_path):
    with pytest.raises(ModelError, match="expected the file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ModelError, match="a column y"):
        read_table(tmp_path / "other.csv")
