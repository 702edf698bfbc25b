"""Interest in a photo: a small residual net that predicts the category of a photo.

Pre-activation residual blocks (He et al., 2016, arXiv:1603.05027) in three stages, each with half the height and twice
the channels of the one before, so that all stages cost about the same. A block has a single batch normalisation, at its
input, because on a CPU a normalisation costs a third of the convolution that it follows; its last convolution starts at
zero, so that the net starts as a shallow one (Zhang et al., 2019, arXiv:1901.09321). Convolutions are plain, because
depthwise ones took three times as long per multiplication.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
from keras import ops

STAGES = 3

_WARM_UP_SHARE = 0.15


@dataclass(frozen=True)
class InterestVisionConfig:
    """What can be chosen about the model and its training."""

    size_pixels: int = 32
    """Height and width at which the net reads a photo."""
    channels: int = 3
    """3 reads colours, 1 reads greyscale."""
    width: int = 16
    """Channels of the first stage; the second has twice, the third four times as many."""
    blocks: int = 1
    """Residual blocks of each stage."""
    dropout: float = 0.1
    """Share of the pooled features that a training step drops."""
    label_smoothing: float = 0.1
    """Share of the target that is spread evenly over all categories."""
    shift_pixels: int = 3
    """A training photo is shifted by up to this many pixels in each direction."""
    flip_share: float = 0.5
    """Share of training photos that are mirrored."""
    erase_share: float = 0.25
    """Share of training photos in which a rectangle is erased."""
    erase_pixels: int = 8
    """Longest side of that rectangle."""
    mixup_alpha: float = 0.0
    """Pairs of photos are blended with shares from Beta(alpha, alpha); 0 blends none."""
    mirror: bool = True
    """Whether a prediction is the mean over the photo and its mirror image, at twice the cost."""
    learning_rate: float = 0.004
    """Highest learning rate, reached by a warm-up and followed by a cosine decay to nearly zero."""
    weight_decay: float = 0.02
    batch_size: int = 32
    """Photos per batch."""
    epochs: int = 10
    """Epochs, and length of the learning rate's schedule."""
    patience: int = 0
    """Epochs without a better validation after which training ends; 0 trains all epochs of the schedule."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    seed: int = 7


def build(config: InterestVisionConfig, categories: int, *, steps: int) -> keras.Model:
    """The compiled net: photos (batch, size, size, channels), values 0 to 255, to logits (batch, categories).

    Targets are probabilities of the categories (batch, categories).

    Args:
        steps: number of batches of the whole training, over which the learning rate rises and falls.
    """
    keras.utils.set_random_seed(config.seed)
    photos = keras.Input((config.size_pixels, config.size_pixels, config.channels), name="photos")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(photos)
    features = keras.layers.Conv2D(config.width, 5, strides=2, padding="same")(features)  # half of height and width
    for stage in range(STAGES):
        for block in range(config.blocks):
            shrink = 2 if stage > 0 and block == 0 else 1
            features = _residual(features, config.width * 2**stage, shrink)
    features = _normalised(features)  # (batch, size / 8, size / 8, 4 * width)
    pooled = keras.layers.Concatenate()(
        [keras.layers.GlobalAveragePooling2D()(features), keras.layers.GlobalMaxPooling2D()(features)]
    )
    pooled = keras.layers.Dropout(config.dropout, seed=config.seed)(pooled)
    model = keras.Model(photos, keras.layers.Dense(categories, name="logits")(pooled), name="interest_vision")
    optimizer = keras.optimizers.AdamW(
        _RiseAndFall(config.learning_rate, steps), weight_decay=config.weight_decay, beta_2=0.99
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        jit_compile=keras.backend.backend() != "tensorflow",  # no faster there on a CPU
    )
    return model


def classifier(net: keras.Model, photo_shape: tuple[int, int, int], *, mirror: bool) -> keras.Model:
    """The served form, of built-in layers only: photos (batch, *photo_shape), uint8, to logits (batch, categories).

    It shares the weights. Photos of another size are resized to the net's size, and become grey if the net reads grey.

    Args:
        mirror: whether logits are the mean over a photo and its mirror image.
    """
    photos = keras.Input(photo_shape, dtype="uint8", name="photos")
    prepared = _resized(photos, net.input_shape[1:])
    inner = keras.Model(net.input, net.output, name="net")  # without optimizer and loss, which would be saved too
    logits = inner(prepared)
    if mirror:
        logits = keras.layers.Average()([logits, inner(ops.flip(prepared, axis=2))])
    return keras.Model(photos, logits, name="classifier")


def resizer(photo_shape: tuple[int, int, int], net_shape: tuple[int, int, int]) -> keras.Model:
    """The preparation in `classifier`: photos (batch, *photo_shape) to inputs of the net (batch, *net_shape)."""
    photos = keras.Input(photo_shape, dtype="uint8")
    return keras.Model(photos, _resized(photos, net_shape))


def _resized(photos, net_shape: tuple[int, int, int]):
    height, width, channels = net_shape
    resized = ops.cast(photos, "float32")
    if photos.shape[-1] > channels:
        resized = ops.mean(resized, axis=-1, keepdims=True)
    if photos.shape[1:3] != (height, width):
        resized = keras.layers.Resizing(height, width, interpolation="bilinear", antialias=True)(resized)
    return resized


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
