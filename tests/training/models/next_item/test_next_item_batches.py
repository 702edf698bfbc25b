import numpy as np

from training.models.next_item.batches import OfFewShapes, disordered, model_inputs, next_item_batches, of_one_shape
from training.sequences.histories import Histories


def histories(**more):
    return Histories(np.arange(1, 31), starts=np.arange(0, 30, 3), ends=np.arange(3, 33, 3), **more)


def test_batches_pair_each_item_with_the_next_and_lose_nobody():
    pairs = list(next_item_batches(histories(), max_length=5, batch_size=4, seed=0).as_numpy_iterator())
    assert sorted(int(x[0]) for batch, _ in pairs for x in batch) == list(range(1, 31, 3))
    for batch, following in pairs:
        assert (following == batch + 1).all()


def test_batches_are_padded_to_their_own_longest_history_only():
    ends = np.cumsum([2] * 8 + [5] * 8)
    some = Histories(np.ones(56, int), starts=ends - np.repeat([2, 5], 8), ends=ends)
    batches = next_item_batches(some, max_length=10, batch_size=8, seed=0).as_numpy_iterator()
    assert sorted(batch.shape for batch, _ in batches) == [(8, 1), (8, 4)]


def test_side_inputs_stay_with_their_steps_and_people():
    some = histories(
        gaps=np.arange(101, 131), taste_table=np.arange(10, dtype="float32")[:, None], owners=np.arange(10)
    )
    batches = next_item_batches(some, max_length=5, batch_size=4, seed=0, time_gap=True, taste=1)
    for (codes, gaps, tastes), following in batches.as_numpy_iterator():
        assert (gaps == codes + 100).all()
        assert (tastes[:, 0] == (codes[:, 0] - 1) // 3).all()
        assert (following == codes + 1).all()


def test_every_epoch_is_in_another_order_and_a_seed_repeats_them():
    def first_epochs():
        batches = next_item_batches(histories(), max_length=5, batch_size=2, seed=1)
        return [[int(batch[0, 0]) for batch, _ in batches.as_numpy_iterator()] for _ in range(2)]

    one, two = first_epochs()
    assert one != two
    assert [one, two] == first_epochs()


def test_a_model_of_another_taste_length_gets_zeros():
    some = histories(taste_table=np.ones((10, 2), "float32"), owners=np.arange(10))
    codes, tastes = model_inputs(some, 5, time_gap=False, taste=3)
    assert codes.shape == (10, 3)
    assert tastes.tolist() == [[0.0] * 3] * 10


def test_a_long_history_is_learned_from_in_windows():
    some = Histories(np.arange(1, 8), starts=np.array([0]), ends=np.array([7]))
    batches = next_item_batches(some, max_length=3, batch_size=4, seed=0).as_numpy_iterator()
    pairs = [(x, y) for batch in batches for x, y in zip(batch[0].ravel(), batch[1].ravel(), strict=True) if y]
    assert sorted(pairs) == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    assert some.windows(4).starts.tolist() == [0, 3]
    assert some.windows(5).starts.tolist() == [0, 2]
    assert some.windows(9).starts.tolist() == [0]


def test_order_noise_moves_acts_a_little_and_padding_never():
    random = np.random.default_rng(0)
    real = np.arange(30) < np.full((200, 1), 20)
    order = disordered(real, 2.0, random)
    assert (np.sort(order, axis=1) == np.arange(30)).all()
    assert (order[:, 20:] >= 20).all()
    moved = np.abs(order[:, :20] - np.arange(20))
    assert 0.5 < moved.mean() < 3
    assert (disordered(real, 0.0, random) == np.arange(30)).all()


def test_engines_that_compile_for_each_shape_get_few_of_them():
    batches = [(np.full((rows, steps), rows, "int32"),) * 2 for rows, steps in [(4, 3), (4, 9), (2, 17)]]
    some = OfFewShapes(lambda: iter(batches), 3, batch_size=4, max_length=20)
    for _ in range(2):  # an epoch begins with the first batch again
        inputs, targets = zip(*(some[place] for place in range(len(some))), strict=True)
        assert [one.shape for one in inputs] == [(4, 8), (4, 16), (4, 20)]
        assert [one.sum() for one in targets] == [48, 144, 68]


def test_what_is_ranked_has_one_shape_there():
    codes, tastes = of_one_shape((np.ones((5, 3), "int32"), np.ones((5, 2), "float32")), 10)
    assert codes.shape == (128, 10)
    assert tastes.shape == (128, 2)
    assert (codes.sum(), tastes.sum()) == (15, 10)
