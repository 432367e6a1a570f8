"""Forecasts from instants of the past, by every method of the pool, each from what was known then. Pure.

Instants are told by how many buckets lie between them and the end of the series, earliest first; 0 is the present.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.insights.forecast import boosted, linear, simple, smoothing
from services.insights.forecast.season import LEAST_CYCLES, Seasonal, Values
from tidemark.v1 import forecast_pb2 as pb

NAIVE, SEASONAL_NAIVE = pb.FORECAST_METHOD_NAIVE, pb.FORECAST_METHOD_SEASONAL_NAIVE
ETS, THETA = pb.FORECAST_METHOD_ETS, pb.FORECAST_METHOD_THETA
LINEAR, BOOSTED = pb.FORECAST_METHOD_LINEAR, pb.FORECAST_METHOD_BOOSTED
_SIMPLE: dict[pb.ForecastMethod, Callable[[Values, Sequence[int], int], Values]] = {
    NAIVE: simple.naive,
    SEASONAL_NAIVE: simple.seasonal_naive,
}
POOL = (NAIVE, SEASONAL_NAIVE, ETS, THETA, LINEAR, BOOSTED)
FAST = POOL[:4]
"""Without what is learnt, which takes most of the time."""
LEAST_PAST = 8
"""From fewer values there is no forecast to be judged."""
ERRORS, LEAST_ORIGINS, MOST_ORIGINS = 336, 14, 100
"""So many errors judge a method: two weeks of hours. Short horizons have more origins instead."""
_CYCLES, _LEAST_WINDOW = 12, 500
"""Smoothing looks back so many of the longest seasons, or so many buckets."""


def instants(length: int, seasons: Sequence[int], horizon: int, until: int = 0) -> tuple[int, ...]:
    """From where the methods are judged for a forecast `until` buckets before the end of a series: as many instants as fit between
    the least past to learn from and there, a horizon apart or closer; none where there is no room for one."""
    length -= until
    least = max(min(LEAST_CYCLES * max(seasons, default=1), length // 2), LEAST_PAST)
    room = length - least - horizon
    if room < 0:
        return ()
    wanted = min(max(ERRORS // horizon, LEAST_ORIGINS), MOST_ORIGINS)
    step = min(max(room // (wanted - 1), 1), horizon)
    count = min(wanted, room // step + 1)
    return tuple(until + horizon + step * i for i in reversed(range(count)))


@dataclass(frozen=True, slots=True)
class Rolled:
    """What each method foretold."""

    methods: tuple[pb.ForecastMethod, ...]
    backs: NDArray[np.int64]
    """(origins,): how many buckets before the end, earliest first."""
    values: Values
    """(series, methods, origins, horizon); NaN where there was too little past."""
    truths: Values
    """(series, origins, horizon); NaN where there is none, or none yet."""

    def known(self, origin: int) -> NDArray[np.bool_]:
        """(origins, horizon): which truths were known at an origin."""
        ahead = np.arange(self.truths.shape[2])
        return np.asarray(ahead < (self.backs - self.backs[origin])[:, None])


def roll(
    many: Sequence[Values],
    truths: Sequence[Values],
    seasons: Sequence[int],
    horizon: int,
    backs: Sequence[int],
    learnt: Sequence[int],
    methods: Sequence[pb.ForecastMethod],
    seed: int,
) -> Rolled:
    """Forecasts of `many` series from `backs`; what is learnt is learnt anew at the origins whose places are in `learnt`."""
    made = np.full((len(many), len(methods), len(backs), horizon), np.nan)
    lengths = np.array([len(values) for values in many])
    smoothed = not {ETS, THETA}.isdisjoint(methods)
    parameters = np.full(len(many), -1)
    for origin, back in enumerate(backs):
        for length in np.unique(lengths[lengths - back >= min(LEAST_PAST, *lengths)]):
            rows = np.flatnonzero(lengths == length)
            past = np.stack([many[int(row)][: length - back] for row in rows])
            window = past[:, -max(_CYCLES * max(seasons, default=1), _LEAST_WINDOW) :]
            seasonal = Seasonal.of(window, seasons) if smoothed else None
            for place, method in enumerate(methods):
                if simply := _SIMPLE.get(method):
                    made[rows, place, origin] = simply(window, seasons, horizon)
                elif seasonal is not None and method == ETS:
                    if origin in learnt or parameters[rows].min() < 0:
                        parameters[rows] = smoothing.fitted(seasonal, horizon)
                    made[rows, place, origin] = smoothing.ets(seasonal, horizon, parameters[rows])
                elif seasonal is not None and method == THETA:
                    made[rows, place, origin] = smoothing.theta(seasonal, horizon)
    # Threads of a library that wait for each other on busy cores are many times slower than one alone.
    with threadpool_limits(1):
        for first, last in pairwise(sorted({*learnt, len(backs)})):
            told = np.array(backs[first:last])
            for place, method in enumerate(methods):
                model = _learn(method, many, backs[first], seasons, horizon, seed)
                if model is not None:
                    made[:, place, first:last] = model.forecast(many, told, horizon)
    signed = np.array([bool((values < 0).any()) for values in many])
    made[~signed] = np.maximum(made[~signed], 0.0)
    found = [_truths(values, backs, horizon) for values in truths]
    return Rolled(tuple(methods), np.array(backs), made, np.stack(found))


def _learn(
    method: pb.ForecastMethod,
    many: Sequence[Values],
    back: int,
    seasons: Sequence[int],
    horizon: int,
    seed: int,
) -> linear.Linear | boosted.Boosted | None:
    if method == LINEAR:
        return linear.learn(many, back, seasons, horizon)
    if method == BOOSTED:
        return boosted.learn(many, back, seasons, horizon, seed)
    return None


def _truths(values: Values, backs: Sequence[int], horizon: int) -> Values:
    place = len(values) - np.array(backs)[:, None] + np.arange(horizon)
    there = (place >= 0) & (place < len(values))
    return np.where(there, values[np.clip(place, 0, len(values) - 1)], np.nan)
