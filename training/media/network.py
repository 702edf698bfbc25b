"""A small residual net over pictures and spectrograms, and how it is compiled.

Pre-activation residual blocks (He et al., 2016, arXiv:1603.05027) in three stages, each with half the height and twice
the channels of the one before, so that all stages cost about the same. A block has a single batch normalisation, at its
input, because on a CPU a normalisation costs a third of the convolution that it follows; its last convolution starts at
zero, so that the net starts as a shallow one (Zhang et al., 2019, arXiv:1901.09321). Convolutions are plain, because
depthwise ones took three times as long per multiplication.
"""

from __future__ import annotations

import math
from typing import Protocol

import keras
from keras import ops

STAGES = 3

_WARM_UP_SHARE = 0.15


class NetConfig(Protocol):
    """What can be chosen about a net: the part of a model's configuration that all have."""

    width: int
    blocks: int
    dropout: float
    label_smoothing: float
    learning_rate: float
    weight_decay: float
    seed: int


def pooled_features(features, *, width: int, blocks: int):
    """Stem, stages and pooling: (batch, height, width, channels) -> (batch, 8 * `width`).

    Args:
        width: channels of the first stage; the second has twice, the third four times as many.
        blocks: residual blocks of each stage.
    """
    features = keras.layers.Conv2D(width, 5, strides=2, padding="same")(features)  # half of height and width
    for stage in range(STAGES):
        for block in range(blocks):
            shrink = 2 if stage > 0 and block == 0 else 1
            features = _residual(features, width * 2**stage, shrink)
    features = _normalised(features)  # (batch, height / 8, width / 8, 4 * width)
    return keras.layers.Concatenate()(
        [keras.layers.GlobalAveragePooling2D()(features), keras.layers.GlobalMaxPooling2D()(features)]
    )


def compiled_classifier(name: str, inputs, features, config: NetConfig, categories: int, *, steps: int) -> keras.Model:
    """The compiled net from inputs to logits (batch, categories); targets are probabilities of the same shape.

    Args:
        features: what is made of the inputs without any weights (batch, height, width, channels).
        steps: number of batches of the whole training, over which the learning rate rises and falls.
    """
    pooled = pooled_features(features, width=config.width, blocks=config.blocks)
    pooled = keras.layers.Dropout(config.dropout, seed=config.seed)(pooled)
    model = keras.Model(inputs, keras.layers.Dense(categories, name="logits")(pooled), name=name)
    rates = _RiseAndFall(config.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(rates, weight_decay=config.weight_decay, beta_2=0.99)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        jit_compile=keras.backend.backend() != "tensorflow",  # no faster there on a CPU
    )
    return model


def _residual(features, width: int, shrink: int):
    """A block (batch, height, width, channels) -> (batch, height / shrink, width / shrink, `width`)."""
    shortcut = features
    if shrink > 1:
        shortcut = keras.layers.AveragePooling2D(shrink, padding="same")(shortcut)
    if shortcut.shape[-1] != width:
        shortcut = keras.layers.Conv2D(width, 1, use_bias=False)(shortcut)
    change = keras.layers.Conv2D(width, 3, strides=shrink, padding="same")(_normalised(features))
    change = keras.layers.Activation("relu")(change)
    change = keras.layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(change)
    return keras.layers.Add()([shortcut, change])


def _normalised(features):
    return keras.layers.Activation("relu")(keras.layers.BatchNormalization(momentum=0.9)(features))


class _RiseAndFall(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a cosine decay to nearly zero at `steps`.

    Keras has such a schedule, but it branches in the graph for every weight in every step: with it, the epochs of a
    small net took an eighth longer.
    """

    def __init__(self, highest: float, steps: int) -> None:
        self.highest, self.steps = highest, steps

    def __call__(self, step):
        done = ops.cast(step, "float32") / self.steps
        rise = ops.maximum(done / _WARM_UP_SHARE, 0.04)
        rest = ops.clip((done - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE), 0.0, 1.0)
        fall = ops.maximum((1 + ops.cos(math.pi * rest)) / 2, 0.002)
        return self.highest * ops.minimum(rise, fall)
