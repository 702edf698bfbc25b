"""What turns texts into vectors; `NIGHTSHIFT_TEXT_MODEL` names the function that returns one, as module:function."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from contracts.errors import SettingsError

MOST_LETTERS = 2000
"""Of a text; the rest is not read."""

STEPS = 512
"""To one: numbers of a published vector are multiples of 1 / STEPS, so that a file needs a byte for each, and both
engines of the profiles have the same. It moves the cosine of two vectors by some thousandths at most."""


class TextModel(ABC):
    """A static model: a text's vector is a function of the text alone, on any machine."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Model and weights; vectors under another name are never compared with these."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Numbers of a vector."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1, and of zeros for a text that says nothing to the model (texts, dimensions), float32.

        Args:
            texts: of any length and script.
        """


def text_model(named: str) -> TextModel:
    """The model that a setting names.

    Raises:
        SettingsError: there is no such module or function, a file of it is missing, or it returns something else.
    """
    module, _, function = named.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError, TypeError, ValueError, OSError) as error:
        raise SettingsError(
            expected=f"a function in NIGHTSHIFT_TEXT_MODEL that returns a model of texts ({named})",
            received=str(error),
            remedy="correct it, unset it, or install what it needs",
        ) from error
    if not isinstance(made, TextModel):
        raise SettingsError(
            expected=f"a TextModel from {named}, as serving/words/model.py has it",
            received=f"a {type(made).__name__}",
            remedy="derive it from TextModel, or unset NIGHTSHIFT_TEXT_MODEL",
        )
    return made


def in_steps(vectors: np.ndarray) -> np.ndarray:
    """Vectors as they are published: of length 1 before the numbers are rounded to steps (texts, dimensions)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype="float32"), where=lengths > 0)
    return (np.round(unit * STEPS) / STEPS + 0.0).astype("float32")  # + 0.0: no negative zeros
