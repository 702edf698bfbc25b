"""Places that are filled by lot, so that what other lists would have earned can be known.

With a chance of `share` a place is drawn uniformly from those of the person's recommendations that stand in no earlier
place; else it is the best of them. Of m that are left each has the chance share / m, and the best one 1 - share more.
The lot of a place is HMAC-SHA256 of campaign, night, person and place, under a key of its own that follows from the
oldest key of the pseudonyms: the same whoever asks and however often, and nobody can choose or foresee it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.settings import duckdb_config

MOST_CHOICES = 10
"""A place is drawn from the person's ten best that the campaign may carry; for these there are reasons."""

_DERIVED_FOR = b"nightshift draws of places"
_DIGITS = 13
"""Hex digits of a number: 52 bits, as many as a double has."""

_NUMBER = f"(('0x' || substr(digest, {{start}}, {_DIGITS}))::bigint / {16**_DIGITS}::double)"
_NUMBERS = f"""
    with hashed as (
        select
            row,
            place,
            sha256(unhex($outer) || unhex(sha256(unhex($inner) || encode(
                concat_ws(chr(10), $campaign, $ds, person_id, place)
            )))) as digest
        from people cross join (select unnest(range(1, $places + 1)) as place)
    )
    select {_NUMBER.format(start=1)} as explores, {_NUMBER.format(start=1 + _DIGITS)} as choice
    from hashed
    order by row, place
"""


@dataclass(frozen=True)
class Lot:
    """What decides on a night whether a place explores, and what stands in it."""

    key: bytes
    ds: str

    @classmethod
    def of(cls, keys: Sequence[bytes], ds: str) -> Lot:
        """The lot of a night.

        Args:
            keys: those of the pseudonyms, oldest first.
        """
        return cls(hmac.new(keys[0], _DERIVED_FOR, hashlib.sha256).digest(), ds)

    def numbers(self, campaign: str, people: Sequence[str], places: int) -> np.ndarray:
        """Two numbers from 0 to below 1 of every place: whether it explores, and what it shows (people, places, 2)."""
        padded = self.key.ljust(64, b"\0")
        with duckdb.connect(config=duckdb_config()) as connection:
            connection.register(
                "people", pa.table({"row": np.arange(len(people)), "person_id": pa.array(people, pa.string())})
            )
            found = connection.execute(
                _NUMBERS,
                {
                    "inner": bytes(byte ^ 0x36 for byte in padded).hex(),
                    "outer": bytes(byte ^ 0x5C for byte in padded).hex(),
                    "campaign": campaign,
                    "ds": self.ds,
                    "places": places,
                },
            ).fetchnumpy()
        return np.stack([found["explores"], found["choice"]], axis=1).reshape(len(people), places, 2)


@dataclass(frozen=True)
class Explored:
    """The places of some people, in the order of their ids, and with what chance each holds what it does."""

    propensities: np.ndarray
    """Not a number where nothing was left for the place (people, places)."""
    pool: np.ndarray
    """Ids of the items that a place could be drawn from, best first, None where there are no more (people, choices)."""


def draw_places(
    lot: Lot, campaign: str, share: float, places: int, pool: pd.DataFrame
) -> tuple[pd.DataFrame, Explored]:
    """Fill the places of each person of a pool.

    Args:
        share: chance that a place is drawn uniformly, above 0 and below 1.
        pool: person_id, item_id, and place, the rank among the person's from 1; by person and place. More columns stay.

    Returns:
        The rows of the pool that are shown, `place` being now that on the list, and how they came to be.
    """
    people, person = np.unique(pool["person_id"].to_numpy(object), return_inverse=True)
    rows = np.full((len(people), MOST_CHOICES), -1)
    rows[person, pool["place"].to_numpy() - 1] = np.arange(len(pool))
    chosen, propensities = draw(lot.numbers(campaign, people, places), share, (rows >= 0).sum(1))
    person, place = np.nonzero(chosen >= 0)
    shown = pool.iloc[rows[person, chosen[person, place]]].assign(place=place + 1)
    items = np.where(rows >= 0, pool["item_id"].to_numpy(object)[np.maximum(rows, 0)] if len(pool) else None, None)
    return shown, Explored(propensities, items)


def draw(numbers: np.ndarray, share: float, choices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What stands in each place, and its chance to stand there, given what stands in the places before it.

    Args:
        numbers: two from 0 to below 1 of every place: whether it explores, and what it shows (people, places, 2).
        choices: how many items each person's places can be drawn from (people,).

    Returns:
        The rank of the item among them, from 0, and its chance; -1 and not a number where none is left
        (people, places).
    """
    people, places, _ = numbers.shape
    left = np.arange(max(choices.max(initial=0), 1)) < choices[:, None]  # (people, choices)
    chosen, propensities = np.full((people, places), -1), np.full((people, places), np.nan)
    for place in range(places):
        explores, uniform = numbers[:, place, 0], numbers[:, place, 1]
        some = choices - place
        nth = np.where(explores < share, np.floor(uniform * some).astype(int), 0)  # of those left, the best is 0
        item = (left & (left.cumsum(1) - 1 == nth[:, None])).argmax(1)
        there = np.flatnonzero(some > 0)
        chosen[there, place] = item[there]
        propensities[there, place] = share / some[there] + (1.0 - share) * (nth[there] == 0)
        left[there, item[there]] = False
    return chosen, propensities
