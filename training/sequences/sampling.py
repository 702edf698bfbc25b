"""Pseudo-random numbers of people by their ids alone: the same in every process, for every model, on every night."""

from __future__ import annotations

import numpy as np
import pandas as pd

_SALT = np.uint64(0x5A3D1E7B9C2F4860)
"""Makes the draws of samples independent of those that divide people into parts."""


def hash_of_ids(texts: np.ndarray) -> np.ndarray:
    """A 64-bit hash of each text, the same on every machine and day."""
    return pd.util.hash_array(texts.astype(object))


def draws(bits: np.ndarray) -> np.ndarray:
    """Pseudo-random numbers from 0 to 1 made of the bits alone (the last step of SplitMix64; Steele et al., 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (bits ^ (bits >> np.uint64(31))) / 2.0**64


def sample_of_people(person_ids: np.ndarray, people: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of some people, drawn by a hash of their ids, in the order in which they came.

    The sample does not depend on who else is there but for its bound, so that most of its people stay from night to
    night.

    Args:
        person_ids: of all people (all people,).
        people: indices of those to draw from (people,).
        most: 0 draws all of them.

    Returns:
        Indices of all people (sample,).
    """
    if not most or len(people) <= most:
        return people
    drawn = _drawn(person_ids[people])
    return people[np.sort(np.argsort(drawn, kind="stable")[:most])]


def share_of_people(person_ids: np.ndarray, share: float) -> np.ndarray:
    """Whether each person is in the sample of about that share of all people (people,)."""
    return _drawn(person_ids) < share


def _drawn(person_ids: np.ndarray) -> np.ndarray:
    """A number from 0 to 1 for each person (people,)."""
    return draws(hash_of_ids(person_ids) ^ _SALT)
