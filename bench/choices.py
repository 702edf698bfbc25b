"""What users chose, of a file of MovieTweetings ratings (user::item::rating::time)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd

LEAST_RATING, LEAST_CHOICES = 6, 5


def read_choices(file: Path) -> pd.DataFrame:
    """Columns user, item, time (seconds since 1970): ratings of at least `LEAST_RATING`, each item of a user once.

    Users and items with fewer than `LEAST_CHOICES` of them are dropped, again and again, until none is left to drop.

    Raises:
        ModelError: no such file, or not of that form.
    """
    import pandas as pd

    try:
        # Split at single colons, every second column is empty: much faster than a separator of two characters.
        types = {0: str, 2: str, 4: float, 6: "int64"}
        read = pd.read_csv(file, sep=":", header=None, usecols=list(types), dtype=types)
    except (OSError, ValueError) as error:
        raise ModelError(
            expected=f"ratings as user::item::rating::time in {file}", received=str(error), remedy="name another file"
        ) from error
    read.columns = ["user", "item", "rating", "time"]
    chosen = read[read["rating"] >= LEAST_RATING].drop_duplicates(["user", "item"])
    dropped = True
    while dropped:
        before = len(chosen)
        for column in ("user", "item"):
            chosen = chosen[chosen.groupby(column)["rating"].transform("size") >= LEAST_CHOICES]
        dropped = len(chosen) < before
    return chosen.drop(columns="rating")
