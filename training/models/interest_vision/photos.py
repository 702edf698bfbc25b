"""Labelled pictures: reading files safely, parts that never change, and the variations that training sees.

Every picture is kept as `STORED_PIXELS` x `STORED_PIXELS` pixels in three colours, whatever its file holds; its sides
are squeezed to a square. `training/models/interest_vision/pyfunc.py` reads pictures in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from PIL import Image, ImageOps

from contracts.errors import ModelError, NothingToLearn
from training.models.interest_vision.network import InterestVisionConfig
from training.parts import Part

STORED_PIXELS = 64

PIXELS_LIMIT = 40_000_000
"""A file that says it holds more pixels is not decoded: a few kilobytes can ask for gigabytes of memory."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What pictures come in. Pillow knows more, some of which start other programs to read a file."""

_VALIDATION_FROM, _TEST_FROM = 0.7, 0.85

FEWEST_OF_A_CATEGORY = 3
"""Fewest pictures of a category that is learned: one for each part, if chance is kind."""


@dataclass(frozen=True)
class Pictures:
    """Pictures whose category is known, by picture id."""

    picture_ids: np.ndarray
    """(pictures,)"""
    pixels: np.ndarray
    """Shades 0 to 255, uint8 (pictures, STORED_PIXELS, STORED_PIXELS, 3)."""
    categories: np.ndarray
    """Sorted names (categories,)."""
    labels: np.ndarray
    """Place of each picture's category in `categories` (pictures,)."""
    parts: np.ndarray
    """A `Part` (pictures,)."""
    unreadable: int
    """Labelled pictures whose file is missing, damaged or too large: left out."""
    rare: int
    """Labelled pictures of a category that has fewer than `FEWEST_OF_A_CATEGORY`: left out."""

    def part(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and labels of one part."""
        chosen = self.parts == part
        return self.pixels[chosen], self.labels[chosen]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        for texts in (self.picture_ids, self.categories):
            total.update("\n".join(texts).encode() + b"\0")
        for numbers in (self.labels, self.pixels):
            total.update(np.ascontiguousarray(numbers).tobytes())
        return total.hexdigest()

    def describe(self) -> dict[str, int]:
        return {
            "pictures": len(self.labels),
            "categories": len(self.categories),
            "training_pictures": int((self.parts == Part.TRAIN).sum()),
            "validation_pictures": int((self.parts == Part.VALIDATION).sum()),
            "test_pictures": int((self.parts == Part.TEST).sum()),
            "unreadable_pictures": self.unreadable,
            "rare_pictures": self.rare,
        }


def labelled_pictures(table: pd.DataFrame, raw: Path) -> Pictures:
    """Read the files of every labelled picture of `training_pictures`.

    Args:
        table: columns `picture_id`, `path` below `raw`, `category`; rows without a category are not looked at.

    Raises:
        ModelError: a path leads out of `raw`.
        NothingToLearn: fewer than two categories have enough pictures, or one part would be empty.
    """
    labelled = table[table["category"].notna() & (table["category"] != "unknown")].sort_values("picture_id")
    files = [_inside(raw, path) for path in labelled["path"]]
    with ThreadPoolExecutor() as threads:
        read = list(threads.map(read_picture, files))
    readable = np.array([pixels is not None for pixels in read], dtype=bool)
    labelled = labelled[readable]
    common = labelled["category"].map(labelled["category"].value_counts()) >= FEWEST_OF_A_CATEGORY
    categories, labels = np.unique(labelled["category"][common].to_numpy(dtype=str), return_inverse=True)
    unreadable, rare = int((~readable).sum()), int((~common).sum())
    parts = parts_of(labelled["picture_id"][common])
    if len(categories) < 2 or len(np.unique(parts)) < 3:
        raise NothingToLearn(
            expected=f"pictures of at least 2 categories, {FEWEST_OF_A_CATEGORY} or more of each, in all three parts",
            received=f"{len(table)} pictures, {len(readable)} of them labelled, {unreadable} of these unreadable, "
            f"{rare} of rare categories, {len(labels)} left in {len(categories)} categories",
            remedy="deliver a catalogue whose items have pictures; until then nobody gets interests from pictures",
        )
    pixels = np.stack([pixels for pixels in read if pixels is not None])[common.to_numpy()]
    return Pictures(
        picture_ids=labelled["picture_id"][common].to_numpy(dtype=str),
        pixels=pixels,
        categories=categories,
        labels=labels,
        parts=parts,
        unreadable=unreadable,
        rare=rare,
    )


def parts_of(picture_ids: pd.Series) -> np.ndarray:
    """The part of each picture (pictures,): 70 % training, 15 % validation, 15 % test.

    It follows from the id alone, so that a picture stays in its part night after night: what a champion was trained on
    never becomes a test that it is compared on.
    """
    digests = [hashlib.sha256(f"part of {name}".encode()).digest()[:4] for name in picture_ids]
    shares = np.array([int.from_bytes(digest, "big") for digest in digests]) / 2**32
    return np.digitize(shares, [_VALIDATION_FROM, _TEST_FROM])


def read_picture(file: Path) -> np.ndarray | None:
    """Pixels, uint8 (STORED_PIXELS, STORED_PIXELS, 3); None for a file that is no picture or too large a one.

    It is turned as its camera says. Transparent parts are white. Of a file with several frames it is the first.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXELS_LIMIT:
                return None
            image.draft("RGB", (STORED_PIXELS, STORED_PIXELS))
            image.load()
            return np.asarray(_coloured(image).resize((STORED_PIXELS, STORED_PIXELS), Image.Resampling.BOX))
    except Exception:  # decoders raise whatever they stumble upon; the caller counts what it did not get
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
            expected=f"pictures below {raw}",
            received=f"the path {path!r}, which leads out of it",
            remedy="find out in quarantine and mapping which delivery names files outside its own folder",
        )
    return file


def picture_batches(
    pixels: np.ndarray, labels: np.ndarray, categories: int, config: InterestVisionConfig
) -> tf.data.Dataset:
    """Pairs of varied pictures and shares of categories, shuffled anew every epoch; the last, smaller batch is dropped.

    Args:
        pixels: as the net reads them, uint8 (pictures, size, size, channels).

    Returns:
        Pairs of shades (batch, size, size, channels), float32, and shares (batch, categories).
    """
    random = np.random.default_rng(config.seed)
    batch, count = batch_and_steps(len(labels), config)
    targets = np.eye(categories, dtype="float32")

    def epoch() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = random.permutation(len(labels))
        for start in range(0, count * batch, batch):
            chosen = order[start : start + batch]
            varied = augmented(pixels[chosen], config, random).astype("float32")
            yield _mixed(varied, targets[labels[chosen]], config.mixup_alpha, random)

    signature = (tf.TensorSpec((batch, *pixels.shape[1:]), "float32"), tf.TensorSpec((batch, categories), "float32"))
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)


def batch_and_steps(pictures: int, config: InterestVisionConfig) -> tuple[int, int]:
    """Pictures a batch, and batches an epoch, which is at least one."""
    batch = min(config.batch_size, pictures)
    return batch, pictures // batch


def augmented(pixels: np.ndarray, config: InterestVisionConfig, random: np.random.Generator) -> np.ndarray:
    """Each picture mirrored, moved and partly painted over by chance, uint8 (pictures, height, width, channels).

    Moving repeats the border. Painting over a square with a random shade is random erasing (Zhong et al., 2017,
    arXiv:1708.04896).
    """
    count, height, width, _ = pixels.shape
    flip = random.random(count) < config.flip_share
    varied = np.where(flip[:, None, None, None], pixels[:, :, ::-1], pixels)
    most = config.shift_pixels
    if most > 0:
        down, right = random.integers(-most, most + 1, (2, count))
        rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)  # (pictures, height)
        columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
        varied = varied[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    if config.erase_pixels > 0:
        erase = random.random(count) < config.erase_share
        top, tall = _stretch(height, config.erase_pixels, count, random)
        left, wide = _stretch(width, config.erase_pixels, count, random)
        in_rows = (np.arange(height) >= top[:, None]) & (np.arange(height) < (top + tall)[:, None])
        in_columns = (np.arange(width) >= left[:, None]) & (np.arange(width) < (left + wide)[:, None])
        hole = erase[:, None, None] & in_rows[:, :, None] & in_columns[:, None, :]  # (pictures, height, width)
        shade = random.integers(0, 256, (count, 1, 1, 1), dtype=np.uint8)
        varied = np.where(hole[..., None], shade, varied)
    return varied


def _stretch(side: int, longest: int, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where a stretch inside a side begins, and how long it is: half of `longest` to all of it."""
    longest = min(longest, side)
    length = random.integers((longest + 1) // 2, longest + 1, count)
    return (random.random(count) * (side - length + 1)).astype(int), length


def _mixed(
    pictures: np.ndarray, targets: np.ndarray, alpha: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each picture blended with another of its batch, and its target likewise: mixup (Zhang et al., 2018)."""
    if alpha <= 0:
        return pictures, targets
    share = random.beta(alpha, alpha, (len(pictures), 1)).astype("float32")
    other = random.permutation(len(pictures))
    blended = share[..., None, None] * pictures + (1 - share[..., None, None]) * pictures[other]
    return blended, share * targets + (1 - share) * targets[other]
