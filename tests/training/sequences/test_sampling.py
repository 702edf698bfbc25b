"""Models are measured on a sample of people that depends on their ids alone: the same for every model and process."""

import dataclasses

import numpy as np
import pytest

from training.metrics.ranking import same_for_everyone
from training.models.next_item.evaluation import rank_test, training_statistics
from training.models.taste_autoencoder.baskets import baskets_from
from training.parts import Part
from training.sequences.histories import Sequences, held_out_histories, training_histories
from training.sequences.sampling import sample_of_people
from training.sequences.vocabulary import training_vocabulary

PEOPLE = np.array([f"p{number:04d}" for number in range(2000)])


@pytest.fixture(scope="module")
def sequences():
    """2,000 people who walk 6 of 40 items on."""
    steps = (np.arange(2000)[:, None] + np.arange(6)) % 40
    return Sequences(
        person_ids=PEOPLE,
        item_ids=np.array([f"i{number:02d}" for number in range(40)]),
        acts=steps.ravel().astype("int32"),
        times=np.arange(12_000).astype("datetime64[s]").astype("datetime64[us]"),
        offsets=np.arange(2001) * 6,
    )


def test_up_to_the_bound_all_people_are_in_the_sample_and_zero_sets_none():
    some = np.array([7, 3, 9])
    assert sample_of_people(PEOPLE, some, 3).tolist() == [7, 3, 9]
    assert sample_of_people(PEOPLE, some, 0).tolist() == [7, 3, 9]


def test_a_sample_depends_on_ids_and_neither_on_places_nor_on_the_day():
    sample = sample_of_people(PEOPLE, np.arange(2000), 300)
    assert len(sample) == 300
    assert (np.diff(sample) > 0).all()
    others = PEOPLE[::-1]
    assert set(others[sample_of_people(others, np.arange(2000), 300)]) == set(PEOPLE[sample])
    # the day after 100 people are gone: of the 300, those who are still there stay
    left = np.arange(100, 2000)
    assert set(sample[sample >= 100]) <= set(sample_of_people(PEOPLE, left, 300))


def test_a_sample_is_like_all_people():
    values = np.arange(2000.0)
    sample = sample_of_people(PEOPLE, np.arange(2000), 500)
    # standard error of the mean of 500 of 2,000: 577 / sqrt(500) x sqrt(3 / 4) = 22
    assert abs(values[sample].mean() - values.mean()) < 4 * 22


def test_only_evaluated_people_are_ranked_and_all_held_out_acts_stay_unlearned(sequences):
    sampled = dataclasses.replace(sequences, evaluated_people=200)
    assert sampled.describe()["people_held_out"] == 2000
    assert sampled.describe()["people_evaluated"] == 200
    vocabulary = training_vocabulary(sampled)
    histories, targets = held_out_histories(sampled, vocabulary, part=Part.TEST)
    assert len(histories) == len(targets) == 200
    all_targets = held_out_histories(sequences, vocabulary, part=Part.TEST)[1]
    assert (all_targets[sampled.evaluated] == targets).all()
    learned = [training_histories(one, vocabulary).cells() for one in (sequences, sampled)]
    assert all((one == other).all() for one, other in zip(*learned, strict=True))


def test_two_models_are_measured_on_the_same_people(sequences):
    sampled = dataclasses.replace(sequences, evaluated_people=200)
    vocabulary = training_vocabulary(sampled)
    statistics = training_statistics(sampled, vocabulary)
    scores = np.arange(40.0)
    one, other = (
        rank_test(same_for_everyone(values), sampled, vocabulary, statistics) for values in (scores, scores[::-1])
    )
    assert (one.targets == other.targets).all()
    assert len(one.ndcg) == 200


def test_a_sample_is_part_of_what_makes_data_equal(sequences):
    hashes = [
        dataclasses.replace(sequences, evaluated_people=people).content_hash() for people in (0, 2000, 20_000, 200, 100)
    ]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


def test_baskets_hold_out_the_same_people_and_measure_some_of_them(sequences):
    baskets = baskets_from(sequences)
    sampled = baskets_from(dataclasses.replace(sequences, evaluated_people=50))
    assert (sampled.trained_on == baskets.trained_on).all()
    assert sampled.held_out == len(baskets.test) > 50
    for part in ("validation", "test"):
        few, many = getattr(sampled, part), getattr(baskets, part)
        assert len(few) == 50
        places = np.searchsorted(many.people, few.people)
        assert (many.people[places] == few.people).all()
        assert (many.hidden[places] != few.hidden).nnz == 0  # the same items of a person are hidden
    assert baskets.some_of(baskets.validation, 10_000) is baskets.validation
    assert len(baskets.some_of(baskets.validation, 10)) == 10
    assert baskets.content_hash() != sampled.content_hash()
    assert (
        baskets.content_hash() == baskets_from(dataclasses.replace(sequences, evaluated_people=20_000)).content_hash()
    )


def test_item_statistics_of_many_people_are_those_of_a_sample(sequences):
    vocabulary = training_vocabulary(sequences)
    assert training_statistics(sequences, vocabulary).acts.shape == (40, 2000)
    few = training_histories(sequences, vocabulary, at_least=1, most_people=500)
    assert len(few) == 500
