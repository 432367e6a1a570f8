"""Requests of InsightService are refused with the field at fault; indicators have the question of their kind."""

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.insights.findings import indicator, request, search
from services.insights.series import Series, series_of
from services.kit.errors import Invalid
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def named(**changes: Any) -> pb.Indicator:
    series = q.SeriesQuestion(measures=[q.Measure(aggregation=q.AGGREGATION_COUNT, name="paid")])
    good = {"kind": pb.Indicator.KIND_NAMED, "good_direction": pb.DIRECTION_UP, "series": series}
    return pb.Indicator(**good | changes)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (pb.Indicator(), "indicator.kind"),
        (pb.Indicator(kind=pb.Indicator.KIND_RESPONSE_TIME), "indicator.subject"),
        (
            pb.Indicator(kind=pb.Indicator.KIND_ERROR_RATE, good_direction=pb.DIRECTION_UP),
            "indicator.good_direction",
        ),
        (pb.Indicator(kind=pb.Indicator.KIND_RETENTION, interval=q.Interval.UNIT_HOUR), "indicator.interval"),
        (
            pb.Indicator(kind=pb.Indicator.KIND_THROUGHPUT, interval=q.Interval.UNIT_MONTH),
            "indicator.interval",
        ),
        (pb.Indicator(kind=pb.Indicator.KIND_THROUGHPUT, threshold=math.nan), "indicator.threshold"),
        (
            pb.Indicator(kind=pb.Indicator.KIND_THROUGHPUT, value_per_unit=math.inf),
            "indicator.value_per_unit",
        ),
        (pb.Indicator(kind=pb.Indicator.KIND_THROUGHPUT, series=q.SeriesQuestion()), "indicator.series"),
        (named(good_direction=0), "indicator.good_direction"),
        (named(series=q.SeriesQuestion()), "indicator.series.measures"),
        (
            named(series=q.SeriesQuestion(measures=[q.Measure()], group_by=["name"])),
            "indicator.series.group_by",
        ),
        (named(subject="x"), "indicator.subject"),
        (named(display_name="x" * 101), "indicator.display_name"),
    ],
)
def test_an_indicator_that_cannot_be_is_refused(given: pb.Indicator, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        indicator.read(given)
    assert caught.value.field == field


def test_each_kind_of_indicator_has_its_question() -> None:
    rate = indicator.question(indicator.read(pb.Indicator(kind=pb.Indicator.KIND_ERROR_RATE, subject="pay")))
    assert [each.name for each in rate.series.measures] == ["pay", "pay"]
    assert rate.series.formulas[0].expression == "A / B * 100"
    assert rate.series.interval.unit == q.Interval.UNIT_HOUR
    back = indicator.question(indicator.read(pb.Indicator(kind=pb.Indicator.KIND_RETENTION)))
    assert back.retention.period == q.Interval.UNIT_WEEK
    slow = indicator.question(
        indicator.read(pb.Indicator(kind=pb.Indicator.KIND_RESPONSE_TIME, subject="rt"))
    )
    assert (slow.series.measures[0].source, slow.series.measures[0].quantile) == (q.SOURCE_METRICS, 0.95)
    own = indicator.question(indicator.read(named(interval=q.Interval.UNIT_DAY)))
    assert own.series.interval.unit == q.Interval.UNIT_DAY


def test_beyond_is_against_the_good_direction() -> None:
    up = indicator.read(named(threshold=10))
    assert indicator.beyond(up, 9)
    assert not indicator.beyond(up, 10)
    assert not indicator.beyond(up, math.nan)
    down = indicator.read(named(threshold=10, good_direction=pb.DIRECTION_DOWN))
    assert indicator.beyond(down, 11)
    assert not indicator.beyond(indicator.read(named()), 11)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"types": [9]}, "types[0]"),
        ({"states": [1, 8]}, "states[1]"),
        ({"least_severity": 7}, "least_severity"),
        ({"cause": 7}, "cause"),
        ({"order": 7}, "order"),
        ({"search": "x" * 201}, "search"),
        ({"search": "\0"}, "search"),
        ({"time_range": q.TimeRange()}, "time_range"),
    ],
)
def test_a_list_that_cannot_be_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        request.wanted(pb.ListInsightsRequest(**changes), ZONE, NOW)
    assert caught.value.field == field


def test_a_list_shows_what_is_open_unless_it_says_otherwise() -> None:
    wanted = request.wanted(pb.ListInsightsRequest(search="Sign"), ZONE, NOW)
    assert wanted.states == [pb.Insight.STATE_OPEN, pb.Insight.STATE_ACKNOWLEDGED]
    assert wanted.search == "sign"
    assert not wanted.newest


def test_a_cursor_is_what_the_server_gave() -> None:
    assert request.change(request.cursor(42)) == 42
    for bad in ("x", "-", request.cursor(42) + "A", "LTE"):
        with pytest.raises(Invalid):
            request.change(bad)


def test_feedback_says_something() -> None:
    for given in (pb.GiveFeedbackRequest(), pb.GiveFeedbackRequest(feedback=9)):
        with pytest.raises(Invalid):
            request.feedback(given)
    assert request.feedback(pb.GiveFeedbackRequest(feedback=pb.FEEDBACK_CONFIRMED)) == pb.FEEDBACK_CONFIRMED


def answer(values: list[float]) -> tuple[list[Series], q.Query]:
    query = q.Query()
    query.series.measures.add(id="A", name="signup", aggregation=q.AGGREGATION_COUNT)
    query.series.interval.unit = q.Interval.UNIT_HOUR
    response = query_pb2.RunQueryResponse()
    for place in range(len(values)):
        response.series.bucket_starts.add(seconds=1_772_000_000 // 3600 * 3600 + 3600 * place)
    response.series.series.add(measure_id="A", values=values)
    response.metadata.watermark.seconds = 4_000_000_000
    return series_of(response, query), query


def run(detector: pb.Detector, values: list[float]) -> search.Searched:
    series, query = answer(values)
    asked = search.asked(pb.RunDetectorRequest(query=query, detector=detector))
    return search.found(series, asked, query, ZONE, NOW)


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [7.0] * 200, [math.nan] * 200, [0.0] * 300],
    ids=["empty", "one", "constant", "nan", "zero"],
)
def test_series_that_cannot_be_searched_say_what_is_missing(values: list[float]) -> None:
    for detector in (
        pb.Detector(anomaly=pb.AnomalyDetector()),
        pb.Detector(anomaly=pb.AnomalyDetector(mode=pb.AnomalyDetector.MODE_BATCH)),
        pb.Detector(trend=pb.TrendDetector()),
    ):
        result = run(detector, values)
        assert not result.insights
        assert result.searched == 0
        assert result.missing is not None
        assert result.missing[0].startswith("SERIES_")


def test_a_trend_is_told_in_words() -> None:
    values = [100 + 2 * place + (place * 7919 % 13) for place in range(120)]
    result = run(pb.Detector(trend=pb.TrendDetector()), [float(each) for each in values])
    [insight] = result.insights
    assert insight.title.startswith("signup rose by ")
    assert insight.direction == pb.DIRECTION_UP
    assert not insight.name
    assert not insight.HasField("expire_time")
    assert len(insight.evidence.series[0].values) == 120


@pytest.mark.parametrize(
    ("detector", "field"),
    [
        (pb.Detector(), "detector.anomaly"),
        (pb.Detector(trend=pb.TrendDetector(), false_discovery_rate=0.6), "detector.false_discovery_rate"),
        (
            pb.Detector(correlation=pb.CorrelationDetector(largest_lag=201)),
            "detector.correlation.largest_lag",
        ),
        (pb.Detector(impact=pb.ImpactDetector()), "detector.impact.at"),
        (pb.Detector(anomaly=pb.AnomalyDetector(mode=9)), "detector.anomaly.mode"),
    ],
)
def test_a_detector_that_cannot_be_is_refused(detector: pb.Detector, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        run(detector, [1.0])
    assert caught.value.field == field
