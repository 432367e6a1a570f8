"""The methods that all others must beat: the last value, and the value one season ago. Pure."""

from collections.abc import Sequence

import numpy as np

from services.insights.forecast.season import Values


def naive(past: Values, seasons: Sequence[int], horizon: int) -> Values:  # noqa: ARG001 - as all methods
    """(series, horizon): the last value of each row of `past` (series, buckets)."""
    return np.repeat(past[:, -1:], horizon, axis=1)


def seasonal_naive(past: Values, seasons: Sequence[int], horizon: int) -> Values:
    """(series, horizon): the value one season ago, of the season whose repetition has missed each series least so far; the last
    value where the past holds no season twice."""
    held = [season for season in seasons if 2 * season <= past.shape[1]]
    if not held:
        return naive(past, seasons, horizon)
    ahead = np.arange(horizon)
    longest = max(held)
    missed = [np.abs(past[:, longest:] - past[:, longest - season : -season]).mean(axis=1) for season in held]
    made = np.stack([past[:, past.shape[1] - season + ahead % season] for season in held])
    best: Values = made[np.argmin(missed, axis=0), np.arange(len(past))]
    return best
