"""The step of DP-SGD: each person's gradient is clipped, the sum is noised (Abadi et al., 2016, algorithm 1).

No gradient of a single person is ever computed. Its norm follows from a layer's inputs and the gradient of its outputs
(Goodfellow, 2015, arXiv:1510.01799; for people with several rows from the products of their rows: Li et al., 2022,
arXiv:2110.05679, section 4), and the clipped sum follows from the same two, weighted by person ("book keeping", Bu et
al., 2023, arXiv:2210.00038). So a step takes one forward pass and one backward pass to the layers' outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from contracts.errors import ModelError
from training.privacy.accounting import Spending

_DERIVATIVES = {
    "linear": lambda out: tf.ones_like(out),
    "relu": lambda out: tf.cast(out > 0, out.dtype),
    "tanh": lambda out: 1 - tf.square(out),
}
"""Derivative of an activation as a function of its output."""

EMA_MOMENTUM = 0.9
"""Momentum of the exponential moving average of the weights, which is kept: it averages the noise out, and what is
computed from released weights costs no more privacy."""


def private_optimizer(learning_rate: float, weight_decay: float) -> keras.optimizers.Optimizer:
    """AdamW on noised gradients, with an exponential moving average of the weights."""
    return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay, use_ema=True, ema_momentum=EMA_MOMENTUM)


@dataclass(frozen=True)
class Owned:
    """Which person each row of a batch belongs to."""

    rows: tf.Tensor
    """Indices of each person's rows; the number of rows of the batch is padding (people, most rows of a person)."""

    def by_person(self, values: tf.Tensor) -> tf.Tensor:
        """Values of rows (rows, ...) to (people, most rows, ...), zeros for padding."""
        padding = [[0, 1]] + [[0, 0]] * (len(values.shape) - 1)
        return tf.gather(tf.pad(values, padding), self.rows)

    def to_rows(self, values: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """A value of each person (people,) to each of that person's rows (rows,); `count` is the number of rows."""
        spread = tf.repeat(values, tf.shape(self.rows)[1])
        indices = tf.reshape(self.rows, (-1, 1))
        return tf.scatter_nd(indices, spread, [count + 1])[:-1]


class Recorded:
    """A functional net that records inputs and outputs of its trainable layers in each call."""

    def __init__(self, net: keras.Model) -> None:
        self.layers = [layer for layer in net.layers if layer.trainable_weights]
        for layer in self.layers:
            known = isinstance(layer, keras.layers.Dense) and layer.activation.__name__ in _DERIVATIVES
            if not known and not isinstance(layer, keras.layers.Embedding):
                raise ModelError(
                    expected=f"dense layers ({', '.join(_DERIVATIVES)}) and embeddings in a private training",
                    received=f"layer {layer.name} of {net.name}",
                    remedy="train it without `privacy`, or add its gradient to training/privacy/dp_sgd.py",
                )
        ends = [layer.input for layer in self.layers], [layer.output for layer in self.layers]
        self._probe = keras.Model(net.inputs, [net.outputs[0], *ends[0], *ends[1]])
        self.calls: list[tuple[keras.layers.Layer, tf.Tensor, tf.Tensor]] = []

    def __call__(self, inputs, training: bool = False):
        output, *ends = self._probe(inputs, training=training)
        half = len(self.layers)
        self.calls = list(zip(self.layers, ends[:half], ends[half:], strict=True))
        return output


def clipped_sum(
    tape: tf.GradientTape, losses: tf.Tensor, nets: Sequence[Recorded], owned: Owned | None, clip: float
) -> tuple[dict[int, tf.Tensor], tf.Tensor]:
    """The sum of the people's gradients, each clipped to the norm `clip`.

    Args:
        tape: it has recorded the calls of the nets and the computation of the losses.
        losses: of each row (rows,); a person's loss is the sum over the person's rows.
        owned: None if every row belongs to another person.

    Returns:
        The sums by the id of their variable, and the norm of each person's gradient before clipping (people,).
    """
    calls = [call for net in nets for call in net.calls]
    gradients = tape.gradient(losses, [outputs for _, _, outputs in calls])
    parts = []
    for (layer, inputs, outputs), back in zip(calls, gradients, strict=True):
        if isinstance(layer, keras.layers.Dense):
            inputs = tf.cast(inputs, "float32")
            back = tf.cast(back, "float32") * _DERIVATIVES[layer.activation.__name__](tf.cast(outputs, "float32"))
            parts.append((_Dense if owned is None else _DenseOfPeople)(layer, inputs, back, owned))
        else:
            parts.append(_Embedding(layer, tf.cast(inputs, "int32"), tf.cast(back, "float32"), owned))
    norms = tf.sqrt(tf.add_n([part.squared_norms() for part in parts]))
    shares = tf.where(tf.math.is_finite(norms), tf.minimum(1.0, clip / tf.maximum(norms, 1e-12)), 0.0)
    of_rows = shares if owned is None else owned.to_rows(shares, tf.shape(losses)[0])
    sums: dict[int, tf.Tensor] = {}
    for part in parts:
        sums |= {id(variable): total for variable, total in part.sums(of_rows)}
    return sums, norms


@dataclass(frozen=True)
class _Dense:
    """A dense layer; every row belongs to another person."""

    layer: keras.layers.Dense
    inputs: tf.Tensor
    """(rows, inputs)"""
    back: tf.Tensor
    """Gradients of the losses before the activation (rows, units)."""
    owned: Owned | None

    def squared_norms(self) -> tf.Tensor:
        inputs = tf.reduce_sum(tf.square(self.inputs), axis=-1) + (1.0 if self.layer.use_bias else 0.0)
        return inputs * tf.reduce_sum(tf.square(self.back), axis=-1)

    def sums(self, shares: tf.Tensor):
        weighted = self.back * shares[:, None]
        yield self.layer.kernel, tf.matmul(self.inputs, weighted, transpose_a=True)
        if self.layer.use_bias:
            yield self.layer.bias, tf.reduce_sum(weighted, axis=0)


class _DenseOfPeople(_Dense):
    """A dense layer; people may have several rows."""

    def squared_norms(self) -> tf.Tensor:
        inputs, back = self.owned.by_person(self.inputs), self.owned.by_person(self.back)
        products = tf.matmul(inputs, inputs, transpose_b=True) + (1.0 if self.layer.use_bias else 0.0)
        return tf.reduce_sum(products * tf.matmul(back, back, transpose_b=True), axis=(1, 2))


@dataclass(frozen=True)
class _Embedding:
    """An embedding; each code belongs to one column only."""

    layer: keras.layers.Embedding
    inputs: tf.Tensor
    """Codes (rows, columns)."""
    back: tf.Tensor
    """Gradients of the losses (rows, columns, dimensions)."""
    owned: Owned | None

    def squared_norms(self) -> tf.Tensor:
        if self.owned is None:
            return tf.reduce_sum(tf.square(self.back), axis=(1, 2))
        codes, back = self.owned.by_person(self.inputs), self.owned.by_person(self.back)
        same = tf.cast(codes[:, :, None] == codes[:, None], "float32")  # (people, rows, rows, columns)
        return tf.reduce_sum(tf.einsum("prcd,pscd->prsc", back, back) * same, axis=(1, 2, 3))

    def sums(self, shares: tf.Tensor):
        weighted = tf.reshape(self.back * shares[:, None, None], (-1, self.back.shape[-1]))
        codes = tf.reshape(self.inputs, (-1,))
        yield self.layer.embeddings, tf.math.unsorted_segment_sum(weighted, codes, self.layer.input_dim)


class PrivateTraining:
    """A mixin of Keras models that trains them with steps of DP-SGD. It requires the TensorFlow backend.

    The model defines `recorded_losses(data, nets)`, which returns the loss of each row (rows,), computed with the
    recorded nets in place of its own, and an `Owned`, or None if every row belongs to another person.
    """

    def train_privately(self, parts: Sequence[keras.Model], spending: Spending, clip: float) -> None:
        """Prepare private steps.

        Args:
            parts: the nets that learn.
            spending: noise and sampling rate.
            clip: greatest norm of a person's gradient.

        Raises:
            ModelError: Keras does not run on TensorFlow, or a layer has no private gradient.
        """
        if keras.backend.backend() != "tensorflow":
            raise ModelError(
                expected="the backend tensorflow for a private training",
                received=keras.backend.backend(),
                remedy="leave out --backend, or train without `privacy`",
            )
        self.nets = [Recorded(part) for part in parts]
        self.clip = clip
        self.deviation = spending.noise_multiplier * clip
        self.expected_people = spending.sampling_rate * spending.people
        # Noise that can be computed again protects no person: never use the seed of a configuration.
        self.privacy_noise = tf.random.Generator.from_non_deterministic_state(alg="philox")

    def train_step(self, data):
        with tf.GradientTape() as tape:
            losses, owned = self.recorded_losses(data, self.nets)
        sums, norms = clipped_sum(tape, losses, self.nets, owned, self.clip)
        self.optimizer.apply_gradients(
            [(self._noised_gradient(sums, variable), variable) for variable in self.trainable_variables]
        )
        people = tf.cast(tf.shape(norms)[0], "float32")
        loss = tf.math.divide_no_nan(tf.reduce_sum(losses), people)
        self._loss_tracker.update_state(loss, sample_weight=people)
        return self.get_metrics_result()

    def _noised_gradient(self, sums: dict[int, tf.Tensor], variable: keras.Variable) -> tf.Tensor:
        """The noised mean gradient of a step, in the variable's shape; L2 penalties depend on no data and get none."""
        noise = self.privacy_noise.normal(variable.shape, stddev=self.deviation)
        mean = (sums[id(variable)] + noise) / self.expected_people
        if variable.regularizer is not None:
            mean += 2.0 * float(variable.regularizer.l2) * tf.cast(variable, "float32")
        return mean
