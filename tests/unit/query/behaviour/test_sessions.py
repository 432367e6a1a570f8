import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.behaviour.happening import (
    LATER,
    MINUTE,
    NOON,
    Event,
    answered,
    happened,
    histories,
    question,
)
from tests.unit.query.test_filter import compared
from tidemark.v1 import question_pb2 as q


def asked(gap: int = 0, name: str = "", top: int = 0) -> q.Query:
    sessions = q.SessionsQuestion(top=top, interval=q.Interval(unit=q.Interval.UNIT_MINUTE, count=60))
    if gap:
        sessions.gap.FromTimedelta(gap * MINUTE)
    if name:
        sessions.filter.CopyFrom(compared("name", "EQUAL", name))
    return q.Query(sessions=sessions)


def run(events: Sequence[Event], minutes: int = 180, **others):
    return answered(question(asked(**others), NOON, NOON + minutes * MINUTE), events, LATER)


def test_a_pause_begins_a_session() -> None:
    found, notes = run(happened((0, "a"), (10, "b"), (39, "c"), (69, "a"), (70, "d")))
    assert list(found.sessions) == [1, 1, 0]
    assert list(found.mean_seconds[:2]) == [39 * 60, 60]
    assert math.isnan(found.mean_seconds[2])
    assert list(found.mean_events[:2]) == [3, 2]
    assert (found.total.sessions, found.total.people) == (2, 1)
    assert found.total.median.ToTimedelta() == 20 * MINUTE
    assert [(each.value, each.count) for each in found.entries] == [("a", 2)]
    assert [(each.value, each.count) for each in found.exits] == [("c", 1), ("d", 1)]
    assert notes == ()


def test_a_session_that_the_client_names_has_no_pause() -> None:
    events = [
        Event(NOON, 1, "a", session="s"),
        Event(NOON + MINUTE, 2, "b"),
        Event(NOON + 50 * MINUTE, 3, "c"),
        Event(NOON + 100 * MINUTE, 4, "d", session="s"),
        Event(NOON + 101 * MINUTE, 5, "e"),
    ]
    found, _ = run(events)
    assert list(found.sessions) == [2, 0, 0]
    assert found.total.mean_events == 2.5
    assert [(each.value, each.count) for each in found.exits] == [("c", 1), ("e", 1)]
    assert found.total.bounce_share == 0.5


def test_a_session_of_nobody_is_one_and_belongs_to_whoever_signs_in() -> None:
    events = [
        Event(NOON, 1, "open", None, "s1"),
        Event(NOON + MINUTE, 2, "sign_in", "ann", "s1"),
        Event(NOON + MINUTE, 3, "open", None, "s2"),
        Event(NOON + MINUTE, 4, "lost", None),
    ]
    found, notes = run(events)
    assert (found.total.sessions, found.total.people) == (2, 1)
    assert [(each.value, each.count) for each in found.entries] == [("open", 2)]
    assert [(each.value, each.count) for each in found.exits] == [("open", 1), ("sign_in", 1)]
    assert notes == ("25 % of the events have no user and no session and are left out",)


def test_only_sessions_that_hold_the_event_count_and_they_count_whole() -> None:
    events = happened((0, "a"), (1, "b"), (60, "a"), (61, "c"))
    found, _ = run(events, name="b")
    assert found.total.sessions == 1
    assert found.total.mean_events == 2


def test_a_session_counts_where_it_begins_and_whole() -> None:
    events = happened((-10, "a"), (10, "b"), (175, "c"), (190, "d"), (200, "e"))
    found, _ = run(events)
    assert list(found.sessions) == [0, 0, 1]
    assert found.total.mean.ToTimedelta() == 25 * MINUTE
    assert found.total.mean_events == 3


def test_nothing_is_no_session() -> None:
    found, _ = run([])
    assert list(found.sessions) == [0, 0, 0]
    assert math.isnan(found.total.bounce_share)
    assert not found.total.HasField("mean")


def sessions(events: Sequence[Event], gap: timedelta) -> list[list[Event]]:
    """Sessions as lists of their events, one event after the other."""
    found: dict[object, list[Event]] = {}
    before: dict[str, tuple[Event, object]] = {}
    for event in sorted(events):
        key: object = None
        if event.session:
            key = event.session
        elif event.user is None:
            continue
        elif event.user in before and event.at - before[event.user][0].at < gap:
            key = before[event.user][1]
        else:
            key = event
        if event.user is not None:
            before[event.user] = event, key
        found.setdefault(key, []).append(event)
    return list(found.values())


@given(histories(timedelta(minutes=7), 60, anonymous=True), st.integers(1, 40), st.sampled_from(["", "b"]))
def test_it_is_what_walking_along_finds(events: list[Event], gap: int, name: str) -> None:
    start, end = NOON + 60 * MINUTE, NOON + 240 * MINUTE
    found, _ = answered(question(asked(gap, name), start, end), events)
    expected = [
        each
        for each in sessions(events, gap * MINUTE)
        if start <= each[0].at < end and (not name or name in {event.name for event in each})
    ]
    for i in range(3):
        mine = [
            each for each in expected if start + 60 * i * MINUTE <= each[0].at < start + 60 * (i + 1) * MINUTE
        ]
        assert found.sessions[i] == len(mine)
        if mine:
            lengths = [(each[-1].at - each[0].at).total_seconds() for each in mine]
            assert math.isclose(found.mean_seconds[i], float(np.mean(lengths)))
            assert math.isclose(found.bounce_share[i], float(np.mean([len(each) == 1 for each in mine])))
            assert math.isclose(found.mean_events[i], float(np.mean([len(each) for each in mine])))
    assert found.total.sessions == len(expected)
    assert found.total.people == len({event.user for each in expected for event in each if event.user})
    if expected:
        lengths = [(each[-1].at - each[0].at).total_seconds() for each in expected]
        assert found.total.median.ToTimedelta().total_seconds() == np.median(lengths)


@given(histories(timedelta(minutes=7), 60), st.integers(1, 40))
def test_the_ends_of_sessions_are_counted(events: list[Event], gap: int) -> None:
    found, _ = answered(question(asked(gap), NOON, NOON + 600 * MINUTE), events)
    expected = sessions(events, gap * MINUTE)
    for place, shown in ((0, found.entries), (-1, found.exits)):
        names = [each[place].name for each in expected]
        counts = {name: names.count(name) for name in names}
        order = sorted(counts, key=lambda name: (-counts[name], name))
        assert [(each.value, each.count) for each in shown] == [(name, counts[name]) for name in order]
