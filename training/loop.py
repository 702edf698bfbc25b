"""The training loop of all models: early stopping, best weights, checkpoints, TensorBoard, clear errors."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from contracts.atomic_files import write_whole
from contracts.errors import ModelError
from training.learner import Context

if TYPE_CHECKING:
    from training.tensorboard_log import TensorBoardLog

Validate = Callable[[], Mapping[str, float]]
"""Metrics of the validation part under the current weights, by the names that reports use."""

_CHECKPOINT = "checkpoint.npz"


def train_epochs(
    model: keras.Model,
    batches: Iterable,
    *,
    validate: Validate,
    watched: str,
    epochs: int,
    patience: int,
    context: Context,
    keep: str = "best",
    minutes: float = 0.0,
) -> list[dict[str, float]]:
    """Fit a compiled model until `watched` has not risen for `patience` epochs; the model ends with its best weights.

    With a folder in the context, a checkpoint is written there after each epoch, and a training that was killed goes on
    after its last one. If the optimizer keeps a moving average of the weights, the average is validated and kept.

    Args:
        batches: anything that `model.fit` takes as `x`; read once per epoch.
        watched: key of `validate()`; higher is better.
        epochs: most epochs; where the context names a number, exactly that many are trained and the last is kept.
        patience: 0 trains all epochs.
        minutes: what the training may take; once it is over, the epoch ends with the batch, is validated, and was the
            last. 0 gives it any time.
        keep: `best` keeps the weights of the best epoch; `last` trains all epochs and keeps the last one's weights, so
            that the validation part has no influence.

    Returns:
        The metrics of each epoch: `loss`, what `validate` returned, `epoch_seconds`.

    Raises:
        ModelError: the loss of a batch is not finite, or memory ran out.
    """
    if context.epochs is not None:
        epochs, keep = context.epochs, "last"
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)  # else the first step creates variables and is traced twice
    watch = _Watch(validate, watched, epochs, 0 if keep == "last" else patience, context, keep, minutes)
    watch.resume(model)
    if watch.unfinished:
        try:
            model.fit(
                batches, initial_epoch=len(watch.epochs), epochs=epochs, verbose=0, shuffle=False, callbacks=[watch]
            )
        except Exception as error:
            if not _out_of_memory(error):
                raise
            raise ModelError(
                expected=f"memory for one batch of {model.name}",
                received="no more memory",
                remedy="lower batch_size in the model's configuration, then max_length or dimensions if it has them",
            ) from error
    watch.restore_best(model)
    return watch.epochs


class _Watch(keras.callbacks.Callback):
    """After each epoch: validate, log a line, remember the best weights, write a checkpoint, decide whether to stop."""

    def __init__(
        self,
        validate: Validate,
        watched: str,
        max_epochs: int,
        patience: int,
        context: Context,
        keep: str,
        minutes: float,
    ) -> None:
        super().__init__()
        self.minutes = minutes
        self.validate, self.watched, self.max_epochs, self.patience = validate, watched, max_epochs, patience
        self.context, self.keep = context, keep
        self.epochs: list[dict[str, float]] = []
        self.best_weights: list[np.ndarray] | None = None
        self.tensorboard_log: TensorBoardLog | None = None

    @property
    def best_epoch(self) -> int:
        """Index of the epoch whose weights are kept: the best one, the first of equals, or the last one."""
        if self.keep == "last":
            return len(self.epochs) - 1
        return int(np.argmax([epoch[self.watched] for epoch in self.epochs]))

    @property
    def unfinished(self) -> bool:
        """Whether there is another epoch to train."""
        waited = len(self.epochs) - 1 - self.best_epoch if self.epochs else 0
        if self.epochs and self._is_over(sum(epoch["epoch_seconds"] for epoch in self.epochs)):
            return False
        return len(self.epochs) < self.max_epochs and (self.patience == 0 or waited < self.patience)

    def _is_over(self, seconds: float) -> bool:
        return 0 < self.minutes <= seconds / 60

    def on_train_begin(self, logs=None) -> None:  # noqa: ARG002  the interface of Keras
        if self.context.tensorboard is not None:
            from training.tensorboard_log import TensorBoardLog

            self.tensorboard_log = TensorBoardLog(self.context.tensorboard)

    def on_epoch_begin(self, epoch, logs=None) -> None:  # noqa: ARG002
        self.started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None) -> None:
        if not np.isfinite(float(logs["loss"])):
            raise ModelError(
                expected=f"a finite loss of {self.model.name}",
                received=f"{float(logs['loss'])} after batch {batch + 1} of epoch {len(self.epochs) + 1}",
                remedy="look for values that are not numbers in the training table, or lower learning_rate",
            )
        before = sum(epoch["epoch_seconds"] for epoch in self.epochs)
        if self._is_over(before + time.monotonic() - self.started):
            self.model.stop_training = True
            self.context.say(
                f"the {self.minutes:g} minutes of the configuration are over: training ends with batch {batch + 1} of "
                f"epoch {len(self.epochs) + 1} of {self.max_epochs}"
            )

    def on_epoch_end(self, epoch, logs=None) -> None:
        seconds = time.monotonic() - self.started
        with _averaged_weights(self.model):
            metrics = {**logs, **self.validate(), "epoch_seconds": seconds}
            self.epochs.append({name: float(value) for name, value in metrics.items()})
            is_kept = self.best_epoch == len(self.epochs) - 1
            is_best = is_kept and self.keep == "best"
            if is_kept:
                self.best_weights = self.model.get_weights()
        self.model.stop_training = not self.unfinished
        self._write_checkpoint()
        if self.tensorboard_log is not None:
            self.tensorboard_log.write(len(self.epochs), self.epochs[-1])
        self.context.say(
            f"epoch {epoch + 1:>2} of at most {self.max_epochs}: loss {logs['loss']:.4f}, {self.watched} "
            f"{self.epochs[-1][self.watched]:.4f}{' (best)' if is_best else ''}, {seconds:.1f} s"
        )
        self.context.after_epoch(len(self.epochs), self.epochs[-1])

    def on_train_end(self, logs=None) -> None:  # noqa: ARG002
        if self.tensorboard_log is not None:
            self.tensorboard_log.close()

    def restore_best(self, model: keras.Model) -> None:
        if self.best_weights is not None:
            model.set_weights(self.best_weights)

    def resume(self, model: keras.Model) -> None:
        """Restore the state after the last epoch with a checkpoint, if there is one."""
        file = self._checkpoint
        if file is None or not file.is_file():
            return
        with np.load(file) as kept:
            self.epochs = json.loads(str(kept["epochs"]))
            for index, variable in enumerate(_variables(model)):
                variable.assign(kept[f"now_{index}"])
            self.best_weights = [kept[f"best_{index}"] for index in range(len(model.get_weights()))]
        self.context.say(f"resumed after epoch {len(self.epochs)}")

    def _write_checkpoint(self) -> None:
        file = self._checkpoint
        if file is None:
            return
        state = {f"now_{index}": np.asarray(variable) for index, variable in enumerate(_variables(self.model))}
        state |= {f"best_{index}": weights for index, weights in enumerate(self.best_weights)}
        content = io.BytesIO()
        np.savez(content, epochs=json.dumps(self.epochs), **state)
        write_whole(file, content.getbuffer())

    @property
    def _checkpoint(self) -> Path | None:
        return None if self.context.folder is None else self.context.folder / _CHECKPOINT


@contextmanager
def _averaged_weights(model: keras.Model) -> Iterator[None]:
    """The model with the moving average of its weights, if the optimizer keeps one."""
    if not model.optimizer.use_ema:
        yield
        return
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    try:
        yield
    finally:
        swap.on_test_end()


def _variables(model: keras.Model) -> list:
    """Everything that training changes: weights, random state, the optimizer's moments and step count."""
    seen = {id(variable): variable for variable in [*model.variables, *model.optimizer.variables]}
    return list(seen.values())


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "ResourceExhausted" in type(error).__name__ or "OOM" in str(error)
