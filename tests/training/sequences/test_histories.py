import dataclasses
import datetime
import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, ModelError, NothingToLearn
from lake_tables.described_items import DescribedItems
from training.parts import Part, SplitDays, TimeSplit
from training.sequences.histories import (
    Histories,
    gap_codes,
    held_out_histories,
    recent_counts,
    require_held_out,
    training_histories,
)
from training.sequences.loading import load_sequences, sequences_from_text, split_by_time
from training.sequences.vocabulary import training_vocabulary

DAY = datetime.datetime(2026, 11, 1)


def write(folder, rows):
    columns = ("person_id", "item_ids", "occurred_at")
    pq.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows]), folder / "a.parquet")
    return folder


def days(*numbers):
    return [DAY + datetime.timedelta(days=number) for number in numbers]


@pytest.fixture
def sequences(tmp_path):
    rows = [
        ("p2", ["a", "b", "c", "d"], days(0, 1, 20, 21)),
        ("p1", ["b", "c"], days(2, 20)),
        ("p4", ["c", "a", "new"], days(19, 20, 21)),
    ]
    return load_sequences(write(tmp_path, rows))


def test_people_stand_by_id(sequences):
    assert sequences.person_ids.tolist() == ["p1", "p2", "p4"]
    assert sequences.item_ids.tolist() == ["a", "b", "c", "d", "new"]
    assert sequences.offsets.tolist() == [0, 2, 6, 9]
    assert sequences.item_ids[sequences.acts].tolist() == ["b", "c", "a", "b", "c", "d", "c", "a", "new"]


def test_last_is_test_the_one_before_is_validation(sequences):
    vocabulary = training_vocabulary(sequences)
    assert vocabulary.item_ids.tolist() == ["a", "b", "c"]
    assert vocabulary.counts.tolist() == [1, 2, 2]  # p1: b c, p2: a b, p4: c

    histories, targets = held_out_histories(sequences, vocabulary, part=Part.TEST)
    assert histories.padded(10).tolist() == [[1, 2, 3], [3, 1, 0]]
    assert targets.tolist() == [0, 0]  # d and new are in nobody's training part
    histories, targets = held_out_histories(sequences, vocabulary, part=Part.VALIDATION)
    assert histories.padded(10).tolist() == [[1, 2], [3, 0]]
    assert targets.tolist() == [3, 1]


def test_training_histories_end_before_the_validation(sequences):
    assert training_histories(sequences, training_vocabulary(sequences)).padded(10).tolist() == [[2, 3], [1, 2]]


def test_recent_counts_look_back_from_the_latest_act(sequences):
    # the latest act is on day 21: of the training part, c of p1 (day 20) and c of p4 (day 19) are within 7 days
    assert recent_counts(sequences, training_vocabulary(sequences), days=7).tolist() == [0, 0, 2]


def test_padding_keeps_the_latest_items():
    histories = Histories(np.array([1, 2, 3, 4]), starts=np.array([0, 3]), ends=np.array([3, 4]))
    assert histories.padded(2).tolist() == [[2, 3], [4, 0]]
    people, codes = histories.cells()
    assert list(zip(people.tolist(), codes.tolist(), strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 4)]


def test_content_hash_changes_with_the_content(tmp_path):
    first = load_sequences(write(tmp_path, [("p1", ["a", "b"], days(0, 1))])).content_hash()
    again = load_sequences(write(tmp_path, [("p1", ["a", "b"], days(0, 1))])).content_hash()
    other = load_sequences(write(tmp_path, [("p1", ["b", "a"], days(0, 1))])).content_hash()
    assert first == again != other


def test_nobody_agreed(tmp_path):
    pq.write_table(pa.table({name: [] for name in ("person_id", "item_ids", "occurred_at")}), tmp_path / "a.parquet")
    with pytest.raises(NothingToLearn, match=f"received nobody in {tmp_path}"):
        load_sequences(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    pq.write_table(pa.table({"person_id": ["p1"]}), tmp_path / "a.parquet")
    with pytest.raises(LakeError, match="without item_ids, occurred_at;"):
        load_sequences(tmp_path)


def test_too_few_people_with_enough_history(sequences):
    with pytest.raises(NothingToLearn, match="2 such people among 3"):
        require_held_out(sequences, at_least=10)


@pytest.mark.parametrize(
    ("items", "times"), [(["a", None], days(0, 1)), (["a", "b"], [DAY, None]), (["a", "b"], days(0)), (None, days(0))]
)
def test_an_act_without_item_or_time_is_refused(tmp_path, items, times):
    rows = [("p1", ["a", "b"], days(0, 1)), ("p2", items, times)]
    with pytest.raises(ModelError, match="received 1 acts without one"):
        load_sequences(write(tmp_path, rows))


def test_a_person_without_history_has_no_acts_and_is_not_held_out(tmp_path):
    rows = [("p1", ["a", "b", "c"], days(0, 1, 2)), ("p2", [], []), ("p3", None, None)]
    sequences = load_sequences(write(tmp_path, rows))
    assert sequences.offsets.tolist() == [0, 3, 3, 3]
    assert sequences.held_out.tolist() == [0]
    assert len(training_histories(sequences, training_vocabulary(sequences))) == 0


def test_categories_come_from_the_catalogue(tmp_path, sequences):
    (tmp_path / "items").mkdir()
    catalogue = pa.table({"item_id": ["c", "a", "b"], "category": ["shoes", "hats", None]})
    pq.write_table(catalogue, tmp_path / "items" / "a.parquet")
    loaded = load_sequences(tmp_path, catalogue=DescribedItems.read(tmp_path / "items"))
    assert loaded.described.categories.tolist() == ["hats", "unknown", "shoes", "unknown", "unknown"]
    assert training_vocabulary(loaded).categories(loaded).tolist() == [1, 3, 2]  # hats, unknown, shoes
    assert loaded.content_hash() != sequences.content_hash()


def test_tastes_come_from_predictions_and_are_zero_where_missing(tmp_path, sequences):
    (tmp_path / "predictions").mkdir()
    vectors = pa.table({"person_id": ["p4", "p1", "p9"], "taste_vector": [[1.0, float("nan")], None, [9.0, 9.0]]})
    pq.write_table(vectors, tmp_path / "predictions" / "a.parquet")
    loaded = load_sequences(tmp_path, predictions=lambda _: tmp_path / "predictions")
    assert sequences.tastes is None
    assert loaded.tastes.tolist() == [[0, 0], [0, 0], [1, 0]]
    histories, _ = held_out_histories(loaded, training_vocabulary(loaded), part=Part.TEST)
    assert histories.tastes.tolist() == [[0, 0], [1, 0]]  # p2 and p4
    assert histories.take(slice(1, 2)).tastes.tolist() == [[1, 0]]


def test_gaps_are_powers_of_two_of_seconds():
    seconds = np.array([100, 100, 101, 104, 1000, 1000 + 2**20, 5, 5], "datetime64[s]")
    # starts at places 0 and 6; 1 + 0, 1 + 1, 1 + 3, 1 + 896 and 1 + 2^20 seconds between
    assert gap_codes(seconds, np.array([0, 6])).tolist() == [1, 2, 3, 4, 11, 22, 1, 2]


def test_gaps_skip_items_that_the_model_does_not_know(sequences):
    histories, _ = held_out_histories(sequences, training_vocabulary(sequences), part=Part.TEST)
    week = 24 * 3600 * 19
    assert histories.padded_gaps(2).tolist() == [[2 + int(np.log2(1 + 86400)), 2 + int(np.log2(1 + week))], [1, 18]]


def test_a_text_file_is_read_with_repeated_items_once(tmp_path):
    with gzip.open(tmp_path / "some.txt.gz", "wt") as stream:
        stream.write("u1 7 8 7 9\nu2\nu3 9 8\n")
    sequences = sequences_from_text(tmp_path / "some.txt.gz")
    assert sequences.person_ids.tolist() == ["u1", "u3"]
    assert sequences.item_ids[sequences.acts].tolist() == ["7", "8", "9", "9", "8"]
    assert sequences.offsets.tolist() == [0, 3, 5]


@pytest.mark.parametrize("content", [None, b"", b"u1\nu2\n", b"\xff\xfe\x00"])
def test_a_text_file_without_histories_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "some.txt").write_bytes(content)
    with pytest.raises(ModelError, match=r"some\.txt"):
        sequences_from_text(tmp_path / "some.txt")


LAST = np.datetime64("2026-11-22")


@pytest.fixture
def by_time(tmp_path):
    """Days 0 to 21: until day 14 is learned from, days 15 to 17 are the validation, days 18 to 21 the test."""
    rows = [
        ("p1", ["a", "b", "c", "d", "e"], days(0, 9, 16, 18, 21)),
        ("p2", ["b", "a", "c", "d", "e", "f"], days(14, 18, 18, 19, 20, 21)),  # three of five are targets
        ("p3", ["a", "b"], days(1, 2)),  # did nothing in the days held out
        ("p4", ["c", "d"], days(20, 21)),  # its first act has nothing before it
        ("p5", ["e", "f"], days(14, 17)),
    ]
    asked = SplitDays(validation=3, test=4, fewest_people=2, until=LAST)
    return load_sequences(write(tmp_path, rows), days=asked)


def test_a_night_learns_from_days_that_are_over_and_tests_on_the_last_ones(by_time):
    assert by_time.split == TimeSplit(*(np.datetime64(f"2026-11-{day}") for day in (16, 19, 22)))
    assert by_time.person_ids[by_time.held_out].tolist() == ["p1", "p2", "p4"]
    vocabulary = training_vocabulary(by_time)
    assert dict(zip(vocabulary.item_ids, vocabulary.counts, strict=True)) == {"a": 2, "b": 3, "e": 1}
    people, places = by_time.targets(Part.TEST)
    assert by_time.person_ids[people].tolist() == ["p1", "p1", "p2", "p2", "p2", "p4"]
    assert by_time.item_ids[by_time.acts[places]].tolist() == ["d", "e", "a", "c", "d", "d"]
    assert by_time.tested_after.tolist() == [3, 1, 1]
    histories, targets = held_out_histories(by_time, vocabulary, part=Part.VALIDATION)
    assert histories.padded(9).tolist() == [[1, 2], [3, 0]]  # a b of p1, e of p5
    assert targets.tolist() == [0, 0]  # nobody acted on c or f before
    assert [len(one) for one in by_time.targets(Part.TRAIN)] == [0, 0]  # days 11 to 14: only first acts
    assert by_time.learned_until == np.datetime64("2026-11-18"), "day 17 chose the epochs"
    # of the last 7 days that are learned from, 8 to 14: b of p1, b of p2, e of p5
    assert recent_counts(by_time, vocabulary, days=7).tolist() == [0, 2, 1]


def test_what_is_served_learns_from_everything_and_is_asked_the_same(by_time):
    served = dataclasses.replace(by_time, everything=True)
    assert training_vocabulary(served).item_ids.tolist() == ["a", "b", "c", "d", "e", "f"]
    assert served.learned_until == LAST
    for part in Part:
        for one, other in zip(served.targets(part), by_time.targets(part), strict=True):
            assert one.tolist() == other.tolist()
    assert served.content_hash() != by_time.content_hash()


@pytest.mark.parametrize(
    ("history_days", "validation", "test"),
    [(30, 3, 4), (14, 3, 4), (10, 2, 2), (8, 1, 2), (3, 1, 1), (2, None, None)],
)
def test_of_a_short_history_at_most_half_is_held_out(history_days, validation, test):
    split = TimeSplit.of(LAST - history_days + 1, LAST, validation_days=3, test_days=4)
    if test is None:
        assert split is None
        return
    assert (split.test_from - split.validation_from).astype(int) == validation
    assert (split.until - split.test_from).astype(int) + 1 == test


def test_where_few_people_act_more_days_are_held_out(by_time):
    def tested_from(fewest_people):
        asked = SplitDays(validation=1, test=2, fewest_people=fewest_people, until=LAST)
        return str(split_by_time(dataclasses.replace(by_time, split=None), asked).split.test_from)

    assert tested_from(3) == "2026-11-21"  # p1, p2 and p4 acted on the last two days
    assert tested_from(4) == "2026-11-16"  # p5 acted earlier: of 22 days 8 and 4 were more than half, so 7 and 3


def test_acts_of_two_days_cannot_be_split(tmp_path):
    asked = SplitDays(validation=3, test=4, fewest_people=2, until=LAST)
    with pytest.raises(NothingToLearn, match="received acts of 2026-11-01 to 2026-11-02"):
        load_sequences(write(tmp_path, [("p1", ["a", "b"], days(0, 1))]), days=asked)


def test_tastes_are_of_a_day_before_those_that_are_held_out(tmp_path):
    asked, found = SplitDays(validation=3, test=4, fewest_people=1, until=LAST), []
    load_sequences(
        write(tmp_path, [("p1", ["a", "b"], days(0, 21))]), days=asked, predictions=lambda day: found.append(day)
    )
    assert found == ["2026-11-16"]
