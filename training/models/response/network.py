"""Response to campaigns: one net gives the chances that a person clicks, buys and leaves.

A deep and cross network (`trunk.py`), of which the answers (click, purchase, leave) share all layers but the last. It
begins as the logistic regression of each answer (`regression.py`), which stays as it is; what the deep and cross layers
say is added to it, and is 0 before the first step. The net has two parts, so that a prediction can be explained by its
features: an embedder from a row's columns to one vector, and a head from that vector to logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers, ops

from contracts.errors import ModelError
from training.models.response.trunk import embedder, trunk
from training.privacy.accounting import PLAIN, Privacy, Spending
from training.privacy.dp_sgd import Owned, PrivateTraining, private_optimizer

if TYPE_CHECKING:
    from training.models.response.regression import Regressions

NOT_KNOWN = -1.0
"""The label of an unknown answer; it adds nothing to the loss."""

LOSSES = ("plain", "weighted", "focal")
STRUCTURES = ("parallel", "stacked")
STARTS = ("regression", "random")


@dataclass(frozen=True)
class ResponseConfig:
    """What can be chosen about the model and its training."""

    start: str = "regression"
    """`regression`: the net learns what the logistic regressions of the answers leave; `random`: it learns everything
    from random weights. A private training starts at random, since a regression reads the rows."""
    scaling: str = "quantile"
    """Of numbers: `quantile` by rank, `standard` by mean and standard deviation."""
    fewest_rows: int = 10
    """A category in fewer training rows counts as unknown."""
    embedding_dimensions: int = 8
    """Size of the vector of a category."""
    cross_layers: int = 1
    """Number of cross layers; each raises the degree of the products of features by one."""
    cross_rank: int = 0
    """Rank of a cross layer's matrix; 0 is full rank."""
    interaction_penalty: float = 0.01
    """L2 penalty on the matrices of cross and deep layers; the linear terms are not penalised."""
    deep_layers: int = 1
    """Number of layers of the deep part; 0 leaves it out."""
    deep_units: int = 16
    """Width of the deep part."""
    structure: str = "parallel"
    """`parallel` puts the deep part beside the cross layers, `stacked` after them."""
    dropout: float = 0.1
    """Share of the deep part's units that a training step drops."""
    hidden_share: float = 0.05
    """Share of values that training hides at random: numbers as null, categories as unknown."""
    loss: str = "plain"
    """`plain` cross-entropy; `weighted` balances yes and no; `focal` favours hard rows (Lin et al., 2017)."""
    gamma: float = 2.0
    """How much `focal` favours hard rows; 0 is `plain`."""
    auxiliary_weight: float = 0.5
    """Weight in the loss of purchase and leave; the click has the weight 1."""
    half_life_share: float = 0.0
    """Age, as a share of the training rows, at which a row has half the weight; 0 gives all rows the same weight."""
    synthetic_share: float = 0.2
    """Most synthetic rows that are added, as a share of the real training rows."""
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    ema_momentum: float = 0.97
    """Share of the old value in the moving average of the weights after a step, which is validated and kept; 0 keeps
    the weights themselves. A private training has a momentum of its own."""
    batch_size: int = 256
    """Rows per batch."""
    epochs: int = 20
    """Most epochs; training ends earlier once validation no longer improves."""
    patience: int = 4
    """Epochs without a better validation AUC after which training ends."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    privacy: Privacy = PLAIN
    """With a finite epsilon, training is differentially private: `batch_size` is the mean number of PEOPLE per step,
    all epochs are trained, and `synthetic_share`, `half_life_share` and the loss `weighted` are not available."""
    seed: int = 7


class Response(keras.Model):
    """The trained form: numbers (batch, numbers) and codes (batch, categories) to logits (batch, answers)."""

    def __init__(
        self,
        config: ResponseConfig,
        *,
        numbers: int,
        codes: int,
        unknown_codes: Sequence[int],
        positive_shares: Sequence[float],
    ) -> None:
        answers = len(positive_shares)
        column_embedder = embedder(
            config, numbers, codes, np.asarray(unknown_codes), coefficients=answers if _regressed(config) else 0
        )
        self.features_of_a_category = config.embedding_dimensions + (answers if _regressed(config) else 0)
        head = _head(config, column_embedder.output_shape[-1], answers)
        super().__init__(column_embedder.inputs, head(column_embedder.outputs[0]), name="response")
        self.embedder, self.head = column_embedder, head
        self.loss_name, self.gamma = config.loss, config.gamma
        shares = np.clip(positive_shares, 1e-3, 1 - 1e-3)
        # Both classes have the same total weight, and the mean weight of a row is 1.
        self.class_weights = np.stack([0.5 / (1 - shares), 0.5 / shares]).astype("float32")  # (class, answers)
        auxiliary = np.full(len(positive_shares) - 1, config.auxiliary_weight)
        self.answer_weights = np.concatenate([[1.0], auxiliary]).astype("float32")  # (answers,)

    def start_at(self, regressions: Regressions) -> None:
        """Set the part of the net that stays: before the first step, the logits are those of the regressions."""
        numbers, answers = regressions.numbers.shape
        self.embedder.get_layer("coefficients").set_weights([regressions.codes])
        linear = self.head.get_layer("regression")
        kernel = np.zeros(linear.kernel.shape, "float32")  # (features, answers)
        kernel[:numbers] = regressions.numbers
        for end in range(numbers + self.features_of_a_category, len(kernel) + 1, self.features_of_a_category):
            kernel[end - answers : end] = np.eye(answers)  # a category's last features: its coefficient of each answer
        linear.set_weights([kernel, regressions.intercepts])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean of `example_losses`, weighted by `sample_weight` (batch,) if it is there, plus penalties."""
        losses = self.example_losses(y, y_pred)
        mean = ops.mean(losses if sample_weight is None else losses * ops.reshape(sample_weight, (-1,)))
        return mean + sum(self.losses)

    def example_losses(self, labels, logits):
        """Loss of each row: the weighted sum over its known answers (batch,).

        Args:
            labels: 0, 1 or `NOT_KNOWN` (batch, answers).
            logits: (batch, answers).
        """
        known = ops.cast(labels >= 0, logits.dtype)
        positive = ops.cast(labels > 0, logits.dtype)
        losses = ops.relu(logits) - logits * positive + ops.softplus(-ops.abs(logits))  # cross-entropy
        if self.loss_name == "focal":
            losses = losses * (1 - ops.exp(-losses)) ** self.gamma  # exp(-loss) is the probability of the true class
        if self.loss_name == "weighted":
            no, yes = self.class_weights
            losses = losses * (no + positive * (yes - no))
        return ops.sum(losses * known * self.answer_weights, axis=-1)


class PrivateResponse(PrivateTraining, Response):
    """The same net with differentially private steps; a person's loss is the mean over the person's rows."""

    def recorded_losses(self, data, nets):
        """Losses (rows,) of ((numbers, codes), (labels, indices of each person's rows (people, most rows)))."""
        inputs, (labels, rows_of_people) = data
        embedder, head = nets
        owned = Owned(rows_of_people)
        rows = ops.shape(labels)[0]
        losses = self.example_losses(labels, ops.cast(head(embedder(inputs, training=True), training=True), "float32"))
        counts = ops.sum(ops.cast(rows_of_people < rows, "float32"), axis=1)
        return losses / owned.to_rows(counts, rows), owned


def build(
    config: ResponseConfig,
    *,
    numbers: int,
    codes: int,
    unknown_codes: Sequence[int],
    positive_shares: Sequence[float],
    spent: Spending | None = None,
) -> Response:
    """The compiled model; with `spent`, its steps are differentially private.

    Args:
        numbers: number of columns of the first input.
        codes: number of codes of all columns of the second input together.
        unknown_codes: code for unknown categories, of each column of the second input (categories,).
        positive_shares: share of yes among the known labels of each answer in training (answers,).
        spent: the privacy budget; None for a plain training.

    Raises:
        ModelError: no such loss, structure or start.
    """
    for name, known in (("loss", LOSSES), ("structure", STRUCTURES), ("start", STARTS)):
        if getattr(config, name) not in known:
            raise ModelError(
                expected=f"{name} as one of {', '.join(known)}",
                received=repr(getattr(config, name)),
                remedy=f"change {name} in the model's configuration",
            )
    keras.utils.set_random_seed(config.seed)
    kind = Response if spent is None else PrivateResponse
    model = kind(config, numbers=numbers, codes=codes, unknown_codes=unknown_codes, positive_shares=positive_shares)
    if spent is None:
        optimizer = keras.optimizers.AdamW(
            config.learning_rate,
            weight_decay=config.weight_decay,
            use_ema=config.ema_momentum > 0,
            ema_momentum=config.ema_momentum,
        )
        model.compile(optimizer=optimizer)
    else:
        model.train_privately([model.embedder, model.head], spent, config.privacy.clip)
        model.compile(optimizer=private_optimizer(config.learning_rate, config.weight_decay), jit_compile=False)
    return model


def _head(config: ResponseConfig, width: int, answers: int) -> keras.Model:
    """Features (batch, width) to logits (batch, answers)."""
    features = keras.Input((width,), name="features")
    if not _regressed(config):
        return keras.Model(features, layers.Dense(answers, name="logits")(trunk(config, features)), name="head")
    linear = layers.Dense(answers, kernel_initializer="zeros", trainable=False, name="regression")(features)
    left = layers.Dense(answers, kernel_initializer="zeros", name="left")(trunk(config, features))
    return keras.Model(features, layers.Add(name="logits")([linear, left]), name="head")


def _regressed(config: ResponseConfig) -> bool:
    """Whether the net begins with regressions."""
    return config.start == "regression" and not config.privacy.on
