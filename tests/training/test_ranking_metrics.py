import numpy as np
import pytest

from contracts.errors import ModelError
from training.data import Histories
from training.metrics import Ranking, rank_targets, ranks_of, same_for_everyone, top_items


def histories(*lists):
    lengths = [len(one) for one in lists]
    ends = np.cumsum(lengths)
    return Histories(np.array([code for one in lists for code in one], int), ends - lengths, ends)


def test_rank_by_hand_with_seen_items_left_out():
    scores = np.array([[9.0, 8.0, 7.0, 6.0]])
    ranking = rank_targets(lambda _: scores, histories([1, 2]), np.array([4]), items=4)
    assert ranking.ranks.tolist() == [2.0]  # only item 3 stands before it


def test_ties_count_against_the_model():
    assert ranks_of(np.array([[5.0, 5.0, 5.0, 1.0]]), np.array([2])).tolist() == [3.0]


def test_equal_scores_for_everything_give_the_last_rank():
    ranking = rank_targets(same_for_everyone(np.zeros(20)), histories([1], [2]), np.array([3, 3]), items=20)
    assert ranking.ranks.tolist() == [19.0, 19.0]
    assert ranking.summary()["ndcg@10"] == 0.0


def test_an_unknown_target_is_a_miss_even_among_few_items():
    ranking = rank_targets(same_for_everyone(np.arange(3)), histories([1]), np.array([0]), items=3)
    assert ranking.ranks.tolist() == [np.inf]
    assert ranking.summary() == {"ndcg@10": 0.0, "recall@10": 0.0, "mrr": 0.0, "coverage@10": pytest.approx(2 / 3)}


def test_metrics_by_hand():
    ranking = Ranking(np.array([1.0, 3.0, 10.0, 11.0]), coverage=0.5)
    np.testing.assert_allclose(ranking.ndcg, [1.0, 0.5, 0.2890648, 0.0], atol=1e-6)  # 1 / log2(11) = 0.28906
    assert ranking.recall.tolist() == [1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(ranking.reciprocal_rank, [1, 1 / 3, 1 / 10, 1 / 11])


def test_top_items_of_all_people_together():
    scores = np.array([[3.0, 2.0, 1.0, 0.0], [0.0, 2.0, 3.0, -np.inf]])
    assert top_items(scores, 2).tolist() == [0, 1, 2]
    assert top_items(np.array([[1.0, -np.inf]]), 2).tolist() == [0]


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="1 scores that are not"):
        rank_targets(lambda _: np.array([[np.nan, 1.0]]), histories([1]), np.array([2]), items=2)
