"""Labelled photos: reading image files safely.

Every photo is kept as `STORED_PIXELS` x `STORED_PIXELS` pixels in three colours, in any format of its file; other
proportions are squeezed to a square. `training/models/interest_vision/pyfunc.py` reads photos in the same way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from training.media.labelled import Kind

STORED_PIXELS = 64

PIXELS_LIMIT = 40_000_000
"""An image of more pixels is not decoded: a file of a few kilobytes can need gigabytes of memory."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Allowed formats. Pillow knows more, and starts other programs to read some of them."""


def read_photo(file: Path) -> np.ndarray | None:
    """Pixels, uint8 (STORED_PIXELS, STORED_PIXELS, 3); None for a file that is not an image or too large.

    The image is rotated by its EXIF orientation; transparent parts become white. Of several frames the first counts.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXELS_LIMIT:
                return None
            image.draft("RGB", (STORED_PIXELS, STORED_PIXELS))
            image.load()
            return np.asarray(_coloured(image).resize((STORED_PIXELS, STORED_PIXELS), Image.Resampling.BOX))
    except Exception:  # decoders raise exceptions of any kind; the caller counts unreadable files
        return None


def _coloured(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a shade
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _read(file: Path) -> tuple[np.ndarray | None, str | None]:
    pixels = read_photo(file)
    return pixels, "unreadable" if pixels is None else None


PHOTOS = Kind("pictures", "photos", "picture_id", _read, ("unreadable",))
