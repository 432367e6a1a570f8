"""What a series is expected to be next: a season, a level that follows slowly, and the part of the last surprise that lasts.

Counts are expected in Anscombe's scale, 2·√(x + 3/8), in which chance has a deviation of one whatever the level (Anscombe, Biometrika
35, 1948): so the errors of counts are never taken to be smaller than what chance alone makes of them.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import season as seasons
from services.insights.detect.finding import Floats

HUGE = 1e150
"""Values beyond are taken to be this, so that their squares are numbers."""
PACE = 0.02
"""How much a new value weighs in level, deviation and dependence; a value of a season weighs five times as much."""
FAR = 4.0
"""Surprises beyond so many deviations weigh no more than these."""
FARTHEST = 1e30
"""No surprise is larger, so that it fits four bytes."""
RECENT = 200
"""The level begins with the middle of so many last values."""
LASTING = 12
"""So many far values on one side in a row are a new level."""
_MEAN_TO_DEVIATION = math.sqrt(math.pi / 2)
"""A normal law's deviation, over the mean of its absolute value."""


@dataclass(slots=True)
class Expectation:
    """What is known of a series. `update` changes it in place."""

    counts: bool
    """Whether all values were whole numbers from 0 on."""
    season: int
    """Buckets in a season; 0 without one."""
    level: float
    spread: float
    """Deviation from season and level."""
    deviation: float
    """Deviation from what was expected."""
    together: float
    alone: float
    """Decaying sums of products of neighbouring surprises, and of their squares."""
    last: float = 0.0
    """How far the last value was from season and level."""
    far: list[float] = field(default_factory=list)
    """The last values as long as they are far on one side."""
    profile: Floats = field(default_factory=lambda: np.zeros(0))
    """What each part of the season adds."""

    @property
    def lasts(self) -> float:
        """The part of a surprise that is there in the next bucket still: the first autocorrelation."""
        return min(max(self.together / self.alone, 0.0), 0.999) if self.alone > 0 else 0.0

    @property
    def _left_over(self) -> float:
        """What is still there of the last surprise; a single wild value is not believed further than such series wander."""
        limit = FAR * max(self.spread, self.scale) / (1 - self.lasts)
        return self.lasts * min(max(self.last, -limit), limit)

    @property
    def scale(self) -> float:
        """The deviation that surprises are measured by: never 0."""
        least = 1.0 if self.counts else 1e-9 * abs(self.level) + 1e-300
        return max(self.deviation, least)

    def seasonal(self, slot: int) -> float:
        """What the season adds in this bucket."""
        if not self.season:
            return 0.0
        points, phase = len(self.profile), slot % self.season
        if points == self.season:
            return float(self.profile[phase])
        return float(seasons.at(self.profile, np.array([phase]), self.season)[0])

    def surprise(self, value: float, slot: int) -> float:
        """How many deviations a value is above what is expected."""
        away = (scaled(value, self.counts) - self.expected(slot)) / self.scale
        return min(max(away, -FARTHEST), FARTHEST)

    def expected(self, slot: int) -> float:
        """What is expected in this bucket, in the scale of the expectation."""
        return self.level + self.seasonal(slot) + self._left_over

    def value(self, scale: float) -> float:
        """A number of the expectation's scale as a value of the series."""
        return max((max(scale, 0.0) / 2) ** 2 - 0.375, 0.0) if self.counts else scale

    def skip(self) -> None:
        """A bucket without value goes by."""
        self.last *= self.lasts

    def update(self, value: float, slot: int) -> None:
        """Learns from a value. What is far off weighs no more than FAR deviations, until it lasts."""
        number = scaled(value, self.counts)
        left = number - self.level - self.seasonal(slot)
        error = left - self._left_over
        spread, limit = max(self.spread, self.scale), FAR * self.scale
        self.deviation += PACE * (min(abs(error), limit) * _MEAN_TO_DEVIATION - self.deviation)
        held = min(max(left, -FAR * spread), FAR * spread)
        before = min(max(self.last, -FAR * spread), FAR * spread)
        self.spread += PACE * (abs(held) * _MEAN_TO_DEVIATION - self.spread)
        self.together += PACE * (held * before - self.together)
        self.alone += PACE * (before * before - self.alone)
        self.last = left
        if abs(left) > FAR * spread and (not self.far or (self.far[0] > 0) == (left > 0)):
            self.far.append(left)
        else:
            self.far.clear()
        if len(self.far) >= LASTING:
            shift = float(np.median(self.far))
            self.level += shift
            self.last -= shift
            self.far.clear()
        else:
            self.level += PACE * held
            if self.season:
                part = (slot % self.season) * len(self.profile) // self.season
                self.profile[part] += 5 * PACE * (held - PACE * held)


def scaled(value: float, counts: bool) -> float:
    """A value in the scale of the expectation."""
    value = min(max(value, -HUGE), HUGE)
    return 2 * math.sqrt(max(value, 0.0) + 0.375) if counts else value


def counted(values: Floats) -> bool:
    """Whether values are whole numbers from 0 on that differ."""
    return bool(len(values)) and bool(((values >= 0) & (values < 2**53) & (values == np.floor(values))).all())


def begun(values: Floats, slots: NDArray[np.int64], season: int) -> tuple[Expectation, Floats]:
    """The expectation that at least two finite values lead to, and how many deviations they are from it."""
    counts = counted(values)
    bound = np.clip(values, -HUGE, HUGE)
    numbers = 2 * np.sqrt(bound + 0.375) if counts else bound
    shape, free = np.zeros(0), 1.0
    left = numbers
    if season:
        shape = seasons.profile(numbers, slots, season)
        left = numbers - seasons.at(shape, slots, season)
        # A profile of few cycles bends to their noise, so that what is left of these values is smaller than that of the next.
        cycles = max(2.0, len(values) / season)
        free = math.sqrt(cycles / (cycles - 1))
    level = float(np.median(left[-RECENT:]))
    left = left - level
    spread = float(np.abs(left).mean()) * _MEAN_TO_DEVIATION * free
    held = np.clip(left, -FAR * spread, FAR * spread)
    together, alone = float((held[1:] * held[:-1]).mean()), float((held[:-1] ** 2).mean())
    made = Expectation(counts, season, level, spread, spread, together, alone, float(left[-1]), [], shape)
    errors = (left[1:] - made.lasts * held[:-1]) * free
    made.deviation = (
        float(np.minimum(np.abs(errors), FAR * max(spread, made.scale)).mean()) * _MEAN_TO_DEVIATION
    )
    return made, np.clip(errors / made.scale, -FARTHEST, FARTHEST)
