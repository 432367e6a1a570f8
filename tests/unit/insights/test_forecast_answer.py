"""From the answer of query to the answer of ForecastService."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.insights.forecast import answer
from services.insights.forecast import request as read
from services.insights.series import Missing
from services.kit.errors import Invalid
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as q

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")


def asked(unit: q.Interval.Unit = q.Interval.UNIT_HOUR) -> q.Query:
    measure = q.Measure(id="A", name="order", aggregation=q.AGGREGATION_COUNT)
    return q.Query(series=q.SeriesQuestion(measures=[measure], interval=q.Interval(unit=unit)))


def answered(*lines: np.ndarray, step: timedelta = HOUR, unfinished: int = 0) -> query_pb2.RunQueryResponse:
    made = query_pb2.RunQueryResponse()
    starts = [START + step * i for i in range(len(lines[0]))] if lines else []
    for start in starts:
        made.series.bucket_starts.add().FromDatetime(start)
    for i, values in enumerate(lines):
        made.series.series.add(measure_id="A", group=[f"g{i}"], values=values)
    end = START + step * (len(starts) - unfinished)
    made.metadata.time_range.start.FromDatetime(START)
    made.metadata.time_range.end.FromDatetime(START + step * len(starts))
    made.metadata.watermark.FromDatetime(end)
    return made


def daily(count: int) -> np.ndarray:
    return 50 + 20 * np.sin(2 * np.pi * np.arange(count) / 24)


def forecast(
    response: query_pb2.RunQueryResponse, query: q.Query, zone: str = "UTC", **fields
) -> pb.ForecastResponse:
    request = pb.ForecastRequest(query=query, method=pb.FORECAST_METHOD_ETS, **fields)
    return answer.forecast(response, query, read.forecast(request), ZoneInfo(zone))


def test_a_forecast_goes_on_after_the_last_finished_bucket() -> None:
    made = forecast(answered(daily(200), unfinished=1), asked(), horizon=3)
    starts = [each.ToDatetime(UTC) for each in made.bucket_starts]
    assert starts == [START + HOUR * (199 + i) for i in range(3)]
    (line,) = made.series
    np.testing.assert_allclose(line.values, daily(202)[199:], rtol=0.05)
    assert line.notes == ["the last bucket is not finished and was left out"]
    assert list(line.seasons) == [24]
    assert line.error.origins
    assert line.baseline.count == line.error.count


def test_without_a_horizon_a_season_is_forecast() -> None:
    assert len(forecast(answered(daily(200)), asked()).bucket_starts) == 24


def test_days_begin_at_midnight_of_the_zone() -> None:
    query = asked(q.Interval.UNIT_DAY)
    response = answered(np.arange(40.0))
    del response.series.bucket_starts[:]
    zone = ZoneInfo("Europe/Berlin")
    for i in range(40):
        day = datetime(2026, 2, 16, tzinfo=zone) + timedelta(days=i)
        response.series.bucket_starts.add().FromDatetime(day.astimezone(UTC))
    end = datetime(2026, 3, 28, tzinfo=zone).astimezone(UTC)
    for each in (response.metadata.time_range.end, response.metadata.watermark):
        each.FromDatetime(end)
    response.metadata.time_range.start.FromDatetime(response.series.bucket_starts[0].ToDatetime(UTC))
    made = forecast(response, query, "Europe/Berlin", horizon=3)
    found = [each.ToDatetime(UTC).astimezone(zone) for each in made.bucket_starts]
    assert [(each.day, each.hour) for each in found] == [(28, 0), (29, 0), (30, 0)]


def test_a_first_bucket_that_is_not_whole_is_not_learnt_from() -> None:
    response = answered(np.concatenate([[1.0], np.full(50, 60.0)]))
    response.metadata.time_range.start.FromDatetime(START + timedelta(minutes=59))
    (line,) = forecast(response, asked(), horizon=2).series
    assert list(line.values) == [60.0, 60.0]
    assert line.error.mae == 0


def test_a_series_beside_others_that_cannot_be_told_says_why() -> None:
    made = forecast(answered(daily(100), np.full(100, np.nan)), asked(), horizon=2)
    assert len(made.series[0].values) == 2
    assert not made.series[1].values
    assert "no value" in made.series[1].notes[0]
    assert list(made.series[1].group) == ["g1"]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answered(), "SERIES_EMPTY"),
        (answered(np.full(10, np.nan)), "SERIES_EMPTY"),
        (answered(np.array([1.0, 2])), "SERIES_TOO_SHORT"),
    ],
)
def test_what_is_missing_is_refused(response: query_pb2.RunQueryResponse, reason: str) -> None:
    with pytest.raises(Missing) as missing:
        forecast(response, asked())
    assert missing.value.reason == reason


def test_too_many_series_are_refused() -> None:
    with pytest.raises(Invalid, match="has 51 series"):
        forecast(answered(*[daily(30)] * 51), asked())


def test_a_back_test_says_when_each_value_was_told() -> None:
    query = asked()
    request = pb.BacktestRequest(query=query, horizon=2, origins=3, step=5)
    made = answer.backtest(answered(daily(300)), query, read.backtest(request))
    (line,) = made.series
    origins = sorted({point.origin.ToDatetime(UTC) for point in line.points})
    assert origins == [START + HOUR * (300 - back) for back in (12, 7, 2)]
    assert line.points[1].bucket_start.ToDatetime(UTC) == origins[0] + HOUR
    assert line.points[0].truth == pytest.approx(daily(300)[288])
    assert len(line.methods) == 6
    assert line.error.count == 6


def test_a_back_test_of_too_short_a_series_says_how_much_is_needed() -> None:
    query = asked()
    with pytest.raises(Missing, match="need 344") as missing:
        answer.backtest(
            answered(daily(100)), query, read.backtest(pb.BacktestRequest(query=query, horizon=24, step=24))
        )
    assert missing.value.reason == "SERIES_TOO_SHORT"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"horizon": -1}, "horizon"),
        ({"horizon": 1_001}, "horizon"),
        ({"coverage": 0.4}, "coverage"),
        ({"coverage": float("nan")}, "coverage"),
        ({"method": 9}, "method"),
        ({"query": q.Query()}, "query"),
        ({"query": q.Query(events=q.EventsQuestion())}, "query"),
    ],
)
def test_requests_are_refused_with_their_field(fields: dict[str, object], field: str) -> None:
    for build, check in ((pb.ForecastRequest, read.forecast), (pb.BacktestRequest, read.backtest)):
        with pytest.raises(Invalid) as refused:
            check(build(**({"query": asked()} | fields)))  # type: ignore[arg-type]
        assert refused.value.field == field


@pytest.mark.parametrize(("name", "value"), [("origins", 61), ("origins", -1), ("step", -1), ("step", 1_001)])
def test_back_tests_have_limits(name: str, value: int) -> None:
    with pytest.raises(Invalid) as refused:
        read.backtest(pb.BacktestRequest(query=asked(), **{name: value}))  # type: ignore[arg-type]
    assert refused.value.field == name
