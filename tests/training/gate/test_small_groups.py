"""Groups that are too small to be shown, counted by people, and what would give them away."""

import numpy as np
import pandas as pd

from tests.training.rows_learner import RowsLearner
from training.gate.small_groups import suppression_note, too_small, without_hidden


def groups(**sizes: int) -> pd.DataFrame:
    return pd.DataFrame({"region": np.repeat(list(sizes), list(sizes.values()))})


def test_groups_below_the_smallest_are_hidden():
    slices = groups(north=20, south=19, east=3, west=40)
    assert too_small(slices, np.arange(len(slices)), 20) == {("region", "south"), ("region", "east")}


def test_a_single_small_group_takes_the_next_smallest_with_it():
    slices = groups(north=30, south=25, east=3)
    assert too_small(slices, np.arange(len(slices)), 20) == {("region", "east"), ("region", "south")}
    assert too_small(groups(east=3), np.arange(3), 20) == {("region", "east")}


def test_people_are_counted_and_not_rows():
    slices = groups(north=40, south=40)
    people = np.concatenate([np.arange(40), 100 + np.arange(40) % 19])
    assert too_small(slices, people, 20) == {("region", "north"), ("region", "south")}
    assert too_small(slices, people, 19) == set()


def test_units_of_nobody_are_shown():
    assert too_small(groups(shoes=2), None, 20) == set()


def test_a_unit_is_a_person_of_its_own_only_where_units_are_people():
    assert RowsLearner(groups(a=2, b=1), unit="people").people(None).tolist() == [0, 1, 2]
    assert RowsLearner(groups(a=2, b=1), unit="pictures").people(None) is None


def test_rows_of_hidden_groups_are_left_out_and_counted():
    hidden = {("region", "east"), ("region", "south")}
    assert without_hidden([("region", "north", 30), ("region", "east", 3)], hidden) == [("region", "north", 30)]
    assert suppression_note(hidden, 20).startswith("suppressed_cells: 2 ")
