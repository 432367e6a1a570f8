"""Exponential smoothing and the theta method: series whose seasons are taken off come in, (series, horizon) with the seasons on goes
out. Pure.

Holt's method with a damped trend is a linear filter of second order of the series (Hyndman, Koehler, Ord and Snyder 2008,
Forecasting with Exponential Smoothing, chapter 11), so that a grid of its parameters is a few calls of `lfilter`.
"""

import numpy as np
from scipy.signal import lfilter

from services.insights.forecast.season import Seasonal, Values

_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 0.95)
_TRENDS = ((0.0, 0.9), (0.1, 0.9), (0.1, 0.98))
"""How much of a change goes into the trend, and what is left of the trend one bucket later."""
_MEMORY = 400
"""What lies further back says nothing about level and trend."""


def ets(seasonal: Seasonal, horizon: int) -> Values:
    """Level and damped trend; the parameters are those with the least absolute error, over the horizon, of the series' own past."""
    return seasonal.on(_holt(seasonal.rest[:, -_MEMORY:], horizon))


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


def _holt(values: Values, horizon: int) -> Values:
    series, count = values.shape
    best = np.full(series, np.inf)
    made = np.repeat(values[:, -1:], horizon, axis=1)
    begin = values[:, :1]
    ahead = np.unique(np.linspace(1, min(horizon, max(count // 3, 1)), 3).astype(np.int64))
    for alpha in _ALPHAS:
        for share, kept in _TRENDS:
            beta = alpha * share
            ma = [1.0, alpha + kept * beta - 1 - kept, (1 - alpha) * kept]
            error = lfilter([1.0, -(1 + kept), kept], ma, values - begin, axis=1)
            trend = lfilter([beta], [1.0, -kept], error, axis=1) if beta else np.zeros_like(error)
            level = values - (1 - alpha) * error
            loss = np.zeros(series)
            for step in ahead:
                grown = trend * (kept * (1 - kept**step) / (1 - kept))
                missed = values[:, step:] - (level + grown)[:, :-step]
                loss += np.abs(missed[:, len(missed[0]) // 4 :]).mean(axis=1) if missed.shape[1] else 0
            better = loss < best
            best = np.where(better, loss, best)
            growth = kept * (1 - kept ** np.arange(1, horizon + 1)) / (1 - kept)
            made = np.where(better[:, None], level[:, -1:] + trend[:, -1:] * growth, made)
    return made


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
