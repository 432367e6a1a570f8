"""Seasons: which ones data have, and taking them off. Pure.

A season of s buckets is a profile: by how much each of its s places lies above or below the level. The profile is smoothed from
cycle to cycle, so that it may change; how fast, whether it grows with the level, and how far it can be trusted is told by how well it
would have foretold the next cycle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
_HOUR, _DAY, _WEEK = 3600, 86_400, 604_800
_NAMED = {_DAY: (7,), _WEEK: (52,), 30 * _DAY: (12,), 31 * _DAY: (12,), 28 * _DAY: (12,)}
_GAINS = (0.1, 0.25, 0.5)
"""How much of a new cycle the profile takes over."""
LEAST_CYCLES = 3
"""Fewer tell nothing about the next one."""
_FOUND = 0.05
"""The share of squared error that a season must explain of cycles it has not seen."""
LONGEST = 10_080
"""Buckets of the longest season: a week of minutes."""


def usual(seconds: int) -> tuple[int, ...]:
    """Seasons that series with buckets of this width may have, in buckets, ascending: the week in days, the year in weeks or months,
    else hour, day and week as far as the width divides them."""
    if seconds in _NAMED:
        return _NAMED[seconds]
    lengths = (_HOUR, _DAY, _WEEK) if seconds < _HOUR else (_DAY, _WEEK)
    return tuple(
        each // seconds for each in lengths if each % seconds == 0 and 1 < each // seconds <= LONGEST
    )


def find(many: Sequence[Values], candidates: Sequence[int]) -> tuple[int, ...]:
    """Those seasons that most of the series have: each foretells cycles it has not seen, beyond what shorter ones do.

    Every cycle is compared with the mean of the others (cross-validation by leaving one cycle out).
    """
    found: list[int] = []
    for season in sorted(candidates):
        known = [values for values in many if len(values) >= LEAST_CYCLES * season]
        shares = [_share(Seasonal.of(values[None], found).rest[0], season) for values in known]
        if shares and float(np.median(shares)) > _FOUND:
            found.append(season)
    return tuple(found)


def _share(values: Values, season: int) -> float:
    """The share of squared deviations from the level that the other cycles tell."""
    cycles = _cycles(values[None], season)[0]
    away = (cycles - _level(cycles[None])[0]).reshape(cycles.shape)
    count = len(away)
    others = (away.sum(axis=0) - away) / (count - 1)
    total = float((away**2).sum())
    return 1 - float(((away - others) ** 2).sum()) / total if total > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Seasonal:
    """Series with their seasons taken off, and how to put them on again."""

    rest: Values
    """(series, buckets): what is left."""
    profiles: tuple[tuple[Values, Values], ...]
    """For each season, shortest first: what is added, and what is added for each unit of the level, (series, season)."""

    @classmethod
    def of(cls, past: Values, seasons: Sequence[int]) -> "Seasonal":
        """Takes seasons off `past` (series, buckets), shortest first, those with too few cycles left out."""
        rest, profiles = past, []
        for season in seasons:
            if past.shape[1] < LEAST_CYCLES * season:
                continue
            rest, *profile = _taken(rest, season)
            profiles.append((profile[0], profile[1]))
        return cls(rest, tuple(profiles))

    def on(self, level: Values) -> Values:
        """`level` (series, horizon), which goes on where `rest` ends, with the seasons on it."""
        for added, scaled in reversed(self.profiles):
            place = np.arange(level.shape[1]) % added.shape[1]
            level = level * (1 + scaled[:, place]) + added[:, place]
        return level


def _cycles(values: Values, season: int) -> Values:
    """(series, cycles, season): whole cycles up to the end."""
    count = values.shape[1] // season
    return values[:, values.shape[1] - count * season :].reshape(len(values), count, season)


def _level(cycles: Values) -> Values:
    """(series, cycles, season): the line through the means of neighbouring cycles."""
    _, count, season = cycles.shape
    means = cycles.mean(axis=2)
    if count == 1:
        return np.broadcast_to(means[:, :, None], cycles.shape)
    centres = np.arange(count) * season + (season - 1) / 2
    at = np.arange(count * season)
    left = np.clip((at - centres[0]) // season, 0, count - 2).astype(np.int64)
    share = np.clip((at - centres[left]) / season, -0.5, 1.5)
    line = means[:, left] * (1 - share) + means[:, left + 1] * share
    return np.asarray(line).reshape(cycles.shape)


def _taken(values: Values, season: int) -> tuple[Values, Values, Values]:
    """What is left without a season, what it adds, and what it adds for each unit of the level."""
    cycles = _cycles(values, season)
    level = _level(cycles)
    away = cycles - level
    grows = (values.min(axis=1) >= 0) & (level.min(axis=(1, 2)) > 0)
    unit = np.where(grows[:, None, None], level, 1.0)
    none = np.zeros((len(values), season))
    tried: list[tuple[Values, Values, Values]] = []
    for gain in _GAINS:
        error, added = _smoothed(away, np.ones_like(level), gain)
        tried.append((error, added, none))
        error, scaled = _smoothed(away, unit, gain)
        tried.append((np.where(grows, error, np.inf), none, scaled))
    best = np.argmin([error for error, _, _ in tried], axis=0), np.arange(len(values))
    added = np.stack([each for _, each, _ in tried])[best]
    scaled = np.stack([each for _, _, each in tried])[best]
    place = (np.arange(values.shape[1]) - values.shape[1]) % season
    line = level.reshape(len(values), -1)
    line = np.pad(line, ((0, 0), (values.shape[1] - line.shape[1], 0)), mode="edge")
    return values - added[:, place] - line * scaled[:, place], added, scaled


def _smoothed(away: Values, unit: Values, gain: float) -> tuple[Values, Values]:
    """What a profile for each `unit`, smoothed from cycle to cycle, would have missed of the cycles to come, and the last profile;
    shrunk to the share of it that would have missed least."""
    product, square = away[:, 0] * unit[:, 0], unit[:, 0] ** 2
    told = np.empty_like(away[:, 1:])
    for i in range(1, away.shape[1]):
        told[:, i - 1] = product / square * unit[:, i]
        part = max(gain, 1 / (i + 1))
        product = (1 - part) * product + part * away[:, i] * unit[:, i]
        square = (1 - part) * square + part * unit[:, i] ** 2
    seen = away[:, 1:]
    power = (told**2).sum(axis=(1, 2))
    share = np.clip((told * seen).sum(axis=(1, 2)) / np.where(power > 0, power, 1.0), 0, 1)
    missed = np.abs(seen - share[:, None, None] * told).sum(axis=(1, 2))
    return missed, product / square * share[:, None]
