"""Interest in a photo: a small residual net (`training/media/network.py`) that predicts the category of a photo."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import ops

from training.media.network import compiled_classifier


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
    return compiled_classifier("interest_vision", photos, features, config, categories, steps=steps)


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
