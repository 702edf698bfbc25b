"""The three parts of every data set, and the days of each where it is split by time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

DAY = np.timedelta64(1, "D")


class Part(IntEnum):
    """Train on the first, choose epochs and parameters on the second, measure once on the third.

    The numbers stand in arrays of parts and in the hashes of data sets: they must not change.
    """

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


@dataclass(frozen=True)
class SplitDays:
    """How many days a night holds out; `training/configs/gate.yml` has them."""

    validation: int
    test: int
    fewest_people: int
    """With fewer people to test on, both parts become longer, until half of the days are held out."""
    until: np.datetime64
    """The day of the night, datetime64[D]; a later act is tested on."""


@dataclass(frozen=True)
class TimeSplit:
    """The days of each part, as a model is used: it learns from days that are over, and is measured on those after."""

    validation_from: np.datetime64
    """First day of the validation part, datetime64[D]; every day before it is learned from."""
    test_from: np.datetime64
    """First day of the test part, datetime64[D]."""
    until: np.datetime64
    """Last day of the test part, datetime64[D]."""

    @classmethod
    def of(cls, first: np.datetime64, last: np.datetime64, *, validation_days: int, test_days: int) -> TimeSplit | None:
        """The last days for the test, those before for the validation; None of fewer than three days.

        Of a short history at most half is held out: validation and test become shorter in proportion.

        Args:
            first, last: days of the first and the last act, datetime64[D].
        """
        days, held_out = int((last - first) / DAY) + 1, validation_days + test_days
        if days < len(Part):
            return None
        if days < 2 * held_out:
            test_days, validation_days = (max(1, days * one // (2 * held_out)) for one in (test_days, validation_days))
        test_from = last + DAY - test_days * DAY
        return cls(test_from - validation_days * DAY, test_from, last)

    @property
    def words(self) -> str:
        """The days of each part, in a sentence."""
        return (
            f"Learned from until {self.validation_from - DAY}; validated on {self.validation_from} to "
            f"{self.test_from - DAY}; tested on {self.test_from} to {self.until}."
        )
