import json
import os
import subprocess
import sys

import numpy as np
import pytest

from contracts.errors import ModelError
from training.metrics.diversity import ItemStatistics, debiased, gini, intra_list_diversity, novelty
from training.metrics.ranking import (
    Ranking,
    average_precision_of,
    hits_of,
    ndcg_of,
    rank_targets,
    ranks_of,
    recall_of,
    same_for_everyone,
    top_items,
)
from training.sequences.histories import Histories


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
    summary = ranking.summary()
    assert {name: summary[name] for name in ("ndcg@10", "recall@10", "map@10", "mrr")} == {
        "ndcg@10": 0.0,
        "recall@10": 0.0,
        "map@10": 0.0,
        "mrr": 0.0,
    }
    assert summary["coverage@10"] == pytest.approx(2 / 3, abs=1e-6)


def test_metrics_by_hand():
    ranking = Ranking(np.array([1.0, 3.0, 10.0, 11.0]), np.full((4, 10), -1), np.ones(4, int), items=20)
    np.testing.assert_allclose(ranking.ndcg, [1.0, 0.5, 0.2890648, 0.0], atol=1e-6)  # 1 / log2(11) = 0.28906
    assert ranking.recall.tolist() == [1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(ranking.reciprocal_rank, [1, 1 / 3, 1 / 10, 1 / 11])


def test_top_items_best_first_and_nothing_that_may_not_be_shown():
    scores = np.array([[3.0, 2.0, 1.0, 0.0], [0.0, 2.0, 3.0, -np.inf]])
    assert top_items(scores, 2).tolist() == [[0, 1], [2, 1]]
    assert top_items(np.array([[1.0, -np.inf]]), 2).tolist() == [[0, -1]]


def statistics():
    """Items 0 and 1 have the same two people, item 2 one other, item 3 nobody."""
    return ItemStatistics.of(histories([1, 2], [1, 2, 2], [3]), items=4)


def test_counts_are_people():
    assert statistics().counts.tolist() == [2, 2, 1, 0]


def test_diversity_by_hand():
    assert intra_list_diversity(np.array([[0, 1]]), statistics()) == pytest.approx(0.0, abs=1e-6)
    assert intra_list_diversity(np.array([[0, 2]]), statistics()) == pytest.approx(1.0)
    # pairs (0, 1), (0, 2), (1, 2) have cosines 1, 0, 0; a list of one item has no pair and does not count
    assert intra_list_diversity(np.array([[0, 1, 2], [3, -1, -1]]), statistics()) == pytest.approx(2 / 3)


def test_novelty_by_hand():
    assert novelty(np.array([[0, 2]]), statistics()) == pytest.approx((np.log2(3 / 2) + np.log2(3)) / 2)


def test_gini_by_hand():
    assert gini(np.array([5, 5, 5, 5])) == 0.0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.zeros(3)) == 0.0


def test_debiased_mean_lifts_the_rare_target():
    # targets are item 0 (2 people) with value 0 and item 2 (1 person) with value 1: weights 1 / sqrt(2) and 1
    assert debiased(np.array([0.0, 1.0]), np.array([1, 3]), statistics()) == pytest.approx(1 / (1 + 0.5**0.5))


RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
given = json.load(sys.stdin)
found = evaluate(Qrels(given["relevant"]), Run(given["scores"]), given["metrics"], return_mean=False)
json.dump({name: values.tolist() for name, values in found.items()}, sys.stdout)
"""


def test_metrics_equal_those_of_ranx():
    random = np.random.default_rng(5)
    scores, relevant = random.normal(size=(6, 30)), random.random((6, 30)) < 0.2
    relevant[:, 0] = True
    rankings = {
        "scores": {f"p{p}": {f"i{i}": float(scores[p, i]) for i in range(30)} for p in range(6)},
        "relevant": {f"p{p}": {f"i{i}": 1 for i in np.flatnonzero(relevant[p])} for p in range(6)},
        "metrics": ["ndcg@10", "map@10", "hits@10", "mrr@10"],
    }
    answer = subprocess.run(
        [sys.executable, "-c", RANX],
        input=json.dumps(rankings),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},  # compiling takes far longer than six people
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads(answer.stdout.splitlines()[-1])
    hits, counts = hits_of(scores, relevant, 10), relevant.sum(axis=1)
    np.testing.assert_allclose(ndcg_of(hits, counts), expected["ndcg@10"])
    np.testing.assert_allclose(average_precision_of(hits, counts), expected["map@10"])
    np.testing.assert_allclose(recall_of(hits, counts) * np.minimum(counts, 10), expected["hits@10"])
    first = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
    np.testing.assert_allclose(first, expected["mrr@10"])


def test_one_relevant_item_gives_the_same_by_ranks_and_by_hits():
    scores = np.random.default_rng(3).normal(size=(8, 25))
    targets = np.arange(1, 9)
    ranking = rank_targets(lambda _: scores, histories(*[[20]] * 8), targets, items=25)
    relevant = np.zeros((8, 25), bool)
    relevant[np.arange(8), targets - 1] = True
    unseen = scores.copy()
    unseen[:, 19] = -np.inf
    hits = hits_of(unseen, relevant, 10)
    np.testing.assert_allclose(ranking.ndcg, ndcg_of(hits, np.ones(8, int)))
    np.testing.assert_allclose(ranking.precision, average_precision_of(hits, np.ones(8, int)))


def test_a_relevant_item_loses_every_tie():
    assert hits_of(np.zeros((1, 4)), np.array([[True, False, False, False]]), 3).tolist() == [[False, False, False]]


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="1 scores that are not"):
        rank_targets(lambda _: np.array([[np.nan, 1.0]]), histories([1]), np.array([2]), items=2)
