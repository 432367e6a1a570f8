"""The methods that all others must beat: the last value, and the value one season ago. Pure."""

from collections.abc import Sequence

import numpy as np

from services.insights.forecast.season import Values


def naive(past: Values, seasons: Sequence[int], horizon: int) -> Values:
    """(series, horizon): the last value of each row of `past` (series, buckets)."""
    return np.repeat(past[:, -1:], horizon, axis=1)


def seasonal_naive(past: Values, seasons: Sequence[int], horizon: int) -> Values:
    """(series, horizon): the value one season ago, of the longest season that the past holds; the last value without one."""
    season = max((each for each in seasons if each <= past.shape[1]), default=1)
    return past[:, past.shape[1] - season + np.arange(horizon) % season]
