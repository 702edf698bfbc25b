from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest

from activation.audiences.exploration import MOST_CHOICES, Lot, draw, draw_places

LOT = Lot.of([b"k" * 32], "2026-11-20")
SHARE = 0.3


def by_hand(shown: tuple[int, ...], choices: int) -> float:
    """The chance of a list, place by place, from the words of the documentation."""
    chance, left = 1.0, list(range(choices))
    for item in shown:
        chance *= SHARE / len(left) + (1 - SHARE if item == left[0] else 0.0)
        left.remove(item)
    return chance


def test_the_chances_of_all_lists_add_up_to_one():
    grid = (np.arange(10) + 0.5) / 10
    numbers = np.array([*product(grid, repeat=4)]).reshape(-1, 2, 2)  # every lot of two places, coarsely
    chosen, propensities = draw(numbers, SHARE, np.full(len(numbers), 3))
    chances = dict(zip(map(tuple, chosen.tolist()), propensities.prod(1), strict=True))
    assert set(chances) == set(permutations(range(3), 2))
    assert chances == pytest.approx({shown: by_hand(shown, 3) for shown in chances})
    assert sum(chances.values()) == pytest.approx(1.0)


def test_over_many_people_lists_are_as_frequent_as_their_chances_say():
    people = [f"p{number:016x}" for number in range(40_000)]
    chosen, _ = draw(LOT.numbers("front_page", people, 2), SHARE, np.full(len(people), 3))
    for shown in permutations(range(3), 2):
        chance = by_hand(shown, 3)
        error = np.sqrt(chance * (1 - chance) / len(people))
        assert (chosen == shown).all(1).mean() == pytest.approx(chance, abs=4.5 * error)


def test_the_lot_is_the_same_again_and_another_for_each_night_campaign_and_key():
    people = [f"p{number}" for number in range(2_000)]
    numbers = LOT.numbers("a", people, 3)
    assert (numbers[5:7] == LOT.numbers("a", people[5:7], 2 + 1)).all()
    assert (numbers[:, :2] == LOT.numbers("a", people, 2)).all()
    assert ((numbers >= 0) & (numbers < 1)).all()
    others = [Lot(LOT.key, "2026-11-21").numbers("a", people, 3), LOT.numbers("b", people, 3)]
    others += [Lot.of([b"l" * 32], LOT.ds).numbers("a", people, 3)]
    flat = np.stack([one.reshape(len(people), -1) for one in (numbers, *others)], axis=1).reshape(len(people), -1)
    correlation = np.corrcoef(flat.T) - np.eye(flat.shape[1])
    assert np.abs(correlation).max() < 5 / np.sqrt(len(people))


def test_places_without_an_item_stay_empty_and_the_last_that_is_left_is_certain():
    chosen, propensities = draw(LOT.numbers("a", ["p", "q"], 3), SHARE, np.array([2, 0]))
    assert sorted(chosen[0]) == [-1, 0, 1]
    assert propensities[0, 1] == 1.0
    assert np.isnan(propensities[0, 2])
    assert (chosen[1] == -1).all()
    assert np.isnan(propensities[1]).all()


def test_shown_are_rows_of_the_pool_in_their_places():
    pool = pd.DataFrame(
        {
            "person_id": ["a"] * 3 + ["b"] * 2,
            "item_id": ["x", "y", "z", "y", "x"],
            "place": [1, 2, 3, 1, 2],
            "reason": ["a-x", "a-y", "a-z", "b-y", "b-x"],
        }
    )
    shown, explored = draw_places(LOT, "a", 0.9, 2, pool)
    assert (shown["reason"] == shown["person_id"] + "-" + shown["item_id"]).all()
    assert shown[["person_id", "place"]].to_numpy().tolist() == [["a", 1], ["a", 2], ["b", 1], ["b", 2]]
    assert shown.groupby("person_id")["item_id"].nunique().eq(2).all()
    assert explored.pool[:, :3].tolist() == [["x", "y", "z"], ["y", "x", None]]
    assert explored.pool.shape == (2, MOST_CHOICES)
    assert explored.propensities[1].tolist()[1] == 1.0
