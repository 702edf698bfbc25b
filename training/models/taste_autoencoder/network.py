"""Taste autoencoder: what a person chose is pressed into a short vector, from which every item gets a score.

Mult-VAE and Mult-DAE (Liang et al., 2018, arXiv:1802.05814): a multinomial likelihood over all items, dropout on what
was chosen, and for the variational kind a latent normal distribution whose divergence from the prior weighs `beta`,
reached in small steps. What dropout left visible can weigh less in the loss than what it hid, so that the net learns
to complete rather than to copy (Steck, 2020, NeurIPS, "Autoencoders that don't overfit towards the identity"). On small
or tightly linked catalogues shallow nets did better than deep ones, and squared errors, which are what EASE minimises,
better than the multinomial likelihood. A newcomer is folded in: one pass of the encoder, no training.
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
    """vae: variational, the taste is a distribution in training; dae: denoising, the taste is a point."""
    likelihood: str = "multinomial"
    """multinomial: all items compete for what a person chose; gaussian: squared errors, an item at a time."""
    hidden: int = 200
    """Size of the layer between items and taste, on both sides; 0 leaves it out."""
    latent: int = 64
    """Size of the taste vector."""
    dropout: float = 0.5
    """Share of the chosen items that a training step hides, on average."""
    told_weight: float = 1.0
    """Weight in the loss of the items that were not hidden; 0 learns to guess the hidden ones alone."""
    beta: float = 0.2
    """Weight of the divergence from the prior, of the variational kind; 1 is a full variational bound."""
    anneal_steps: int = 300
    """Batches over which beta rises from 0 in equal steps."""
    learning_rate: float = 0.002
    weight_decay: float = 0.0
    """Share of each weight, times the learning rate, that a step takes away (Loshchilov and Hutter, 2019)."""
    batch_size: int = 128
    """People a batch."""
    batch_cells: int = 50_000_000
    """Most people x items that one batch may have once it is dense."""
    epochs: int = 60
    """Most epochs; training ends before, once validation no longer improves."""
    patience: int = 8
    """Epochs without a better validation NDCG@100 after which training ends."""
    privacy: Privacy = PLAIN
    """With a finite epsilon, training is differentially private: steps draw people by chance, all epochs run."""
    seed: int = 7


class TasteAutoencoder(keras.Model):
    """The trained form: rows of zeros and ones (batch, items) to the same rows, denoised, as logits (batch, items)."""

    def __init__(self, config: TasteAutoencoderConfig, item_counts: np.ndarray) -> None:
        super().__init__(name="taste_autoencoder")
        self.config = config
        self.encoder = _encoder(config, len(item_counts))
        self.decoder = _decoder(config, item_counts)
        self.noise = keras.random.SeedGenerator(config.seed)
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, rows, training=False):
        """What dropout left of the rows, logits (batch, items), mean and log-variance of the taste (batch, latent)."""
        return self.denoised(rows, self.encoder, self.decoder, training=training)

    def denoised(self, rows, encoder, decoder, *, training):
        """What `call` returns, by an encoder and a decoder like those of the model."""
        told = rows
        if training and self.config.dropout:
            draws = keras.random.uniform(ops.shape(rows), seed=self.noise)
            told = rows * ops.cast(draws >= self.config.dropout, rows.dtype)
        moments = encoder(told, training=training)
        if self.config.kind == "dae":
            return told, decoder(moments, training=training), moments, ops.zeros_like(moments)
        mean, log_variance = ops.split(moments, 2, axis=-1)
        taste = mean
        if training:
            taste = mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean), seed=self.noise)
        return told, decoder(taste, training=training), mean, log_variance

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean over people of `person_losses`."""
        return ops.mean(self.person_losses(x, y_pred, training=training))

    def person_losses(self, rows, answers, *, training=True):
        """Negative log-likelihood plus the weighed divergence of the taste, of each person (batch,).

        Args:
            rows: what each person chose, complete (batch, items).
            answers: what `call` returns.
        """
        told, logits, mean, log_variance = answers
        logits, weight = ops.cast(logits, "float32"), self.config.told_weight
        if self.config.likelihood == "gaussian":
            missed = ops.sum(ops.square(logits - rows) * (1 - (1 - weight) * told), axis=-1)
        else:
            if weight == 0:  # what is told is not to be guessed, so it does not compete either
                logits = logits + _NEVER * told
            missed = -ops.sum(ops.log_softmax(logits) * (rows - (1 - weight) * told), axis=-1)
        if self.config.kind == "dae":
            return missed
        if training:
            self.steps.assign_add(1.0)
        beta = self.config.beta * ops.minimum(1.0, self.steps / max(1, self.config.anneal_steps))
        divergence = ops.sum(ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance, axis=-1) / 2
        return missed + beta * divergence

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
