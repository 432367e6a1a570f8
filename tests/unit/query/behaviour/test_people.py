from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.behaviour.answer import scan
from services.query.behaviour.people import page
from services.query.behaviour.question import People
from services.query.filter import Members
from tests.unit.query.behaviour.happening import (
    BERLIN,
    LATER,
    MINUTE,
    NOON,
    Event,
    answered,
    by_user,
    happened,
    histories,
    question,
    step,
    table,
)  # fmt: skip
from tests.unit.query.behaviour.test_funnel import asked as funnel
from tests.unit.query.behaviour.test_retention import asked as retention
from tidemark.v1 import question_pb2 as q

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 23, tzinfo=BERLIN)
BUYERS = Members("projects/p/cohorts/buyers", ("ann", "zoe"), "1")


def asked(start: datetime, end: datetime, now: datetime = LATER, **group) -> People:
    found = question(
        q.Query(people=q.PeopleQuestion(**group)), start, end, now=now, people={BUYERS.cohort: BUYERS}
    )
    assert isinstance(found, People)
    return found


def everybody(
    asked: People, events: Sequence[Event], size: int = 100, *, sparse: bool = False
) -> list[q.Person]:
    """The people of all pages."""
    found: list[q.Person] = []
    after = None
    while True:
        made, after = page(asked, table(scan(asked), events, sparse=sparse), size, after)
        found.extend(made.people)
        assert len(made.people) <= size
        if after is None:
            assert made.total == len(found)
            return found


def names(asked: People, events: Sequence[Event], **others) -> set[str]:
    return {each.user_id for each in everybody(asked, events, **others)}


EVENTS = happened(
    (0, "a"), (5, "b"), (9, "c"), (1, "a", "bob"), (9, "x", "bob"), (30, "a", "cat"), (3, "x", "dan")
)


def test_they_are_told_with_all_their_events_of_the_range_who_were_active_last_first() -> None:
    found = everybody(asked(NOON, NOON + 20 * MINUTE, did=step("a")), EVENTS)
    assert [each.user_id for each in found] == ["ann", "bob"]
    assert [each.events for each in found] == [3, 2]
    assert found[1].first_seen.ToNanoseconds() // 60_000_000_000 * 60 == (NOON + MINUTE).timestamp()
    assert found[1].last_seen.ToDatetime(NOON.tzinfo) == NOON + 9 * MINUTE


@pytest.mark.parametrize("size", [1, 2, 100])
def test_pages_are_all_of_them_once(size: int) -> None:
    people = everybody(asked(NOON, NOON + 60 * MINUTE, did=step()), EVENTS, size)
    assert [each.user_id for each in people] == ["cat", "ann", "bob", "dan"]


def test_members_without_events_in_the_range_come_last() -> None:
    found = everybody(asked(NOON, NOON + 60 * MINUTE, cohort=BUYERS.cohort), EVENTS, 1)
    assert [(each.user_id, each.events, each.HasField("last_seen")) for each in found] == [
        ("ann", 3, True),
        ("zoe", 0, False),
    ]


def test_the_people_of_a_type_are_found_by_its_name() -> None:
    given = funnel("ab", group_by="type").funnel
    for group, expected in (("USER_ACTION", {"ann"}), ("ERROR_EVENT", set())):
        came = q.FunnelPeople(funnel=given, step=1, group=group)
        assert names(asked(NOON, NOON + 60 * MINUTE, funnel=came), EVENTS) == expected


def test_a_page_ends_early_when_it_is_full() -> None:
    events = [Event(NOON, i, user=f"{i:04}" + "x" * 4000) for i in range(1000)]
    of_all = asked(NOON, NOON + MINUTE, did=step())
    made, after = page(of_all, table(scan(of_all), events), 10_000, None)
    assert 700 < len(made.people) < 800
    assert after is not None
    rest, last = page(of_all, table(scan(of_all), events), 10_000, after)
    assert last is None
    assert len(made.people) + len(rest.people) == made.total == rest.total == 1000


@given(histories(), st.text("abc", min_size=2, max_size=3), st.integers(1, 15))
def test_the_people_of_a_funnel_are_those_it_counts(events: list[Event], names_: str, window: int) -> None:
    start, end = NOON + 5 * MINUTE, NOON + 25 * MINUTE
    given = funnel(names_, window, "properties.plan", 25)
    groups = answered(question(given, start, end), events)[0].groups
    for group in groups:
        where = {} if group.all else {"group": group.group}
        counts = [each.people for each in group.steps]
        for i in range(len(names_)):
            came = names(
                asked(start, end, funnel=q.FunnelPeople(funnel=given.funnel, step=i, **where)), events
            )
            assert len(came) == counts[i]
            if i:
                lost = asked(
                    start, end, funnel=q.FunnelPeople(funnel=given.funnel, step=i, lost=True, **where)
                )
                assert len(names(lost, events)) == counts[i - 1] - counts[i]
                assert not names(lost, events) & came


@given(histories(timedelta(hours=20), 60, start=MONDAY), st.integers(1, 2), st.integers(1, 2), st.booleans())
def test_the_people_of_a_cell_are_those_it_counts(
    events: list[Event], mode: int, entry: int, sparse: bool
) -> None:
    start, end = MONDAY + timedelta(hours=5), MONDAY + 9 * DAY
    given = retention("a", "b", periods=3, mode=mode, entry=entry)
    [group] = answered(question(given, start, end), events)[0].groups
    for row in group.rows[::3]:
        for offset, count in enumerate(row.back):
            cell = {"retention": given.retention, "start": row.start, "offset": offset}
            back = names(asked(start, end, retention=q.RetentionPeople(**cell)), events, sparse=sparse)
            assert len(back) == count
            if offset:
                lost = asked(start, end, retention=q.RetentionPeople(**cell, lost=True))
                missing = names(lost, events, sparse=sparse)
                assert len(missing) == row.people - count
                assert not missing & back


@given(histories(timedelta(hours=20), 60, start=MONDAY - 9 * DAY), st.booleans())
def test_the_people_of_a_state_are_those_it_counts(events: list[Event], sparse: bool) -> None:
    start, end = MONDAY + timedelta(hours=5), MONDAY + 5 * DAY
    lifecycle = q.LifecycleQuestion(activity=step("a"))
    found = answered(question(q.Query(lifecycle=lifecycle), start, end), events)[0]
    theirs = by_user(events)
    for field, state in (("new", 1), ("returning", 2), ("resurrecting", 3), ("dormant", 4)):
        for begin, count in zip(found.starts, getattr(found, field)):
            cell = q.LifecyclePeople(lifecycle=lifecycle, start=begin, state=state)
            people = everybody(asked(start, end, lifecycle=cell), events, 2, sparse=sparse)
            assert len(people) == count
            for each in people:
                within = [event for event in theirs[each.user_id] if start <= event.at < end]
                assert each.events == len(within)
                assert each.HasField("first_seen") == bool(within)
