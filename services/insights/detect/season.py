"""Finds the season of a series: values come in, how many buckets a season has goes out.

Only what people and machines live by is tried: an hour, a day, a week. A season is believed when the cycles before the last tell
the last one better than its level alone does.
"""

import numpy as np
from numpy.typing import NDArray

from services.insights.detect.finding import Floats

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
CYCLES = 3
"""Fewer than this tell nothing: two to learn from and one to check."""
MOST_CYCLES = 8
GAIN = 0.15
"""How much smaller the error on the last cycle has to be than without a season, or than with a shorter one."""
LARGEST = 336
"""A profile has at most this many points; between them it is drawn straight."""


def candidates(interval: int) -> list[int]:
    """Seasons that a series with a bucket every `interval` seconds can have, in buckets, the shortest first."""
    if interval <= 0:
        return []
    return [span // interval for span in (HOUR, DAY, WEEK) if span % interval == 0 and span // interval >= 4]


def find(values: Floats, slots: NDArray[np.int64], interval: int) -> int:
    """The season in buckets, or 0. `slots` numbers the buckets from the epoch on; values are finite."""
    best, season = np.inf, 0
    for candidate in candidates(interval):
        if len(slots) == 0 or slots[-1] - slots[0] + 1 < CYCLES * candidate:
            continue
        last = slots > slots[-1] - candidate
        before = ~last & (slots > slots[-1] - MOST_CYCLES * candidate)
        if before.sum() < candidate or not last.any():
            continue
        drawn = at(profile(values[before], slots[before], candidate), slots[last], candidate)
        plain = np.abs(values[last] - np.median(values[last])).mean()
        left = values[last] - drawn
        error = np.abs(left - np.median(left)).mean()
        if plain > 0 and error < (1 - GAIN) * min(plain, best):
            best, season = float(error), candidate
    return season


def profile(values: Floats, slots: NDArray[np.int64], season: int) -> Floats:
    """What each part of the season adds to the level: medians over the cycles, shape (min(season, LARGEST),).

    Each cycle is taken without its own median, so that a rise over the cycles is not taken for a season. Parts without a value
    add nothing.
    """
    points = min(season, LARGEST)
    cycles = slots // season
    level = np.zeros(len(values))
    for cycle in np.unique(cycles):
        rows = cycles == cycle
        level[rows] = np.median(values[rows])
    part = (slots % season) * points // season
    order = np.argsort(part, kind="stable")
    parts, firsts = np.unique(part[order], return_index=True)
    made = np.zeros(points)
    for number, rows in zip(parts, np.split(order, firsts[1:])):
        made[number] = np.median(values[rows] - level[rows])
    return made


def at(profile: Floats, slots: NDArray[np.int64], season: int) -> Floats:
    """What the season adds at these buckets."""
    points = len(profile)
    place = (slots % season) * (points / season)
    if points < season:
        place = (
            place - 0.5 + 0.5 * points / season
        )  # A point stands in the middle of the buckets it was made of.
    left = np.floor(place).astype(np.int64)
    share = place - left
    drawn: Floats = profile[left % points] * (1 - share) + profile[(left + 1) % points] * share
    return drawn
