import json
import sys

import numpy as np
import pytest

from bench import next_item, result
from bench.rectools_speed import ndcg
from contracts.errors import ModelError
from contracts.settings import REPOSITORY
from training.config import CONFIGS, read_config
from training.models.next_item.network import NextItemConfig
from training.sequences.loading import sequences_from_text

SMALL = """
backbone: attention
dimensions: 16
dropout: 0.0
negatives: 16
learning_rate: 0.01
epochs: 3
"""
DATA = REPOSITORY.parent / "shared" / "data" / "sequences"


def test_one_line_with_the_mean_each_seed_and_baselines(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    (tmp_path / "small.yml").write_text(SMALL)
    walks = [" ".join(str((start + step) % 15) for step in range(8)) for start in range(40)]
    (tmp_path / "ring.txt").write_text("\n".join(f"u{number} {walk}" for number, walk in enumerate(walks)))
    command = ["next_item", "--data", str(tmp_path / "ring.txt"), "--config", str(tmp_path / "small.yml")]
    monkeypatch.setattr(sys, "argv", [*command, "--seeds", "1", "2"])
    next_item.main()
    line = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "next_item.jsonl").read_text()) == line
    assert [run["seed"] for run in line["runs"]] == [1, 2]
    mean = np.mean([run["ndcg@10"] for run in line["runs"]])
    assert line["metrics"]["ndcg@10"] == pytest.approx(mean, abs=1e-5)
    assert set(line["baselines"]) == {"popularity", "recency", "item_knn"}
    assert line["data"] == "ring.txt"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.txt"):
        next_item.bench(tmp_path / "nowhere.txt", CONFIGS / "next_item.yml", [1])


@pytest.mark.parametrize(
    "name", ["next_item", "sequences_next_item", "s3rec_beauty_next_item", "s3rec_lastfm_next_item"]
)
def test_the_kept_configurations_are_understood(name):
    assert read_config(CONFIGS / f"{name}.yml", NextItemConfig).dimensions >= 32


def test_ndcg_of_recommended_rows_by_hand():
    # people 2 and 5 want 7 and 9; 2 gets it on rank 3 (1 / log2(4)), 5 not; nobody asked for the rows of person 3
    rows = np.array([[2, 1, 1], [2, 7, 3], [5, 7, 1], [3, 7, 1], [5, 9, 11]]).T
    assert ndcg(*rows, people=np.array([2, 5]), targets=np.array([7, 9])) == pytest.approx(0.25)


@pytest.mark.skipif(not DATA.is_dir(), reason="the public sequences are not beside this checkout")
def test_the_public_files_have_the_published_sizes():
    sizes = sequences_from_text(DATA / "s3rec_lastfm.txt.gz").describe()
    assert (sizes["people"], sizes["items"], sizes["acts"]) == (1090, 3646, 52551)
