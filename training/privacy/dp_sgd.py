"""The step of DP-SGD: each person's gradient is clipped, the sum is noised (Abadi et al., 2016, algorithm 1).

No gradient of a single person is ever made. The length of one follows from what went into a layer and what came back
to it (Goodfellow, 2015, arXiv:1510.01799; for people with several rows, from the products of their rows: Li et al.,
2022, arXiv:2110.05679, section 4), and the clipped sum from the same two, weighed by person ("book keeping", Bu et al.,
2023, arXiv:2210.00038). So one pass forwards and one back to the layers' outputs are all that a step takes.
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
"""Of an activation, by what it gave."""


AVERAGING = 0.9
"""Weight of the past in the moving average of a private training's weights, which is what is kept: noise averages out,
and what is computed from released weights gives away nothing more."""


def private_optimizer(learning_rate: float, weight_decay: float) -> keras.optimizers.Optimizer:
    """Adam on noised gradients, with the moving average of its weights."""
    return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay, use_ema=True, ema_momentum=AVERAGING)


@dataclass(frozen=True)
class Owned:
    """Whose the rows of a batch are."""

    places: tf.Tensor
    """Rows of each person, by place; the number of rows stands for none (people, most rows of a person)."""

    def of_people(self, rows: tf.Tensor) -> tf.Tensor:
        """(rows, ...) to (people, most rows, ...), zeros for none."""
        padding = [[0, 1]] + [[0, 0]] * (len(rows.shape) - 1)
        return tf.gather(tf.pad(rows, padding), self.places)

    def to_rows(self, of_people: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """A value of each person (people,) to each of the person's rows (rows,)."""
        spread = tf.repeat(of_people, tf.shape(self.places)[1])
        places = tf.reshape(self.places, (-1, 1))
        return tf.scatter_nd(places, spread, [rows + 1])[:-1]


class Recorded:
    """A functional net that remembers what went into and came out of each of its layers that learns."""

    def __init__(self, net: keras.Model) -> None:
        self.layers = [layer for layer in net.layers if layer.trainable_weights]
        for layer in self.layers:
            known = isinstance(layer, keras.layers.Dense) and layer.activation.__name__ in _DERIVATIVES
            if not known and not isinstance(layer, keras.layers.Embedding):
                raise ModelError(
                    expected=f"dense layers ({', '.join(_DERIVATIVES)}) and embeddings in a private training",
                    received=f"layer {layer.name} of {net.name}",
                    remedy="train it without `privacy`, or give training/privacy/dp_sgd.py its gradient",
                )
        ends = [layer.input for layer in self.layers], [layer.output for layer in self.layers]
        self._probe = keras.Model(net.inputs, [net.outputs[0], *ends[0], *ends[1]])
        self.seen: list[tuple[keras.layers.Layer, tf.Tensor, tf.Tensor]] = []

    def __call__(self, inputs, training: bool = False):
        answer, *ends = self._probe(inputs, training=training)
        half = len(self.layers)
        self.seen = list(zip(self.layers, ends[:half], ends[half:], strict=True))
        return answer


def clipped_sum(
    tape: tf.GradientTape, losses: tf.Tensor, nets: Sequence[Recorded], owned: Owned | None, clip: float
) -> tuple[dict[int, tf.Tensor], tf.Tensor]:
    """The sum of the people's gradients, each at most `clip` long, and how long each was before (people,).

    Args:
        tape: it has seen the nets called and the losses made.
        losses: of each row (rows,); a person's loss is the sum over the person's rows.
        owned: None where every row is another person's.

    Returns:
        gradients by the id of their variable.
    """
    seen = [call for net in nets for call in net.seen]
    backs = tape.gradient(losses, [given for _, _, given in seen])
    parts = []
    for (layer, taken, given), back in zip(seen, backs, strict=True):
        if isinstance(layer, keras.layers.Dense):
            taken = tf.cast(taken, "float32")
            back = tf.cast(back, "float32") * _DERIVATIVES[layer.activation.__name__](tf.cast(given, "float32"))
            parts.append((_Dense if owned is None else _DenseOfPeople)(layer, taken, back, owned))
        else:
            parts.append(_Embedding(layer, tf.cast(taken, "int32"), tf.cast(back, "float32"), owned))
    lengths = tf.sqrt(tf.add_n([part.squared() for part in parts]))
    shares = tf.where(tf.math.is_finite(lengths), tf.minimum(1.0, clip / tf.maximum(lengths, 1e-12)), 0.0)
    of_rows = shares if owned is None else owned.to_rows(shares, tf.shape(losses)[0])
    sums: dict[int, tf.Tensor] = {}
    for part in parts:
        sums |= {id(variable): total for variable, total in part.sums(of_rows)}
    return sums, lengths


@dataclass(frozen=True)
class _Dense:
    """A dense layer; every row is another person's."""

    layer: keras.layers.Dense
    taken: tf.Tensor
    """(rows, inputs)"""
    back: tf.Tensor
    """(rows, units)"""
    owned: Owned | None

    def squared(self) -> tf.Tensor:
        taken = tf.reduce_sum(tf.square(self.taken), axis=-1) + (1.0 if self.layer.use_bias else 0.0)
        return taken * tf.reduce_sum(tf.square(self.back), axis=-1)

    def sums(self, shares: tf.Tensor):
        weighed = self.back * shares[:, None]
        yield self.layer.kernel, tf.matmul(self.taken, weighed, transpose_a=True)
        if self.layer.use_bias:
            yield self.layer.bias, tf.reduce_sum(weighed, axis=0)


class _DenseOfPeople(_Dense):
    """A dense layer; people may have several rows."""

    def squared(self) -> tf.Tensor:
        taken, back = self.owned.of_people(self.taken), self.owned.of_people(self.back)
        products = tf.matmul(taken, taken, transpose_b=True) + (1.0 if self.layer.use_bias else 0.0)
        return tf.reduce_sum(products * tf.matmul(back, back, transpose_b=True), axis=(1, 2))


@dataclass(frozen=True)
class _Embedding:
    """An embedding; a code stands in one column only."""

    layer: keras.layers.Embedding
    taken: tf.Tensor
    """Codes (rows, columns)."""
    back: tf.Tensor
    """(rows, columns, dimensions)"""
    owned: Owned | None

    def squared(self) -> tf.Tensor:
        if self.owned is None:
            return tf.reduce_sum(tf.square(self.back), axis=(1, 2))
        codes, back = self.owned.of_people(self.taken), self.owned.of_people(self.back)
        same = tf.cast(codes[:, :, None] == codes[:, None], "float32")  # (people, rows, rows, columns)
        return tf.reduce_sum(tf.einsum("prcd,pscd->prsc", back, back) * same, axis=(1, 2, 3))

    def sums(self, shares: tf.Tensor):
        weighed = tf.reshape(self.back * shares[:, None, None], (-1, self.back.shape[-1]))
        codes = tf.reshape(self.taken, (-1,))
        yield self.layer.embeddings, tf.math.unsorted_segment_sum(weighed, codes, self.layer.input_dim)


class PrivateTraining:
    """A mixin of Keras models: their steps are those of DP-SGD. It needs the TensorFlow backend.

    The model gives `recorded_losses(data, nets)`: the loss of each row, made with the recorded nets in place of its
    own, and whose the rows are.
    """

    def train_privately(self, parts: Sequence[keras.Model], spending: Spending, clip: float) -> None:
        """Prepare: which nets learn, and how much noise each step gets."""
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
        # Noise that can be computed again protects nobody: never from the seed of a configuration.
        self.privacy_noise = tf.random.Generator.from_non_deterministic_state(alg="philox")

    def train_step(self, data):
        with tf.GradientTape() as tape:
            losses, owned = self.recorded_losses(data, self.nets)
        sums, lengths = clipped_sum(tape, losses, self.nets, owned, self.clip)
        self.optimizer.apply_gradients([(self._noised(sums, one), one) for one in self.trainable_variables])
        people = tf.cast(tf.shape(lengths)[0], "float32")
        loss = tf.math.divide_no_nan(tf.reduce_sum(losses), people)
        self._loss_tracker.update_state(loss, sample_weight=people)
        return self.get_metrics_result()

    def _noised(self, sums: dict[int, tf.Tensor], variable: keras.Variable) -> tf.Tensor:
        """The mean gradient of a step (shape of the variable); penalties of weights follow from no data."""
        noise = self.privacy_noise.normal(variable.shape, stddev=self.deviation)
        mean = (sums[id(variable)] + noise) / self.expected_people
        if variable.regularizer is not None:
            mean += 2.0 * float(variable.regularizer.l2) * tf.cast(variable, "float32")
        return mean
