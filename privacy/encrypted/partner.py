"""The partner's side of encrypted scoring: weights of its own over profiles that it cannot read."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import ModelError
from privacy.encrypted.ciphertexts import LARGEST, Box, blocks, tenseal, write_box
from privacy.encrypted.profile_vectors import LIMIT

SMALLEST_WEIGHT = 1e-9
"""A smaller weight is none."""


@dataclass(frozen=True)
class Head:
    """A linear response head: its score of a person is `bias` + the sum of weight x feature, the logit of a chance."""

    bias: float
    weights: Mapping[str, float]


def read_head(file: Path, features: list[str]) -> Head:
    """A head from its file, `{"bias": 0.0, "weights": {"frequency": 0.3}}`; features that it leaves out weigh nothing.

    Raises:
        ModelError: no such file or no head, an unknown feature, or weights so large that scores would wrap around.
    """
    try:
        written = json.loads(file.read_text())
        weights = {str(name): float(weight) for name, weight in written["weights"].items()}
        head = Head(
            float(written["bias"]), {name: one for name, one in weights.items() if not abs(one) < SMALLEST_WEIGHT}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            expected=f'a head in {file}, as {{"bias": 0.0, "weights": {{"frequency": 0.3}}}}',
            received="no such file" if isinstance(error, FileNotFoundError) else "something else",
            remedy="write one, or let `python -m privacy encrypted example-head` do it",
        ) from error
    if unknown := sorted(set(head.weights) - set(features)):
        raise ModelError(
            expected=f"weights of features among {', '.join(features)}",
            received=", ".join(unknown),
            remedy="name only these",
        )
    if not head.weights:
        raise ModelError(
            expected=f"a head with a weight of at least {SMALLEST_WEIGHT:g}",
            received="none: everyone would have the same score",
            remedy="weigh at least one feature",
        )
    most = abs(head.bias) + LIMIT * sum(map(abs, head.weights.values()))
    if not most < LARGEST:
        raise ModelError(
            expected=f"a head whose scores stay below {LARGEST:g}",
            received=f"one whose scores may reach {most:g}",
            remedy="scale its weights down",
        )
    return head


def score(public_key: bytes, vectors: Box, head: Head, file: Path) -> None:
    """Score all people, and write the scores, encrypted as the vectors are."""
    context = tenseal().context_from(public_key)

    def scores() -> Iterator[tuple[str, bytes]]:
        for block in range(blocks(vectors.about["people"])):
            yield str(block), _scored(context, vectors, head, block).serialize()

    write_box(file, {**vectors.about, "features": []}, scores())


def sums(public_key: bytes, vectors: Box, head: Head, file: Path) -> None:
    """Sum the scores of each segment, whose members are encrypted too; one ciphertext a segment and block."""
    ts = tenseal()
    context = ts.context_from(public_key)

    def summed() -> Iterator[tuple[str, bytes]]:
        for block in range(blocks(vectors.about["people"])):
            scored = _scored(context, vectors, head, block)
            for place in range(len(vectors.about["segments"])):
                members = ts.ckks_vector_from(context, vectors.read(f"segment/{place}/{block}"))
                yield f"{place}/{block}", (scored * members).sum().serialize()

    write_box(file, {**vectors.about, "features": []}, summed())


def _scored(context: Any, vectors: Box, head: Head, block: int) -> Any:
    """The encrypted scores of one block of people."""
    ts = tenseal()
    terms = (
        ts.ckks_vector_from(context, vectors.read(f"feature/{place}/{block}")) * head.weights[feature]
        for place, feature in enumerate(vectors.about["features"])
        if feature in head.weights
    )
    return functools.reduce(operator.add, terms) + head.bias
