"""Pseudonyms as plain functions: HMAC-SHA256 under a chain of keys, as mappings compute them in SQL.

A pseudonym is made under the oldest key and hashed once more under each newer one, so that a rotation, which appends a
key, needs what stands in the lake and no raw identifier: `rekeyed(new_key, old_pseudonym)` is the new pseudonym.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from contracts.identifiers import Cleaning, current_cleaning

DIGITS = 32
"""Hex digits of a hash that are kept."""


def keyed(keys: Sequence[bytes], text: str) -> str:
    """The id of a row: 32 hex digits that cannot be computed without the keys, oldest first."""
    for key in keys:
        text = _hash(key, text)
    return text


def pseudonym(keys: Sequence[bytes], kind: str, value: str, cleaning: Cleaning | None = None) -> str:
    """`kind:<32 hex digits>` of a raw identifier, also of one that names nobody.

    Args:
        cleaning: by which it is cleaned first; by default as the rules of identity say.
    """
    return hashed(keys, kind, (cleaning or current_cleaning()).cleaned(kind, value))


def pseudonym_of_old(keys: Sequence[bytes], kind: str, value: str) -> str:
    """The pseudonym in lakes of releases that only trimmed and lower-cased; of plain identifiers it is the same."""
    return hashed(keys, kind, value.strip().lower())


def hashed(keys: Sequence[bytes], kind: str, cleaned: str) -> str:
    """`kind:<32 hex digits>` of an identifier that is clean."""
    name = f"{kind}:{cleaned}"
    for key in keys:
        name = rekeyed(key, name)
    return name


def rekeyed(key: bytes, pseudonym_or_raw: str) -> str:
    """`kind:...` under one more key."""
    kind, _, _ = pseudonym_or_raw.partition(":")
    return f"{kind}:{_hash(key, pseudonym_or_raw)}"


def row_id_rekeyed(key: bytes, row_id: str) -> str:
    """An id of a row under one more key: its 32 digits, behind `media:` where it names a posted file; others stay."""
    match = re.fullmatch(r"((?:media:)?)([0-9a-f]{32})(.*)", row_id, re.DOTALL)
    return f"{match[1]}{_hash(key, match[2])}{match[3]}" if match else row_id


def person_named_after(identifier: str) -> str:
    """The person's id: `p` and 16 hex digits, after the identifier that arrived first."""
    return f"p{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


def _hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:DIGITS]
