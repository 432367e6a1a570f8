"""Boosted trees that learn, from every instant of the past, what came after it: one model for all series of a question. Pure.

A row is one bucket seen from one instant before it. It holds what was known then: the last values, the values of whole seasons ago
and those beside them, means, the places in the seasons, and how far ahead the bucket is. Everything is told from the mean of the last
season in units of the series' own spread, so that series of any size learn from each other (Montero-Manso and Hyndman 2021,
Principles and algorithms for forecasting groups of time series).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from services.insights.forecast.season import Values

ROWS = 10_000
"""More are thinned out evenly, over time and over steps ahead."""
TREES, LEARNING_RATE, BINS = 30, 0.2, 63
"""Twice the trees and four times the bins take twice the time, and are less than a hundredth better (decision record 0026)."""
LEAST_ROWS = 200
"""Fewer teach nothing."""
LEAST_WINDOW = 8
_CYCLES, _BESIDE_CYCLES, _RECENT = 4, 2, 4
_FAR = 20.0
"""What lies further out, in spreads, is learnt as if it lay here."""
_TOGETHER = 50_000
"""Rows that are foretold at once; more take memory."""
_STRIDE = 7919
"""A prime: steps ahead are thinned by it, so that all of them are left."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Boosted:
    """What was learnt."""

    model: HistGradientBoostingRegressor
    seasons: tuple[int, ...]

    def forecast(self, many: Sequence[Values], backs: NDArray[np.int64], horizon: int) -> Values:
        """(series, instants, horizon): how series go on from `backs` buckets before their end; NaN where the past is too short to be
        seen as the rows learnt from were."""
        made = np.full((len(many), len(backs), horizon), np.nan)
        able = np.stack([len(values) - backs >= _reach(self.seasons) for values in many])
        # The trees take as long for a few rows as for thousands.
        for rows in _groups(able.sum(axis=1) * horizon):
            seen = [
                _seen(
                    many[row],
                    np.repeat(len(many[row]) - backs[able[row]], horizon),
                    np.tile(np.arange(horizon), int(able[row].sum())),
                    self.seasons,
                )
                for row in rows
            ]
            told = self.model.predict(np.concatenate([each.features for each in seen]))
            ends = np.cumsum([len(each.centre) for each in seen])
            for row, each, part in zip(rows, seen, np.split(told, ends[:-1])):
                made[row, able[row]] = (each.centre + each.spread * part).reshape(-1, horizon)
        return made


def _groups(sizes: NDArray[np.int64]) -> list[list[int]]:
    """Places of the sizes that are not 0, so many together as are at most `_TOGETHER` rows."""
    groups: list[list[int]] = []
    room = 0
    for place in np.flatnonzero(sizes):
        if sizes[place] > room:
            groups.append([])
            room = _TOGETHER
        groups[-1].append(int(place))
        room -= sizes[place]
    return groups


def learn(
    many: Sequence[Values], back: int, seasons: Sequence[int], horizon: int, seed: int
) -> Boosted | None:
    """A model of all series from what lies `back` buckets before their end; None where there is too little to learn from."""
    first = _reach(seasons)
    usable = [values for values in many if len(values) - back >= first + horizon + 1]
    features, targets = [], []
    for values in usable:
        total = (len(values) - back - first - horizon + 1) * horizon
        rows = min(max(ROWS // len(usable), 1), total)
        picked = np.arange(rows) * total // rows
        origin = first + picked // horizon
        step = (picked if rows == total else picked * _STRIDE) % horizon
        seen = _seen(values, origin, step, tuple(seasons))
        features.append(seen.features)
        targets.append(np.clip((values[origin + step] - seen.centre) / seen.spread, -_FAR, _FAR))
    if sum(map(len, targets)) < LEAST_ROWS:
        return None
    table = np.concatenate(features)
    # The trees refuse a column without any value.
    table[:, np.isnan(table).all(axis=0)] = 0.0
    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=LEARNING_RATE,
        max_iter=TREES,
        max_bins=BINS,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return Boosted(model.fit(table, np.concatenate(targets)), tuple(seasons))


def _reach(seasons: Sequence[int]) -> int:
    """How many buckets lie before the first row."""
    return max(seasons, default=LEAST_WINDOW) + LEAST_WINDOW


@dataclass(frozen=True, slots=True)
class _Seen:
    """Buckets, each seen from an instant before it."""

    features: Values
    """(rows, features)."""
    centre: Values
    """The mean of the season before the instant."""
    spread: Values
    """The deviation of the two seasons before it."""


def _seen(values: Values, origin: Places, step: Places, seasons: tuple[int, ...]) -> _Seen:
    """What is known before the buckets `origin` of the buckets `origin + step`."""
    # Any value will do: sums of what is far from zero lose digits.
    whole = values[0]
    sums = np.concatenate([[0.0], np.cumsum(values - whole)])
    squares = np.concatenate([[0.0], np.cumsum((values - whole) ** 2)])

    def mean(totals: Values, end: Places, width: int) -> Values:
        end = np.maximum(end, 1)
        begin = np.maximum(end - width, 0)
        return (totals[end] - totals[begin]) / (end - begin)

    window = max(*seasons, LEAST_WINDOW) if seasons else LEAST_WINDOW
    centre = whole + mean(sums, origin, window)
    variance = mean(squares, origin, 2 * window) - mean(sums, origin, 2 * window) ** 2
    spread = np.sqrt(np.maximum(variance, 0.0)) + 1e-9 + 1e-6 * np.abs(centre)
    target = origin + step
    places: list[Places] = []
    columns: list[Values] = []
    for season in seasons:
        latest = target - (step // season + 1) * season
        for cycle in range(_CYCLES):
            wide = (-1, 0, 1) if cycle < _BESIDE_CYCLES else (0,)
            places.extend(latest - cycle * season + beside for beside in wide)
        ended = mean(sums, origin, season)
        columns.append((whole + ended - centre) / spread)
        columns.append((ended - mean(sums, origin - season, season)) / spread)
        columns.extend(
            (mean(sums, origin, width) - mean(sums, origin - season, width)) / spread for width in (1, 3)
        )
        columns.append(((target - len(values)) % season).astype(np.float64))
    columns.append(step.astype(np.float64))
    places.extend(origin - lag for lag in range(1, _RECENT + 1))
    place = np.stack(places, axis=1)
    told = (values[np.clip(place, 0, len(values) - 1)] - centre[:, None]) / spread[:, None]
    known = (place >= 0) & (place < origin[:, None])
    features = np.column_stack([np.where(known, told, np.nan), *columns])
    return _Seen(features, centre, spread)
