"""The served form of `interest_vision`: MLflow runs this file from the registered model, without Nightshift.

Input: a DataFrame with a column `picture`, the bytes of one image file each (PNG, JPEG, WEBP, GIF, BMP or TIFF).
Output: for each photo the most likely `category`, its probability as `confidence`, and the `probabilities` of all
`categories`. Bytes that are not an image, and an image of too many pixels, get the category None, confidence 0 and no
probabilities. Requires the package pillow.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd
from PIL import Image, ImageOps

PIXELS_LIMIT = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

_PHOTOS_A_BATCH = 256


class InterestVision(mlflow.pyfunc.PythonModel):
    """The net, the names of its categories and its temperature; image files in, categories out."""

    def load_context(self, context) -> None:
        self.net = keras.saving.load_model(context.artifacts["net"], safe_mode=True)
        answers = json.loads(Path(context.artifacts["answers"]).read_text())
        self.categories = np.array(answers["categories"], dtype=str)
        self.temperature = float(answers["temperature"])
        self.size = self.net.input_shape[1:3]  # (height, width)

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        files = list(model_input["picture"])
        answers = [
            self._answer(files[start : start + _PHOTOS_A_BATCH]) for start in range(0, len(files), _PHOTOS_A_BATCH)
        ]
        columns = ["category", "confidence", "probabilities", "categories"]
        return pd.concat(answers, ignore_index=True) if answers else pd.DataFrame(columns=columns)

    def score(self, photos: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (photos, categories) for uint8 (photos, height, width, channels)."""
        if len(photos) == 0:
            return np.empty((0, len(self.categories)))
        logits = self.net.predict(photos, batch_size=_PHOTOS_A_BATCH, verbose=0)
        scaled = logits.astype("float64") / self.temperature
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def _answer(self, files: list) -> pd.DataFrame:
        read = [_read_photo(file, self.size) for file in files]
        chances = iter(self.score(np.array([pixels for pixels in read if pixels is not None])))
        rows = [None if pixels is None else next(chances) for pixels in read]
        rows = [row if row is not None and np.isfinite(row).all() else None for row in rows]
        return pd.DataFrame(
            {
                "category": [None if row is None else str(self.categories[row.argmax()]) for row in rows],
                "confidence": [0.0 if row is None else float(row.max()) for row in rows],
                "probabilities": [[] if row is None else row.tolist() for row in rows],
                "categories": [self.categories.tolist()] * len(rows),
            }
        )


def _read_photo(file: object, size: tuple[int, int]) -> np.ndarray | None:
    """Pixels, uint8 (height, width, 3), as training reads them; None for bytes that are not an image."""
    try:
        with Image.open(io.BytesIO(file), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_LIMIT:
                return None
            image.draft("RGB", size[::-1])
            image.load()
            return np.asarray(_coloured(image).resize(size[::-1], Image.Resampling.BOX))
    except Exception:  # decoders raise exceptions of any kind; one bad file must not stop the others
        return None


def _coloured(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a shade
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


mlflow.models.set_model(InterestVision())
