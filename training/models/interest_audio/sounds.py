"""How files of sounds are read: by the function that the served model reads them by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.media.labelled import Kind
from training.models.interest_audio.pyfunc import BYTES_READ, REMARKS, read_sound


def read_file(file: Path) -> tuple[np.ndarray | None, str | None]:
    """Samples, int16 (SAMPLES,), None of a file that cannot be heard; and a remark, such as why.

    No more than the first `BYTES_READ` bytes of a file are read, however long it is.
    """
    try:
        with file.open("rb") as stream:
            return read_sound(stream.read(BYTES_READ))
    except OSError:
        return None, "missing"


SOUNDS = Kind("sounds", "sounds", "sound_id", read_file, ("missing", *REMARKS))
