import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, ModelError
from training.batches import next_item_batches
from training.data import (
    Histories,
    held_out_histories,
    load_sequences,
    recent_counts,
    require_held_out,
    training_histories,
    training_vocabulary,
)

DAY = datetime.datetime(2026, 11, 1)


def write(folder, rows):
    columns = ("person_id", "item_ids", "occurred_at", "consent_training")
    pq.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows]), folder / "a.parquet")
    return folder


def days(*numbers):
    return [DAY + datetime.timedelta(days=number) for number in numbers]


@pytest.fixture
def sequences(tmp_path):
    rows = [
        ("p2", ["a", "b", "c", "d"], days(0, 1, 20, 21), True),
        ("p1", ["b", "c"], days(2, 20), True),
        ("p3", ["a", "b", "z"], days(0, 1, 2), False),
        ("p4", ["c", "a", "new"], days(19, 20, 21), True),
    ]
    return load_sequences(write(tmp_path, rows))


def test_only_people_who_agreed_are_read_and_stand_by_id(sequences):
    assert sequences.person_ids.tolist() == ["p1", "p2", "p4"]
    assert sequences.item_ids.tolist() == ["a", "b", "c", "d", "new"]
    assert sequences.offsets.tolist() == [0, 2, 6, 9]
    assert sequences.item_ids[sequences.acts].tolist() == ["b", "c", "a", "b", "c", "d", "c", "a", "new"]


def test_last_is_test_the_one_before_is_validation(sequences):
    vocabulary = training_vocabulary(sequences)
    assert vocabulary.item_ids.tolist() == ["a", "b", "c"]
    assert vocabulary.counts.tolist() == [1, 2, 2]  # p1: b c, p2: a b, p4: c

    histories, targets = held_out_histories(sequences, vocabulary, target=1)
    assert histories.padded(10).tolist() == [[1, 2, 3], [3, 1, 0]]
    assert targets.tolist() == [0, 0]  # d and new are in nobody's training part
    histories, targets = held_out_histories(sequences, vocabulary, target=2)
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


def test_batches_pair_each_item_with_the_next_and_lose_nobody():
    histories = Histories(np.arange(1, 31), starts=np.arange(0, 30, 3), ends=np.arange(3, 33, 3))
    pairs = list(next_item_batches(histories, max_length=5, batch_size=4, seed=0).as_numpy_iterator())
    assert sorted(int(x[0]) for batch, _ in pairs for x in batch) == list(range(1, 31, 3))
    for batch, following in pairs:
        assert (following == batch + 1).all()


def test_batches_are_padded_to_their_own_longest_history_only():
    ends = np.cumsum([2] * 8 + [5] * 8)
    histories = Histories(np.ones(56, int), starts=ends - np.repeat([2, 5], 8), ends=ends)
    batches = next_item_batches(histories, max_length=10, batch_size=8, seed=0).as_numpy_iterator()
    assert sorted(batch.shape for batch, _ in batches) == [(8, 1), (8, 4)]


def test_content_hash_changes_with_the_content(tmp_path):
    first = load_sequences(write(tmp_path, [("p1", ["a", "b"], days(0, 1), True)])).content_hash()
    again = load_sequences(write(tmp_path, [("p1", ["a", "b"], days(0, 1), True)])).content_hash()
    other = load_sequences(write(tmp_path, [("p1", ["b", "a"], days(0, 1), True)])).content_hash()
    assert first == again != other


def test_nobody_agreed(tmp_path):
    with pytest.raises(ModelError, match="1 people, none of whom has consent_training"):
        load_sequences(write(tmp_path, [("p1", ["a"], days(0), False)]))


def test_a_missing_column_is_named(tmp_path):
    pq.write_table(pa.table({"person_id": ["p1"]}), tmp_path / "a.parquet")
    with pytest.raises(LakeError, match="without item_ids, occurred_at, consent_training"):
        load_sequences(tmp_path)


def test_too_few_people_with_enough_history(sequences):
    with pytest.raises(ModelError, match="2 such people among 3"):
        require_held_out(sequences, at_least=10)
