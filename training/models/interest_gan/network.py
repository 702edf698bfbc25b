"""Generator of synthetic rows: a conditional tabular GAN (CTGAN, Xu et al., 2019, arXiv:1907.00503).

Wasserstein loss with gradient penalty (Gulrajani et al., 2017, arXiv:1704.00028), a critic of packs of rows (PacGAN,
Lin et al., 2018, arXiv:1712.04086), a generator of residual blocks, and training by sampling: every row is generated
under the condition that one column has one value, and rare values are conditions more often than they occur. Beyond
CTGAN, a classifier of the target column penalises generated rows that contradict themselves (CTAB-GAN, Zhao et al.,
2021, arXiv:2102.08369), and the served generator has the exponential moving average of the weights.

TensorFlow only: the gradient penalty is a gradient of a gradient, which Keras does not offer for all backends.
Generator and critic step together, after one forward pass, so that an epoch is one compiled loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from contracts.errors import ModelError
from training.models.interest_gan.row_vectors import Layout

_MOMENT_ROWS = 20_000  # per batch


@dataclass(frozen=True)
class InterestGanConfig:
    """What can be chosen about the model and its training."""

    noise: int = 128
    """Size of the random vector that a row is generated from."""
    generator_units: int = 256
    """Width of each residual block."""
    generator_blocks: int = 2
    """Number of residual blocks."""
    critic_units: int = 256
    """Width of the critic's two layers."""
    dropout: float = 0.5
    """Share of the critic's units that a step drops."""
    pack: int = 10
    """Rows that the critic scores together; divides batch_size."""
    temperature: float = 0.2
    """Of the Gumbel softmax: near 0, generated categories are nearly one-hot, and gradients noisy."""
    gumbel_scale: float = 0.25
    """Scale of the Gumbel noise. With the 1 of CTGAN, columns are nearly independent until the logits have grown large,
    so that dependencies between columns are learned last."""
    gradient_penalty: float = 10.0
    classifier_weight: float = 1.0
    """Weight of the classifier's loss on the target column; 0 leaves it out."""
    pair_weight: float = 10.0
    """Weight of the difference between the contingency tables of generated and real rows; 0 leaves it out."""
    learning_rate: float = 0.0005
    ema_momentum: float = 0.99
    """Momentum of the exponential moving average of the generator's weights; 0 serves the latest weights."""
    batch_size: int = 500
    steps: int = 50
    """Training steps per epoch."""
    epochs: int = 30
    patience: int = 0
    """Epochs without a better likeness to the validation rows after which training ends; 0 trains all epochs."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    seed: int = 7


class InterestGan(keras.Model):
    """The trained form; `average`, the generator with averaged weights, is served."""

    def __init__(self, config: InterestGanConfig, layout: Layout, codes: np.ndarray, offsets: np.ndarray) -> None:
        super().__init__(name="interest_gan")
        self.settings, self.layout = config, layout
        self.generator = _generator(config, layout)
        self.average = _generator(config, layout)
        self.average.set_weights(self.generator.get_weights())
        self.average.trainable = False
        self.critic = _critic(config, layout)
        self.classifier = _classifier(config, layout)
        self.random = keras.random.SeedGenerator(config.seed)
        self.rows = _Rows(layout, codes, offsets)
        self.built = True

    def train_step(self, _) -> dict[str, tf.Tensor]:
        """One step of critic, classifier and generator; `loss` is the critic's estimate of the Wasserstein distance."""
        config, layout = self.settings, self.layout
        values, real = self.rows.draw(config.batch_size, self.random)
        condition = ops.one_hot(values, layout.condition_size)
        noise = keras.random.normal((config.batch_size, config.noise), seed=self.random)
        with tf.GradientTape(persistent=True) as tape:
            raw = self.generator([noise, condition], training=True)
            fake, log_chances = self._activate(raw)
            both = _packs(ops.concatenate([real, fake]), ops.tile(condition, (2, 1)), config.pack)
            realness = self.critic(both, training=True)
            packs = config.batch_size // config.pack
            distance = ops.mean(realness[:packs]) - ops.mean(realness[packs:])
            critic_loss = config.gradient_penalty * self._penalty(real, fake, condition) - distance
            generator_loss = distance + self._condition_loss(log_chances, condition)
            if config.pair_weight:
                generator_loss += config.pair_weight * self._pair_loss(fake)
            classifier_loss = 0.0
            if config.classifier_weight:
                classifier_loss = self._classifier_loss(real)
                generator_loss += config.classifier_weight * self._classifier_loss(fake)
        losses = [
            (critic_loss, self.critic),
            (generator_loss, self.generator),
            *([(classifier_loss, self.classifier)] if config.classifier_weight else []),
        ]
        gradients, variables = [], []
        for loss, net in losses:
            gradients += tape.gradient(loss, net.trainable_variables)
            variables += net.trainable_variables
        self.optimizer.apply(gradients, variables)
        step = ops.cast(self.optimizer.iterations, "float32")
        momentum = ops.minimum(config.ema_momentum, step / (step + 9.0))  # the initial weights are forgotten soon
        for mean, latest in zip(self.average.variables, self.generator.variables, strict=True):
            mean.assign(momentum * mean + (1.0 - momentum) * latest)
        return {"loss": distance, "generator_loss": generator_loss, "classifier_loss": classifier_loss}

    def _activate(self, raw):
        """Generator output to vectors like those of real rows (batch, size), and log chances (batch, code)."""
        wide = len(self.layout.wide)
        logits = raw[:, wide:]
        gumbel = -ops.log(-ops.log(keras.random.uniform(ops.shape(logits), 1e-6, 1 - 1e-6, seed=self.random)))
        sharpness = self.settings.gumbel_scale / self.settings.temperature
        codes = ops.exp(self._log_softmax((logits + gumbel) * sharpness))
        offsets = ops.tanh(raw[:, :wide]) * ops.matmul(codes, self.layout.offset_mask())
        return ops.concatenate([offsets, codes], axis=1), self._log_softmax(logits)

    def _log_softmax(self, logits):
        """Log softmax within each column's block of logits (batch, code).

        All columns are computed together: column by column, the graph takes longer to build than to run.
        """
        padded = tf.gather(logits, self.layout.padded_places(), axis=1)  # (batch, column, widest)
        highest = tf.stop_gradient(ops.max(padded, axis=2))
        columns = np.repeat(np.arange(len(self.layout.widths)), self.layout.widths)  # (code,)
        centred = logits - tf.gather(highest, columns, axis=1)
        in_column = np.eye(len(self.layout.widths), dtype="float32")[columns]  # (code, column)
        sums = ops.log(ops.matmul(ops.exp(centred), in_column))
        return centred - tf.gather(sums, columns, axis=1)

    def _penalty(self, real, fake, condition):
        """Mean squared deviation from 1 of the norm of the critic's gradient, between real and generated packs."""
        real = _packs(real, condition, self.settings.pack)  # (pack, pack * (size + condition))
        fake = _packs(fake, condition, self.settings.pack)
        share = keras.random.uniform((ops.shape(real)[0], 1), seed=self.random)
        between = tf.stop_gradient(share * real + (1 - share) * fake)
        with tf.GradientTape() as tape:
            tape.watch(between)
            realness = self.critic(between, training=True)
        slope = tape.gradient(realness, between)
        return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=1) + 1e-12) - 1))

    def _condition_loss(self, log_chances, condition):
        """Cross-entropy of each row's condition: its value in the conditioned column."""
        return -ops.mean(ops.sum(tf.gather(log_chances, self.layout.condition_codes(), axis=1) * condition, axis=1))

    def _pair_loss(self, fake):
        """Squared difference of the second moments of real and generated rows: all contingency tables at once.

        Moments of rare values weigh more, as in chi-squared. Each factor comes from one half of the batch, so that the
        expected product is the squared difference of expectations, without the variance within a batch.
        """
        half = ops.shape(fake)[0] // 2
        gaps = [
            ops.matmul(ops.transpose(part), part) / ops.cast(ops.shape(part)[0], "float32") - self.rows.moments
            for part in (fake[:half], fake[half:])
        ]
        return ops.sum(gaps[0] * gaps[1] * self.rows.moment_weights)

    def _classifier_loss(self, rows):
        """Cross-entropy of the target column, predicted from all other columns."""
        start = len(self.layout.wide) + int(self.layout.starts[self.layout.target])
        end = start + self.layout.widths[self.layout.target]
        features = ops.concatenate([rows[:, :start], rows[:, end:]], axis=1)
        log_chances = ops.log_softmax(self.classifier(features))
        return -ops.mean(ops.sum(rows[:, start:end] * log_chances, axis=1))


class _Rows:
    """The training rows, indexed by the values that can be conditions."""

    def __init__(self, layout: Layout, codes: np.ndarray, offsets: np.ndarray) -> None:
        self.layout = layout
        self.flat_codes = tf.constant(codes + layout.starts, "int32")  # (row, column)
        self.offsets = tf.constant(offsets[:, layout.wide], "float32")  # (row, wide)
        counts = [np.bincount(codes[:, at], minlength=layout.widths[at]) for at in layout.conditions]
        self.order = tf.constant(np.concatenate([np.argsort(codes[:, at], kind="stable") for at in layout.conditions]))
        self.counts = tf.constant(np.concatenate(counts), "float32")  # (value,)
        self.firsts = tf.constant(np.cumsum(np.concatenate([[0], *counts]))[:-1], "int32")
        chances = [np.log1p(count) / np.log1p(count).sum() / len(counts) for count in counts]
        self.cumulative = tf.constant(np.cumsum(np.concatenate(chances)), "float32")
        self.moments, self.moment_weights = self._moments(codes, counts, chances)

    def _moments(self, codes: np.ndarray, counts: list[np.ndarray], chances: list[np.ndarray]):
        """Second moments of real rows with the frequencies of `draw` (size, size), and the weight of each."""
        weights = np.zeros(len(codes))  # expected share of draws of each row
        for at, count, chance in zip(self.layout.conditions, counts, chances, strict=True):
            weights += (chance / np.maximum(count, 1))[codes[:, at]]
        moments = np.zeros((self.layout.size, self.layout.size))
        for start in range(0, len(codes), _MOMENT_ROWS):
            batch = slice(start, start + _MOMENT_ROWS)
            rows = self._dense(np.arange(len(codes))[batch]).numpy()
            moments += (rows * weights[batch, None]).T @ rows
        scale = 1.0 / np.sqrt(np.diag(moments) + 1e-3)  # rarer values weigh no more than this
        pairs = len(self.layout.widths) ** 2
        return tf.constant(moments, "float32"), tf.constant(np.outer(scale, scale) / pairs, "float32")

    def _dense(self, rows):
        """Vectors (batch, size) of the rows with these indices (batch,)."""
        codes = ops.one_hot(tf.gather(self.flat_codes, rows), self.layout.codes)  # (batch, column, code)
        return ops.concatenate([tf.gather(self.offsets, rows), ops.sum(codes, axis=1)], axis=1)

    def draw(self, batch: int, random: keras.random.SeedGenerator):
        """Random conditions, as values (batch,), and vectors of real rows that meet them (batch, size)."""
        values = tf.searchsorted(self.cumulative, keras.random.uniform((batch,), seed=random), side="right")
        values = tf.minimum(values, self.layout.condition_size - 1)
        within = keras.random.uniform((batch,), seed=random) * tf.gather(self.counts, values)
        index = tf.gather(self.firsts, values) + tf.cast(within, "int32")
        rows = tf.gather(self.order, tf.minimum(index, tf.shape(self.order)[0] - 1))
        return values, self._dense(rows)


def build(config: InterestGanConfig, layout: Layout, codes: np.ndarray, offsets: np.ndarray) -> InterestGan:
    """The compiled model over the training rows.

    Args:
        codes: code of each value (row, column).
        offsets: offset of each value within its mode (row, column).

    Raises:
        ModelError: `pack` does not divide `batch_size`, or Keras does not run on TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            expected="the backend tensorflow for interest_gan",
            received=keras.backend.backend(),
            remedy="train it with --backend tensorflow",
        )
    if config.batch_size % config.pack:
        raise ModelError(
            expected="a batch_size that is a multiple of pack",
            received=f"batch_size {config.batch_size} and pack {config.pack}",
            remedy=f"set batch_size to {max(config.batch_size // config.pack, 1) * config.pack}",
        )
    keras.utils.set_random_seed(config.seed)
    model = InterestGan(config, layout, codes, offsets)
    adam = keras.optimizers.Adam(config.learning_rate, beta_1=0.5, beta_2=0.9)
    model.compile(optimizer=adam, steps_per_execution=config.steps, jit_compile=False)
    return model


def counted_steps(config: InterestGanConfig) -> tf.data.Dataset:
    """The batches for `fit`: numbers only, because the model draws its rows itself."""
    return tf.data.Dataset.range(config.steps)


def _packs(rows, condition, pack: int):
    """Rows (row, size) with their conditions to packs (row / pack, pack * (size + condition))."""
    return ops.reshape(ops.concatenate([rows, condition], axis=1), (-1, pack * (rows.shape[1] + condition.shape[1])))


def _generator(config: InterestGanConfig, layout: Layout) -> keras.Model:
    """Noise (batch, noise) and condition (batch, condition) to raw rows (batch, size): offsets before tanh, logits."""
    noise = keras.Input((config.noise,), name="noise")
    condition = keras.Input((layout.condition_size,), name="condition")
    state = layers.Concatenate()([noise, condition])
    for _ in range(config.generator_blocks):
        hidden = layers.Dense(config.generator_units)(state)
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(hidden))
        state = layers.Concatenate()([hidden, state])
    logits = layers.Rescaling(1.0 / config.gumbel_scale)(layers.Dense(layout.codes)(state))
    raw = layers.Concatenate()([layers.Dense(len(layout.wide))(state), logits]) if layout.wide else logits
    return keras.Model([noise, condition], raw, name="generator")


def _critic(config: InterestGanConfig, layout: Layout) -> keras.Model:
    """Packs of rows with their conditions to a score of realness (pack, 1)."""
    packs = keras.Input((config.pack * (layout.size + layout.condition_size),))
    state = packs
    for number in range(2):
        state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units)(state))
        state = layers.Dropout(config.dropout, seed=config.seed + number)(state)
    return keras.Model(packs, layers.Dense(1)(state), name="critic")


def _classifier(config: InterestGanConfig, layout: Layout) -> keras.Model:
    """Rows without the target to logits of the target's codes."""
    width = layout.widths[layout.target]
    features = keras.Input((layout.size - width,))
    state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units)(features))
    state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units // 2)(state))
    return keras.Model(features, layers.Dense(width)(state), name="classifier")
