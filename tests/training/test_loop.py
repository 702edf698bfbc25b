import keras
import numpy as np
import pytest

from contracts.errors import ModelError
from training.learner import Context
from training.loop import train_epochs

X = np.linspace(-1, 1, 64, dtype="float32")[:, None]
Y = 3 * X


def line():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.03), loss="mse")
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, y=Y):
        super().__init__()
        self.y = y

    def __len__(self):
        return 4

    def __getitem__(self, batch):
        rows = slice(16 * batch, 16 * batch + 16)
        return X[rows], self.y[rows]


def fit(model, batches, context, *, epochs=6, patience=0, minutes=0.0):
    def validate():
        return {"validation": -float(np.mean((np.asarray(model(X)) - Y) ** 2))}

    return train_epochs(
        model,
        batches,
        validate=validate,
        watched="validation",
        epochs=epochs,
        patience=patience,
        minutes=minutes,
        context=context,
    )


def quiet(**changes):
    return Context(say=lambda line: None, **changes)  # noqa: ARG005


def killed_after(last):
    def after_epoch(epoch, metrics):  # noqa: ARG001
        if epoch == last:
            raise KeyboardInterrupt

    return after_epoch


def test_a_killed_training_goes_on_and_ends_where_an_unbroken_one_does(tmp_path):
    whole = line()
    expected = fit(whole, Batches(), quiet())
    with pytest.raises(KeyboardInterrupt):
        fit(line(), Batches(), quiet(folder=tmp_path, after_epoch=killed_after(3)))
    lines = []
    resumed = line()
    epochs = fit(resumed, Batches(), Context(folder=tmp_path, say=lines.append))
    assert lines[0] == "resumed after epoch 3"
    assert [epoch["loss"] for epoch in epochs] == pytest.approx([epoch["loss"] for epoch in expected], rel=1e-5)
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_moving_average_is_what_is_validated_and_stays_after_a_kill_too(tmp_path):
    def averaged():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), loss="mse")
        return model

    whole = averaged()
    epochs = fit(whole, Batches(), quiet(), epochs=3)
    weight, bias, average = 0.0, 0.0, None
    for step in range(12):  # the same steps by hand
        rows = slice(16 * (step % 4), 16 * (step % 4) + 16)
        error = X[rows] * weight + bias - Y[rows]
        weight, bias = weight - 0.2 * np.mean(error * X[rows]), bias - 0.2 * np.mean(error)
        average = weight if average is None else 0.9 * average + 0.1 * weight
    assert whole.get_weights()[0].item() == pytest.approx(average, rel=1e-4)
    assert epochs[-1]["validation"] == pytest.approx(-np.mean((np.asarray(whole(X)) - Y) ** 2), rel=1e-4)

    with pytest.raises(KeyboardInterrupt):
        fit(averaged(), Batches(), quiet(folder=tmp_path, after_epoch=killed_after(1)), epochs=3)
    resumed = averaged()
    fit(resumed, Batches(), quiet(folder=tmp_path), epochs=3)
    assert resumed.get_weights()[0].item() == pytest.approx(average, rel=1e-4)


def test_a_finished_training_is_not_trained_again(tmp_path):
    first = fit(line(), Batches(), quiet(folder=tmp_path), epochs=2)
    again = fit(line(), Batches(), quiet(folder=tmp_path, after_epoch=killed_after(3)), epochs=2)
    assert again == first


def test_a_half_written_checkpoint_is_never_seen(tmp_path):
    fit(line(), Batches(), quiet(folder=tmp_path), epochs=1)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_loss_that_is_no_number_names_its_batch():
    broken = Y.copy()
    broken[40] = np.nan
    with pytest.raises(
        ModelError, match=r"received nan after batch 3 of epoch 1; look for values that are not numbers"
    ):
        fit(line(), Batches(broken), quiet())


def test_memory_that_runs_out_names_the_setting_to_lower():
    class Hungry(Batches):
        def __getitem__(self, batch):
            raise MemoryError

    with pytest.raises(ModelError, match="lower batch_size"):
        fit(line(), Hungry(), quiet())


def test_the_best_weights_stay_and_patience_ends():
    model = line()
    values = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    kept = []

    def validate():
        kept.append(model.get_weights())
        return {"validation": next(values)}

    epochs = train_epochs(
        model, Batches(), validate=validate, watched="validation", epochs=9, patience=2, context=quiet()
    )
    assert [epoch["validation"] for epoch in epochs] == [0.1, 0.5, 0.4, 0.3]
    for one, other in zip(model.get_weights(), kept[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_whoever_watches_sees_each_epoch_and_can_end_it():
    seen = []

    def after_epoch(epoch, metrics):
        seen.append((epoch, sorted(metrics)))
        if epoch == 2:
            raise StopIteration

    with pytest.raises(StopIteration):
        fit(line(), Batches(), quiet(after_epoch=after_epoch))
    assert seen == [(1, ["epoch_seconds", "loss", "validation"]), (2, ["epoch_seconds", "loss", "validation"])]


def test_tensorboard_gets_the_curves(tmp_path):
    fit(line(), Batches(), quiet(tensorboard=tmp_path), epochs=2)
    [log] = tmp_path.glob("events.out.tfevents.*")
    assert b"validation" in log.read_bytes()


def test_a_training_whose_time_is_over_ends_within_its_epoch_and_says_so(tmp_path):
    said, model, before = [], line(), line().get_weights()
    epochs = fit(model, Batches(), Context(say=said.append, folder=tmp_path), minutes=1e-9)
    assert len(epochs) == 1
    assert model.optimizer.iterations == 1
    assert said[0] == "the 1e-09 minutes of the configuration are over: training ends with batch 1 of epoch 1 of 6"
    assert any((now != then).any() for now, then in zip(model.get_weights(), before, strict=True))
    again = line()
    assert fit(again, Batches(), quiet(folder=tmp_path), minutes=1e-9) == epochs
    assert again.optimizer.iterations == 1, "its time is over, also for who starts it again"


def test_a_training_with_time_enough_takes_none_of_it():
    assert fit(line(), Batches(), quiet(), minutes=60.0)[-1]["loss"] == fit(line(), Batches(), quiet())[-1]["loss"]
