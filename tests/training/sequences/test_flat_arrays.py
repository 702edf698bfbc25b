"""Large arrays are in files, work is done in pieces, and neither changes what is computed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.models.taste_autoencoder.baskets import baskets_from
from training.parts import Part
from training.sequences import acts, flat_arrays, histories
from training.sequences.flat_arrays import pieces, places_of, room_for
from training.sequences.histories import held_out_histories, recent_counts, training_histories
from training.sequences.loading import load_sequences
from training.sequences.shuffling import shuffled_windows
from training.sequences.vocabulary import most_frequent, training_vocabulary


def test_a_small_array_is_in_memory_and_a_large_one_in_a_file_without_a_name(tmp_path):
    folder = tmp_path / "spill"
    assert not isinstance(room_for(10, "int32", folder, in_memory=40), np.memmap)
    assert not folder.exists()
    large = room_for(11, "int32", folder, in_memory=40)
    assert isinstance(large, np.memmap)
    assert list(folder.iterdir()) == []
    large[:] = np.arange(11)
    assert large.sum() == 55


def test_pieces_hold_whole_people_and_lose_nobody():
    lengths = np.array([3, 0, 4, 9, 1, 1, 0])
    assert [(one.start, one.stop) for one in pieces(lengths, 7)] == [(0, 3), (3, 4), (4, 7)]
    assert [(one.start, one.stop) for one in pieces(np.zeros(3, int), 7)] == [(0, 3)]
    assert list(pieces(np.zeros(0, int), 7)) == []


def test_places_of_people_who_stand_in_no_order():
    assert places_of(np.array([10, 0, 5]), np.array([2, 3, 0])).tolist() == [10, 11, 0, 1, 2]


@pytest.fixture
def small(monkeypatch):
    """As if three acts were many: every array is in a file, and pieces are one or two people."""
    for module in (flat_arrays, acts, histories):
        monkeypatch.setattr(module, "ACTS_A_PIECE", 3)
    monkeypatch.setattr(pieces, "__defaults__", (3,))
    monkeypatch.setattr(room_for, "__kwdefaults__", {"in_memory": 0})


def write(folder, people, *, files):
    """Random histories of people in no order, some without any act, in several files and row groups."""
    random = np.random.default_rng(2)
    rows = []
    for number in random.permutation(people):
        items = random.permutation(30)[: random.integers(0, 9)]
        rows.append(
            {
                "person_id": f"p{number:03d}",
                "item_ids": [f"i{item:02d}" for item in items],
                "occurred_at": np.sort(random.integers(0, 10**12, len(items))).tolist(),
                "region": "north" if number % 2 else None,
            }
        )
    schema = pa.schema(
        [
            ("person_id", pa.string()),
            ("item_ids", pa.list_(pa.string())),
            ("occurred_at", pa.list_(pa.timestamp("us"))),
            ("region", pa.string()),
        ]
    )
    for number in range(files):
        table = pa.Table.from_pylist(rows[number::files], schema)
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=7, use_dictionary=number != 1)
    return {row["person_id"]: row for row in rows}


def computed(folder):
    """Everything that the models take from sequences, as plain lists."""
    data = load_sequences(folder, scratch=folder / "spill")
    vocabulary = training_vocabulary(data)
    limited = vocabulary.limited(most_frequent(vocabulary.counts, 12))
    found = [data.content_hash(), vocabulary.counts.tolist(), recent_counts(data, vocabulary, days=2).tolist()]
    for known in (vocabulary, limited):
        for some in (training_histories(data, known), held_out_histories(data, known, part=Part.TEST)[0]):
            found += [some.padded(10).tolist(), some.padded_gaps(10).tolist(), [part.tolist() for part in some.cells()]]
    baskets = baskets_from(data)
    found += [baskets.content_hash(), baskets.counts.tolist(), baskets.with_any(baskets.known[:2]).tolist()]
    return data, found


def test_what_is_in_files_gives_the_same_as_what_is_in_memory(tmp_path, request):
    rows = write(tmp_path, 60, files=3)
    in_memory, expected = computed(tmp_path)
    request.getfixturevalue("small")
    in_files, found = computed(tmp_path)
    assert not isinstance(in_memory.acts, np.memmap)
    assert isinstance(in_files.acts, np.memmap)
    assert found == expected

    assert in_files.person_ids.tolist() == sorted(rows)
    for place, person in enumerate(in_files.person_ids):
        own = slice(*in_files.offsets[place : place + 2])
        assert in_files.item_ids[in_files.acts[own]].tolist() == rows[person]["item_ids"]
        assert in_files.times[own].astype(int).tolist() == rows[person]["occurred_at"]


def test_tastes_of_many_batches_are_those_of_one(tmp_path, small):
    del small
    write(tmp_path, 20, files=1)
    (tmp_path / "predictions").mkdir()
    people = [f"p{number:03d}" for number in range(25)]
    vectors = [[number, 2.0] if number % 3 else None for number in range(25)]
    table = pa.table({"person_id": people, "taste_vector": pa.array(vectors, pa.list_(pa.float64()))})
    pq.write_table(table, tmp_path / "predictions" / "a.parquet", row_group_size=4)
    data = load_sequences(tmp_path, predictions=lambda _: tmp_path / "predictions")
    assert isinstance(data.tastes, np.memmap)
    assert data.tastes.tolist() == [[number, 2.0] if number % 3 else [0.0, 0.0] for number in range(20)]
    some = training_histories(data, training_vocabulary(data))
    assert (some.tastes == data.tastes[some.owners]).all()
    assert (some.take(slice(2, 5)).tastes == data.tastes[some.owners[2:5]]).all()


def test_up_to_a_window_the_order_of_an_epoch_is_a_permutation():
    [order] = shuffled_windows(100, np.random.default_rng(3), batch_size=8, window=100, block=10)
    assert (order == np.random.default_rng(3).permutation(100)).all()


@pytest.mark.parametrize(("rows", "window", "block"), [(1000, 100, 10), (1003, 96, 7), (50, 8, 20)])
def test_windows_of_blocks_read_every_row_once_in_whole_batches(rows, window, block):
    def epoch(random):
        return [*shuffled_windows(rows, random, batch_size=8, window=window, block=block)]

    random = np.random.default_rng(4)
    first, second = epoch(random), epoch(random)
    assert sorted(np.concatenate(first)) == list(range(rows))
    assert all(len(one) % 8 == 0 for one in first[:-1])
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    again = epoch(np.random.default_rng(4))
    assert all((one == other).all() for one, other in zip(first, again, strict=True))


def test_a_window_mixes_blocks_of_all_places():
    first = next(shuffled_windows(10_000, np.random.default_rng(5), batch_size=8, window=1000, block=50))
    assert len(np.unique(first // 50)) == 20
    assert first.min() < 2000
    assert first.max() > 8000
    assert np.abs(np.diff(first)).mean() > 1000  # neighbours in the order come from blocks that are far apart
