"""The served form of `interest_audio`: MLflow runs this file from the registered model, without Nightshift.

Input: a DataFrame with a column `sound`, the bytes of one WAV file each: whole numbers of 8 to 32 bits or floating
point, any number of channels, 1,000 to 192,000 values a second. The first `BYTES_READ` bytes of a long file are enough:
of its first minute the loudest second is heard, as one channel at 8,000 values a second. Training reads files by this
very function.
Output: for each sound the most likely `category`, its probability as `confidence`, the `probabilities` of all
`categories`, and a `remark`. What cannot be heard gets the category None, confidence 0, no probabilities, and as remark
the reason: `empty` (less than a fiftieth of a second), `not_wav`, `damaged` (a WAV file without what it needs),
`unsupported` (compressed, or at an absurd rate) or `silent`. `shortened` is the remark of an answer about a sound of
more than a minute. Requires the package scipy.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd
from scipy.signal import resample_poly

RATE = 8000
"""Values a second that the net hears."""

SAMPLES = 8000
"""Values of one sound that it hears: one second."""

SECONDS_READ = 60
"""Of a longer sound, so many seconds from its beginning are looked at."""

BYTES_READ = 1_000 + SECONDS_READ * 48_000 * 2 * 4
"""Bytes at the beginning of a file that hold so many seconds of two channels at 48,000 values of four bytes."""

REMARKS = ("empty", "not_wav", "damaged", "unsupported", "silent", "shortened")

_SOUNDS_A_BATCH = 256
_LEAST_SECONDS = 0.02
_LEAST_PEAK = 8 / 32768
_LOUDEST = 32_000
_RATES = (1_000, 192_000)
_WHOLE, _FLOATING, _EXTENSIBLE = 1, 3, 0xFFFE


class InterestAudio(mlflow.pyfunc.PythonModel):
    """The net, the names of its categories and its temperature; WAV files in, categories out."""

    def load_context(self, context) -> None:
        self.net = keras.saving.load_model(context.artifacts["net"], safe_mode=True)
        answers = json.loads(Path(context.artifacts["answers"]).read_text())
        self.categories = np.array(answers["categories"], dtype=str)
        self.temperature = float(answers["temperature"])

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        files = list(model_input["sound"])
        answers = [
            self._answer(files[start : start + _SOUNDS_A_BATCH]) for start in range(0, len(files), _SOUNDS_A_BATCH)
        ]
        columns = ["category", "confidence", "probabilities", "categories", "remark"]
        return pd.concat(answers, ignore_index=True) if answers else pd.DataFrame(columns=columns)

    def score(self, sounds: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (sounds, categories) for int16 (sounds, SAMPLES)."""
        if len(sounds) == 0:
            return np.empty((0, len(self.categories)))
        logits = self.net.predict(sounds, batch_size=_SOUNDS_A_BATCH, verbose=0)
        scaled = logits.astype("float64") / self.temperature
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def _answer(self, files: list) -> pd.DataFrame:
        read = [read_sound(file) for file in files]
        heard = np.array([samples for samples, _ in read if samples is not None]).reshape(-1, SAMPLES)
        chances = iter(self.score(heard.astype("int16")))
        rows = [None if samples is None else next(chances) for samples, _ in read]
        return pd.DataFrame(
            {
                "category": [None if row is None else str(self.categories[row.argmax()]) for row in rows],
                "confidence": [0.0 if row is None else float(row.max()) for row in rows],
                "probabilities": [[] if row is None else row.tolist() for row in rows],
                "categories": [self.categories.tolist()] * len(rows),
                "remark": [remark for _, remark in read],
            }
        )


def read_sound(content: object) -> tuple[np.ndarray | None, str | None]:
    """The loudest second of a WAV file, int16 (SAMPLES,), its peak at `_LOUDEST`; and one of `REMARKS`, or None.

    A shorter sound stands in the middle of silence. Without samples the remark says why there are none.
    """
    if not isinstance(content, bytes) or not content:
        return None, "empty"
    if content[:4] not in (b"RIFF", b"RF64") or content[8:12] != b"WAVE":
        return None, "not_wav"
    layout, data = _chunks(content)
    if layout is None or data is None:
        return None, "damaged"
    kind, channels, rate, bits = layout
    if not _RATES[0] <= rate <= _RATES[1] or (values := _decoded(data, kind, channels, bits, rate)) is None:
        return None, "unsupported"
    if len(values) < _LEAST_SECONDS * rate:
        return None, "empty"
    remark = "shortened" if len(data) > _most_bytes(channels, rate, bits) else None
    second = _loudest(values, rate)
    second = second - second.mean()
    if np.abs(second).max() < _LEAST_PEAK:
        return None, "silent"
    if rate != RATE:
        shared = math.gcd(RATE, rate)
        second = resample_poly(second, RATE // shared, rate // shared)[:SAMPLES]
    heard = np.zeros(SAMPLES, "float32")
    begin = (SAMPLES - len(second)) // 2
    heard[begin : begin + len(second)] = second
    peak = np.abs(heard).max()
    return ((heard * (_LOUDEST / peak)).round().astype("int16"), remark) if peak > 0 else (None, "silent")


def _chunks(content: bytes) -> tuple[tuple[int, int, int, int] | None, memoryview | None]:
    """Kind of values, channels, values a second, bits of one value; and the values' bytes, as far as they are there."""
    layout, start = None, 12
    while start + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, start)
        body = memoryview(content)[start + 8 : start + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if kind == _EXTENSIBLE and len(body) >= 26:
                (kind,) = struct.unpack_from("<H", body, 24)
            layout = (kind, channels, rate, bits)
        elif name == b"data":
            return layout, body
        start += 8 + size + size % 2
    return layout, None


def _most_bytes(channels: int, rate: int, bits: int) -> int:
    return SECONDS_READ * rate * channels * (bits // 8)


def _decoded(data: memoryview, kind: int, channels: int, bits: int, rate: int) -> np.ndarray | None:
    """The mean of the channels, -1 to 1, of the first seconds (samples,); None for a form that is not read here."""
    if not 1 <= channels <= 64 or (kind, bits) not in (
        (_WHOLE, 8), (_WHOLE, 16), (_WHOLE, 24), (_WHOLE, 32), (_FLOATING, 32), (_FLOATING, 64),
    ):  # fmt: skip
        return None
    width = bits // 8
    frames = min(len(data), _most_bytes(channels, rate, bits)) // (channels * width)
    data = data[: frames * channels * width]
    if kind == _FLOATING:
        values = np.nan_to_num(np.frombuffer(data, f"<f{width}").astype("float32"), nan=0.0, posinf=0.0, neginf=0.0)
        values = values.clip(-8, 8)
    elif bits == 8:
        values = np.frombuffer(data, "u1").astype("float32") / 128 - 1
    elif bits == 24:
        upper = np.zeros((frames * channels, 4), "u1")
        upper[:, 1:] = np.frombuffer(data, "u1").reshape(-1, 3)
        values = upper.view("<i4")[:, 0].astype("float32") / 2**31
    else:
        values = np.frombuffer(data, f"<i{width}").astype("float32") / 2 ** (bits - 1)
    return values.reshape(frames, channels).mean(axis=1)


def _loudest(values: np.ndarray, rate: int) -> np.ndarray:
    """The second of most energy, of equals the first; everything where there is no more than a second (samples,)."""
    if len(values) <= rate:
        return values
    energy = np.concatenate([[0.0], np.cumsum(values.astype("float64") ** 2)])
    starts = np.arange(0, len(values) - rate + 1, max(rate // 100, 1))
    start = starts[(energy[starts + rate] - energy[starts]).argmax()]
    return values[start : start + rate]


mlflow.models.set_model(InterestAudio())
