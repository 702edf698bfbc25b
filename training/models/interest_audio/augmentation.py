"""Training batches of sounds as other voices, rooms and microphones would have made them.

Everything happens on the spectrogram, where it is cheap: time is stretched and moved between its frames, frequencies
are warped by the bands into which they are gathered (vocal tract length perturbation, Jaitly and Hinton, 2013), bands
are raised and lowered, noise is added, and a band and a time are silenced (SpecAugment, Park et al., 2019,
arXiv:1904.08779).
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from training.media.batches import varied_batches
from training.models.interest_audio.network import FRAMES, LOWEST_HERTZ, STRIDE, WINDOW, InterestAudioConfig, scaled
from training.models.interest_audio.pyfunc import RATE

WARPS = 41
"""Warps to choose from, evenly spaced."""

_CURVE_POINTS = 5
"""Bands at which the curve of the microphone is drawn; between them it is a straight line."""


def sound_batches(
    sounds: np.ndarray, labels: np.ndarray, categories: int, config: InterestAudioConfig
) -> tf.data.Dataset:
    """Varied spectrograms with target probabilities, reshuffled every epoch; the last, smaller batch is dropped.

    Args:
        sounds: int16 (sounds, SAMPLES).
        labels: index of each sound's category (sounds,).
        categories: number of categories.

    Returns:
        Pairs of scaled spectrograms (batch, FRAMES, mel_bins, 1), float32, and targets (batch, categories).
    """
    return varied_batches(
        sounds,
        labels,
        categories,
        lambda some, random: varied(some, config, random)[..., None],
        shape=(FRAMES, config.mel_bins, 1),
        batch_size=config.batch_size,
        mixup_alpha=config.mixup_alpha,
        seed=config.seed,
    )


def varied(sounds: np.ndarray, config: InterestAudioConfig, random: np.random.Generator) -> np.ndarray:
    """Scaled spectrograms of randomly varied sounds, float32 (sounds, FRAMES, mel_bins)."""
    count, bins = len(sounds), config.mel_bins
    powers = powers_of(sounds)  # (sounds, FRAMES, frequencies)
    powers = _moved(powers, config, random)
    warps = np.linspace(1 - config.warp, 1 + config.warp, WARPS)
    banks = np.stack([bank(bins, float(warp)) for warp in warps])  # (warps, frequencies, bins)
    bands = powers @ banks[random.integers(0, WARPS, count)]  # (sounds, FRAMES, bins)
    if config.noise_share > 0:
        bands = _under_noise(bands, config.noise_share, random)
    if config.equalise_db > 0:
        bands *= _curves(count, bins, config.equalise_db, random)[:, None, :]
    spectrograms = scaled(bands)
    silenced = _stretch(count, FRAMES, config.mask_frames, random)[:, :, None]
    silenced = silenced | _stretch(count, bins, config.mask_bins, random)[:, None, :]
    return np.where(silenced, np.float32(-1), spectrograms).astype("float32")


def powers_of(sounds: np.ndarray) -> np.ndarray:
    """Power of each frequency in each frame, as Keras' MelSpectrogram has it; float32 (sounds, FRAMES, frequencies).

    Args:
        sounds: int16 (sounds, SAMPLES).
    """
    values = np.pad(sounds.astype("float32") / 32768, ((0, 0), (WINDOW // 2, WINDOW // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=1)[:, ::STRIDE]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    spectrum = np.fft.rfft(frames * window.astype("float32"), axis=2)
    return (spectrum.real**2 + spectrum.imag**2).astype("float32")


@functools.cache
def bank(bins: int, warp: float) -> np.ndarray:
    """How much of each frequency goes into each band, if all frequencies were `warp` times as high (frequencies, bins).

    The bands are those of Keras' MelSpectrogram: triangles, evenly spaced in mel.
    """
    hertz = np.linspace(0, RATE / 2, WINDOW // 2 + 1) * warp
    edges = np.linspace(_mel(LOWEST_HERTZ), _mel(RATE / 2), bins + 2)
    rising = (_mel(hertz)[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - _mel(hertz)[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(np.minimum(rising, falling), 0.0)
    weights[0] = 0.0
    return weights.astype("float32")


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)


def _moved(powers: np.ndarray, config: InterestAudioConfig, random: np.random.Generator) -> np.ndarray:
    """Each sound longer or shorter, and earlier or later; what lies outside of it is silent."""
    count = len(powers)
    length = random.uniform(1 - config.stretch, 1 + config.stretch, count)
    most = config.shift_seconds * RATE / STRIDE
    centre = FRAMES / 2 + random.uniform(-most, most, count)
    places = FRAMES / 2 + (np.arange(FRAMES) - centre[:, None]) / length[:, None]  # (sounds, FRAMES)
    inside = (places >= 0) & (places <= FRAMES - 1)
    before = np.clip(places.astype(int), 0, FRAMES - 2)
    share = np.clip(places - before, 0, 1).astype("float32")[..., None]
    each = np.arange(count)[:, None]
    moved = powers[each, before] * (1 - share) + powers[each, before + 1] * share
    return moved * inside[..., None]


def _under_noise(bands: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Noise under a share of the sounds, from brown to a little blue (sounds, FRAMES, bins)."""
    noisy = np.flatnonzero(random.random(len(bands)) < share)
    _, frames, bins = bands.shape
    loudest = bands[noisy].max(axis=(1, 2), keepdims=True)
    below = 10 ** random.uniform(-4, -1, (len(noisy), 1, 1))
    tilt = 10 ** (np.linspace(0, 1, bins) * random.uniform(-2, 0.5, (len(noisy), 1, 1)))
    noise = random.standard_exponential((len(noisy), frames, bins), dtype="float32")
    bands[noisy] += loudest * (below * tilt * 0.1).astype("float32") * noise
    return bands


def _curves(count: int, bins: int, height_db: float, random: np.random.Generator) -> np.ndarray:
    """Factors of power, smooth over the bands (count, bins)."""
    points = random.normal(0, height_db / 2, (count, _CURVE_POINTS))
    places = np.linspace(0, _CURVE_POINTS - 1, bins)
    before = np.minimum(places.astype(int), _CURVE_POINTS - 2)
    share = places - before
    return (10 ** ((points[:, before] * (1 - share) + points[:, before + 1] * share) / 10)).astype("float32")


def _stretch(count: int, side: int, longest: int, random: np.random.Generator) -> np.ndarray:
    """A run of up to `longest` places, anywhere (count, side)."""
    length = random.integers(0, longest + 1, count)
    start = (random.random(count) * (side - length + 1)).astype(int)
    places = np.arange(side)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
