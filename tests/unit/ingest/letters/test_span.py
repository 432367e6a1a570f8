from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.ingest.letters.span import LAST_END, Span, day_of, span
from services.kit.errors import Invalid
from tidemark.v1.question_pb2 import CalendarRange, Interval, TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 30, 10, 30, tzinfo=UTC)
"""A Monday; the day before, the clock in Berlin skipped an hour."""


def read(asked: TimeRange) -> Span:
    return span(asked, BERLIN, NOW, "at")


def calendar(unit: Interval.Unit, count: int = 0, ago: int = 0) -> Span:
    return read(TimeRange(calendar=CalendarRange(unit=unit, count=count, ago=ago)))


def test_a_range_goes_from_its_start_to_its_end_or_on_for_ever() -> None:
    start, end = Timestamp(seconds=10, nanos=1500), Timestamp(seconds=20)
    first = datetime(1970, 1, 1, 0, 0, 10, 1, tzinfo=UTC)
    assert read(TimeRange(start=start, end=end)) == (first, datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC))
    assert read(TimeRange(start=start)) == (first, LAST_END)


def test_the_last_so_long_ends_now() -> None:
    assert read(TimeRange(last=Duration(seconds=90))) == (NOW - timedelta(seconds=90), NOW)


def test_units_of_the_calendar_begin_where_the_zone_says() -> None:
    yesterday = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert calendar(Interval.UNIT_DAY, ago=1) == yesterday
    assert calendar(Interval.UNIT_DAY) == (yesterday[1], NOW)
    assert calendar(Interval.UNIT_HOUR, count=2) == (datetime(2026, 3, 30, 9, tzinfo=UTC), NOW)
    assert calendar(Interval.UNIT_WEEK, ago=1) == (datetime(2026, 3, 22, 23, tzinfo=UTC), yesterday[1])
    assert calendar(Interval.UNIT_MONTH, count=3, ago=1) == (
        datetime(2025, 11, 30, 23, tzinfo=UTC),
        datetime(2026, 2, 28, 23, tzinfo=UTC),
    )


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    assert day_of(NOW, BERLIN) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert day_of(NOW - timedelta(days=1), BERLIN) == datetime(2026, 3, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (TimeRange(), "at"),
        (TimeRange(end=Timestamp(seconds=5)), "at.start"),
        (TimeRange(start=Timestamp(seconds=5), end=Timestamp(seconds=5)), "at.end"),
        (TimeRange(start=Timestamp(seconds=-5)), "at.start"),
        (TimeRange(start=Timestamp(seconds=5), end=Timestamp(seconds=1 << 40)), "at.end"),
        (TimeRange(start=Timestamp(seconds=5), last=Duration(seconds=5)), "at.last"),
        (TimeRange(last=Duration(seconds=5), calendar=CalendarRange()), "at.calendar"),
        (TimeRange(last=Duration()), "at.last"),
        (TimeRange(last=Duration(seconds=1 << 40)), "at.last"),
        (TimeRange(calendar=CalendarRange(unit=Interval.UNIT_SECOND)), "at.calendar.unit"),
        (TimeRange(calendar=CalendarRange(unit=Interval.UNIT_DAY, count=-1)), "at.calendar.count"),
        (TimeRange(calendar=CalendarRange(unit=Interval.UNIT_DAY, ago=5001)), "at.calendar.ago"),
    ],
)
def test_what_is_no_range_is_refused_by_name(asked: TimeRange, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(asked)
    assert caught.value.field == field
