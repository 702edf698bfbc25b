"""CKKS (Cheon, Kim, Kim and Song, 2017) as the owner and the partner share it: keys, packing, files.

A ciphertext has 4,096 slots, and slot n of each belongs to the same person: one ciphertext a feature holds that feature
of 4,096 people, so that a score of all of them costs one multiplication a feature. TenSEAL brings its own protobuf
and hangs beside TensorFlow's; so this file imports it late, and not beside TensorFlow.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.errors import ModelError

SLOTS = 4096
"""People in a ciphertext: half the degree of the polynomials."""

_DEGREE = 8192
_MODULUS_BITS = [60, 45, 45, 60]
"""Two multiplications deep: by a weight, and by a segment. 210 bits: at most 218 give 128 bits of security at this
degree (homomorphicencryption.org, 2018, table 1)."""
_SCALE = 2.0**45

LARGEST = 2.0**13
"""Largest number that a slot may come to hold; beyond 2^14 it would wrap around in silence."""

ABOUT = "about.json"


def tenseal() -> Any:
    """The library.

    Raises:
        ModelError: it is not installed, or TensorFlow is in this process.
    """
    if "tensorflow" in sys.modules:
        raise ModelError(
            expected="a process without TensorFlow for encrypted scoring",
            received="TensorFlow, imported before: TenSEAL would hang beside it",
            remedy="run `python -m privacy encrypted` as a process of its own",
        )
    try:
        import tenseal
    except ImportError as error:
        raise ModelError(
            expected="TenSEAL, of the extra `encrypted`",
            received=f"no such package ({error})",
            remedy="run `pip install --require-hashes -r requirements/encrypted.txt`",
        ) from error
    return tenseal


def new_keys() -> tuple[bytes, bytes]:
    """The owner's context with its secret key, and the partner's without, with what sums over slots need."""
    ts = tenseal()
    context = ts.context(ts.SCHEME_TYPE.CKKS, poly_modulus_degree=_DEGREE, coeff_mod_bit_sizes=_MODULUS_BITS)
    context.global_scale = _SCALE
    secret = context.serialize(save_secret_key=True)
    context.generate_galois_keys()
    return secret, context.serialize(save_secret_key=False, save_galois_keys=True, save_relin_keys=True)


def write_box(file: Path, about: Mapping[str, Any], ciphertexts: Iterator[tuple[str, bytes]]) -> None:
    """Write ciphertexts by name, with what a reader has to know of them, as one file; whole, or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as box:
        box.writestr(ABOUT, json.dumps(about))
        for name, content in ciphertexts:
            box.writestr(name, content)
    draft.replace(file)


class Box:
    """A file of ciphertexts."""

    def __init__(self, file: Path, *, made_by: str) -> None:
        """Open it.

        Raises:
            ModelError: it is not there, or something else.
        """
        try:
            self._zip = zipfile.ZipFile(file)
            self.about = json.loads(self._zip.read(ABOUT))
        except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ModelError(
                expected=f"ciphertexts in {file}",
                received="no such file" if isinstance(error, FileNotFoundError) else "something else",
                remedy=f"run `{made_by}` first",
            ) from error

    def read(self, name: str) -> bytes:
        return self._zip.read(name)


def blocks(people: int) -> int:
    """How many ciphertexts hold one number of each of these people."""
    return -(-people // SLOTS)
