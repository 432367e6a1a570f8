"""The answer to a request: series of query and what is `Asked` come in, a response of the contract goes out. Pure, and the part that
takes time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from services.insights.forecast import past, pool, season
from services.insights.forecast.past import Past
from services.insights.forecast.request import Asked
from services.insights.forecast.season import Values
from services.insights.series import Missing, Series, series_of
from services.kit.calendar import Span, Step, edges
from services.kit.errors import Invalid
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1.query_pb2 import RunQueryResponse
from tidemark.v1.question_pb2 import Interval, Query

SEED = 1
USUAL_HORIZON = 10
"""Where there is no season."""
_DAY = 86_400
_LEAST_MONTH = 28 * _DAY

Told = TypeVar("Told", pb.SeriesForecast, pb.SeriesBacktest)


def forecast(answer: RunQueryResponse, query: Query, asked: Asked, zone: ZoneInfo) -> pb.ForecastResponse:
    """How the series of an answer go on; raises `Missing` where none of them can be told.

    Series beside it that cannot are there with a note and without values.
    """
    lines, pasts = _pasts(answer, query, asked)
    known = [each for each in pasts if isinstance(each, Past)]
    seasons = _seasons([each.values for each in known], lines[0])
    horizon = asked.horizon or min(seasons, default=USUAL_HORIZON)
    found = iter(
        pool.forecasts(
            [each.values for each in known],
            seasons,
            horizon,
            asked.coverage,
            SEED,
            methods=asked.methods,
            truths=[each.known for each in known],
        )
    )
    response = pb.ForecastResponse(metadata=answer.metadata)
    for start in _next(lines[0], query, zone, horizon):
        response.bucket_starts.add().FromDatetime(start)
    for line, each in zip(lines, pasts):
        if isinstance(each, Past):
            response.series.append(_forecast(line, each, next(found), seasons))
        else:
            response.series.append(_labelled(pb.SeriesForecast(unit=line.unit, notes=[str(each)]), line))
    return response


def backtest(answer: RunQueryResponse, query: Query, asked: Asked) -> pb.BacktestResponse:
    """How the series of an answer would have been forecast; raises `Missing` where one of them cannot be told."""
    lines, pasts = _pasts(answer, query, asked)
    known = [each for each in pasts if isinstance(each, Past)]
    for each in pasts:
        if isinstance(each, Missing):
            raise each
    seasons = _seasons([each.values for each in known], lines[0])
    horizon = asked.horizon or min(seasons, default=USUAL_HORIZON)
    step = asked.step or horizon
    needed = pool.least(horizon, asked.origins, step)
    for line, each in zip(lines, known):
        if len(each.values) < needed:
            raise Missing(
                "SERIES_TOO_SHORT",
                f"{line.subject} has {len(each.values)} values; {asked.origins} instants {step} buckets apart, {horizon}"
                f" buckets ahead, need {needed}: ask for a longer time range, fewer origins or a shorter horizon",
            )
    # Seasons as well are those that were known at the first instant.
    first = horizon + step * (asked.origins - 1)
    seasons = _seasons([each.values[:-first] for each in known], lines[0])
    found = pool.backtests(
        [each.values for each in known],
        seasons,
        horizon,
        asked.coverage,
        SEED,
        origins=asked.origins,
        step=step,
        methods=asked.methods,
        truths=[each.known for each in known],
    )
    made = [_backtest(line, each) for line, each in zip(lines, found)]
    return pb.BacktestResponse(metadata=answer.metadata, series=made)


def _pasts(answer: RunQueryResponse, query: Query, asked: Asked) -> tuple[list[Series], list[Past | Missing]]:
    """The series of an answer, and what can be learnt from of each, or what it misses."""
    lines = series_of(answer, query)
    if len(lines) > asked.most:
        raise Invalid("query", f"has {len(lines)} series; ask for at most {asked.most}, by top or a filter")
    if not lines:
        raise Missing(
            "SERIES_EMPTY", "the answer has no series; ask for a longer time range or another filter"
        )
    # The first bucket is not whole where the range begins within it.
    start = answer.metadata.time_range.start.ToMicroseconds()
    first = int(len(lines[0].starts) > 0 and lines[0].starts[0] < np.datetime64(start, "us"))
    found: list[Past | Missing] = []
    for line in lines:
        try:
            found.append(past.of(line.subject, line.values[first:], max(line.complete - first, 0)))
        except Missing as reason:
            found.append(reason)
    missing = [each for each in found if isinstance(each, Missing)]
    if len(missing) == len(found):
        raise missing[0]
    return lines, found


def _seasons(many: Sequence[Values], line: Series) -> tuple[int, ...]:
    return season.find(many, season.usual(line.seconds))


def _forecast(line: Series, before: Past, found: pool.Forecast, seasons: Sequence[int]) -> pb.SeriesForecast:
    notes = list(before.notes)
    if found.error is None:
        notes.append(
            f"{len(before.values)} values are too few to measure an error so far ahead; there is no band"
        )
    made = pb.SeriesForecast(
        unit=line.unit,
        values=found.values,
        lower=found.lower,
        upper=found.upper,
        method=found.method,
        members=found.members,
        seasons=seasons,
        error=_error(found.error),
        baseline=_error(found.baseline),
        notes=notes,
    )
    return _labelled(made, line)


def _backtest(line: Series, found: pool.Backtest) -> pb.SeriesBacktest:
    made = pb.SeriesBacktest(
        error=_error(found.error),
        baseline=_error(found.baseline),
        methods=[pb.MethodError(method=method, error=_error(error)) for method, error in found.methods],
    )
    starts = line.starts.astype(np.int64)
    for i, back in enumerate(found.backs):
        origin = line.complete - int(back)
        for j, value in enumerate(found.values[i]):
            if np.isfinite(value) and np.isfinite(found.truths[i, j]):
                point = made.points.add(
                    value=value, lower=found.lower[i, j], upper=found.upper[i, j], truth=found.truths[i, j]
                )
                point.origin.FromMicroseconds(int(starts[origin]))
                point.bucket_start.FromMicroseconds(int(starts[origin + j]))
    return _labelled(made, line)


def _labelled(made: Told, line: Series) -> Told:
    made.measure_id, made.other = line.measure_id, line.other
    made.group.extend(line.group)
    return made


def _error(errors: pool.Errors | None) -> pb.ForecastError | None:
    if errors is None:
        return None
    return pb.ForecastError(
        wape=errors.wape,
        mase=errors.mase,
        mae=errors.mae,
        coverage=errors.coverage,
        origins=errors.origins,
        count=errors.count,
    )


def _next(line: Series, query: Query, zone: ZoneInfo, horizon: int) -> Iterator[datetime]:
    """When the buckets after the last finished one begin."""
    last = datetime.fromtimestamp(int(line.starts[line.complete - 1].astype(np.int64)) / 1e6, UTC)
    step = _step(line, query)
    # A month has 31 days at most, and a day 25 hours.
    end = last + (horizon + 2) * timedelta(
        seconds=max(line.seconds + 3600, 32 * _DAY * (step.unit == Interval.UNIT_MONTH))
    )
    if step.seconds:
        yield from (last + timedelta(seconds=step.seconds * i) for i in range(1, horizon + 1))
    else:
        yield from edges(Span(last, end), step, zone, horizon + 1)[1:]


def _step(line: Series, query: Query) -> Step:
    interval = query.series.interval
    if interval.unit:
        return Step(interval.unit, max(interval.count, 1))
    if line.seconds >= _LEAST_MONTH:
        return Step(Interval.UNIT_MONTH, 1)
    if query.HasField("window") or line.seconds % _DAY:
        return Step(Interval.UNIT_SECOND, line.seconds)
    return (
        Step(Interval.UNIT_WEEK, 1)
        if line.seconds == 7 * _DAY
        else Step(Interval.UNIT_DAY, line.seconds // _DAY)
    )
