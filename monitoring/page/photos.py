"""Photos of items, small, as data addresses: the page needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection
from pathlib import Path

from contracts.tables.marts import TRAINING_PICTURES
from monitoring.page.night import Night

PIXELS = 88
"""Width and height of a photo on the page."""

_MOST_BYTES = 600_000
"""Of all photos together, as text."""

_MOST_PIXELS = 40_000_000
"""Of a file that is opened: a small file may unpack to any size."""


def photos_of(night: Night, items: Collection[str]) -> dict[str, str]:
    """Item -> data address of its photo, of those that the night knows one of and that is a picture."""
    if not items or not night.has(TRAINING_PICTURES.name):
        return {}
    listed = ", ".join("'" + f"item:{item}".replace("'", "''") + "'" for item in sorted(items))
    query = f"select picture_id, path from pictures where person_id is null and picture_id in ({listed})"
    found, size = {}, 0
    for row in sorted(night.rows(query, pictures=TRAINING_PICTURES.name), key=lambda row: row["picture_id"]):
        address = thumbnail(night.settings.raw, row["path"])
        if address and size + len(address) <= _MOST_BYTES:
            found[row["picture_id"].removeprefix("item:")] = address
            size += len(address)
    return found


def thumbnail(raw: Path, path: str) -> str | None:
    """The data address of a small JPEG; None of a file that is no picture, is too large, or lies outside of raw."""
    from PIL import Image, ImageOps

    file = (raw / path).resolve()
    if not file.is_relative_to(raw.resolve()) or not file.is_file():
        return None
    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP", "GIF")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            picture.draft("RGB", (2 * PIXELS, 2 * PIXELS))
            small = ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), (PIXELS, PIXELS))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow says of broken pictures
        return None
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=72, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
