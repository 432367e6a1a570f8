"""Forecasts series by what has done best on their own past: arrays come in, a `Forecast` or `Backtest` each goes out. Pure.

Every method forecasts from instants of the past (`rolling`); what each missed there weighs the methods (`choice`), and what they
miss together is the band (`interval`). A back-test does the same from more instants, and knows at none of them what came later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.forecast.choice import chosen
from services.insights.forecast.interval import bands
from services.insights.forecast.rolling import LEAST_PAST, POOL, SEASONAL_NAIVE, instants, roll
from services.insights.forecast.season import Values
from tidemark.v1 import forecast_pb2 as pb

MEAN = pb.FORECAST_METHOD_MEAN
_LEARN_EVERY = 28
"""A back-test learns anew after so many instants."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What was measured on forecasts whose truth is known, as `ForecastError` says."""

    wape: float
    mase: float
    mae: float
    coverage: float
    origins: int
    count: int


@dataclass(frozen=True, slots=True, eq=False)
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
    """Of which `method` is the mean, the heaviest first; empty for other methods."""
    error: Errors | None
    """Measured by rolling origin; None where the past is too short."""
    baseline: Errors | None
    """Of seasonal naive, or naive where there is no season, on the same origins."""


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """How one series would have been forecast."""

    backs: NDArray[np.int64]
    """(origins,): how many buckets before the end each instant lies, earliest first."""
    values: Values
    """(origins, horizon), as `lower`, `upper` and `truths`; NaN where there is none."""
    lower: Values
    upper: Values
    truths: Values
    error: Errors | None
    """None where no truth is known, as in a gap."""
    baseline: Errors | None
    methods: tuple[tuple[pb.ForecastMethod, Errors], ...]
    """Of every method that could, best first."""


def forecast(
    values: Values, seasons: Sequence[int], horizon: int, coverage: float = 0.9, seed: int = 0
) -> Forecast:
    """How a series goes on for `horizon` buckets.

    `values` are finite and evenly spaced (`past.of` makes them so), `seasons` are lengths in buckets, ascending (`season.find`).
    """
    return forecasts([values], seasons, horizon, coverage, seed)[0]


def forecasts(
    many: Sequence[Values],
    seasons: Sequence[int],
    horizon: int,
    coverage: float = 0.9,
    seed: int = 0,
    *,
    methods: Sequence[pb.ForecastMethod] = POOL,
    truths: Sequence[Values] | None = None,
) -> list[Forecast]:
    """How series go on that end together; what is learnt is learnt from all of them. `methods` are those to choose from (`rolling.FAST` takes
    a tenth of the time), `truths` the values with NaN where they are not to be compared with.
    """
    judged = instants(_usual_length(many), seasons, horizon)
    pool = tuple(dict.fromkeys((*methods, SEASONAL_NAIVE)))
    panel = _Panel(many, truths, seasons, horizon, (*judged, 0), (0, len(judged)), pool, seed)
    weights, together = chosen(panel.rolled, methods)
    made = []
    for row, size in enumerate(panel.sizes):
        lower, upper, told = panel.banded(row, together[row], coverage)
        method, members = _named(weights[row, :, -1], pool)
        error = panel.errors(row, np.where(told, together[row], np.nan), lower, upper)
        baseline = panel.errors(row, np.where(told, panel.baseline(row), np.nan))
        held = error is not None and bool(np.isfinite(lower[-1]).all())
        ends = [end[-1] * size if held else np.zeros(0) for end in (lower, upper)]
        expected = together[row, -1] * size
        made.append(Forecast(expected, ends[0], ends[1], method, members, error, baseline))
    return made


def backtests(
    many: Sequence[Values],
    seasons: Sequence[int],
    horizon: int,
    coverage: float,
    seed: int,
    *,
    origins: int,
    step: int,
    methods: Sequence[pb.ForecastMethod] = POOL,
    pool: tuple[pb.ForecastMethod, ...] = POOL,
    truths: Sequence[Values] | None = None,
) -> list[Backtest]:
    """How series that end together would have been forecast from `origins` instants, `step` buckets apart, whose truth is known;
    by `methods`, beside every method of `pool`, which holds them and the seasonal naive one."""
    asked = tuple(horizon + step * i for i in reversed(range(origins)))
    # Before the first of them methods are judged as before a forecast.
    judged = instants(_usual_length(many), seasons, horizon, until=asked[0])
    backs = (*judged, *asked)
    learnt = (0, *range(len(judged), len(backs), _LEARN_EVERY))
    panel = _Panel(many, truths, seasons, horizon, backs, learnt, pool, seed)
    _, together = chosen(panel.rolled, methods)
    tested = slice(len(judged), None)
    made = []
    for row, size in enumerate(panel.sizes):
        lower, upper, _ = panel.banded(row, together[row], coverage)
        together[row, : len(judged)] = np.nan
        told = np.isfinite(together[row])
        error = panel.errors(row, together[row], lower, upper)
        baseline = panel.errors(row, np.where(told, panel.baseline(row), np.nan))
        measured = [
            (method, found)
            for place, method in enumerate(pool)
            if (found := panel.errors(row, np.where(told, panel.rolled.values[row, place], np.nan)))
        ]
        measured.sort(key=lambda pair: pair[1].mae)
        made.append(
            Backtest(
                backs=panel.rolled.backs[tested],
                values=together[row, tested] * size,
                lower=lower[tested] * size,
                upper=upper[tested] * size,
                truths=panel.rolled.truths[row, tested] * size,
                error=error,
                baseline=baseline,
                methods=tuple(measured),
            )
        )
    return made


def least(horizon: int, origins: int, step: int) -> int:
    """How many values a back-test needs."""
    return horizon + step * (origins - 1) + LEAST_PAST


class _Panel:
    """Series that end together, told in units of their largest value, with what every method foretold of them."""

    def __init__(
        self,
        many: Sequence[Values],
        truths: Sequence[Values] | None,
        seasons: Sequence[int],
        horizon: int,
        backs: Sequence[int],
        learnt: Sequence[int],
        pool: tuple[pb.ForecastMethod, ...],
        seed: int,
    ) -> None:
        self.sizes = [float(np.abs(values).max()) or 1.0 for values in many]
        scaled = [values / size for values, size in zip(many, self.sizes)]
        seen = [values / size for values, size in zip(truths or many, self.sizes)]
        self.rolled = roll(scaled, seen, seasons, horizon, backs, learnt, pool, seed)
        self._known = np.stack([self.rolled.known(origin) for origin in range(len(backs))])
        self._repeated = [_repeated(values[: max(len(values) - backs[0], 2)], seasons) for values in scaled]
        self._signed = [bool((values < 0).any()) for values in many]

    def baseline(self, row: int) -> Values:
        """(origins, horizon): what the seasonal naive method foretold of a series."""
        return self.rolled.values[row, self.rolled.methods.index(SEASONAL_NAIVE)]  # type: ignore[no-any-return]

    def banded(self, row: int, told: Values, coverage: float) -> tuple[Values, Values, NDArray[np.bool_]]:
        """The band around what was foretold of a series, and where that was told by what was known of the methods."""
        informed = np.any(self._known, axis=(1, 2), keepdims=True)[:, :, 0]
        # Where no instant knew of an earlier one, all but the present tell at least what the first method misses.
        if not np.any(informed[:-1]):
            informed = (np.arange(len(told)) < len(told) - 1)[:, None]
        counted = np.broadcast_to(informed, told.shape)
        misses = np.where(counted, self.rolled.truths[row] - told, np.nan)
        below, above = bands(misses, self._known, coverage)
        lower, upper = told + below, told + above
        return (lower if self._signed[row] else np.maximum(lower, 0.0)), upper, counted

    def errors(
        self, row: int, told: Values, lower: Values | None = None, upper: Values | None = None
    ) -> Errors | None:
        """The errors of what was foretold of a series; None where no truth is known."""
        truths, size = self.rolled.truths[row], self.sizes[row]
        compared = np.isfinite(told) & np.isfinite(truths)
        if not (count := int(compared.sum())):
            return None
        missed = np.abs(told - truths)[compared]
        total, mae = float(np.abs(truths[compared]).sum()), float(missed.mean())
        inside = np.nan
        if lower is not None and upper is not None:
            banded = compared & np.isfinite(lower)
            held = (truths >= lower) & (truths <= upper)
            inside = float(held[banded].mean()) if banded.any() else np.nan
        return Errors(
            wape=float(missed.sum()) / total if total else np.nan,
            mase=mae / self._repeated[row] if self._repeated[row] else np.nan,
            mae=mae * size,
            coverage=inside,
            origins=int(compared.any(axis=1).sum()),
            count=count,
        )


def _repeated(values: Values, seasons: Sequence[int]) -> float:
    """The mean absolute error of the seasonal naive method, one season ahead, of the season it fits best."""
    if len(values) < 2:
        return 0.0
    lags = [season for season in seasons if 2 * season <= len(values)] or [1]
    return min(float(np.abs(values[lag:] - values[:-lag]).mean()) for lag in lags)


def _named(
    weights: Values, pool: Sequence[pb.ForecastMethod]
) -> tuple[pb.ForecastMethod, tuple[pb.ForecastMethod, ...]]:
    members = [pool[place] for place in np.argsort(-weights, kind="stable") if weights[place] > 0]
    return (members[0], ()) if len(members) == 1 else (MEAN, tuple(members))


def _usual_length(many: Sequence[Values]) -> int:
    return int(np.median([len(values) for values in many]))
