"""Baselines for the category of a sound: simple methods on the mean and the spread of its bands."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from training.media.learner import FILES_A_BATCH, logistic_chances
from training.models.interest_audio.network import listener

_BINS = 40
_COEFFICIENTS = 20


def mel_logistic(training: np.ndarray, labels: np.ndarray, sounds: np.ndarray, categories: int) -> np.ndarray:
    """Probabilities (sounds, categories) by logistic regression on mean and spread over time of the log-mel bands.

    Args:
        training: int16 (training sounds, SAMPLES).
        labels: index of each training sound's category (training sounds,).
        sounds: int16 (sounds, SAMPLES).
    """
    features = [_summed(_spectrograms(values)) for values in (training, sounds)]
    mean, spread = features[0].mean(axis=0), features[0].std(axis=0) + 1e-6
    learned, asked = ((values - mean) / spread for values in features)
    return logistic_chances(learned, labels, asked, categories)


def mfcc_neighbours(
    training: np.ndarray, labels: np.ndarray, sounds: np.ndarray, categories: int, *, neighbours: int = 5
) -> np.ndarray:
    """Probabilities (sounds, categories): shares of the nearest sounds by mean and spread of their MFCCs."""
    from sklearn.neighbors import KNeighborsClassifier

    features = [_summed(_mfccs(values)) for values in (training, sounds)]
    mean, spread = features[0].mean(axis=0), features[0].std(axis=0) + 1e-6
    learned, asked = ((values - mean) / spread for values in features)
    nearest = KNeighborsClassifier(min(neighbours, len(labels))).fit(learned, labels)
    chances = np.zeros((len(sounds), categories))
    chances[:, nearest.classes_] = nearest.predict_proba(asked)
    return chances


def _mfccs(sounds: np.ndarray) -> np.ndarray:
    """(sounds, FRAMES, coefficients), without the first, which is the loudness."""
    return dct(_spectrograms(sounds), norm="ortho", axis=2)[:, :, 1:_COEFFICIENTS]


def _spectrograms(sounds: np.ndarray) -> np.ndarray:
    """(sounds, FRAMES, bins)"""
    return listener(_BINS).predict(sounds, batch_size=FILES_A_BATCH, verbose=0)[..., 0]


def _summed(values: np.ndarray) -> np.ndarray:
    """Mean and spread over time (sounds, 2 * numbers), of (sounds, frames, numbers)."""
    return np.concatenate([values.mean(axis=1), values.std(axis=1)], axis=1)
