"""Generator of synthetic rows: a conditional tabular GAN (CTGAN, Xu et al., 2019, arXiv:1907.00503).

Wasserstein loss with gradient penalty (Gulrajani et al., 2017, arXiv:1704.00028), a critic that judges packs of rows
(PacGAN, Lin et al., 2018, arXiv:1712.04086), a generator of residual blocks, and training by sampling: every row is
made for one wanted value of one column, and rare values are wanted more often than they occur. Beyond CTGAN: a
classifier learns the target column from real rows and tells the generator where a made row contradicts itself
(CTAB-GAN, Zhao et al., 2021, arXiv:2102.08369), and a running mean of the generator's weights makes the rows.

TensorFlow only: the gradient penalty is a gradient within a gradient, which Keras does not offer for all backends.
Generator and critic step at the same time, from one forward pass, so that an epoch is one compiled loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from contracts.errors import ModelError
from training.models.interest_gan.row_vectors import Layout

_MOMENT_ROWS = 20_000  # at once


@dataclass(frozen=True)
class InterestGanConfig:
    """What can be chosen about the model and its training."""

    noise: int = 128
    """Size of the random vector a row is made from."""
    generator_units: int = 256
    """Width of each residual block."""
    generator_blocks: int = 2
    critic_units: int = 256
    """Width of the critic's two layers."""
    dropout: float = 0.5
    """Share of the critic's units that a step drops."""
    pack: int = 10
    """Rows that the critic judges together; divides batch_size."""
    temperature: float = 0.2
    """Of the Gumbel softmax: near 0, made categories are nearly exact, and gradients noisy."""
    chance: float = 0.25
    """Scale of the Gumbel noise. CTGAN has 1: then columns are drawn apart from each other until the logits have grown
    large, so that ties between columns are learned last."""
    gradient_penalty: float = 10.0
    classifier_weight: float = 1.0
    """Weight of the classifier on the target column; 0 goes without."""
    pair_weight: float = 10.0
    """Weight of the difference between the contingency tables of made and of real rows; 0 goes without."""
    learning_rate: float = 0.0005
    averaging: float = 0.99
    """Share of the running mean of the generator's weights that a step keeps; 0 uses the latest weights."""
    batch_size: int = 500
    steps: int = 50
    """Training steps an epoch."""
    epochs: int = 30
    patience: int = 0
    """Epochs without a better likeness to the validation rows after which training ends; 0 trains them all."""
    seed: int = 7


class InterestGan(keras.Model):
    """The trained form. `average` is the generator that is served."""

    def __init__(self, config: InterestGanConfig, layout: Layout, codes: np.ndarray, offsets: np.ndarray) -> None:
        super().__init__(name="interest_gan")
        self.settings, self.layout = config, layout
        self.generator = _generator(config, layout)
        self.average = _generator(config, layout)
        self.average.set_weights(self.generator.get_weights())
        self.average.trainable = False
        self.critic = _critic(config, layout)
        self.classifier = _classifier(config, layout)
        self.draws = keras.random.SeedGenerator(config.seed)
        self.rows = _Rows(layout, codes, offsets)
        self.built = True

    def train_step(self, _) -> dict[str, tf.Tensor]:
        """One step of critic, classifier and generator; `loss` is the critic's estimate of how far made rows are."""
        config, layout = self.settings, self.layout
        wanted, real = self.rows.draw(config.batch_size, self.draws)
        condition = ops.one_hot(wanted, layout.condition_size)
        noise = keras.random.normal((config.batch_size, config.noise), seed=self.draws)
        with tf.GradientTape(persistent=True) as tape:
            raw = self.generator([noise, condition], training=True)
            made, log_chances = self._activate(raw)
            both = _packs(ops.concatenate([real, made]), ops.tile(condition, (2, 1)), config.pack)
            judged = self.critic(both, training=True)
            packs = config.batch_size // config.pack
            distance = ops.mean(judged[:packs]) - ops.mean(judged[packs:])
            critic_loss = config.gradient_penalty * self._penalty(real, made, condition) - distance
            generator_loss = distance + self._condition_loss(log_chances, condition)
            if config.pair_weight:
                generator_loss += config.pair_weight * self._pair_loss(made)
            classifier_loss = 0.0
            if config.classifier_weight:
                classifier_loss = self._classifier_loss(real)
                generator_loss += config.classifier_weight * self._classifier_loss(made)
        trained = [
            (critic_loss, self.critic),
            (generator_loss, self.generator),
            *([(classifier_loss, self.classifier)] if config.classifier_weight else []),
        ]
        gradients, variables = [], []
        for loss, part in trained:
            gradients += tape.gradient(loss, part.trainable_variables)
            variables += part.trainable_variables
        self.optimizer.apply(gradients, variables)
        step = ops.cast(self.optimizer.iterations, "float32")
        kept = ops.minimum(config.averaging, step / (step + 9.0))  # the first weights are forgotten soon
        for mean, latest in zip(self.average.variables, self.generator.variables, strict=True):
            mean.assign(kept * mean + (1.0 - kept) * latest)
        return {"loss": distance, "generator_loss": generator_loss, "classifier_loss": classifier_loss}

    def _activate(self, raw):
        """Generator output to vectors like those of real rows (batch, size), and log chances (batch, code)."""
        wide = len(self.layout.wide)
        logits = raw[:, wide:]
        gumbel = -ops.log(-ops.log(keras.random.uniform(ops.shape(logits), 1e-6, 1 - 1e-6, seed=self.draws)))
        sharpness = self.settings.chance / self.settings.temperature
        codes = ops.exp(self._log_softmax((logits + gumbel) * sharpness))
        offsets = ops.tanh(raw[:, :wide]) * ops.matmul(codes, self.layout.offset_mask())
        return ops.concatenate([offsets, codes], axis=1), self._log_softmax(logits)

    def _log_softmax(self, logits):
        """Log softmax within each column's block (batch, code), of all columns at once: one by one they make a graph
        that takes longer to build than to run."""
        padded = tf.gather(logits, self.layout.padded_places(), axis=1)  # (batch, column, widest)
        highest = tf.stop_gradient(ops.max(padded, axis=2))
        columns = np.repeat(np.arange(len(self.layout.widths)), self.layout.widths)  # (code,)
        centred = logits - tf.gather(highest, columns, axis=1)
        in_column = np.eye(len(self.layout.widths), dtype="float32")[columns]  # (code, column)
        sums = ops.log(ops.matmul(ops.exp(centred), in_column))
        return centred - tf.gather(sums, columns, axis=1)

    def _penalty(self, real, made, condition):
        """Mean squared deviation from 1 of the critic's slope, between real and made packs."""
        real = _packs(real, condition, self.settings.pack)  # (pack, pack * (size + condition))
        made = _packs(made, condition, self.settings.pack)
        share = keras.random.uniform((ops.shape(real)[0], 1), seed=self.draws)
        between = tf.stop_gradient(share * real + (1 - share) * made)
        with tf.GradientTape() as tape:
            tape.watch(between)
            judged = self.critic(between, training=True)
        slope = tape.gradient(judged, between)
        return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=1) + 1e-12) - 1))

    def _condition_loss(self, log_chances, condition):
        """Cross-entropy of the wanted value in the column it is wanted of."""
        return -ops.mean(ops.sum(tf.gather(log_chances, self.layout.condition_codes(), axis=1) * condition, axis=1))

    def _pair_loss(self, made):
        """Squared difference of second moments, real and made: all contingency tables at once.

        Moments of rare values count more, as in chi-squared. The two factors come from one half of the batch each, so
        that the expected product is the squared difference of expectations, without the variance of a batch.
        """
        half = ops.shape(made)[0] // 2
        gaps = [
            ops.matmul(ops.transpose(part), part) / ops.cast(ops.shape(part)[0], "float32") - self.rows.moments
            for part in (made[:half], made[half:])
        ]
        return ops.sum(gaps[0] * gaps[1] * self.rows.moment_weights)

    def _classifier_loss(self, rows):
        """Cross-entropy of the target column, foretold from all other columns."""
        start = len(self.layout.wide) + int(self.layout.starts[self.layout.target])
        end = start + self.layout.widths[self.layout.target]
        others = ops.concatenate([rows[:, :start], rows[:, end:]], axis=1)
        told = ops.log_softmax(self.classifier(others))
        return -ops.mean(ops.sum(rows[:, start:end] * told, axis=1))


class _Rows:
    """The training rows, and for each value the rows that have it."""

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
        """Second moments of real rows as `draw` gives them (size, size), and the weight of each."""
        weights = np.zeros(len(codes))  # how often a row is drawn
        for at, count, chance in zip(self.layout.conditions, counts, chances, strict=True):
            weights += (chance / np.maximum(count, 1))[codes[:, at]]
        moments = np.zeros((self.layout.size, self.layout.size))
        for start in range(0, len(codes), _MOMENT_ROWS):
            some = slice(start, start + _MOMENT_ROWS)
            rows = self._dense(np.arange(len(codes))[some]).numpy()
            moments += (rows * weights[some, None]).T @ rows
        scale = 1.0 / np.sqrt(np.diag(moments) + 1e-3)  # rarer than that counts as that
        pairs = len(self.layout.widths) ** 2
        return tf.constant(moments, "float32"), tf.constant(np.outer(scale, scale) / pairs, "float32")

    def _dense(self, rows):
        """Vectors of the rows at places (batch,): (batch, size)."""
        codes = ops.one_hot(tf.gather(self.flat_codes, rows), self.layout.codes)  # (batch, column, code)
        return ops.concatenate([tf.gather(self.offsets, rows), ops.sum(codes, axis=1)], axis=1)

    def draw(self, batch: int, draws: keras.random.SeedGenerator):
        """Wanted values (batch,) and vectors of real rows that have them (batch, size)."""
        wanted = tf.searchsorted(self.cumulative, keras.random.uniform((batch,), seed=draws), side="right")
        wanted = tf.minimum(wanted, self.layout.condition_size - 1)
        within = keras.random.uniform((batch,), seed=draws) * tf.gather(self.counts, wanted)
        place = tf.gather(self.firsts, wanted) + tf.cast(within, "int32")
        rows = tf.gather(self.order, tf.minimum(place, tf.shape(self.order)[0] - 1))
        return wanted, self._dense(rows)


def build(config: InterestGanConfig, layout: Layout, codes: np.ndarray, offsets: np.ndarray) -> InterestGan:
    """The compiled model over the training rows.

    Args:
        codes: code of each value (row, column).
        offsets: offset of each value within its mode (row, column).

    Raises:
        ModelError: packs do not fill a batch, or Keras runs on another backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            expected="the backend tensorflow for interest_gan",
            received=keras.backend.backend(),
            remedy="train it with --backend tensorflow",
        )
    if config.batch_size % config.pack:
        raise ModelError(
            expected="a batch_size of whole packs",
            received=f"batch_size {config.batch_size} and pack {config.pack}",
            remedy=f"set batch_size to {max(config.batch_size // config.pack, 1) * config.pack}",
        )
    keras.utils.set_random_seed(config.seed)
    model = InterestGan(config, layout, codes, offsets)
    adam = keras.optimizers.Adam(config.learning_rate, beta_1=0.5, beta_2=0.9)
    model.compile(optimizer=adam, steps_per_execution=config.steps, jit_compile=False)
    return model


def counted_steps(config: InterestGanConfig) -> tf.data.Dataset:
    """What `fit` takes as its batches: the model draws its rows itself, so they are only counted."""
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
        grown = layers.Dense(config.generator_units)(state)
        grown = layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(grown))
        state = layers.Concatenate()([grown, state])
    logits = layers.Rescaling(1.0 / config.chance)(layers.Dense(layout.codes)(state))
    raw = layers.Concatenate()([layers.Dense(len(layout.wide))(state), logits]) if layout.wide else logits
    return keras.Model([noise, condition], raw, name="generator")


def _critic(config: InterestGanConfig, layout: Layout) -> keras.Model:
    """Packs of rows to how real they look (pack, 1)."""
    packs = keras.Input((config.pack * (layout.size + layout.condition_size),))
    state = packs
    for number in range(2):
        state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units)(state))
        state = layers.Dropout(config.dropout, seed=config.seed + number)(state)
    return keras.Model(packs, layers.Dense(1)(state), name="critic")


def _classifier(config: InterestGanConfig, layout: Layout) -> keras.Model:
    """Rows without the target to logits of the target's codes."""
    width = layout.widths[layout.target]
    others = keras.Input((layout.size - width,))
    state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units)(others))
    state = layers.LeakyReLU(0.2)(layers.Dense(config.critic_units // 2)(state))
    return keras.Model(others, layers.Dense(width)(state), name="classifier")
