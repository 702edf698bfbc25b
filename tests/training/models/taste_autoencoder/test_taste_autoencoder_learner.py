"""From a town's table to a fitted model, its served form, and what both refuse or shrug off."""

import dataclasses
import json
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench import result
from bench import taste_autoencoder as bench
from contracts.errors import ModelError, NothingToLearn
from contracts.settings import REPOSITORY, Settings
from tests.training.markov_town import DS, build_town
from training.config import CONFIGS, read_config
from training.learner import Context
from training.models.taste_autoencoder.learner import LEARNER, TasteAutoencoderLearner, TasteData
from training.models.taste_autoencoder.network import TasteAutoencoderConfig
from training.models.taste_autoencoder.pyfunc import TasteRanker

CONFIG = TasteAutoencoderConfig(hidden=0, latent=8, epochs=6, batch_size=32, learning_rate=0.02)
QUIET = Context(say=lambda _: None)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    home = tmp_path_factory.mktemp("town")
    build_town(home, people=300)
    return LEARNER.load(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}), DS)


@pytest.fixture(scope="module")
def fitted(town):
    return LEARNER.fit(town, CONFIG, QUIET)


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    files = fitted.save(tmp_path_factory.mktemp("artifacts"))
    ranker = TasteRanker()
    ranker.load_context(SimpleNamespace(artifacts={name: str(file) for name, file in files.items()}))
    return ranker


def answer(served, *histories, **params):
    return served.predict(None, pd.DataFrame({"history": list(histories)}), params)


def test_only_people_who_agreed_are_learned_from(town):
    assert town.describe()["people"] == 270  # every tenth of 300 refused


def test_it_beats_popularity_and_all_are_measured_on_the_same_people(town, fitted):
    own, baselines = LEARNER.measure(fitted, town), LEARNER.baselines(town)
    assert set(baselines) == {"popularity", "ease"}
    assert own.value > baselines["popularity"].value + 0.1
    assert {len(one.values) for one in (own, *baselines.values())} == {len(town.baskets.test)}
    assert own.metrics["ndcg@100"] == pytest.approx(own.value, abs=1e-6)
    assert LEARNER.watched in fitted.epochs[0]


def test_a_limited_vocabulary_is_said_and_learned_from(town):
    lines = []
    limited = dataclasses.replace(CONFIG, max_items=30, epochs=1)
    fitted = LEARNER.fit(town, limited, Context(say=lines.append))
    assert len(fitted.item_ids) == 30
    assert fitted.sizes()["rare_items"] == 10  # of the 40 items of the ring
    assert any("10 rarer ones" in line for line in lines)
    assert len(LEARNER.measure(fitted, town).values) == len(town.baskets.test)


def test_ease_is_left_out_where_its_matrix_would_not_fit(town, capsys):
    assert set(TasteAutoencoderLearner(ease_items=39).baselines(town)) == {"popularity"}
    assert "40 x 40" in "".join(capsys.readouterr())


def test_every_test_person_is_in_one_group_of_each_kind(town):
    slices = LEARNER.slices(town)
    assert list(slices.columns) == ["age_band", "gender", "region", "history"]
    assert len(slices) == len(town.baskets.test)
    assert set(slices["age_band"]) == {"25-34"}
    assert set(slices["history"]) == {"1-4", "5-9", "10-19"}  # 6 to 12 items, the last two in the days of the test
    assert set(LEARNER.slices(TasteData(town.baskets))["region"]) == {"unknown"}


def test_the_loaded_artefact_scores_the_same(town, fitted, served):
    inputs = LEARNER.parity_inputs(fitted, town)
    np.testing.assert_allclose(served.score(*inputs), fitted.score(*inputs), atol=1e-6)
    np.testing.assert_allclose(LEARNER.measure(served, town).values, LEARNER.measure(fitted, town).values)


def test_the_example_is_understood(town, served):
    assert len(served.predict(None, LEARNER.example(town))) == 2


def test_a_walk_is_answered_with_items_beside_it(served):
    [row] = answer(served, ["i05", "i06", "i08"], k=5).to_dict("records")
    assert len(row["items"]) == len(row["scores"]) == 5
    assert not {"i05", "i06", "i08"} & set(row["items"])
    assert row["scores"] == sorted(row["scores"], reverse=True)
    assert {"i07", "i09"} & set(row["items"])
    assert len(row["taste_vector"]) == 8
    assert any(row["taste_vector"])


def test_unknown_items_and_what_is_no_item_are_passed_over(served):
    plain, *others = answer(
        served,
        ["i05", "i06"],
        ["i05", "never heard of", "i06"],
        ["i05", None, float("nan"), "i06"],
        ["i06", "i05", "i05"],
    ).to_dict("records")
    for other in others:
        assert other["items"] == plain["items"]
        assert other["taste_vector"] == pytest.approx(plain["taste_vector"], abs=1e-6)


def test_a_taste_alone_is_the_taste_of_the_whole_answer(served):
    histories = [["i05", "i06", "i08"], [], ["i06", "i05", "i06", None], ["never heard of"], ["i39"]]
    expected = np.stack(answer(served, *histories)["taste_vector"])
    np.testing.assert_allclose(served.tastes(histories), expected, atol=1e-5)
    assert served.tastes([]).shape == (0, 8)


@pytest.mark.parametrize("history", [[], ["never heard of"], None, float("nan"), "i05", [None]])
def test_people_without_any_known_item_get_what_is_popular_and_no_taste(served, history):
    [row] = answer(served, history, k=3).to_dict("records")
    assert row["scores"] == sorted(served.counts.tolist(), reverse=True)[:3]
    assert row["taste_vector"] == [0.0] * 8


def test_k_is_held_within_what_there_is(served):
    everything = [f"i{number:02d}" for number in range(40)]
    assert answer(served, everything[:30], k=1000)["items"].map(len).tolist() == [10]
    assert answer(served, everything, k=5)["items"].tolist() == [[]]
    assert answer(served, k=5).columns.tolist() == ["items", "scores", "taste_vector"]


def test_an_item_that_became_known_later_counts_as_a_miss(town, fitted):
    half = SimpleNamespace(
        item_ids=fitted.item_ids[:20],
        score=lambda padded: np.tile(np.arange(20.0), (len(padded), 1)),
    )
    assert LEARNER.measure(half, town).value < 0.6


def test_too_few_people_are_nothing_to_learn(tmp_path):
    build_town(tmp_path, people=8)
    with pytest.raises(NothingToLearn, match="at least 10 people"):
        LEARNER.load(Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)}), DS)


def test_a_batch_beyond_the_limit_is_refused_before_it_is_made(town):
    with pytest.raises(ModelError, match="lower batch_size to 2, or raise batch_cells"):
        LEARNER.fit(town, dataclasses.replace(CONFIG, batch_cells=80), QUIET)


@pytest.mark.parametrize(
    "name", ["taste_autoencoder", "movietweetings_taste_autoencoder", "s3rec_lastfm_taste_autoencoder"]
)
def test_the_kept_configurations_are_understood(name):
    assert read_config(CONFIGS / f"{name}.yml", TasteAutoencoderConfig).latent >= 32


def test_the_bench_writes_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    walks = [" ".join(str((start + step) % 15) for step in range(8)) for start in range(120)]
    (tmp_path / "ring.txt").write_text("\n".join(f"u{number} {walk}" for number, walk in enumerate(walks)))
    (tmp_path / "small.yml").write_text("latent: 8\nhidden: 0\nepochs: 1\n")
    command = ["taste_autoencoder", "--data", str(tmp_path / "ring.txt"), "--config", str(tmp_path / "small.yml")]
    monkeypatch.setattr(sys, "argv", [*command, "--seeds", "1", "2"])
    bench.main()
    line = json.loads(capsys.readouterr().out)
    assert [run["seed"] for run in line["runs"]] == [1, 2]
    mean = np.mean([run["ndcg@100"] for run in line["runs"]])
    assert line["metrics"]["ndcg@100"] == pytest.approx(mean, abs=1e-5)
    assert set(line["baselines"]) == {"popularity", "ease"}


def test_ratings_are_read_to_a_core_of_those_who_liked_something(tmp_path):
    liked = [f"{user}::{item}::{6 + (user + item) % 5}::1365029107" for user in range(6) for item in range(5)]
    others = ["7::1::9::1", "0::99::10::1", *(f"8::{item}::5::1" for item in range(5))]
    (tmp_path / "ratings.dat").write_text("\n".join(liked + others))
    baskets = bench.read_baskets(tmp_path / "ratings.dat")
    assert baskets.person_ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert baskets.distinct_ids.tolist() == ["0", "1", "2", "3", "4"]
    assert baskets.rows.nnz == 30


def test_a_file_that_holds_no_ratings_is_named(tmp_path):
    (tmp_path / "no.dat").write_text("nothing here\n")
    with pytest.raises(ModelError, match=r"no\.dat"):
        bench.read_baskets(tmp_path / "no.dat")


def test_the_public_ratings_have_the_size_that_the_results_are_of():
    baskets = bench.read_baskets(REPOSITORY / "sample_data" / "real" / "movietweetings_ratings.dat.gz")
    assert (*baskets.rows.shape, baskets.rows.nnz) == (3919, 2052, 55826)
