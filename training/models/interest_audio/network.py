"""Interest in a sound: a log-mel spectrogram, and a small residual net (`training/media/network.py`) that looks at it.

The spectrogram is relative to the loudest moment of its sound and ends `RANGE_DB` below it, so that neither the
loudness nor the noise of a microphone says anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from training.media.network import compiled_classifier
from training.models.interest_audio.pyfunc import RATE, SAMPLES

WINDOW = 256
"""Samples of one frame of the spectrogram."""

STRIDE = 128
"""Samples from frame to frame."""

FRAMES = 1 + SAMPLES // STRIDE

LOWEST_HERTZ = 60.0

RANGE_DB = 60.0

_LEAST_POWER = 1e-10


@dataclass(frozen=True)
class InterestAudioConfig:
    """What can be chosen about the model and its training."""

    mel_bins: int = 40
    """Bands of frequencies."""
    width: int = 16
    """Channels of the first stage; the second has twice, the third four times as many."""
    blocks: int = 1
    """Residual blocks of each stage."""
    dropout: float = 0.2
    """Share of the pooled features that a training step drops."""
    label_smoothing: float = 0.1
    """Share of the target that is spread evenly over all categories."""
    shift_seconds: float = 0.1
    """A training sound is moved by up to so much, earlier or later."""
    stretch: float = 0.2
    """It becomes up to this share longer or shorter; all its pitches stay."""
    warp: float = 0.2
    """Its frequencies become up to this share higher or lower, as those of a shorter or longer throat (VTLP)."""
    equalise_db: float = 6.0
    """Bands are raised and lowered by a smooth curve of about this height, as by another microphone and room."""
    noise_share: float = 0.5
    """Share of training sounds under which noise is laid, 10 to 40 dB below their loudest moment."""
    mask_bins: int = 6
    """A band of up to so many bins is silenced (SpecAugment)."""
    mask_frames: int = 12
    """A time of up to so many frames is silenced (SpecAugment)."""
    mixup_alpha: float = 0.0
    """Pairs of sounds are blended with shares from Beta(alpha, alpha); 0 blends none."""
    voices: float = 0.0
    """A prediction is the mean over a sound as it is and with its frequencies this share lower and higher, at three
    times the cost; 0 hears it as it is."""
    learning_rate: float = 0.004
    """Highest learning rate, reached by a warm-up and followed by a cosine decay to nearly zero."""
    weight_decay: float = 0.02
    batch_size: int = 32
    """Sounds per batch."""
    epochs: int = 10
    """Epochs, and length of the learning rate's schedule."""
    patience: int = 0
    """Epochs without a better validation after which training ends; 0 trains all epochs of the schedule."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    seed: int = 7


def build(config: InterestAudioConfig, categories: int, *, steps: int) -> keras.Model:
    """The compiled net: scaled spectrograms (batch, FRAMES, mel_bins, 1) to logits (batch, categories).

    Targets are probabilities of the categories (batch, categories).

    Args:
        steps: number of batches of the whole training, over which the learning rate rises and falls.
    """
    keras.utils.set_random_seed(config.seed)
    spectrograms = keras.Input((FRAMES, config.mel_bins, 1), name="spectrograms")
    return compiled_classifier("interest_audio", spectrograms, spectrograms, config, categories, steps=steps)


def classifier(net: keras.Model, *, voices: float) -> keras.Model:
    """The served form, of built-in layers only: sounds (batch, SAMPLES), int16, to logits (batch, categories).

    It shares the weights.

    Args:
        voices: share by which frequencies are lowered and raised; logits are the mean over both and the sound as it is.
    """
    sounds = keras.Input((SAMPLES,), dtype="int16", name="sounds")
    inner = keras.Model(net.input, net.output, name="net")  # without optimizer and loss, which would be saved too
    warps = (1.0, 1.0 - voices, 1.0 + voices) if voices > 0 else (1.0,)
    logits = [inner(_spectrograms(sounds, net.input_shape[2], warp)) for warp in warps]
    return keras.Model(sounds, keras.layers.Average()(logits) if voices > 0 else logits[0], name="classifier")


def listener(mel_bins: int, *, warp: float = 1.0) -> keras.Model:
    """The preparation in `classifier`: sounds (batch, SAMPLES), int16, to scaled spectrograms of the net.

    Args:
        warp: by which all frequencies are multiplied.
    """
    sounds = keras.Input((SAMPLES,), dtype="int16")
    return keras.Model(sounds, _spectrograms(sounds, mel_bins, warp))


def _spectrograms(sounds, mel_bins: int, warp: float):
    values = ops.cast(sounds, "float32") / 32768.0
    powers = keras.layers.MelSpectrogram(
        fft_length=WINDOW,
        sequence_stride=STRIDE,
        sampling_rate=RATE * warp,  # of values that came faster, all frequencies are higher
        num_mel_bins=mel_bins,
        min_freq=LOWEST_HERTZ,
        max_freq=RATE / 2,
        power_to_db=False,  # Keras would cut at the loudest moment of the whole batch
    )(values)  # (batch, mel_bins, FRAMES)
    return ops.expand_dims(ops.transpose(scaled(powers, by=ops), (0, 2, 1)), -1)  # (batch, FRAMES, mel_bins, 1)


def scaled(powers, *, by: Any = np):
    """Powers of bands to what the net reads: -1 is `RANGE_DB` below the loudest moment, 1 that moment itself.

    Args:
        powers: (sounds, FRAMES, mel_bins), or bands before frames.
        by: whose functions are called: numpy, or `keras.ops` within a net.
    """
    decibels = 10.0 * by.log10(by.maximum(powers, _LEAST_POWER))
    loudest = by.max(decibels, axis=(1, 2), keepdims=True)
    return by.maximum(decibels - loudest, -RANGE_DB) * (2.0 / RANGE_DB) + 1.0
