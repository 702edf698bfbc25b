"""Labelled photos: reading image files safely, and a split that never changes.

Every photo is kept as `STORED_PIXELS` x `STORED_PIXELS` pixels in three colours, in any format of its file; other
proportions are squeezed to a square. `training/models/interest_vision/pyfunc.py` reads photos in the same way.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from contracts.errors import ModelError, NothingToLearn
from training.parts import Part

STORED_PIXELS = 64

PIXELS_LIMIT = 40_000_000
"""An image of more pixels is not decoded: a file of a few kilobytes can need gigabytes of memory."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Allowed formats. Pillow knows more, and starts other programs to read some of them."""

_VALIDATION_FROM, _TEST_FROM = 0.7, 0.85

FEWEST_OF_A_CATEGORY = 3
"""Fewest photos of a category that is learned: with luck one for each part."""


@dataclass(frozen=True)
class Photos:
    """Photos with a category, sorted by id."""

    photo_ids: np.ndarray
    """(photos,)"""
    pixels: np.ndarray
    """Values 0 to 255, uint8 (photos, STORED_PIXELS, STORED_PIXELS, 3)."""
    categories: np.ndarray
    """Sorted names (categories,)."""
    labels: np.ndarray
    """Index of each photo's category in `categories` (photos,)."""
    parts: np.ndarray
    """A `Part` (photos,)."""
    unreadable: int
    """Number of labelled photos that are left out because their file is missing, damaged or too large."""
    rare: int
    """Number of labelled photos that are left out because their category has fewer than `FEWEST_OF_A_CATEGORY`."""

    def part(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and labels of one part."""
        chosen = self.parts == part
        return self.pixels[chosen], self.labels[chosen]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        for texts in (self.photo_ids, self.categories):
            total.update("\n".join(texts).encode() + b"\0")
        for numbers in (self.labels, self.pixels):
            total.update(np.ascontiguousarray(numbers).tobytes())
        return total.hexdigest()

    def describe(self) -> dict[str, int]:
        """Sizes, under the names of reports and of the run's parameters."""
        return {
            "pictures": len(self.labels),
            "categories": len(self.categories),
            "training_pictures": int((self.parts == Part.TRAIN).sum()),
            "validation_pictures": int((self.parts == Part.VALIDATION).sum()),
            "test_pictures": int((self.parts == Part.TEST).sum()),
            "unreadable_pictures": self.unreadable,
            "rare_pictures": self.rare,
        }


def labelled_photos(table: pd.DataFrame, raw: Path) -> Photos:
    """Read the files of all photos of `training_pictures` that have a category.

    Args:
        table: columns `picture_id`, `path` (below `raw`), `category`; rows without a category are ignored.

    Raises:
        ModelError: a path leads out of `raw`.
        NothingToLearn: fewer than two categories have enough photos, or a part would be empty.
    """
    labelled = table[table["category"].notna() & (table["category"] != "unknown")].sort_values("picture_id")
    files = [_inside(raw, path) for path in labelled["path"]]
    with ThreadPoolExecutor() as threads:
        read = list(threads.map(read_photo, files))
    readable = np.array([pixels is not None for pixels in read], dtype=bool)
    labelled = labelled[readable]
    common = labelled["category"].map(labelled["category"].value_counts()) >= FEWEST_OF_A_CATEGORY
    categories, labels = np.unique(labelled["category"][common].to_numpy(dtype=str), return_inverse=True)
    unreadable, rare = int((~readable).sum()), int((~common).sum())
    parts = parts_of(labelled["picture_id"][common])
    if len(categories) < 2 or len(np.unique(parts)) < 3:
        raise NothingToLearn(
            expected=f"photos of at least 2 categories, {FEWEST_OF_A_CATEGORY} or more of each, in all three parts",
            received=f"{len(table)} photos, {len(readable)} of them labelled, {unreadable} of these unreadable, "
            f"{rare} of rare categories, {len(labels)} left in {len(categories)} categories",
            remedy="deliver a catalogue whose items have photos; until then people get no interests from photos",
        )
    pixels = np.stack([pixels for pixels in read if pixels is not None])[common.to_numpy()]
    return Photos(
        photo_ids=labelled["picture_id"][common].to_numpy(dtype=str),
        pixels=pixels,
        categories=categories,
        labels=labels,
        parts=parts,
        unreadable=unreadable,
        rare=rare,
    )


def parts_of(photo_ids: pd.Series) -> np.ndarray:
    """The `Part` of each photo: 70 % training, 15 % validation, 15 % test (photos,).

    It depends on the id alone, so that a photo stays in its part from night to night: no photo that a champion was
    trained on is ever used to test it.
    """
    digests = [hashlib.sha256(f"part of {name}".encode()).digest()[:4] for name in photo_ids]
    shares = np.array([int.from_bytes(digest, "big") for digest in digests]) / 2**32
    return np.digitize(shares, [_VALIDATION_FROM, _TEST_FROM])


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


def _inside(raw: Path, path: str) -> Path:
    file = (raw / path).resolve()
    if not file.is_relative_to(raw.resolve()):
        raise ModelError(
            expected=f"photos below {raw}",
            received=f"the path {path!r}, which leads out of it",
            remedy="find the delivery that names files outside its own folder, in quarantine and mapping",
        )
    return file
