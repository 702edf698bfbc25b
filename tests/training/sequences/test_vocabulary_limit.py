"""A limit of the vocabulary: which items stay, and that what is left out never helps a metric."""

import numpy as np
import pytest

from contracts.errors import ModelError
from training.metrics.ranking import rank_targets, same_for_everyone
from training.models.next_item.evaluation import rank_test, training_statistics
from training.models.taste_autoencoder.basket_metrics import rank_baskets
from training.models.taste_autoencoder.baskets import baskets_from
from training.parts import Part
from training.sequences.histories import Sequences, held_out_histories, training_histories
from training.sequences.vocabulary import most_frequent, training_vocabulary, unknown_items


def sequences(*histories):
    """People `p00`, `p01` ... with these items, one a second."""
    lengths = [len(history) for history in histories]
    item_ids, acts = np.unique([item for history in histories for item in history], return_inverse=True)
    return Sequences(
        person_ids=np.array([f"p{number:02d}" for number in range(len(histories))]),
        item_ids=item_ids,
        acts=acts.astype("int32"),
        times=np.arange(sum(lengths)).astype("datetime64[s]").astype("datetime64[us]"),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )


def test_the_items_of_most_people_stay_and_of_equals_the_first_by_id():
    kept = most_frequent(np.array([2, 5, 1, 2, 2]), 3)
    assert kept.places.tolist() == [0, 1, 3]  # 5, then two of the three with 2
    assert kept.sizes() == {"vocabulary": 3, "rare_items": 2, "acts_on_rare_items": 3}
    assert "2 rarer ones, with 3 of 12 training acts" in kept.words


@pytest.mark.parametrize("max_items", [0, 5, 200_000])
def test_without_a_limit_that_bites_everything_stays_and_nothing_is_said(max_items):
    kept = most_frequent(np.array([2, 5, 1, 2, 2]), max_items)
    assert kept.places.tolist() == [0, 1, 2, 3, 4]
    assert (kept.rare_items, kept.acts_on_rare_items, kept.words) == (0, 0, "")


@pytest.mark.parametrize("max_items", [-1, 1])
def test_a_limit_that_leaves_nothing_to_rank_is_refused(max_items):
    with pytest.raises(ModelError, match=f"received {max_items}; change max_items"):
        most_frequent(np.array([1, 2]), max_items)


def limited_to(data, max_items):
    vocabulary = training_vocabulary(data)
    return vocabulary.limited(most_frequent(vocabulary.counts, max_items))


def test_training_skips_acts_on_rare_items_and_people_who_are_left_with_nothing_to_learn():
    data = sequences(["a", "rare", "b", "x", "y"], ["a", "b", "x", "y"], ["a", "odd", "x", "y"])
    vocabulary = limited_to(data, 2)
    assert vocabulary.item_ids.tolist() == ["a", "b"]
    assert vocabulary.counts.tolist() == [3, 2]
    assert training_histories(data, vocabulary).padded(5).tolist() == [[1, 2], [1, 2]]  # of the third only a is left


def test_a_rare_target_is_a_miss_and_nobody_is_left_out_of_the_measure():
    data = sequences(["a", "b", "c", "x", "rare"], ["a", "rare", "c", "x", "b"], ["b", "a", "c", "x", "a"])
    vocabulary = limited_to(data, 3)
    histories, targets = held_out_histories(data, vocabulary, part=Part.TEST)
    assert targets.tolist() == [0, 2, 1]
    ranking = rank_targets(same_for_everyone(np.array([3.0, 2.0, 1.0])), histories, targets, items=3)
    assert ranking.ranks[0] == np.inf
    assert len(ranking.ndcg) == 3


def test_items_that_a_limit_leaves_out_count_as_never_shown():
    # everybody knows a and b; c to f are known to one person each
    data = sequences(*([item, "a", "b", "x", "y"] for item in "cdef"))
    every, few = training_vocabulary(data), limited_to(data, 3)
    assert few.item_ids.tolist() == ["a", "b", "c"]
    assert unknown_items(few.item_ids, every.item_ids) == 3

    def coverage(vocabulary):
        score = same_for_everyone(vocabulary.counts)
        return rank_test(score, data, vocabulary, training_statistics(data, vocabulary)).summary()

    # everything is seen but c, which three people may be shown: one of six items, and not one of three
    assert coverage(few)["coverage@10"] == pytest.approx(1 / 6, abs=1e-6)
    assert coverage(few)["gini@10"] == pytest.approx(5 / 6, abs=1e-6)
    assert coverage(every)["coverage@10"] == pytest.approx(4 / 6, abs=1e-6)


def test_baskets_count_a_rare_item_as_relevant_and_never_shown():
    data = sequences(*(["a", "b", "c", "d", f"rare{number}"] for number in range(60)))
    baskets = baskets_from(data)
    items = np.array(["a", "b", "c", "d"])
    scores = {"score": lambda padded: np.tile([4.0, 3.0, 2.0, 1.0], (len(padded), 1)), "item_ids": items}
    assert len(baskets.test) > 0

    def ranked(never_shown):
        return rank_baskets(**scores, held_out=baskets.test, distinct_ids=baskets.distinct_ids, never_shown=never_shown)

    hidden = baskets.distinct_ids[baskets.test.hidden.indices]
    rare = np.char.startswith(hidden, "rare")
    assert rare.any()
    assert (ranked(0).ndcg(10)[rare] == 0).all()
    assert (ranked(0).ndcg(10)[~rare] > 0).all()
    assert ranked(4).coverage == pytest.approx(ranked(0).coverage / 2)
