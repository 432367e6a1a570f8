"""Forecasts: how series go on, with an error measured on their own past; reached as `client.forecasts`, answered by `ForecastService`.

    orders = questions.series("order_placed", interval="hour", last="8w")
    found = await client.forecasts.make(orders, horizon=24)
    print(found.lines[0].values, found.lines[0].error.wape, "beside", found.lines[0].baseline.wape)
    tested = await client.forecasts.backtest(orders, horizon=24, origins=28)

Any question of `questions.series` or `questions.window` can be forecast. A `method` is one of `METHODS`; chosen when left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark.plain import Metadata, Rows, utc
from tidemark.scope import Scope
from tidemark.spelling import chosen
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1 import forecast_pb2_grpc, question_pb2

METHODS = {
    "": pb.FORECAST_METHOD_UNSPECIFIED,
    "naive": pb.FORECAST_METHOD_NAIVE,
    "seasonal naive": pb.FORECAST_METHOD_SEASONAL_NAIVE,
    "ets": pb.FORECAST_METHOD_ETS,
    "theta": pb.FORECAST_METHOD_THETA,
    "linear": pb.FORECAST_METHOD_LINEAR,
    "boosted": pb.FORECAST_METHOD_BOOSTED,
    "mean": pb.FORECAST_METHOD_MEAN,
}
_WORDS = {number: word for word, number in METHODS.items()}


@dataclass(frozen=True, slots=True)
class ForecastError:
    """Errors of forecasts whose truth is known."""

    wape: float
    """Sum of absolute errors over sum of absolute truths."""
    mase: float
    """Mean absolute error over that of the seasonal naive method within the past."""
    mae: float
    coverage: float
    """Share of truths inside of the band."""
    origins: int
    count: int

    @classmethod
    def of(cls, message: pb.ForecastError) -> "ForecastError":
        return cls(message.wape, message.mase, message.mae, message.coverage, message.origins, message.count)


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """One series, and how it goes on; without values where the notes say why."""

    measure: str
    group: tuple[str, ...]
    other: bool
    unit: str
    values: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    method: str
    members: tuple[str, ...]
    seasons: tuple[int, ...]
    error: ForecastError | None
    """Measured on its own past; None where that is too short, and then there is no band."""
    baseline: ForecastError | None
    """Of the seasonal naive method, or the naive one."""
    notes: tuple[str, ...]

    @classmethod
    def of(cls, message: pb.SeriesForecast) -> "ForecastLine":
        return cls(
            measure=message.measure_id,
            group=tuple(message.group),
            other=message.other,
            unit=message.unit,
            values=tuple(message.values),
            lower=tuple(message.lower),
            upper=tuple(message.upper),
            method=_WORDS[message.method],
            members=tuple(_WORDS[member] for member in message.members),
            seasons=tuple(message.seasons),
            error=_error(message, "error"),
            baseline=_error(message, "baseline"),
            notes=tuple(message.notes),
        )

    @property
    def label(self) -> str:
        """What a legend calls it."""
        return _label(self.measure, self.group, self.other)


@dataclass(frozen=True, slots=True)
class Forecast(Rows):
    """When each bucket begins that was forecast, and a line for each series."""

    starts: tuple[datetime, ...]
    lines: tuple[ForecastLine, ...]
    metadata: Metadata

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each bucket of each line."""
        return [
            {
                "start": start,
                "measure": line.measure,
                "group": line.label if line.group or line.other else "",
                "value": line.values[at],
                "lower": line.lower[at] if line.lower else None,
                "upper": line.upper[at] if line.upper else None,
            }
            for line in self.lines
            for at, start in enumerate(self.starts[: len(line.values)])
        ]


@dataclass(frozen=True, slots=True)
class BacktestPoint:
    """One value forecast, and what it became."""

    origin: datetime
    start: datetime
    value: float
    lower: float
    upper: float
    truth: float


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """One series, forecast from earlier instants."""

    measure: str
    group: tuple[str, ...]
    other: bool
    error: ForecastError | None
    baseline: ForecastError | None
    methods: tuple[tuple[str, ForecastError], ...]
    """Every method with its errors, best first."""
    points: tuple[BacktestPoint, ...]

    @classmethod
    def of(cls, message: pb.SeriesBacktest) -> "BacktestLine":
        return cls(
            measure=message.measure_id,
            group=tuple(message.group),
            other=message.other,
            error=_error(message, "error"),
            baseline=_error(message, "baseline"),
            methods=tuple((_WORDS[each.method], ForecastError.of(each.error)) for each in message.methods),
            points=tuple(
                BacktestPoint(
                    utc(each.origin), utc(each.bucket_start), each.value, each.lower, each.upper, each.truth
                )
                for each in message.points
            ),
        )

    @property
    def label(self) -> str:
        """What a legend calls it."""
        return _label(self.measure, self.group, self.other)


@dataclass(frozen=True, slots=True)
class Backtest(Rows):
    """A line for each series."""

    lines: tuple[BacktestLine, ...]
    metadata: Metadata

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each value forecast."""
        return [
            {
                "measure": line.measure,
                "group": line.label if line.group or line.other else "",
                "origin": point.origin,
                "start": point.start,
                "value": point.value,
                "lower": point.lower,
                "upper": point.upper,
                "truth": point.truth,
            }
            for line in self.lines
            for point in line.points
        ]


class Forecasts(Scope):
    """Forecasts of the client's project; needs a key that may read."""

    _service = forecast_pb2_grpc.ForecastServiceStub

    async def make(
        self,
        query: question_pb2.Query,
        *,
        horizon: int = 0,
        coverage: float = 0.0,
        method: str = "",
        as_of: str = "",
    ) -> Forecast:
        """How the series of a question go on for `horizon` buckets, a season if not given; the band holds the share `coverage` of
        the truth, 0.9 if not given. With `metadata.as_of` of an earlier answer it learns from the data as they were then."""
        request = pb.ForecastRequest(
            project=self._project,
            query=query,
            horizon=horizon,
            coverage=coverage,
            method=_method(method),
            as_of=as_of,
        )
        answer = await self._ask(self._stub.Forecast, request)
        return Forecast(
            tuple(utc(start) for start in answer.bucket_starts),
            tuple(ForecastLine.of(each) for each in answer.series),
            Metadata.of(answer.metadata),
        )

    async def backtest(
        self,
        query: question_pb2.Query,
        *,
        horizon: int = 0,
        origins: int = 0,
        step: int = 0,
        coverage: float = 0.0,
        method: str = "",
    ) -> Backtest:
        """How the series of a question would have been forecast from `origins` earlier instants, 14 if not given, `step` buckets
        apart, the horizon if not given."""
        request = pb.BacktestRequest(
            project=self._project,
            query=query,
            horizon=horizon,
            origins=origins,
            step=step,
            coverage=coverage,
            method=_method(method),
        )
        answer = await self._ask(self._stub.Backtest, request)
        return Backtest(tuple(BacktestLine.of(each) for each in answer.series), Metadata.of(answer.metadata))


def _method(word: str) -> pb.ForecastMethod:
    found: pb.ForecastMethod = chosen("method", word, METHODS)  # type: ignore[assignment]
    return found


def _error(message: pb.SeriesForecast | pb.SeriesBacktest, field: str) -> ForecastError | None:
    return ForecastError.of(getattr(message, field)) if message.HasField(field) else None  # type: ignore[arg-type]


def _label(measure: str, group: Sequence[str], other: bool) -> str:
    if other:
        return f"{measure} · other"
    return f"{measure} · {' · '.join(part or '(none)' for part in group)}" if group else measure
