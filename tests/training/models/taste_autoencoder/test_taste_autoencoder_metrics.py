"""The protocol: who is held out, what is folded in, and what a ranking with several relevant items is worth."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import ndcg_score

from contracts.errors import ModelError, NothingToLearn
from training.models.taste_autoencoder.basket_metrics import BasketRanking, rank_baskets
from training.models.taste_autoencoder.baskets import FoldIn, baskets_of, require_enough
from training.models.taste_autoencoder.batches import cells_of_batches, require_cells


@pytest.fixture(scope="module")
def baskets():
    people = np.repeat(np.arange(400), 10)
    items = np.random.default_rng(0).permuted(np.tile(np.arange(30), (400, 1)), axis=1)[:, :10].ravel()
    return baskets_of(np.array([f"p{n}" for n in range(400)]), people, items)


def single(visible, hidden, *, items):
    """Fold-in of one person, from two lists of item indices."""
    rows = (csr_matrix((np.ones(len(side)), ([0] * len(side), side)), (1, items)) for side in (visible, hidden))
    return FoldIn(np.array([0]), *rows)


def test_people_are_parted_about_as_promised_and_without_overlap(baskets):
    parts = [baskets.trained_on, baskets.validation.people, baskets.test.people]
    assert sorted(np.concatenate(parts)) == list(range(400))
    assert [len(part) / 400 for part in parts] == pytest.approx([0.8, 0.1, 0.1], abs=0.04)


def test_a_person_stays_in_its_part_when_others_come_and_go(baskets):
    fewer = np.arange(0, 400, 2)
    some = baskets_of(baskets.person_ids[fewer], np.repeat(np.arange(200), 10), baskets.rows[fewer].indices)
    again = set(some.person_ids[some.test.people])
    assert again == set(baskets.person_ids[baskets.test.people]) & set(baskets.person_ids[fewer])


def test_four_fifths_are_visible_and_the_rest_is_hidden(baskets):
    test = baskets.test
    assert set(np.diff(test.visible.indptr)) == {8}
    assert set(np.diff(test.hidden.indptr)) == {2}
    assert (test.visible + test.hidden != baskets.rows[test.people]).nnz == 0


def test_people_with_few_items_are_never_held_out():
    people = np.repeat(np.arange(300), 4)
    few = baskets_of(np.array([f"p{n}" for n in range(300)]), people, np.tile(np.arange(4), 300))
    assert len(few.trained_on) == 300
    with pytest.raises(NothingToLearn, match="5 or more items"):
        require_enough(few, people=1)


def test_one_item_only_is_nothing_to_learn():
    one = baskets_of(np.array(["a", "b"]), np.array([0, 1]), np.array(["i", "i"]))
    with pytest.raises(NothingToLearn, match="2 different items"):
        require_enough(one, people=0)


def test_what_comes_twice_counts_once():
    twice = baskets_of(np.array(["a"]), np.array([0, 0, 0]), np.array(["i", "i", "j"]))
    assert twice.rows.toarray().tolist() == [[1.0, 1.0]]


def test_equal_data_has_an_equal_hash_and_other_data_another(baskets):
    people, items = np.repeat(np.arange(400), 10), baskets.rows.indices
    same = baskets_of(baskets.person_ids, people[::-1], baskets.distinct_ids[items[::-1]])
    other = baskets_of(baskets.person_ids, people, baskets.distinct_ids[(items + 1) % 30])
    assert baskets.content_hash() == same.content_hash()
    assert baskets.content_hash() != other.content_hash()


def test_an_epoch_reads_every_row_once():
    rows, people, columns = csr_matrix(np.eye(9, dtype="float32")), np.arange(7), np.array([0, 1, 2, 3, 4, 5, 6, 8])
    batches = list(cells_of_batches(rows, people, columns, batch_size=3, random=np.random.default_rng(1)))
    assert [count for _, count in batches] == [3, 3, 1]
    assert [cells[:, 0].tolist() for cells, _ in batches] == [[0, 1, 2], [0, 1, 2], [0]]
    assert sorted(np.concatenate([cells[:, 1] for cells, _ in batches])) == [0, 1, 2, 3, 4, 5, 6]


def test_cells_of_columns_that_are_not_read_are_left_out():
    rows = csr_matrix(np.array([[1, 1, 0], [0, 1, 1]], "float32"))
    [(cells, count)] = cells_of_batches(
        rows, np.array([0, 1]), np.array([2, 0]), batch_size=5, random=np.random.default_rng(1)
    )
    order = np.random.default_rng(1).permutation(2).tolist()
    assert count == 2
    assert sorted(map(tuple, cells.tolist())) == sorted([(order.index(0), 1), (order.index(1), 0)])


def test_a_batch_that_does_not_fit_names_what_to_lower_and_what_to_raise():
    require_cells(10, 100, 1000)
    with pytest.raises(ModelError, match=r"lower batch_size to 5, or raise batch_cells"):
        require_cells(10, 200, 1000)


def test_ndcg_and_recall_by_hand():
    # Relevant items on ranks 1 and 3 of a person who has three, and on no rank of a second person who has one.
    hits = np.zeros((2, 100), bool)
    hits[0, [0, 2]] = True
    ranking = BasketRanking(hits, np.array([3, 1]), coverage=0.0)
    # (1 + 1/2) / (1 + 0.63093 + 1/2)
    np.testing.assert_allclose(ranking.ndcg(100), [0.703918, 0.0], atol=1e-6)
    np.testing.assert_allclose(ranking.recall(20), [2 / 3, 0.0])
    np.testing.assert_allclose(ranking.recall(2), [1 / 2, 0.0])
    np.testing.assert_allclose(ranking.ndcg(2), [0.613147, 0.0], atol=1e-6)  # 1 / (1 + 0.63093)


def test_visible_items_are_not_ranked_and_hidden_items_that_the_model_does_not_know_are_missed():
    distinct, known = np.array(["a", "b", "c", "d"]), np.array(["c", "b", "a"])
    held_out = single([0], [1, 3], items=4)  # a is visible; b is hidden, and d, which the model does not know
    seen = []

    def score(padded):
        seen.append(padded.tolist())
        return np.array([[1.0, 2.0, 9.0]])

    ranking = rank_baskets(score, known, held_out, distinct)
    assert seen == [[[3]]]
    assert np.flatnonzero(ranking.hits[0]).tolist() == [0]
    np.testing.assert_allclose(ranking.ndcg(100), [1 / (1 + 1 / np.log2(3))])
    assert ranking.coverage == pytest.approx(2 / 3)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="1 scores that are not"):
        rank_baskets(
            lambda _: np.array([[np.nan, 1.0]]), np.array(["a", "b"]), single([0], [1], items=2), np.array(["a", "b"])
        )


def test_the_same_as_another_implementation(baskets):
    scores = np.random.default_rng(3).random((len(baskets.test), 30))
    ranking = rank_baskets(lambda _: scores, baskets.distinct_ids, baskets.test, baskets.distinct_ids)
    unseen = np.where(baskets.test.visible.toarray() > 0, -1.0, scores)
    for k in (3, 10, 100):
        theirs = ndcg_score(baskets.test.hidden.toarray(), unseen, k=k)
        assert ranking.ndcg(k).mean() == pytest.approx(theirs)
