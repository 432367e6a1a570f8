"""Which methods a series is forecast by: what they foretold comes in, their weights and what they foretell together go out. Pure."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from services.insights.forecast.rolling import SEASONAL_NAIVE, Rolled
from services.insights.forecast.season import Values
from tidemark.v1 import forecast_pb2 as pb

_POWER = 4
"""Twice the error weighs a sixteenth: close to the best method alone, and to the mean where several are as good."""
_LEAST_WEIGHT = 0.05
"""What would weigh less is left out."""


def chosen(rolled: Rolled, methods: Collection[pb.ForecastMethod]) -> tuple[Values, Values]:
    """Weights of the methods, (series, methods, origins), and the forecasts they make together, (series, origins, horizon).

    Methods weigh by their mean absolute error, as far as it was known at each origin (Bates and Granger 1969, The combination of
    forecasts, with the power of Stock and Watson 2004). Where nothing was known, it is the seasonal naive method, or the only one. All but `methods` weigh nothing.
    """
    values = rolled.values.copy()
    values[:, [place for place, method in enumerate(rolled.methods) if method not in methods]] = np.nan
    error = np.abs(rolled.truths[:, None] - values)
    weights = np.zeros(error.shape[:3])
    first = next(rolled.methods.index(method) for method in (SEASONAL_NAIVE, *methods) if method in methods)
    for origin in range(error.shape[2]):
        seen = np.where(rolled.known(origin)[:origin], error[:, :, :origin], np.nan)
        weights[:, :, origin] = _weights(seen, values[:, :, origin], first)
    together = np.einsum("smo,smoh->soh", weights, np.nan_to_num(values))
    there = np.isfinite(values).any(axis=1)
    return weights, np.where(there, together, np.nan)


def _weights(error: Values, values: Values, first: int) -> Values:
    """(series, methods), of errors (series, methods, origins, horizon) and the forecasts to be weighed (series, methods, horizon)."""
    possible = np.asarray(np.isfinite(values).all(axis=2))
    # One that can forecast for the first time, as trees do when the past has just grown long enough, has nothing to be judged by.
    tried = np.asarray(np.isfinite(error).reshape(*error.shape[:2], -1).any(axis=2))
    possible &= tried | ~tried.any(axis=1, keepdims=True)
    # A method is judged where all that can forecast now could forecast then, so that all are judged by the same truths.
    told: NDArray[np.bool_] = np.isfinite(error)
    told |= ~possible[:, :, None, None]
    common = told.all(axis=1, keepdims=True)
    count = common.sum(axis=(2, 3))
    loss = np.where(common & np.isfinite(error), error, 0.0).sum(axis=(2, 3)) / np.maximum(count, 1)
    loss = np.where(possible, loss, np.inf)
    least = loss.min(axis=1, keepdims=True)
    least = np.where(np.isfinite(least), least, 0.0)
    # Those that never missed share all weight.
    ratio = np.where(loss > least, least / np.where(loss > least, loss, 1.0), 1.0)
    weights = np.where(possible, ratio**_POWER, 0.0)
    weights = np.where(weights >= _LEAST_WEIGHT * weights.sum(axis=1, keepdims=True), weights, 0.0)
    untold = count[:, 0] == 0
    weights[untold] = 0.0
    weights[untold, first] = 1.0
    total = weights.sum(axis=1, keepdims=True)
    return weights / np.where(total > 0, total, 1.0)
