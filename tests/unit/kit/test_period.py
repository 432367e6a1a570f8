from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span, Step, edges
from services.kit.errors import Invalid
from services.kit.period import span
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 2, 12, 34, 56, 789_000, tzinfo=UTC)
UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
HOURS, DAYS, WEEKS, MONTHS = (
    q.Interval.UNIT_HOUR, q.Interval.UNIT_DAY, q.Interval.UNIT_WEEK, q.Interval.UNIT_MONTH,
)  # fmt: skip
INSTANTS = st.integers(946_684_800_000, 2_114_380_800_000).map(
    lambda milliseconds: datetime.fromtimestamp(milliseconds / 1000, UTC)
)


def calendar(unit: q.Interval.Unit, count: int = 0, ago: int = 0) -> q.TimeRange:
    return q.TimeRange(calendar=q.CalendarRange(unit=unit, count=count, ago=ago))


def both_last_and_calendar() -> q.TimeRange:
    found = calendar(DAYS)
    found.last.seconds = 1
    return found


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
        (q.TimeRange(calendar=q.CalendarRange()), "time_range.calendar.unit"),
        (calendar(q.Interval.UNIT_SECOND), "time_range.calendar.unit"),
        (calendar(DAYS, count=-1), "time_range.calendar.count"),
        (calendar(DAYS, ago=5001), "time_range.calendar.ago"),
        (calendar(MONTHS, count=1000), "time_range.calendar.count"),
        (both_last_and_calendar(), "time_range.calendar"),
    ],
)
def test_a_range_that_is_none_is_refused(asked: q.TimeRange, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        span(asked, UTC_ZONE, NOW, "time_range")
    assert caught.value.field == field


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        (calendar(DAYS), "2026-03-30", "2026-03-30T10:16"),
        (calendar(DAYS, ago=1), "2026-03-29", "2026-03-30"),
        (calendar(DAYS, count=2, ago=1), "2026-03-28", "2026-03-30"),
        (calendar(DAYS, count=2), "2026-03-29", "2026-03-30T10:16"),
        (calendar(WEEKS), "2026-03-30", "2026-03-30T10:16"),
        (calendar(WEEKS, count=4, ago=1), "2026-03-02", "2026-03-30"),
        (calendar(MONTHS), "2026-03-01", "2026-03-30T10:16"),
        (calendar(MONTHS, count=3, ago=1), "2025-12-01", "2026-03-01"),
        (calendar(HOURS), "2026-03-30T10:00", "2026-03-30T10:16"),
        (calendar(HOURS, count=24, ago=12), "2026-03-28T22:00", "2026-03-29T23:00"),
    ],
)
def test_units_of_the_calendar_begin_in_the_zone(asked: q.TimeRange, start: str, end: str) -> None:
    found = span(asked, BERLIN, at("2026-03-30T10:15:30"), "time_range")
    assert found == Span(at(start), at(end))


def test_the_day_that_loses_an_hour_is_23_hours_long() -> None:
    assert span(calendar(DAYS, ago=1), BERLIN, at("2026-03-30T10:15"), "t").length == timedelta(hours=23)


def test_a_unit_that_begins_right_now_has_its_first_minute() -> None:
    midnight = at("2026-03-30")
    assert span(calendar(DAYS), BERLIN, midnight, "t") == Span(midnight, midnight + timedelta(minutes=1))
    assert span(calendar(DAYS), BERLIN, midnight, "t", 1) == Span(midnight, midnight + timedelta(seconds=1))


def test_before_a_day_that_the_zone_left_out_comes_the_day_before_it() -> None:
    apia = ZoneInfo("Pacific/Apia")
    found = span(calendar(DAYS, ago=1), apia, at("2011-12-31T12:00", apia), "t")
    assert found == Span(at("2011-12-29", apia), at("2011-12-31", apia))


@given(
    INSTANTS,
    st.sampled_from(
        ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Havana", "Pacific/Apia", "Africa/Cairo"]
    ),
    st.sampled_from([HOURS, DAYS, WEEKS, MONTHS]),
    st.integers(1, 40),
    st.integers(0, 40),
)
def test_a_calendar_range_holds_as_many_whole_buckets_as_it_says(
    now: datetime, name: str, unit: q.Interval.Unit, count: int, ago: int
) -> None:
    zone = ZoneInfo(name)
    found = span(calendar(unit, count, ago), zone, now, "t")
    begins = edges(found, Step(unit, 1), zone, 100)
    assert len(begins) == count + 1
    assert begins[0] == found.start
    assert begins[-1] == found.end if ago else begins[-2] <= now < begins[-1]


@given(INSTANTS, st.sampled_from([1, 60]))
def test_a_range_that_follows_the_clock_ends_with_the_unit_under_way(now: datetime, unit: int) -> None:
    found = span(last(7200), UTC_ZONE, now, "t", unit)
    assert found.length == timedelta(hours=2)
    assert now <= found.end < now + timedelta(seconds=unit)
