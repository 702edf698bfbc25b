"""Whom a request is about: a shop's own account id, or another identifier, hashed in this process and never kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.identifiers import Cleaning
from contracts.pseudonyms import hashed
from contracts.tables.vocabulary import IDENTIFIER_KINDS, PSEUDONYM_PATTERN
from serving.online import layout
from serving.online.opened_store import OpenedStore

PSEUDONYM, PERSON = "pseudonym", "person"
KINDS = (*IDENTIFIER_KINDS, PSEUDONYM, PERSON)
"""How a person can be named: by a raw identifier, by `kind:<32 hex digits>`, or by the id that audiences have."""

PERSON_ID = re.compile("p[0-9a-f]{16}")
_PSEUDONYM = re.compile(PSEUDONYM_PATTERN)


@dataclass(frozen=True)
class Subject:
    """A person as a request names one."""

    pseudonym: str | None
    """Of the identifier; None where the person was named by id, or by nothing that is an identifier."""
    person: bytes | None
    """The key in the store; `NOBODY` where the night knows that the person did not agree; None where it knows none."""


def subject_of(store: OpenedStore, keys: Sequence[bytes], cleaning: Cleaning, kind: str, name: str) -> Subject:
    """Find a person in a store.

    Args:
        kind: one of `KINDS`.
    """
    if kind == PERSON:
        key = layout.person_key(name) if PERSON_ID.fullmatch(name) else None
        return Subject(None, key if key is not None and store.person(key) is not None else None)
    pseudonym = pseudonym_of(keys, cleaning, kind, name)
    return Subject(pseudonym, None if pseudonym is None else store.person_of(pseudonym))


def pseudonym_of(keys: Sequence[bytes], cleaning: Cleaning, kind: str, name: str) -> str | None:
    """The pseudonym of an identifier; None where it names nobody."""
    if kind == PSEUDONYM:
        return name if _PSEUDONYM.fullmatch(name) else None
    cleaned = cleaning.cleaned(kind, name)
    if not cleaned or re.fullmatch(cleaning.no_value(kind), cleaned, re.DOTALL):
        return None
    return hashed(keys, kind, cleaned)
