"""`wordllama` (Miller, 2024; MIT): the mean of 256 numbers for each piece of a text, weights within the package.

The package itself is not imported: it looks for its tokenizer in another folder than the one that it lies in, and would
download what it does not find. Its two files are read as they are, so that no text and no file needs a network.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse
from safetensors import safe_open
from tokenizers import Tokenizer

from serving.words.model import MOST_LETTERS, TextModel

_WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")

_LETTER = r"[^\W\d_]"
_KNOWN_LETTER = re.compile(r"[A-Za-zÀ-ɏ]")
"""Latin letters, the script that nearly all weights are of: docs/words.md has what other scripts came to."""
_ANY_LETTER = re.compile(_LETTER)

_TEXTS_A_BATCH = 4096
"""What the tokenizer says of so many is some tens of megabytes."""

LEAST_KNOWN_SHARE = 0.5
"""Of a text's letters; a text with fewer Latin ones has no vector."""


class Wordllama(TextModel):
    """Reads its files when it is made: 16 MB, and half a second."""

    def __init__(self, folder: Path, version: str) -> None:
        """Read both files.

        Raises:
            FileNotFoundError: one of them is not there.
        """
        for file in (_WEIGHTS, _TOKENIZER):
            if not (folder / file).is_file():
                raise FileNotFoundError(f"no {file} in {folder}")
        self._name = f"wordllama {version} {_WEIGHTS.stem}"
        with safe_open(folder / _WEIGHTS, framework="np") as weights:
            self._pieces = weights.get_tensor("embedding.weight").astype("float32")  # (pieces, dimensions)
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._pieces.shape[1]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """As in `TextModel`; of a long text the beginning counts, and one without Latin letters has zeros."""
        parts = [self._embed(texts[start : start + _TEXTS_A_BATCH]) for start in range(0, len(texts), _TEXTS_A_BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dimensions), "float32")

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        beginnings = [text[:MOST_LETTERS] for text in texts]
        read = [text if is_known(text) else "" for text in beginnings]
        cut = self._tokenizer.encode_batch_fast(read, add_special_tokens=False)
        pieces = [one.ids for one in cut]
        ends = np.cumsum([0, *map(len, pieces)])
        places = np.fromiter(itertools.chain.from_iterable(pieces), "int32", ends[-1])
        counts = scipy.sparse.csr_array(
            (np.ones(len(places), "float32"), np.minimum(places, len(self._pieces) - 1), ends),
            shape=(len(pieces), len(self._pieces)),
        )
        vectors = counts @ self._pieces  # (texts, dimensions)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def is_known(text: str) -> bool:
    """Whether a text has letters, and enough of them are of the script that the model knows."""
    letters = len(_ANY_LETTER.findall(text))
    return letters > 0 and len(_KNOWN_LETTER.findall(text)) >= LEAST_KNOWN_SHARE * letters


def wordllama() -> TextModel:
    """The model of the installed package.

    Raises:
        ImportError: the package is not installed.
        FileNotFoundError: it lacks one of its files.
    """
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        raise ImportError("the package wordllama is not installed")
    return Wordllama(Path(found.origin).parent, importlib.metadata.version("wordllama"))
