"""Exponential smoothing and the theta method: series whose seasons are taken off come in, (series, horizon) with the seasons on goes
out. Pure.

Holt's method with a damped trend is a linear filter of second order of the series (Hyndman, Koehler, Ord and Snyder 2008,
Forecasting with Exponential Smoothing, chapter 11), so that a grid of its parameters is a few calls of `lfilter`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from services.insights.forecast.season import Seasonal, Values

_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 0.95)
_TRENDS = ((0.0, 0.9), (0.1, 0.9), (0.1, 0.98))
"""How much of a change goes into the trend, and what is left of the trend one bucket later."""
_GRID = tuple((alpha, alpha * share, kept) for alpha in _ALPHAS for share, kept in _TRENDS)
_MEMORY = 400
"""What lies further back says nothing about level and trend."""


def fitted(seasonal: Seasonal, horizon: int) -> NDArray[np.int64]:
    """Which parameters `ets` shall take for each series: those with the least absolute error, over the horizon, of its own past."""
    values = seasonal.rest[:, -_MEMORY:]
    ahead = np.unique(np.linspace(1, min(horizon, max(values.shape[1] // 3, 1)), 3).astype(np.int64))
    loss = np.zeros((len(_GRID), len(values)))
    for place, (alpha, beta, kept) in enumerate(_GRID):
        level, trend = _holt(values, alpha, beta, kept)
        for step, growth in zip(ahead, _growth(kept, ahead)):
            told = (level + trend * growth)[:, :-step]
            missed = np.abs(values[:, step:] - told)
            loss[place] += missed[:, missed.shape[1] // 4 :].mean(axis=1) if missed.shape[1] else 0
    best: NDArray[np.int64] = loss.argmin(axis=0)
    return best


def ets(seasonal: Seasonal, horizon: int, parameters: NDArray[np.int64]) -> Values:
    """Level and damped trend, by the parameters that `fitted` has told of each series."""
    values = seasonal.rest[:, -_MEMORY:]
    made = np.empty((len(values), horizon))
    for place in np.unique(parameters):
        rows = parameters == place
        alpha, beta, kept = _GRID[place]
        level, trend = _holt(values[rows], alpha, beta, kept)
        made[rows] = level[:, -1:] + trend[:, -1:] * _growth(kept, np.arange(1, horizon + 1))
    return seasonal.on(made)


def theta(seasonal: Seasonal, horizon: int) -> Values:
    """The mean of the line through the series and of simple smoothing of twice its curvature (Assimakopoulos and Nikolopoulos
    2000), which is simple smoothing with half the slope as drift (Hyndman and Billah 2003)."""
    rest = seasonal.rest[:, -_MEMORY:]
    count = rest.shape[1]
    at = np.arange(count) - (count - 1) / 2
    slope = rest @ at / max(float(at @ at), 1.0)
    level = _simple(2 * rest - (rest.mean(axis=1)[:, None] + slope[:, None] * at))
    ahead = np.arange(1, horizon + 1)
    line = rest.mean(axis=1)[:, None] + slope[:, None] * (at[-1] + ahead)
    return seasonal.on((level[:, None] + line) / 2)


def _holt(values: Values, alpha: float, beta: float, kept: float) -> tuple[Values, Values]:
    """Level and trend at every bucket, (series, buckets)."""
    ma = [1.0, alpha + kept * beta - 1 - kept, (1 - alpha) * kept]
    error = lfilter([1.0, -(1 + kept), kept], ma, values - values[:, :1], axis=1)
    trend = lfilter([beta], [1.0, -kept], error, axis=1) if beta else np.zeros_like(error)
    return values - (1 - alpha) * error, trend


def _growth(kept: float, steps: NDArray[np.int64]) -> Values:
    """What a trend of 1 comes to after each of so many steps, (steps,)."""
    return np.asarray(kept * (1 - kept**steps) / (1 - kept))


def _simple(values: Values) -> Values:
    """The last level of simple smoothing, with the parameter of the least squared error one bucket ahead."""
    best, last = np.full(len(values), np.inf), values[:, -1]
    for alpha in _ALPHAS:
        away = values - values[:, :1]
        error = lfilter([1.0, -1.0], [1.0, alpha - 1], away, axis=1)
        loss = (error**2).mean(axis=1)
        better = loss < best
        best = np.where(better, loss, best)
        last = np.where(better, values[:, -1] - (1 - alpha) * error[:, -1], last)
    return last
