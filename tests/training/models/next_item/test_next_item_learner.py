import dataclasses

import numpy as np
import pandas as pd
import pytest

from contracts.errors import LakeError, ModelError, NothingToLearn
from contracts.settings import Settings
from tests.training.markov_town import DS, build_town, consent_row, item, person, publish, sequence_rows
from training.gate.decision import gate_of
from training.learner import Context
from training.metrics.diversity import ItemStatistics
from training.metrics.ranking import rank_targets
from training.models.next_item.co_occurrence import item_neighbours, spectral_vectors
from training.models.next_item.evaluation import scorer
from training.models.next_item.learner import LEARNER, FittedNextItem
from training.models.next_item.network import NextItemConfig, build
from training.parts import Part
from training.sequences.histories import Sequences, held_out_histories, training_histories
from training.sequences.vocabulary import training_vocabulary

CONFIG = NextItemConfig(
    dimensions=16, batch_size=8, learning_rate=0.02, negatives=32, dropout=0.0, epochs=6, max_length=20
)
QUIET = Context(say=lambda _: None)


def settings(home):
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home)})


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    home = tmp_path_factory.mktemp("town")
    build_town(home, people=80)
    return LEARNER.load(settings(home), DS)


@pytest.fixture(scope="module")
def fitted(town):
    return LEARNER.fit(town, dataclasses.replace(CONFIG, time_gap=True, category=True), QUIET)


def sequences(*histories):
    """People `p0`, `p1` ... with these items, one a second."""
    lengths = [len(history) for history in histories]
    item_ids, acts = np.unique(["", *(one for history in histories for one in history)], return_inverse=True)
    return Sequences(
        person_ids=np.array([f"p{number}" for number in range(len(histories))]),
        item_ids=item_ids,
        acts=acts[1:].astype("int32"),
        times=np.arange(sum(lengths)).astype("datetime64[s]").astype("datetime64[us]"),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )


def test_people_are_evaluated_up_to_the_number_of_the_gate(town):
    assert town.evaluated_people == gate_of("next_item").evaluated_people > 1000


def test_learns_the_walk_and_beats_what_is_popular(town, fitted):
    measured, baselines = LEARNER.measure(fitted, town), LEARNER.baselines(town)
    assert set(baselines) == {"popularity", "recency", "item_knn"}
    assert measured.value > 0.5 > baselines["popularity"].value
    assert measured.metric == "ndcg@10"
    assert measured.metrics["ndcg@10"] == pytest.approx(measured.value, abs=1e-5)
    assert all(len(one.values) == len(measured.values) == 72 for one in baselines.values())  # every tenth of 80 refuses
    assert fitted.epochs[-1]["loss"] < fitted.epochs[0]["loss"]
    assert LEARNER.watched in fitted.epochs[0]


def test_the_best_epoch_is_kept(town):
    def at_the_end(_, metrics):
        values.append(metrics[LEARNER.watched])

    values = []
    wild = dataclasses.replace(CONFIG, learning_rate=0.3, epochs=4, patience=0)
    fitted = LEARNER.fit(town, wild, Context(say=lambda _: None, after_epoch=at_the_end))
    vocabulary = training_vocabulary(town)
    histories, targets = held_out_histories(town, vocabulary, part=Part.VALIDATION)
    assert len(histories) <= wild.validation_people, "the training validates on all people of the town"
    again = rank_targets(scorer(fitted), histories, targets, items=len(vocabulary))
    assert again.ndcg.mean() == pytest.approx(max(values), rel=1e-5)


def test_slices_stand_beside_the_test_people(town):
    slices = LEARNER.slices(town)
    assert slices.columns.tolist() == ["age_band", "gender", "region", "history"]
    assert len(slices) == 72
    assert set(slices["region"]) == {"north"}
    assert set(slices["history"]) == {"1-4", "5-9", "10-19"}  # 6 to 12 acts, the last two in the days of the test


def test_length_bands_by_hand():
    histories = [[str(number) for number in range(length)] for length in (2, 5, 6, 10, 11, 20, 21)]
    bands = LEARNER.slices(sequences(*histories))
    assert bands["history"].tolist() == ["1-4", "5-9", "5-9", "10-19", "10-19", "20+"]
    assert set(bands["region"]) == {"unknown"}


def test_parity_inputs_and_example_fit_the_model(town, fitted):
    inputs = LEARNER.parity_inputs(fitted, town)
    assert [one.shape for one in inputs] == [(64, inputs[0].shape[1])] * 2
    assert np.isfinite(fitted.score(*inputs)).all()
    example = LEARNER.example(town)
    assert isinstance(example, pd.DataFrame)
    assert set(example.columns) == set(LEARNER.signature.inputs)
    assert len(example) == 2


def test_neighbours_by_hand():
    # training parts: p0 and p1 act on a and b, p2 on a and c, p3 on d
    data = sequences(["a", "b", "x", "y"], ["a", "b", "x", "y"], ["a", "c", "x", "y"], ["d", "x", "y"])
    vocabulary = training_vocabulary(data)
    assert vocabulary.item_ids.tolist() == ["a", "b", "c", "d"]
    histories = training_histories(data, vocabulary, at_least=1)
    score = item_neighbours(ItemStatistics.of(histories, 4))
    # cosines: a-b 2 / sqrt(3 x 2), a-c 1 / sqrt(3 x 1), b-c 0; the latest item weighs 1, the one before 1/2
    ab, ac = 2 / np.sqrt(6), 1 / np.sqrt(3)
    expected = [[0.5 + ab, 0.5 * ab + 1, 0.5 * ac, 0.0], [0.5 + ac, 0.5 * ab, 0.5 * ac + 1, 0.0]]
    np.testing.assert_allclose(score(histories)[[0, 2]], expected, atol=2e-6)


def test_a_model_of_another_vocabulary_can_be_measured(town, fitted):
    fewer = dataclasses.replace(
        town,
        item_ids=np.array([f"new-{name}" if name == item(3) else name for name in town.item_ids]),
    )
    assert LEARNER.measure(fitted, fewer).value < LEARNER.measure(fitted, town).value


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ([["a", "b"], ["b", "a"]], "received 0 such people among 2"),
        ([["a", "b", "c"]], "received 1 items, 0 such people"),
        ([["a", "b", "c"], ["a"]], "received 1 items"),
        ([[], []], "received 0 such people"),
    ],
)
def test_too_little_is_nothing_to_learn(histories, message):
    with pytest.raises(NothingToLearn, match=message):
        LEARNER.fit(sequences(*histories), CONFIG, QUIET)


def test_people_without_history_and_unseen_targets_are_no_obstacle():
    walk = [["a", "b", "c", "d"]] * 12 + [[], ["a"], ["a", "b", "never", "trained"]]
    data = sequences(*walk)
    fitted = LEARNER.fit(data, dataclasses.replace(CONFIG, epochs=1), QUIET)
    measured = LEARNER.measure(fitted, data)
    assert len(measured.values) == 13
    assert measured.values[-1] == 0.0  # nobody can know the item `trained`


def test_a_limited_vocabulary_is_said_and_its_rare_targets_are_misses(town):
    lines = []
    fitted = LEARNER.fit(town, dataclasses.replace(CONFIG, max_items=30, epochs=1), Context(say=lines.append))
    assert len(fitted.item_ids) == 30
    assert fitted.sizes()["rare_items"] == 10  # of the 40 items of the ring
    assert any("10 rarer ones" in line for line in lines)
    ends = town.offsets[town.held_out + 1]
    known = [np.isin(town.item_ids[town.acts[ends - back]], fitted.item_ids) for back in (1, 2)]
    values = LEARNER.measure(fitted, town).values
    assert len(values) == 72
    assert (values[~known[0] & ~known[1]] == 0).all(), "both of the last two are misses"
    assert (values[known[0] ^ known[1]] <= 0.5).all(), "a person is the mean of both"


def test_taste_is_read_from_an_earlier_day_only(tmp_path):
    build_town(tmp_path, people=30)
    publish(tmp_path, "predictions", [{"person_id": person(0), "taste_vector": [1.0, 2.0]}])
    same_day = LEARNER.load(settings(tmp_path), DS)
    assert same_day.tastes is None
    with pytest.raises(ModelError, match="set `taste: false`"):
        LEARNER.fit(same_day, dataclasses.replace(CONFIG, taste=True), QUIET)


def test_a_day_that_was_not_built_and_one_with_too_few_people(tmp_path):
    with pytest.raises(LakeError, match=r"dbt_project\.build --ds"):
        LEARNER.load(settings(tmp_path), DS)
    publish(tmp_path, "training_sequences", sequence_rows(5))
    publish(tmp_path, "dim_person_consent", [consent_row(number) for number in range(5)])
    with pytest.raises(NothingToLearn, match="received 5 such people"):
        LEARNER.load(settings(tmp_path), DS)


def test_spectral_vectors_put_items_of_the_same_people_together():
    data = sequences(*[["a", "b", "c", "x", "y"]] * 6, *[["d", "e", "f", "x", "y"]] * 4)
    vocabulary = training_vocabulary(data)
    vectors = spectral_vectors(ItemStatistics.of(training_histories(data, vocabulary, at_least=1), 6), 8, seed=1)
    assert vectors.shape == (6, 8)
    expected = np.kron(np.eye(2), np.ones((3, 3)))  # a, b, c on one side, d, e, f on the other
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-4)


def test_a_spectral_initialisation_knows_something_before_training(town):
    vocabulary = training_vocabulary(town)
    vectors = spectral_vectors(
        ItemStatistics.of(training_histories(town, vocabulary, at_least=1), len(vocabulary)), 16, seed=1
    )

    def untrained(initialisation):
        model = build(dataclasses.replace(CONFIG, initialisation=initialisation), vocabulary.counts, vectors=vectors)
        fresh = FittedNextItem(model.ranker(), vocabulary.item_ids, vocabulary.counts, 20, False, 0)
        return LEARNER.measure(fresh, town).value

    assert untrained("spectral") > untrained("random") + 0.2
