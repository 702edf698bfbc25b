"""Taste autoencoder: encodes the items that a person chose as a short vector, and decodes it to a score of every item.

Mult-VAE and Mult-DAE (Liang et al., 2018, arXiv:1802.05814): a multinomial likelihood over all items, dropout on the
chosen items, and for the variational kind a latent normal distribution, whose divergence from the prior has the weight
`beta` after annealing. In the loss, items that dropout left visible can weigh less than those it hid, so that the net
learns to complete rather than to copy (Steck, 2020, NeurIPS, "Autoencoders that don't overfit towards the identity").
On small or tightly linked catalogues shallow nets did better than deep ones, and squared errors, which EASE minimises
too, did better than the multinomial likelihood. A newcomer is folded in: one pass of the encoder, no training.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from contracts.errors import ModelError
from training.privacy.accounting import PLAIN, Privacy, Spending
from training.privacy.dp_sgd import PrivateTraining, private_optimizer

KINDS = ("vae", "dae")
LIKELIHOODS = ("multinomial", "gaussian")

_NEVER = -1e9


@dataclass(frozen=True)
class TasteAutoencoderConfig:
    """What can be chosen about the model and its training."""

    kind: str = "vae"
    """`vae`: variational, in training the taste is a distribution; `dae`: denoising, the taste is a point."""
    likelihood: str = "multinomial"
    """`multinomial`: softmax over all items; `gaussian`: squared errors, item by item."""
    hidden: int = 200
    """Units of the layer between items and taste, in encoder and decoder; 0 leaves it out."""
    latent: int = 64
    """Size of the taste vector."""
    dropout: float = 0.5
    """Mean share of the chosen items that a training step hides."""
    visible_weight: float = 1.0
    """Weight in the loss of the items that stayed visible; with 0 only the hidden ones are predicted."""
    beta: float = 0.2
    """Weight of the divergence from the prior in `vae`; 1 is the full variational bound."""
    anneal_steps: int = 300
    """Training steps over which beta rises linearly from 0."""
    learning_rate: float = 0.002
    weight_decay: float = 0.0
    """Weight decay of AdamW (Loshchilov and Hutter, 2019): share of each weight per step, times the learning rate."""
    max_items: int = 200_000
    """Most items of the vocabulary, the most frequent ones (`training/sequences/vocabulary.py`); 0 sets no limit."""
    batch_size: int = 128
    """People per batch."""
    batch_cells: int = 50_000_000
    """Most cells, people x items, of one dense batch."""
    epochs: int = 60
    """Most epochs; training ends earlier once validation no longer improves."""
    patience: int = 8
    """Epochs without a better validation NDCG@100 after which training ends."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    validation_people: int = 20_000
    """Most people whose hidden items are ranked after every epoch."""
    privacy: Privacy = PLAIN
    """With a finite epsilon, training is differentially private: steps sample people at random, and all epochs run."""
    seed: int = 7


class TasteAutoencoder(keras.Model):
    """The trained form: rows of zeros and ones (batch, items) to logits of the complete rows (batch, items)."""

    def __init__(self, config: TasteAutoencoderConfig, item_counts: np.ndarray) -> None:
        super().__init__(name="taste_autoencoder")
        self.config = config
        self.encoder = _encoder(config, len(item_counts))
        self.decoder = _decoder(config, item_counts)
        self.random = keras.random.SeedGenerator(config.seed)
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, rows, training=False):
        """The visible items and logits (batch, items), then mean and log-variance of the taste (batch, latent)."""
        return self.denoised(rows, self.encoder, self.decoder, training=training)

    def denoised(self, rows, encoder, decoder, *, training):
        """The return value of `call`, computed by these two nets in place of the model's own."""
        visible = rows
        if training and self.config.dropout:
            uniform = keras.random.uniform(ops.shape(rows), seed=self.random)
            visible = rows * ops.cast(uniform >= self.config.dropout, rows.dtype)
        moments = encoder(visible, training=training)
        if self.config.kind == "dae":
            return visible, decoder(moments, training=training), moments, ops.zeros_like(moments)
        mean, log_variance = ops.split(moments, 2, axis=-1)
        taste = mean
        if training:
            taste = mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean), seed=self.random)
        return visible, decoder(taste, training=training), mean, log_variance

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean over people of `person_losses`."""
        return ops.mean(self.person_losses(x, y_pred, training=training))

    def person_losses(self, rows, outputs, *, training=True):
        """Negative log-likelihood plus the weighted divergence of the taste, of each person (batch,).

        Args:
            rows: all items that each person chose (batch, items).
            outputs: the return value of `call`.
        """
        visible, logits, mean, log_variance = outputs
        logits, weight = ops.cast(logits, "float32"), self.config.visible_weight
        if self.config.likelihood == "gaussian":
            loss = ops.sum(ops.square(logits - rows) * (1 - (1 - weight) * visible), axis=-1)
        else:
            if weight == 0:  # visible items are not predicted, so they are left out of the softmax too
                logits = logits + _NEVER * visible
            loss = -ops.sum(ops.log_softmax(logits) * (rows - (1 - weight) * visible), axis=-1)
        if self.config.kind == "dae":
            return loss
        if training:
            self.steps.assign_add(1.0)
        beta = self.config.beta * ops.minimum(1.0, self.steps / max(1, self.config.anneal_steps))
        divergence = ops.sum(ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance, axis=-1) / 2
        return loss + beta * divergence

    def ranker(self) -> keras.Model:
        """The served form, of built-in layers only: rows (batch, items) to scores and taste; it shares the weights.

        A dict comes out: `scores` (batch, items), `taste_vector` (batch, latent). Those of an empty row mean nothing.
        """
        rows = keras.Input((self.encoder.input_shape[-1],), name="rows")
        taste = self.encoder(rows)[:, : self.config.latent]
        return keras.Model(rows, {"scores": self.decoder(taste), "taste_vector": taste}, name="ranker")


class PrivateTasteAutoencoder(PrivateTraining, TasteAutoencoder):
    """The same net, whose steps are differentially private; a person is a row."""

    def recorded_losses(self, data, nets):
        """Losses (batch,) of (rows,); every row is another person's."""
        (rows,) = data
        encoder, decoder = nets
        return self.person_losses(rows, self.denoised(rows, encoder, decoder, training=True)), None


def build(
    config: TasteAutoencoderConfig, item_counts: np.ndarray, *, spent: Spending | None = None
) -> TasteAutoencoder:
    """The compiled model; with `spent`, its steps are private.

    Args:
        item_counts: people of the training part who chose each item; noised, if steps are private (items,).

    Raises:
        ModelError: no such kind or likelihood.
    """
    for name, known in (("kind", KINDS), ("likelihood", LIKELIHOODS)):
        if getattr(config, name) not in known:
            raise ModelError(
                expected=f"{name} as one of {', '.join(known)}",
                received=repr(getattr(config, name)),
                remedy=f"change {name} in the model's configuration",
            )
    keras.utils.set_random_seed(config.seed)
    model = (TasteAutoencoder if spent is None else PrivateTasteAutoencoder)(config, item_counts)
    model.build((None, len(item_counts)))
    if spent is not None:
        model.train_privately([model.encoder, model.decoder], spent, config.privacy.clip)
        model.decoder.get_layer("items").bias.assign(_private_bias(config, item_counts, spent.people))
        model.compile(optimizer=private_optimizer(config.learning_rate, config.weight_decay), jit_compile=False)
        return model
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer=optimizer)
    return model


def _private_bias(config: TasteAutoencoderConfig, item_counts: np.ndarray, people: int) -> np.ndarray:
    """Where the scores begin (items,): at noised popularity, because noisy steps would take long to get there."""
    counts = np.maximum(item_counts, 0.5)
    return counts / people if config.likelihood == "gaussian" else np.log(counts / counts.sum())


def _encoder(config: TasteAutoencoderConfig, items: int) -> keras.Model:
    """Rows (batch, items), scaled to length 1, to a point (batch, latent) or its moments (batch, 2 * latent)."""
    rows = keras.Input((items,), name="rows")
    state = keras.layers.UnitNormalization()(rows)
    if config.hidden:
        state = keras.layers.Dense(config.hidden, "tanh", name="into_hidden")(state)
    width = config.latent * (2 if config.kind == "vae" else 1)
    return keras.Model(rows, keras.layers.Dense(width, name="taste")(state), name="encoder")


def _decoder(config: TasteAutoencoderConfig, item_counts: np.ndarray) -> keras.Model:
    """Taste (batch, latent) to logits (batch, items), which begin at popularity."""
    taste = keras.Input((config.latent,), name="taste")
    state = taste
    if config.hidden:
        state = keras.layers.Dense(config.hidden, "tanh", name="out_of_taste")(state)
    shares = np.maximum(item_counts, 0.5) / np.maximum(item_counts, 0.5).sum()
    first = np.log(shares) if config.likelihood == "multinomial" else np.zeros(len(shares))
    first = keras.initializers.Constant(first.astype("float32"))
    logits = keras.layers.Dense(len(item_counts), bias_initializer=first, name="items")(state)
    return keras.Model(taste, logits, name="decoder")
