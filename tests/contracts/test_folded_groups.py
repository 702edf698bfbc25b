"""Small groups are hidden, and cannot be found by subtraction."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.small_groups import fold_small, in_words


def test_a_small_group_takes_the_next_with_it():
    folded = fold_small({"a": 100, "b": 30, "c": 4, "d": 0}, 20)
    assert (folded.shown, folded.others, folded.hidden) == ({"a": 100}, 34, 2)


def test_what_stands_elsewhere_is_kept_where_it_is_large():
    folded = fold_small({"planned": 30, "no_consent": 90, "quiet": 4}, 20, keep=("planned",))
    assert (folded.shown, folded.others) == ({"planned": 30}, 94)
    assert fold_small({"planned": 3}, 20, keep=("planned",)).shown == {}


def test_large_groups_stay_as_they_are():
    assert fold_small({"a": 20, "b": 21}, 20).shown == {"b": 21, "a": 20}


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 60)), st.integers(1, 30))
def test_nobody_is_lost_and_no_small_group_is_shown(groups, smallest):
    folded = fold_small(groups, smallest)
    assert sum(folded.shown.values()) + folded.others == sum(groups.values())
    assert all(people >= smallest for people in folded.shown.values())
    assert folded.others == 0 or folded.others >= smallest or not folded.shown


def test_few_people_are_not_numbered():
    assert [in_words(people, 20) for people in (0, 1, 19, 20, 1234)] == [
        "0", "fewer than 20", "fewer than 20", "20", "1,234",
    ]  # fmt: skip
