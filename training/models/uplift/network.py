"""Uplift: one net gives a person's chances with and without the message; their difference is what sending changes.

Two arms on shared layers, as TARNet has them (Shalit, Johansson and Sontag, ICML 2017, arXiv:1606.03976); the shared
layers are those of `response`. The chance of treatment is known by the lot and is not learned, so DragonNet's third
head (Shi, Blei and Veitch, NeurIPS 2019, arXiv:1906.02120) has nothing to do here. The treated arm is the controls' arm
plus a difference with a penalty of its own, so that what is alike in both arms need not be learned twice (Curth and van
der Schaar, "On inductive biases for heterogeneous treatment effect estimation", NeurIPS 2021, arXiv:2106.03765).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from training.models.response.trunk import embedder, trunk

ARMS = 2
"""Controls, then treated: the order of every array of arms."""


@dataclass(frozen=True)
class UpliftConfig:
    """What can be chosen about the model and its training; the shared layers as in `ResponseConfig`."""

    scaling: str = "quantile"
    fewest_rows: int = 10
    embedding_dimensions: int = 4
    cross_layers: int = 0
    cross_rank: int = 0
    interaction_penalty: float = 0.001
    deep_layers: int = 1
    deep_units: int = 32
    structure: str = "parallel"
    dropout: float = 0.1
    hidden_share: float = 0.05
    effect_penalty: float = 0.001
    """L2 penalty on what the treated arm adds to the controls' arm; the mean effect is not penalised."""
    auxiliary_weight: float = 0.5
    """Weight in the loss of every outcome but the first, which has the weight 1."""
    learning_rate: float = 0.005
    weight_decay: float = 0.01
    batch_size: int = 512
    epochs: int = 12
    patience: int = 4
    """Epochs without a better validation likelihood after which training ends."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    seed: int = 7


class Uplift(keras.Model):
    """The trained form: numbers (batch, numbers) and codes (batch, categories) to logits (batch, arms * outcomes).

    The logits are those of all outcomes of a control, then those of a treated person.
    """

    def __init__(
        self, config: UpliftConfig, *, numbers: int, codes: int, unknown_codes: Sequence[int], outcomes: int
    ) -> None:
        column_embedder = embedder(config, numbers, codes, np.asarray(unknown_codes))
        head = _head(config, column_embedder.output_shape[-1], outcomes)
        super().__init__(column_embedder.inputs, head(column_embedder.outputs[0]), name="uplift")
        self.embedder, self.head = column_embedder, head
        weights = np.concatenate([[1.0], np.full(outcomes - 1, config.auxiliary_weight)])
        self.outcome_weights = np.tile(weights, ARMS).astype("float32")  # (arms * outcomes,)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean cross-entropy of the rows, weighted by `sample_weight` (batch,) if it is there, plus penalties.

        Args:
            y: 0, 1, or `NOT_KNOWN` for the arm that the person was not in (batch, arms * outcomes).
            y_pred: logits (batch, arms * outcomes).
        """
        known = ops.cast(y >= 0, y_pred.dtype)
        positive = ops.cast(y > 0, y_pred.dtype)
        entropy = ops.relu(y_pred) - y_pred * positive + ops.softplus(-ops.abs(y_pred))
        losses = ops.sum(entropy * known * self.outcome_weights, axis=-1)
        mean = ops.mean(losses if sample_weight is None else losses * ops.reshape(sample_weight, (-1,)))
        return mean + sum(self.losses)


def build(config: UpliftConfig, *, numbers: int, codes: int, unknown_codes: Sequence[int], outcomes: int) -> Uplift:
    """The compiled model.

    Args:
        numbers: number of columns of the first input.
        codes: number of codes of all columns of the second input together.
        unknown_codes: code for unknown categories, of each column of the second input (categories,).
        outcomes: number of outcomes a row.

    Raises:
        ModelError: no such structure.
    """
    keras.utils.set_random_seed(config.seed)
    model = Uplift(config, numbers=numbers, codes=codes, unknown_codes=unknown_codes, outcomes=outcomes)
    model.compile(optimizer=keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay))
    return model


def _head(config: UpliftConfig, width: int, outcomes: int) -> keras.Model:
    """Features (batch, width) to logits (batch, arms * outcomes)."""
    features = keras.Input((width,), name="features")
    shared = trunk(config, features)
    controls = layers.Dense(outcomes, name="controls")(shared)
    penalty = keras.regularizers.L2(config.effect_penalty) if config.effect_penalty else None
    difference = layers.Dense(outcomes, kernel_initializer="zeros", kernel_regularizer=penalty, name="difference")(
        shared
    )
    treated = layers.Add(name="treated")([controls, difference])
    return keras.Model(features, layers.Concatenate(name="logits")([controls, treated]), name="head")
