import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.behaviour.happening import (
    BERLIN,
    LATER,
    Event,
    answered,
    by_user,
    happened,
    histories,
    local_day,
    question,
    step,
)  # fmt: skip
from tidemark.v1 import question_pb2 as q

R = q.RetentionQuestion
DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 23, tzinfo=BERLIN)
"""The clock in Berlin is set forward on the Sunday after: that day has 23 hours."""


def asked(start: str = "a", back: str = "b", **others) -> q.Query:
    return q.Query(retention=R(start=step(start), back=step(back), **others))


def run(events: Sequence[Event], days: int = 3, now: datetime = LATER, **others):
    return answered(question(asked(**others), MONDAY, MONDAY + days * DAY), events, now)[0].groups


def daily(*given: tuple[int, str] | tuple[int, str, str]) -> list[Event]:
    """Events by day, at noon."""
    return happened(*((24 * 60 * each[0], *each[1:]) for each in given), start=MONDAY.replace(hour=12))  # type: ignore[misc]


def back(group: q.RetentionGroup) -> list[list[int]]:
    return [list(each.back) for each in group.rows]


EVENTS = daily(
    (0, "a"), (1, "a"), (2, "b"), (4, "b"),
    (0, "a", "bob"), (1, "b", "bob"),
    (1, "a", "cat"), (1, "b", "cat"), (2, "a", "cat"), (3, "b", "cat"),
)  # fmt: skip


def test_who_begins_for_the_first_time_comes_back_in_later_days() -> None:
    [group] = run(EVENTS, periods=3)
    assert [each.people for each in group.rows] == [2, 1, 0]
    assert back(group) == [[2, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert list(group.mean) == [1, 1 / 3, 2 / 3, 0]
    assert [each.start.ToDatetime(BERLIN) for each in group.rows] == [MONDAY + i * DAY for i in range(3)]


def test_everybody_who_begins_in_a_day_belongs_to_it_when_every_start_counts() -> None:
    [group] = run(EVENTS, periods=3, entry=R.START_EVERY)
    assert back(group) == [[2, 1, 1, 0], [2, 1, 1, 1], [1, 1, 0, 0]]


def test_unbounded_means_then_or_later() -> None:
    [group] = run(EVENTS, periods=3, mode=R.MODE_ON_OR_AFTER)
    assert back(group) == [[2, 2, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]]
    [group] = run([*EVENTS, *daily((200, "b", "bob"))], periods=3, mode=R.MODE_ON_OR_AFTER)
    assert back(group)[0] == [2, 2, 2, 2]


def test_the_future_is_left_out_and_what_is_under_way_is_not_complete() -> None:
    [group] = run(EVENTS, periods=3, now=MONDAY.replace(hour=13) + 2 * DAY)
    assert back(group) == [[2, 1, 1], [1, 0], [0]]
    assert [each.complete for each in group.rows] == [2, 1, 0]
    assert list(group.mean[:2]) == [1, 0.5]
    assert math.isnan(group.mean[2])


def test_groups_are_as_when_people_began() -> None:
    plans = ["free", "paid", "paid", "paid", None, "paid", "free", "x", "x", "x"]
    events = [
        Event(each.at, i, each.name, each.user, None, plan)
        for i, (each, plan) in enumerate(zip(EVENTS, plans))
    ]
    found = run(events, periods=1, group_by="properties.plan", top=1)
    assert [(each.group, each.all, each.other, back(each)) for each in found] == [
        ("", True, False, [[2, 1], [1, 0], [0, 0]]),
        ("free", False, False, [[1, 0], [1, 0], [0, 0]]),
        ("", False, True, [[1, 1], [0, 0], [0, 0]]),
    ]


def test_nobody_has_no_mean() -> None:
    [group] = run([], periods=2)
    assert back(group) == [[0, 0, 0]] * 3
    assert all(map(math.isnan, group.mean))


UNITS = {"day": q.Interval.UNIT_DAY, "week": q.Interval.UNIT_WEEK, "month": q.Interval.UNIT_MONTH}


def period(day: date, unit: str) -> int:
    """Counts days, weeks and months without edges."""
    if unit == "month":
        return day.year * 12 + day.month
    return (day.toordinal() - 1) // (7 if unit == "week" else 1)


def expected(
    events: Sequence[Event],
    asked: q.RetentionQuestion,
    unit: str,
    start: datetime,
    end: datetime,
    now: datetime,
) -> list[list[int]]:
    first, last = (period(local_day(at), unit) for at in (start, end - timedelta(microseconds=1)))
    rows = []
    for row in range(first, last + 1):
        counts = [0] * (asked.periods + 1)
        for theirs in by_user(events).values():
            begun = [
                period(local_day(each.at), unit)
                for each in theirs
                if each.name == asked.start.name and start <= each.at < end
            ]
            if row not in (begun if asked.entry == R.START_EVERY else begun[:1]):
                continue
            returns = {
                period(local_day(each.at), unit) - row for each in theirs if each.name == asked.back.name
            }
            if asked.mode == R.MODE_ON_OR_AFTER:
                returns = set(range(1, max([*returns, 0]) + 1))
            for offset in range(asked.periods + 1):
                counts[offset] += not offset or offset in returns
        begun_by_now = [offset for offset in range(asked.periods + 1) if begins(row + offset, unit) < now]
        rows.append([counts[offset] for offset in begun_by_now])
    return rows


def begins(number: int, unit: str) -> datetime:
    if unit == "month":
        year, month = divmod(number - 1, 12)
        return datetime(year, month + 1, 1, tzinfo=BERLIN)
    day = date.fromordinal(number * (7 if unit == "week" else 1) + 1)
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN)


@pytest.mark.parametrize("unit", UNITS)
@given(
    events=histories(timedelta(hours=31), 80, start=MONDAY),
    periods=st.integers(1, 5),
    mode=st.sampled_from([R.MODE_ON, R.MODE_ON_OR_AFTER]),
    entry=st.sampled_from([R.START_FIRST, R.START_EVERY]),
    back=st.sampled_from("ab"),
    days=st.integers(1, 70),
    now=st.integers(0, 130),
    sparse=st.booleans(),
)
def test_it_is_what_counting_one_by_one_finds(
    events, unit, periods, mode, entry, back, days, now, sparse
) -> None:
    start, end = MONDAY + timedelta(hours=30), MONDAY + timedelta(hours=30) + days * DAY
    now_at = MONDAY + now * DAY
    given = asked("a", back, periods=periods, mode=mode, entry=entry, period=UNITS[unit])
    seen = [each for each in events if each.at < now_at]
    asked_for = question(given, start, end, now=now_at)
    [group] = answered(asked_for, seen, now_at, sparse=sparse)[0].groups
    assert [list(each.back) for each in group.rows] == expected(
        seen, given.retention, unit, start, end, now_at
    )
    for i, row in enumerate(group.rows):
        first = period(local_day(start), unit) + i
        assert row.complete == sum(begins(first + o + 1, unit) <= now_at for o in range(periods + 1))


@given(histories(timedelta(hours=20), 60, start=MONDAY), st.integers(1, 3))
def test_groups_are_all_people_together(events: list[Event], top: int) -> None:
    given = asked("a", "b", periods=3, group_by="properties.plan", top=top, entry=R.START_EVERY)
    groups = answered(question(given, MONDAY, MONDAY + 20 * DAY), events)[0].groups
    for i, row in enumerate(groups[0].rows):
        assert list(row.back) == [
            sum(column) for column in zip(*(each.rows[i].back for each in groups[1:]))
        ] or not any(row.back)
