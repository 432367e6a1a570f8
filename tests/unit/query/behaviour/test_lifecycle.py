from collections.abc import Sequence
from datetime import datetime, timedelta

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
)
from tests.unit.query.behaviour.test_retention import UNITS, begins, period
from tidemark.v1 import question_pb2 as q

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 23, tzinfo=BERLIN)


def run(
    events: Sequence[Event], days: int = 4, now: datetime = LATER, unit: str = "day", *, sparse: bool = False
):
    asked = q.Query(lifecycle=q.LifecycleQuestion(activity=step("a"), period=UNITS[unit]))
    return answered(question(asked, MONDAY, MONDAY + days * DAY), events, now, sparse=sparse)


def daily(user: str, *days: int) -> list[Event]:
    return happened(*((24 * 60 * day, "a", user) for day in days), start=MONDAY.replace(hour=12))


def states(found: q.LifecycleResult) -> list[tuple[int, ...]]:
    return list(zip(found.new, found.returning, found.resurrecting, found.dormant))


def test_everybody_who_was_there_is_in_one_state_each_day() -> None:
    events = [*daily("ann", 0, 1, 3), *daily("bob", -9, 2), *daily("cat", -1, 0)]
    found, notes = run(events)
    #                         new  ret  res  dormant
    assert states(found) == [(1, 1, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 1, 1)]
    assert [each.ToDatetime(BERLIN) for each in found.starts] == [MONDAY + i * DAY for i in range(4)]
    assert notes == ()


def test_who_was_there_the_day_before_the_range_and_not_in_it_is_dormant_once() -> None:
    assert states(run(daily("ann", -1))[0]) == [(0, 0, 0, 1), (0,) * 4, (0,) * 4, (0,) * 4]


def test_nobody_is_dormant_in_a_day_to_come() -> None:
    found, notes = run(daily("ann", 0), now=MONDAY + timedelta(hours=15))
    assert states(found) == [(1, 0, 0, 0), (0,) * 4, (0,) * 4, (0,) * 4]
    assert notes == ()


def test_a_day_under_way_is_told() -> None:
    _, notes = run(daily("ann", 0), days=1, now=MONDAY + timedelta(hours=15))
    assert notes == ("the last period has not ended yet: who is dormant in it may still come",)


@pytest.mark.parametrize("unit", UNITS)
@given(
    events=histories(timedelta(hours=31), 80, start=MONDAY - 40 * DAY),
    days=st.integers(1, 40),
    sparse=st.booleans(),
)
def test_it_is_what_looking_at_each_person_finds(
    events: list[Event], unit: str, days: int, sparse: bool
) -> None:
    found, _ = run(events, days, unit=unit, sparse=sparse)
    first = period(local_day(MONDAY), unit)
    last = period(local_day(MONDAY + days * DAY - timedelta(microseconds=1)), unit)
    assert [each.ToDatetime(BERLIN) for each in found.starts] == [
        begins(each, unit) for each in range(first, last + 1)
    ]
    expected = []
    for number in range(first, last + 1):
        counts = [0, 0, 0, 0]
        for theirs in by_user(events).values():
            there = {period(local_day(each.at), unit) for each in theirs if each.name == "a"}
            if number in there:
                counts[0 if number == min(there) else 1 if number - 1 in there else 2] += 1
            elif number - 1 in there:
                counts[3] += 1
        expected.append(tuple(counts))
    assert states(found) == expected
