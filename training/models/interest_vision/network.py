"""Interest of a picture: a small residual net that names the category which a picture shows.

Pre-activation residual blocks (He et al., 2016, arXiv:1603.05027) in three stages, each of half the height and twice
the channels, so that all stages cost about the same. Each block has one batch normalisation, at its entrance, and its
last convolution starts at zero, so that the net starts as a shallow one (Zhang et al., 2019, arXiv:1901.09321): on a
CPU a normalisation costs a third of the convolution that it follows. Convolutions are plain ones, because depthwise
ones took three times as long per multiplication.
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
    """Height and width at which the net reads a picture."""
    channels: int = 3
    """3 reads colours, 1 reads shades of grey."""
    width: int = 16
    """Channels of the first stage; the second has twice, the third four times as many."""
    blocks: int = 1
    """Residual blocks of each stage."""
    dropout: float = 0.1
    """Share of the pooled features that a training step drops."""
    label_smoothing: float = 0.1
    """Share of the target that is spread evenly over all categories."""
    shift_pixels: int = 3
    """A training picture is moved by up to this many pixels in each direction."""
    flip_share: float = 0.5
    """Share of training pictures that are mirrored."""
    erase_share: float = 0.25
    """Share of training pictures of which a square is painted over."""
    erase_pixels: int = 8
    """Largest side of that square."""
    mixup_alpha: float = 0.0
    """Pairs of pictures are blended with shares from Beta(alpha, alpha); 0 blends none."""
    mirror: bool = True
    """Whether an answer is the mean over the picture and its mirror image, at twice the cost of an answer."""
    learning_rate: float = 0.004
    """Highest learning rate, reached after a warm-up and left along a cosine down to nearly zero."""
    weight_decay: float = 0.02
    batch_size: int = 32
    """Pictures a batch."""
    epochs: int = 10
    """Epochs of the learning rate's schedule."""
    patience: int = 0
    """Epochs without a better validation after which training ends; 0 trains all, as the schedule wants it."""
    seed: int = 7


def build(config: InterestVisionConfig, categories: int, *, steps: int) -> keras.Model:
    """The compiled net: pictures (batch, size, size, channels), shades 0 to 255, to logits (batch, categories).

    Targets are shares of categories (batch, categories).

    Args:
        steps: batches of the whole training, over which the learning rate rises and falls.
    """
    keras.utils.set_random_seed(config.seed)
    pictures = keras.Input((config.size_pixels, config.size_pixels, config.channels), name="pictures")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pictures)
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
    model = keras.Model(pictures, keras.layers.Dense(categories, name="logits")(pooled), name="interest_vision")
    optimizer = keras.optimizers.AdamW(
        _RiseAndFall(config.learning_rate, steps), weight_decay=config.weight_decay, beta_2=0.99
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        jit_compile=keras.backend.backend() != "tensorflow",  # it gains nothing there on a CPU
    )
    return model


def namer(net: keras.Model, picture_shape: tuple[int, int, int], *, mirror: bool) -> keras.Model:
    """The served form, of built-in layers only: pictures (batch, *picture_shape), uint8, to logits (batch, categories).

    It shares the weights. Pictures of another size are resized to the net's, colours become grey where the net reads
    grey.

    Args:
        mirror: whether logits are the mean over a picture and its mirror image.
    """
    pictures = keras.Input(picture_shape, dtype="uint8", name="pictures")
    prepared = _reduced(pictures, net.input_shape[1:])
    answers = keras.Model(net.input, net.output, name="net")  # without optimizer and loss, which would be saved too
    logits = answers(prepared)
    if mirror:
        logits = keras.layers.Average()([logits, answers(ops.flip(prepared, axis=2))])
    return keras.Model(pictures, logits, name="namer")


def reducer(picture_shape: tuple[int, int, int], net_shape: tuple[int, int, int]) -> keras.Model:
    """What `namer` does to pictures (batch, *picture_shape) before the net reads them (batch, *net_shape)."""
    pictures = keras.Input(picture_shape, dtype="uint8")
    return keras.Model(pictures, _reduced(pictures, net_shape))


def _reduced(pictures, net_shape: tuple[int, int, int]):
    height, width, channels = net_shape
    reduced = ops.cast(pictures, "float32")
    if pictures.shape[-1] > channels:
        reduced = ops.mean(reduced, axis=-1, keepdims=True)
    if pictures.shape[1:3] != (height, width):
        reduced = keras.layers.Resizing(height, width, interpolation="bilinear", antialias=True)(reduced)
    return reduced


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
    """A straight rise over the first steps, then half a cosine down to nearly zero over all `steps`.

    The one of Keras branches in the graph, for every weight of every step anew: with it, the epochs of a small net
    took an eighth longer.
    """

    def __init__(self, highest: float, steps: int) -> None:
        self.highest, self.steps = highest, steps

    def __call__(self, step):
        done = ops.cast(step, "float32") / self.steps
        rise = ops.maximum(done / _WARM_UP_SHARE, 0.04)
        rest = ops.clip((done - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE), 0.0, 1.0)
        fall = ops.maximum((1 + ops.cos(math.pi * rest)) / 2, 0.002)
        return self.highest * ops.minimum(rise, fall)
