"""Small photos in which a category can be recognised: a motif in the category's colour, moved, scaled and noisy."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

SIZE_PIXELS = 64

COLOURS = {
    "running": (214, 66, 50), "cycling": (38, 112, 196), "cooking": (222, 140, 34), "gardening": (62, 148, 66),
    "photography": (72, 72, 84), "gaming": (126, 66, 178), "reading": (140, 96, 58), "music": (196, 50, 124),
    "travel": (30, 146, 150), "fashion": (206, 96, 160), "home": (120, 130, 56), "pets": (172, 120, 84),
}  # fmt: skip

MOTIFS: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {
    "running": (
        ("polygon", (0, 0, 0.3, 0, 0.6, 0.5, 0.3, 1, 0, 1, 0.3, 0.5)),
        ("polygon", (0.45, 0, 0.7, 0, 1, 0.5, 0.7, 1, 0.45, 1, 0.75, 0.5)),
    ),
    "cycling": (
        ("ring", (0, 0.45, 0.45, 0.9)),
        ("ring", (0.55, 0.45, 1, 0.9)),
        ("line", (0.22, 0.68, 0.45, 0.2, 0.78, 0.68)),
    ),
    "cooking": (("ellipse", (0, 0.3, 0.65, 0.95)), ("rectangle", (0.6, 0.55, 1, 0.7))),
    "gardening": (
        ("ellipse", (0.3, 0, 0.7, 0.4)),
        ("ellipse", (0, 0.25, 0.4, 0.65)),
        ("ellipse", (0.6, 0.25, 1, 0.65)),
        ("rectangle", (0.46, 0.4, 0.54, 1)),
    ),
    "photography": (("frame", (0, 0.2, 1, 0.9)), ("ellipse", (0.3, 0.35, 0.7, 0.75))),
    "gaming": (("rectangle", (0.35, 0, 0.65, 1)), ("rectangle", (0, 0.35, 1, 0.65))),
    "reading": (
        ("polygon", (0, 0.2, 0.46, 0.35, 0.46, 1, 0, 0.85)),
        ("polygon", (1, 0.2, 0.54, 0.35, 0.54, 1, 1, 0.85)),
    ),
    "music": (
        ("ellipse", (0, 0.7, 0.4, 1)),
        ("ellipse", (0.55, 0.6, 0.95, 0.9)),
        ("line", (0.36, 0.85, 0.36, 0.1, 0.9, 0, 0.9, 0.75)),
    ),
    "travel": (("polygon", (0, 1, 0.35, 0.2, 0.7, 1)), ("polygon", (0.55, 1, 0.75, 0.5, 1, 1))),
    "fashion": (
        (
            "polygon",
            (0.3, 0.05, 0.7, 0.05, 1, 0.35, 0.85, 0.5, 0.72, 0.4, 0.72, 1, 0.28, 1, 0.28, 0.4, 0.15, 0.5, 0, 0.35),
        ),
    ),
    "home": (("polygon", (0, 0.5, 0.5, 0, 1, 0.5)), ("frame", (0.15, 0.5, 0.85, 1))),
    "pets": (
        ("ellipse", (0.25, 0.5, 0.75, 1)),
        ("ellipse", (0, 0.3, 0.25, 0.55)),
        ("ellipse", (0.22, 0, 0.47, 0.3)),
        ("ellipse", (0.53, 0, 0.78, 0.3)),
        ("ellipse", (0.75, 0.3, 1, 0.55)),
    ),
}
"""Category -> shapes in a square of side 1: x and y in turn, as Pillow takes them."""


def photo(rng: np.random.Generator, category: str) -> bytes:
    """A PNG of 64 x 64 pixels with the motif of `category`."""
    background = tuple(int(shade) for shade in rng.integers(205, 250, 3))
    colour = tuple(int(np.clip(shade + rng.integers(-25, 26), 0, 255)) for shade in COLOURS[category])
    side = rng.uniform(0.5, 0.85) * SIZE_PIXELS
    left, top = rng.uniform(0, SIZE_PIXELS - side, 2)
    image = Image.new("RGB", (SIZE_PIXELS, SIZE_PIXELS), background)
    pen = ImageDraw.Draw(image)
    for shape, places in MOTIFS[category]:
        points = [(left + x * side, top + y * side) for x, y in zip(places[::2], places[1::2], strict=True)]
        _draw(pen, shape, points, colour)
    noise = rng.integers(-1, 2, (SIZE_PIXELS, SIZE_PIXELS, 1)) * 10
    noisy = np.clip(np.asarray(image, dtype=np.int16) + noise, 0, 255).astype(np.uint8)  # (row, column, channel)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, format="PNG")
    return stream.getvalue()


def _draw(pen: ImageDraw.ImageDraw, shape: str, points: list[tuple[float, float]], colour: tuple[int, ...]) -> None:
    if shape == "ring":
        pen.ellipse(points, outline=colour, width=4)
    elif shape == "frame":
        pen.rectangle(points, outline=colour, width=5)
    elif shape == "line":
        pen.line(points, fill=colour, width=4)
    else:
        getattr(pen, shape)(points, fill=colour)
