"""Reading sounds: every form of WAV file is heard alike, and what cannot be heard has a named reason."""

from __future__ import annotations

import io
import struct
import tracemalloc
import wave

import numpy as np
import pytest

from training.models.interest_audio.pyfunc import BYTES_READ, RATE, SAMPLES, SECONDS_READ, read_sound
from training.models.interest_audio.sounds import read_file


def tone(hertz: float = 440.0, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """Between -0.5 and 0.5 (samples,)."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def wav(values: np.ndarray, rate: int = RATE, channels: int = 1) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(np.repeat((values * 32767).astype("<i2"), channels).tobytes())
    return stream.getvalue()


def riff(data: bytes, *, kind: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16, size: int = -1) -> bytes:
    """A file by hand: `size` is what it says of its data, by default the truth."""
    layout = struct.pack("<HHIIHH", kind, channels, rate, 0, 0, bits)
    size = len(data) if size < 0 else size
    body = b"WAVE" + b"fmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def loudest_hertz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


def test_a_short_sound_stands_in_the_middle_at_full_loudness():
    samples, remark = read_sound(wav(tone(seconds=0.5)))
    assert (samples.shape, samples.dtype, remark) == ((SAMPLES,), np.dtype("int16"), None)
    assert not samples[:1999].any() and not samples[-1999:].any()
    assert np.abs(samples).max() == 32_000
    assert loudest_hertz(samples[2000:6000]) == pytest.approx(440, abs=2)


FORMS = {
    "8 bits": riff(((tone() + 1) * 127.5).astype("u1").tobytes(), bits=8),
    "24 bits": riff((tone() * 2**31).astype("<i4").view("u1").reshape(-1, 4)[:, 1:].tobytes(), bits=24),
    "32 bits": riff((tone() * 2**31).astype("<i4").tobytes(), bits=32),
    "floating": riff(tone().astype("<f4").tobytes(), kind=3, bits=32),
    "doubles": riff(tone().astype("<f8").tobytes(), kind=3, bits=64),
    "stereo": wav(tone(), channels=2),
    "44,100 a second": wav(tone(rate=44_100), rate=44_100),
    "11,111 a second, stereo": wav(tone(rate=11_111), rate=11_111, channels=2),
    "of unknown length": riff((tone() * 32767).astype("<i2").tobytes(), size=2**32 - 1),
    "cut off": riff((tone() * 32767).astype("<i2").tobytes(), size=99_999),
    "half a value more": riff((tone() * 32767).astype("<i2").tobytes() + b"\1"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_heard_alike(form):
    samples, remark = read_sound(FORMS[form])
    assert remark is None
    assert np.corrcoef(samples, read_sound(wav(tone()))[0])[0, 1] > 0.98


NOT_HEARD = {
    "empty": [b"", None, float("nan"), riff(b""), wav(tone(seconds=0.01))],
    "not_wav": [b"ID3\x04" + bytes(600), b"text", b"RIFF\0\0\0\0AVI "],
    "damaged": [wav(tone())[:40], wav(tone())[:20], b"RIFF\4\0\0\0WAVE", b"RIFF\4\0\0\0WAVEdata\2\0\0\0\0\0"],
    "unsupported": [
        riff(bytes(800), kind=7, bits=8),
        riff(bytes(800), rate=2**32 - 1),
        riff(bytes(800), rate=0),
        riff(bytes(800), channels=0),
        riff(bytes(800), bits=12),
    ],
    "silent": [
        wav(np.zeros(RATE)),
        wav(np.full(RATE, 0.3)),
        riff(np.full(RATE, np.nan, "<f4").tobytes(), kind=3, bits=32),
    ],
}


@pytest.mark.parametrize("reason", NOT_HEARD)
def test_what_cannot_be_heard_has_a_reason(reason):
    for content in NOT_HEARD[reason]:
        assert read_sound(content) == (None, reason)


def test_of_a_long_sound_the_loudest_second_of_the_first_minute_is_heard():
    values = np.concatenate([0.1 * tone(300, 40), tone(900, 1), 0.1 * tone(300, 20), 2 * tone(1500, 1)])
    samples, remark = read_sound(wav(values))
    assert remark == "shortened"
    assert loudest_hertz(samples) == pytest.approx(900, abs=2)
    assert read_sound(wav(tone(seconds=SECONDS_READ)))[1] is None


def test_three_hours_are_read_in_little_memory(tmp_path):
    minute = (tone(seconds=60, rate=48_000) * 32767).astype("<i2")
    file = tmp_path / "hours.wav"
    file.write_bytes(riff(np.repeat(minute, 2).tobytes(), channels=2, rate=48_000, size=3 * 60 * 60 * 48_000 * 4))
    with file.open("r+b") as stream:
        stream.truncate(44 + 3 * 60 * 60 * 48_000 * 4)  # the other minutes take no place on the disk
    tracemalloc.start()
    samples, remark = read_file(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert remark == "shortened"
    assert loudest_hertz(samples) == pytest.approx(440, abs=2)
    assert peak < 10 * BYTES_READ


def test_a_file_that_is_not_there_is_missing(tmp_path):
    assert read_file(tmp_path / "gone.wav") == (None, "missing")
