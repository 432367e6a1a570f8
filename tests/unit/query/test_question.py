from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.question import MAX_VALUES, Events, Series, named, read, span
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 2, 12, 34, 56, 789_000, tzinfo=UTC)
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)


def series(**others: object) -> q.Query:
    found = q.Query(series=q.SeriesQuestion(**{"measures": [COUNT], **others}))
    found.time_range.last.FromTimedelta(timedelta(hours=1))
    return found


def readable(query: q.Query) -> Series:
    found = read(query, "UTC", NOW)
    assert isinstance(found, Series)
    return found


def fault(query: q.Query) -> str:
    with pytest.raises(Invalid) as caught:
        read(query, "UTC", NOW)
    return caught.value.field


def test_a_relative_range_ends_with_the_minute_under_way_and_is_as_long_as_asked() -> None:
    found = readable(series(interval=q.Interval(unit=q.Interval.UNIT_MINUTE)))
    assert found.span.end == datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
    assert found.span.length == timedelta(hours=1)
    assert len(found.edges) == 61


def test_a_relative_range_in_seconds_ends_with_the_second_under_way() -> None:
    query = series(interval=q.Interval(unit=q.Interval.UNIT_SECOND))
    query.time_range.last.FromTimedelta(timedelta(seconds=30))
    assert readable(query).span.end == datetime(2026, 3, 2, 12, 34, 57, tzinfo=UTC)


def test_a_range_given_by_its_ends_is_kept_to_the_microsecond() -> None:
    query = series()
    query.time_range.Clear()
    query.time_range.start.FromDatetime(NOW - timedelta(hours=2))
    query.time_range.end.FromDatetime(NOW - timedelta(hours=1))
    assert readable(query).span.start == NOW - timedelta(hours=2)
    assert readable(query).span.end == NOW - timedelta(hours=1)


def test_measures_are_named_by_letters_and_the_top_is_ten() -> None:
    found = readable(
        series(measures=[COUNT, q.Measure(aggregation=q.AGGREGATION_UNIQUES)], group_by=["name"])
    )
    assert [measure.id for measure in found.measures] == ["A", "B"]
    assert found.top == 10
    assert found.measures[1].field is not None
    assert found.measures[1].field.path == "user_id"


def test_days_begin_in_the_zone_of_the_question_else_of_the_project() -> None:
    query = series(interval=q.Interval(unit=q.Interval.UNIT_DAY))
    found = read(query, "Asia/Kolkata", NOW)
    assert isinstance(found, Series)
    assert found.edges[0] == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    query.time_zone = "UTC"
    found = read(query, "Asia/Kolkata", NOW)
    assert isinstance(found, Series)
    assert found.edges[0] == datetime(2026, 3, 2, tzinfo=UTC)


def test_events_are_read_with_their_filter() -> None:
    query = q.Query(events=q.EventsQuestion())
    query.time_range.last.FromTimedelta(timedelta(minutes=5))
    assert isinstance(read(query, "UTC", NOW), Events)


def measure(**fields: object) -> q.Query:
    return series(measures=[COUNT, q.Measure(id="m", **fields)])


SUM, UNIQUES, QUANTILE = q.AGGREGATION_SUM, q.AGGREGATION_UNIQUES, q.AGGREGATION_QUANTILE
EVENTS, METRICS = q.SOURCE_EVENTS, q.SOURCE_METRICS


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (series(measures=[]), "query.series.measures"),
        (series(measures=[COUNT] * 11), "query.series.measures"),
        (measure(), "query.series.measures[1].aggregation"),
        (measure(aggregation=99), "query.series.measures[1].aggregation"),
        (measure(aggregation=1, source=9), "query.series.measures[1].source"),
        (measure(aggregation=1, source=METRICS), "query.series.measures[1].name"),
        (measure(aggregation=1, name="x" * 201), "query.series.measures[1].name"),
        (measure(aggregation=1, name="\0"), "query.series.measures[1].name"),
        (measure(aggregation=1, field="name"), "query.series.measures[1].field"),
        (measure(aggregation=SUM), "query.series.measures[1].field"),
        (measure(aggregation=SUM, field="user_id"), "query.series.measures[1].field"),
        (measure(aggregation=SUM, field="user"), "query.series.measures[1].field"),
        (
            measure(aggregation=SUM, source=METRICS, name="m", field="tags.x"),
            "query.series.measures[1].field",
        ),
        (
            measure(aggregation=QUANTILE, field="properties.x", quantile=1.1),
            "query.series.measures[1].quantile",
        ),
        (
            measure(aggregation=QUANTILE, field="properties.x", quantile=float("nan")),
            "query.series.measures[1].quantile",
        ),
        (series(measures=[COUNT, q.Measure(id="A", aggregation=1)]), "query.series.measures[1].id"),
        (series(group_by=["name"] * 4), "query.series.group_by"),
        (series(group_by=["name", "tags.x"]), "query.series.group_by[1]"),
        (series(group_by=["occurred_at"]), "query.series.group_by[0]"),
        (series(top=101), "query.series.top"),
        (series(top=-1), "query.series.top"),
        (series(fill=9), "query.series.fill"),
        (series(compare=9), "query.series.compare"),
        (series(interval=q.Interval()), "query.series.interval.unit"),
        (series(interval=q.Interval(unit=q.Interval.UNIT_WEEK, count=2)), "query.series.interval.count"),
        (series(interval=q.Interval(unit=q.Interval.UNIT_HOUR, count=-1)), "query.series.interval.count"),
        (q.Query(time_zone="Mars/Olympus"), "query.time_zone"),
        (q.Query(time_zone="../../etc/passwd"), "query.time_zone"),
        (q.Query(time_zone="America"), "query.time_zone"),
        (q.Query(), "query"),
    ],
)
def test_what_is_wrong_is_named(query: q.Query, field: str) -> None:
    assert fault(query) == field


def between(start: int, end: int, nanos: int = 0) -> q.TimeRange:
    found = q.TimeRange()
    found.start.seconds, found.end.seconds, found.start.nanos = start, end, nanos
    return found


def last(seconds: int) -> q.TimeRange:
    found = q.TimeRange()
    found.last.seconds = seconds
    return found


def both() -> q.TimeRange:
    found = between(1, 2)
    found.last.seconds = 1
    return found


def only_end() -> q.TimeRange:
    found = q.TimeRange()
    found.end.seconds = 1
    return found


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (q.TimeRange(), "time_range"),
        (only_end(), "time_range.start"),
        (both(), "time_range.last"),
        (last(0), "time_range.last"),
        (last(-5), "time_range.last"),
        (last(10**11), "time_range.last"),
        (between(5, 5), "time_range.end"),
        (between(-1, 5), "time_range.start"),
        (between(1, 10**11), "time_range.end"),
        (between(1, 5, nanos=-1), "time_range.start"),
        (between(1, 5, nanos=10**9), "time_range.start"),
    ],
)
def test_a_range_that_is_none_is_refused(asked: q.TimeRange, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        span(asked, NOW, "time_range")
    assert caught.value.field == field


def test_an_answer_too_large_to_send_is_refused_before_it_is_read() -> None:
    query = series(
        group_by=["name"], top=100, measures=[q.Measure(id=str(i), aggregation=1) for i in range(10)]
    )
    query.series.interval.unit = q.Interval.UNIT_SECOND
    assert fault(query) == "query.series.interval"
    query.series.interval.unit = q.Interval.UNIT_MINUTE
    assert len(readable(query).edges) * 10 * 101 < MAX_VALUES


@given(st.binary(max_size=200))
def test_no_request_that_can_be_parsed_is_more_than_invalid(data: bytes) -> None:
    with suppress(DecodeError, Invalid):
        read(q.Query.FromString(data), "UTC", NOW)


def test_a_question_is_changed_by_the_names_it_asks_for_alone() -> None:
    one, two = (q.Measure(aggregation=q.AGGREGATION_COUNT, name=name) for name in ("signup", "login"))
    assert named(readable(series(measures=[one, two]))) == {"signup", "login"}
    assert named(readable(series(measures=[one, COUNT]))) is None
    everything = q.Query(events=q.EventsQuestion())
    everything.time_range.last.FromTimedelta(timedelta(hours=1))
    assert named(read(everything, "UTC", NOW)) is None
