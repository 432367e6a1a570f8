"""Readies a series for statistics: what is missing is said, long series are shortened, what is known of them is taken out."""

import numpy as np
from scipy.signal import lfilter

from services.insights.detect import season as seasons
from services.insights.detect.finding import Floats
from services.insights.series import Missing

HUGE = 1e150
"""Values beyond are taken to be this, so that their squares are numbers."""
LONGEST = 1_000
"""Longer series are shortened to so many means: their trend is the same and their chance is less."""


def checked(values: Floats, least: int) -> Floats:
    """The values, bounded, with infinite ones as none; raises Missing where they are too few or all the same."""
    there = values[np.isfinite(values)]
    if not len(there):
        raise Missing("SERIES_EMPTY", "there is no value; ask about a time in which there is data")
    if len(there) < least:
        raise Missing("SERIES_TOO_SHORT", f"there are {len(there)} values; at least {least} are needed")
    if there.min() == there.max():
        raise Missing("SERIES_CONSTANT", f"every value is {there[0]:g}; what never changes tells nothing")
    kept: Floats = np.where(np.isfinite(values), np.clip(values, -HUGE, HUGE), np.nan)
    return kept


def shortened(values: Floats) -> tuple[Floats, int]:
    """Means over neighbours, at most LONGEST of them, and how many values are in each; NaN where there is none."""
    width = -(-len(values) // LONGEST)
    if width == 1:
        return values, 1
    padded = np.append(values, np.full(-len(values) % width, np.nan)).reshape(-1, width)
    counts = np.isfinite(padded).sum(1)
    means: Floats = np.where(counts, np.nansum(padded, 1) / np.maximum(counts, 1), np.nan)
    return means, width


def without_season(values: Floats, season: int) -> Floats:
    """What is left when the season is taken out; unchanged without two whole cycles."""
    slots = np.arange(len(values))
    there = np.isfinite(values)
    if season < 2 or there.sum() < 2 * season:
        return values
    left: Floats = values - seasons.at(seasons.profile(values[there], slots[there], season), slots, season)
    return left


def lasting(left: Floats, removed: int = 2) -> float:
    """How much of a value is there in the next still, from 0 to 0.99: the first autocorrelation of what is left.

    Estimates of it are too small by about (removed + 4 r) / n when so many means or slopes were taken out (Marriott and Pope, Biometrika
    41, 1954), which is put back: series that wander are not to be taken for independent values.
    """
    known = np.where(np.isfinite(left), left, 0.0)
    square = float(known @ known)
    if square <= 0:
        return 0.0
    raw = float(known[1:] @ known[:-1]) / square
    return float(np.clip(raw + (removed + 4 * raw) / len(known), 0.0, 0.99))


def careful(left: Floats, removed: int) -> float:
    """The same, raised by its standard error: where much hangs on it, series are taken to wander rather more than they seem to."""
    found = lasting(left, removed)
    return min(found + float(np.sqrt((1 - found**2) / len(left))), 0.99)


def whitened(left: Floats, lasts: float) -> Floats:
    """What is new in each value, the first left out."""
    new: Floats = left[1:] - lasts * left[:-1]
    return new


def wandering(news: Floats, lasts: float) -> Floats:
    """Series that the news would have made, shape (paths, buckets), each begun long before."""
    begin = news[:, :1] / np.sqrt(1 - lasts**2)
    begun = np.concatenate([begin, news[:, 1:]], axis=1)
    made: Floats = lfilter([1.0], [1.0, -lasts], begun, axis=1)
    return made
