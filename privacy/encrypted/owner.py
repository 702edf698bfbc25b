"""The owner's side of encrypted scoring: keys, what a partner is sent, and what its answers mean."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contracts.errors import ModelError
from contracts.private_files import write_private
from privacy.encrypted.ciphertexts import SLOTS, Box, blocks, new_keys, tenseal, write_box
from privacy.encrypted.partner import Head
from privacy.encrypted.profile_vectors import Vectors


@dataclass(frozen=True)
class Folder:
    """Where the files of both sides are; what is under `owner/` never leaves."""

    root: Path

    @property
    def secret_key(self) -> Path:
        return self.root / "owner" / "secret.key"

    @property
    def public_key(self) -> Path:
        return self.root / "to_partner" / "public.key"

    def people(self, ds: str) -> Path:
        """Who is in which slot."""
        return self.root / "owner" / f"people-{ds}.json"

    def vectors(self, ds: str) -> Path:
        return self.root / "to_partner" / f"vectors-{ds}.ckks"

    def answer(self, kind: str, ds: str) -> Path:
        """What the partner sends back: `scores` or `sums`."""
        return self.root / "from_partner" / f"{kind}-{ds}.ckks"


def make_keys(folder: Folder) -> None:
    """Make the pair of keys.

    Raises:
        ModelError: there is one already.
    """
    if folder.secret_key.exists():
        raise ModelError(
            expected="no key yet",
            received=f"{folder.secret_key}",
            remedy=f"use it, or delete {folder.root} with all that was encrypted under it",
        )
    secret, public = new_keys()
    folder.public_key.parent.mkdir(parents=True, exist_ok=True)
    folder.public_key.write_bytes(public)
    write_private(folder.secret_key, secret)


def encrypt(folder: Folder, ds: str, vectors: Vectors, *, smallest_group: int) -> int:
    """Write the encrypted vectors and segments for the partner; returns how many segments are too small to be sent.

    Raises:
        ModelError: there is no key, or nobody to encrypt.
    """
    if not len(vectors.person_ids):
        raise ModelError(
            expected="people with consent to profiling and to personalisation",
            received=f"none on {ds}",
            remedy="choose another day, or look at the consents",
        )
    ts, context = tenseal(), _context(folder)
    large = {name: members for name, members in vectors.segments.items() if members.sum() >= smallest_group}
    about = {
        "box": secrets.token_hex(8),
        "people": len(vectors.person_ids),
        "features": list(vectors.features),
        "segments": list(large),
    }

    def ciphertexts() -> Iterator[tuple[str, bytes]]:
        kinds = {"feature": list(vectors.values.T), "segment": [members / SLOTS for members in large.values()]}
        for kind, columns in kinds.items():
            for place, column in enumerate(columns):
                for block in range(blocks(len(column))):
                    slots = np.zeros(SLOTS)
                    part = column[block * SLOTS : (block + 1) * SLOTS]
                    slots[: len(part)] = part
                    yield f"{kind}/{place}/{block}", ts.ckks_vector(context, slots.tolist()).serialize()

    write_box(folder.vectors(ds), about, ciphertexts())
    kept = {
        "box": about["box"],
        "person_ids": vectors.person_ids.tolist(),
        "segments": {name: int(members.sum()) for name, members in large.items()},
        "too_small": len(vectors.segments) - len(large),
    }
    write_private(folder.people(ds), json.dumps(kept))
    return kept["too_small"]


def decrypt_scores(folder: Folder, ds: str) -> pd.DataFrame:
    """What the partner's head says of each person: person_id, score, chance.

    Raises:
        ModelError: no answer of the partner, or one to other vectors than were encrypted last.
    """
    people, box = _answer(folder, "scores", ds)
    ts, context = tenseal(), _context(folder)
    found = [
        ts.ckks_vector_from(context, box.read(str(block))).decrypt() for block in range(blocks(box.about["people"]))
    ]
    scores = np.concatenate(found)[: len(people["person_ids"])]
    return pd.DataFrame({"person_id": people["person_ids"], "score": scores, "chance": 1 / (1 + np.exp(-scores))})


def decrypt_sums(folder: Folder, ds: str) -> dict[str, Any]:
    """Segment -> people, sum and mean of their scores; and how many segments were too small to be sent.

    Raises:
        ModelError: as `decrypt_scores`.
    """
    people, box = _answer(folder, "sums", ds)
    ts, context = tenseal(), _context(folder)
    segments = {}
    for place, (name, count) in enumerate(people["segments"].items()):
        found = [
            ts.ckks_vector_from(context, box.read(f"{place}/{block}")).decrypt()[0]
            for block in range(blocks(box.about["people"]))
        ]
        total = float(sum(found)) * SLOTS
        segments[name] = {"people": count, "sum": total, "mean": total / count}
    return {"segments": segments, "suppressed": {"small_group": people["too_small"]}}


def plain_scores(vectors: Vectors, head: Head) -> np.ndarray:
    """The same scores without encryption (people,)."""
    weights = np.array([head.weights.get(name, 0.0) for name in vectors.features])
    return vectors.values @ weights + head.bias


def relative_error(found: np.ndarray, plain: np.ndarray) -> float:
    """Length of the difference of two vectors of scores, as a share of the length of the plain one."""
    return float(np.linalg.norm(found - plain) / np.linalg.norm(plain))


def _context(folder: Folder) -> Any:
    if not folder.secret_key.is_file():
        raise ModelError(
            expected=f"the owner's key {folder.secret_key}",
            received="no such file",
            remedy="run `python -m privacy encrypted keys` first",
        )
    return tenseal().context_from(folder.secret_key.read_bytes())


def _answer(folder: Folder, kind: str, ds: str) -> tuple[dict[str, Any], Box]:
    box = Box(folder.answer(kind, ds), made_by=f"python -m privacy encrypted {kind} --ds {ds}")
    people = json.loads(folder.people(ds).read_text()) if folder.people(ds).is_file() else {"box": None}
    if people["box"] != box.about.get("box"):
        raise ModelError(
            expected=f"the partner's answer to the vectors of {ds} that were encrypted last",
            received="one to others, whose slots belong to other people",
            remedy=f"let the partner run `python -m privacy encrypted {kind} --ds {ds}` again",
        )
    return people, box
