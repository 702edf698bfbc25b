"""Is tonight's figure unusual, by what the same figure was on earlier nights?

A figure is compared with its own recent level, the median of the seven nights before it, so that a slow trend is no
news; and how far earlier nights were from theirs says how far a steady night may be: noise is learned, not assumed.
Tonight has to stand out both among all nights and among nights of the same weekday: what every Saturday does is no
news, and neither is a Monday that is like a Saturday as long as others were. The distance is judged by Student's t, as
few nights are known. No figure is steadier than chance allows: `noise` is the least deviation that so few rows have.

Many figures are judged a night, and one of a thousand is one in a thousand by chance. `holm` corrects for that whatever
the figures have to do with each other (Holm, Scandinavian Journal of Statistics 1979), for each kind of alarm:
`ALPHA` is the chance of any false alarm of one kind on one steady night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

LEVEL_NIGHTS = 7
"""Of the level, each weekday once; and the fewest nights before which nothing is called unusual."""

ALPHA = 0.001
"""Six kinds of figures are judged: 30 steady nights give a false alarm by chance in at most 18 of 100 months."""

SHOWN_DEVIATIONS = 4
"""Half of the shown range: with a month of nights, Student's t leaves out one steady figure in two thousand."""


@dataclass(frozen=True)
class Compared:
    """What earlier nights let expect of a figure, in its own scale, and the chance of one as far off."""

    low: float
    high: float
    chance: float
    higher: bool
    """Whether tonight's is above what was expected."""


def compare(values: np.ndarray, weekdays: np.ndarray, *, noise: float) -> Compared | None:
    """Compare the last of some figures with those before it; None while they are too few.

    Args:
        values: a figure a night, oldest first, on a scale on which its noise is even (nights,).
        weekdays: 0 to 6 (nights,); all equal where weekdays do not matter.
        noise: least standard deviation of one figure.
    """
    before = len(values) - 1
    if before < LEVEL_NIGHTS:
        return None
    if before < 2 * LEVEL_NIGHTS:  # no level of earlier nights is known yet
        level = float(np.median(values[:-1]))
        residuals, days = values[:-1] - level, weekdays[:-1]
    else:
        windows = np.lib.stride_tricks.sliding_window_view(values, LEVEL_NIGHTS)[:-1]
        levels = np.median(windows, axis=1)
        level = float(levels[-1])
        residuals, days = values[LEVEL_NIGHTS:-1] - levels[:-1], weekdays[LEVEL_NIGHTS:-1]
    off = float(values[-1]) - level
    centres = [float(np.median(residuals))]
    own = residuals[days == weekdays[-1]]
    centred, groups = residuals - residuals.mean(), 1
    if len(own) >= 2 and len(residuals) >= 2 * LEVEL_NIGHTS:
        centres.append(float(own.mean()))
        means = {day: residuals[days == day].mean() for day in set(days.tolist())}
        centred, groups = residuals - np.array([means[day] for day in days.tolist()]), len(means)
    freedom = max(1, len(residuals) - groups)
    deviation = max(noise, float(np.sqrt((centred**2).sum() / freedom)))
    distances = [(off - centre) / deviation for centre in centres]
    nearest = 0.0 if min(distances) < 0 < max(distances) else min(distances, key=abs)
    reach = SHOWN_DEVIATIONS * deviation
    return Compared(
        low=level + min(centres) - reach,
        high=level + max(centres) + reach,
        chance=float(2 * stdtr(freedom, -abs(nearest))),
        higher=nearest > 0,
    )


def holm(chances: Sequence[float]) -> list[float]:
    """Chances that are adjusted for how many there are: those below a level are wrong together as rarely as it says."""
    adjusted, largest = [0.0] * len(chances), 0.0
    for place, index in enumerate(sorted(range(len(chances)), key=lambda index: chances[index])):
        largest = max(largest, min(1.0, (len(chances) - place) * chances[index]))
        adjusted[index] = largest
    return adjusted
