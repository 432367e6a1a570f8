from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span, Step, ceil, edges, fitting, floor
from tidemark.v1.question_pb2 import Interval

ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
            "America/Havana", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Cairo",
        )
    ]
)  # fmt: skip
INSTANTS = st.integers(5 * 365 * 86_400, 68 * 365 * 86_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
) | st.just(datetime(2026, 3, 29, 0, 59, 59, 999_999, UTC))
CALENDAR = st.sampled_from(
    [
        Step(Interval.UNIT_DAY, 1),
        Step(Interval.UNIT_DAY, 3),
        Step(Interval.UNIT_WEEK, 1),
        Step(Interval.UNIT_MONTH, 1),
    ]
)
FIXED = st.builds(
    Step,
    st.sampled_from([Interval.UNIT_SECOND, Interval.UNIT_MINUTE, Interval.UNIT_HOUR]),
    st.integers(1, 100),
)
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))


@given(INSTANTS, LENGTHS, CALENDAR, ZONES)
def test_buckets_cover_the_span_without_gap_or_overlap(
    start: datetime, length: timedelta, step: Step, zone: ZoneInfo
) -> None:
    span = Span(start, start + length)
    found = edges(span, step, zone, 1000)
    assert found[0] <= span.start < found[1]
    assert found[-2] < span.end <= found[-1]
    assert all(a < b for a, b in pairwise(found))


@given(INSTANTS, LENGTHS, CALENDAR, ZONES)
def test_days_begin_with_the_first_instant_of_their_date(
    start: datetime, length: timedelta, step: Step, zone: ZoneInfo
) -> None:
    for edge in edges(Span(start, start + length), step, zone, 1000):
        here, before = edge.astimezone(zone), (edge - timedelta(microseconds=1)).astimezone(zone)
        assert here.date() > before.date()
        if step.unit == Interval.UNIT_WEEK and here.hour == 0:
            assert here.weekday() == 0
        if step.unit == Interval.UNIT_MONTH and here.hour == 0:
            assert here.day == 1


@given(INSTANTS, st.timedeltas(timedelta(seconds=1), timedelta(hours=3)), FIXED)
def test_fixed_buckets_are_multiples_of_their_width(start: datetime, length: timedelta, step: Step) -> None:
    found = edges(Span(start, start + length), step, ZoneInfo("Asia/Kolkata"), 20_000)
    assert {b - a for a, b in pairwise(found)} == {timedelta(seconds=step.seconds)}
    assert all(edge.timestamp() % step.seconds == 0 for edge in found)
    assert found[0] <= start < found[1]


@given(INSTANTS, LENGTHS, CALENDAR, ZONES)
def test_the_buckets_of_a_part_are_among_those_of_the_whole(
    start: datetime, length: timedelta, step: Step, zone: ZoneInfo
) -> None:
    whole = edges(Span(start, start + length), step, zone, 1000)
    part = edges(Span(start + length / 2, start + length), step, zone, 1000)
    assert whole[-len(part) :] == part


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, hours: float) -> None:
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
    start, end = edges(
        Span(noon, noon + timedelta(seconds=1)), Step(Interval.UNIT_DAY, 1), ZoneInfo(zone), 10
    )
    assert (end - start) == timedelta(hours=hours)


def test_a_day_that_a_zone_left_out_has_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")
    span = Span(datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, 8, tzinfo=UTC))
    dates = [edge.astimezone(apia).date().day for edge in edges(span, Step(Interval.UNIT_DAY, 1), apia, 10)]
    assert dates == [29, 31, 1, 2]


def test_no_more_buckets_are_made_than_allowed() -> None:
    span = Span(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
    assert len(edges(span, Step(Interval.UNIT_SECOND, 1), ZoneInfo("UTC"), 100)) == 100


@given(INSTANTS, st.integers(1, 86_400))
def test_floor_and_ceil_are_the_neighbouring_multiples(instant: datetime, seconds: int) -> None:
    low, high = floor(instant, seconds), ceil(instant, seconds)
    assert low <= instant <= high
    assert high - low in (timedelta(0), timedelta(seconds=seconds))
    assert low.timestamp() % seconds == 0


@given(st.timedeltas(timedelta(minutes=1), timedelta(days=5000)))
def test_the_width_chosen_gives_30_to_300_buckets(length: timedelta) -> None:
    start = datetime(2020, 5, 5, 5, 5, 5, tzinfo=UTC)
    buckets = len(edges(Span(start, start + length), fitting(length), ZoneInfo("UTC"), 1000)) - 1
    assert 30 <= buckets <= 302


def test_spans_that_only_touch_do_not_overlap() -> None:
    a, b, c = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    assert not Span(a, b).overlaps(Span(b, c))
    assert Span(a, c).overlaps(Span(b, c))
