"""Short sounds in which a category can be recognised: tones and noise in its pattern, at any pitch, over some hiss."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable

import numpy as np

RATE = 8000
"""Values a second."""

SECONDS = 0.8

_Random = np.random.Generator
_Moments = np.ndarray
"""Seconds since the beginning (samples,)."""


def sound(rng: _Random, category: str, *, rate: int = RATE, channels: int = 1) -> bytes:
    """A WAV file of 16 bits a value with the pattern of `category`."""
    moments = np.arange(int(SECONDS * rate)) / rate
    values = PATTERNS[category](rng, moments, rng.uniform(0.85, 1.18))
    values = values / np.abs(values).max() + rng.normal(0, 1, len(values)) * 10 ** rng.uniform(-3, -1.7)
    loudness = rng.uniform(0.1, 0.8) / np.abs(values).max()
    return wav((values * loudness * 32767).astype("int16"), rate=rate, channels=channels)


def wav(values: np.ndarray, *, rate: int = RATE, channels: int = 1) -> bytes:
    """A file of equal channels of these values, int16 (samples,)."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(np.repeat(values.astype("<i2"), channels).tobytes())
    return stream.getvalue()


def broken(kind: str) -> bytes:
    """A file that nobody can hear anything in: `empty`, `silent`, or `mp3`, which has another format than its name."""
    contents = {"empty": b"", "silent": wav(np.zeros(RATE // 2, "int16")), "mp3": b"ID3\x04" + bytes(600)}
    return contents[kind]


def _tone(moments: _Moments, hertz: float | np.ndarray, harmonics: int = 1) -> np.ndarray:
    """A tone, of one pitch or of one at each moment, whose harmonics become softer."""
    turns = np.cumsum(np.broadcast_to(hertz, moments.shape)) * (moments[1] - moments[0])
    return sum(np.sin(2 * np.pi * number * turns) / number for number in range(1, harmonics + 1))


def _hiss(rng: _Random, moments: _Moments, *, high: bool) -> np.ndarray:
    """Noise, most of it high or most of it low."""
    white = rng.normal(0, 1, len(moments) + 8)
    return np.diff(white)[:-7] if high else np.convolve(white, np.ones(9) / 3, "valid")


def _beats(moments: _Moments, starts: list[float] | np.ndarray, lasting: float) -> np.ndarray:
    """1 at each start, then decaying within about so many seconds (samples,)."""
    envelope = np.zeros_like(moments)
    for start in starts:
        since = moments - start
        envelope = np.maximum(envelope, np.where(since >= 0, np.exp(-np.maximum(since, 0) / lasting), 0))
    return envelope


def _every(rng: _Random, seconds: float) -> np.ndarray:
    return np.arange(rng.uniform(0, seconds), SECONDS, seconds)


def _running(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """Steps."""
    return _hiss(rng, moments, high=False) * _beats(moments, _every(rng, 0.2 / pitch), 0.03)


def _cycling(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A freewheel that ticks."""
    return _tone(moments, 2600 * pitch) * _beats(moments, _every(rng, 0.055 / pitch), 0.006)


def _cooking(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A pan that sizzles."""
    return _hiss(rng, moments, high=True) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * pitch * moments))


def _gardening(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A bird that chirps upwards."""
    every = 0.26 / pitch
    rising = (moments + rng.uniform(0, every)) % every / every
    return _tone(moments, (1900 + 1200 * rising) * pitch) * (rising < 0.55)


def _photography(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A shutter that opens and shuts."""
    start = rng.uniform(0.05, 0.3)
    return _hiss(rng, moments, high=True) * _beats(moments, [start, start + 0.12 * pitch], 0.012)


def _gaming(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """Square waves that climb."""
    notes = np.array([1, 1.25, 1.5, 2])[((moments + rng.uniform(0, 0.2)) / 0.08).astype(int) % 4]
    return np.sign(_tone(moments, 440 * pitch * notes))


def _reading(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A page that is turned."""
    middle = rng.uniform(0.3, 0.5)
    return _hiss(rng, moments, high=True) * np.exp(-(((moments - middle) / (0.09 * pitch)) ** 2))


def _music(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A chord that fades."""
    chord = sum(_tone(moments, 220 * pitch * step, 5) for step in (1, 1.2, 1.5))
    return chord * _beats(moments, [rng.uniform(0, 0.1)], 0.5)


def _travel(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A train's horn."""
    horn = _tone(moments, 311 * pitch, 8) + _tone(moments, 370 * pitch, 8)
    return horn * (np.abs(moments - rng.uniform(0.35, 0.45)) < 0.3)


def _fashion(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A sewing machine."""
    return (_tone(moments, 900 * pitch, 2) + _hiss(rng, moments, high=False)) * (
        np.sin(2 * np.pi * 24 * pitch * moments) > 0.3
    )


def _home(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A doorbell, high and then low."""
    start = rng.uniform(0, 0.1)
    high = _tone(moments, 880 * pitch) * _beats(moments, [start], 0.12)
    return high + _tone(moments, 660 * pitch) * _beats(moments, [start + 0.35], 0.15)


def _pets(rng: _Random, moments: _Moments, pitch: float) -> np.ndarray:
    """A dog that barks twice."""
    starts = rng.uniform(0.02, 0.12) + np.array([0, 0.36])
    falling = 520 * pitch * (0.6 + 0.5 * _beats(moments, starts, 0.1))
    return (_tone(moments, falling, 6) + 0.3 * _hiss(rng, moments, high=False)) * _beats(moments, starts, 0.07)


PATTERNS: dict[str, Callable[[_Random, _Moments, float], np.ndarray]] = {
    "running": _running, "cycling": _cycling, "cooking": _cooking, "gardening": _gardening,
    "photography": _photography, "gaming": _gaming, "reading": _reading, "music": _music,
    "travel": _travel, "fashion": _fashion, "home": _home, "pets": _pets,
}  # fmt: skip
"""Category -> samples of its pattern, of any loudness, from chance, moments and a factor of its pitch."""
