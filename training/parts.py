"""The three parts of every data set."""

from enum import IntEnum


class Part(IntEnum):
    """Train on the first, choose epochs and parameters on the second, measure once on the third.

    The numbers stand in arrays of parts and in the hashes of data sets: they must not change.
    """

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
