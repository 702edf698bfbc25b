import numpy as np

from training.models.next_item.logged import people_of_lists, rank_lists
from training.off_policy.logged_lists import LoggedLists
from training.sequences.histories import Sequences


class LatestAct:
    """Scores the item of the latest act 2, and others that were acted on 1."""

    item_ids = np.array(["a", "b", "c", "d"])
    counts = np.ones(4)
    max_length, time_gap, taste = 10, False, 3

    def score(self, codes, tastes):
        assert not tastes.any(), "tastes of later nights are not read"
        scores = np.zeros((len(codes), 5))
        for row, history in zip(scores, codes, strict=True):
            row[history] = 1.0
            if history.any():
                row[history[history > 0][-1]] = 2.0
        return scores[:, 1:]


SEQUENCES = Sequences(
    person_ids=np.array(["p0", "p1", "p2"]),
    item_ids=np.array(["a", "b", "c", "d", "new"]),
    acts=np.array([0, 1, 2, 3, 4, 3, 2, 1, 0], "int32"),
    times=np.array(
        [f"2026-11-{day:02}T23:59:59" for day in (1, 3, 5, 7)]
        + [f"2026-11-{day:02}T00:00:00" for day in (2, 4, 6, 6, 1)],
        "datetime64[us]",
    ),
    offsets=np.array([0, 4, 8, 9]),
    tastes=np.ones((3, 3)),
)


def lists(*rows):
    people, nights = zip(*rows, strict=True)
    pool = np.array([["a", "b", "c", "d", "new", None]] * len(rows), object)
    nothing = np.zeros((len(rows), 1))
    nights = np.array([f"2026-11-{night:02}" for night in nights], "datetime64[D]")
    return LoggedLists(np.array(people), nights, nothing, pool, nothing, nothing, nothing, nothing, True)


def test_lists_count_from_the_night_of_the_last_act_that_is_learned_from():
    people, since = people_of_lists(SEQUENCES)
    assert people.tolist() == ["p0", "p1"]  # the third has one act, which is learned from
    assert since.astype(str).tolist() == ["2026-11-03", "2026-11-04"]


def test_a_list_is_ranked_by_what_was_done_until_its_night():
    scores = rank_lists(LatestAct(), SEQUENCES, lists(("p0", 3), ("p0", 2), ("p1", 5), ("p1", 6)))
    none = [-np.inf, -np.inf]  # of an item that the model does not know, and where the pool has no more
    assert scores.tolist() == [
        [1, 2, 0, 0, *none],
        [2, 0, 0, 0, *none],
        [0, 0, 0, 2, *none],
        [0, 2, 1, 1, *none],
    ]
