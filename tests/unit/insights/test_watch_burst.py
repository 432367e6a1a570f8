"""Errors and security events are judged as they come: bursts, and kinds that were never seen."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.insights.watch import burst
from services.insights.watch.burst import State, judged
from tests.ingesting import event
from tidemark.v1 import event_pb2, query_pb2
from tidemark.v1 import insight_pb2 as pb

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
ERROR, SECURITY = event_pb2.EVENT_TYPE_ERROR_EVENT, event_pb2.EVENT_TYPE_SECURITY_EVENT


def critical(
    count: int, kind: int = ERROR, first: int = 0, late: timedelta = timedelta(), **fields: Any
) -> Any:
    """Events that happen one millisecond after another, from noon on."""
    found = []
    for number in range(first, first + count):
        at_us = int(NOW.timestamp() * 1e6) + 1000 * number
        one = query_pb2.CriticalEvent(event=event(number, type=kind, at_us=at_us, **fields))
        one.received_at.FromMicroseconds(at_us + int(late.total_seconds() * 1e6))
        found.append(one)
    return found


def quiet() -> State:
    state = State()
    burst.usual(state, [0.0] * 1000 + [1.0, 2.0], NOW.timestamp())
    return state


def test_a_burst_is_told_once_and_again_when_it_doubles() -> None:
    state = quiet()
    [draft] = judged(state, critical(30, name="failed"), NOW)
    insight = draft.insight
    assert insight.title == "30 errors within a minute, where 0.00299 are usual"
    assert "“failed” (30)" in insight.description
    assert insight.severity == pb.SEVERITY_HIGH
    assert judged(state, critical(20, first=30), NOW) == []
    [more] = judged(state, critical(150, first=50), NOW)
    assert more.insight.severity == pb.SEVERITY_CRITICAL
    assert more.series == draft.series


def test_few_errors_are_no_burst_and_many_are_none_where_they_are_usual() -> None:
    assert judged(quiet(), critical(9), NOW) == []
    state = State()
    burst.usual(state, [40.0, 60.0, 50.0] * 100, NOW.timestamp())
    assert judged(state, critical(70), NOW) == []
    assert judged(state, critical(400, first=70), NOW)


def test_errors_of_long_ago_are_no_burst() -> None:
    assert judged(quiet(), critical(500, late=timedelta(hours=1)), NOW) == []


def test_an_event_that_comes_again_counts_once() -> None:
    state = quiet()
    judged(state, critical(9), NOW)
    assert judged(state, critical(9), NOW) == []
    assert sum(state.minutes.values()) == 9


def test_a_new_kind_of_security_event_is_told_once() -> None:
    state = quiet()
    state.kinds["login_denied"] = 1
    drafts = judged(state, critical(2, SECURITY, name="login_denied"), NOW)
    assert drafts == []
    [draft] = judged(state, critical(3, SECURITY, first=5, name="key_stolen", user_id="ann"), NOW)
    assert draft.insight.title == "A new kind of security event: “key_stolen”"
    assert draft.insight.severity == pb.SEVERITY_HIGH
    assert "of ann" in draft.insight.description
    assert judged(state, critical(1, SECURITY, first=9, name="key_stolen"), NOW) == []


def test_a_state_survives_being_stored() -> None:
    state = quiet()
    judged(state, critical(30) + critical(1, SECURITY, first=40, name="odd"), NOW)
    state.cursor = "here"
    assert State.decode(state.encode()) == state
    fresh = State.decode(b"")
    assert fresh.cursor == ""
    assert judged(fresh, critical(30), NOW)
    assert State.decode(fresh.encode()).minutes == fresh.minutes


def test_what_is_remembered_is_bounded() -> None:
    state = quiet()
    for minute in range(100):
        judged(state, critical(1, first=60_000 * minute), NOW)
    assert len(state.minutes) == burst.MINUTES
    names = [one for number in range(2100) for one in critical(1, SECURITY, first=number, name=f"k{number}")]
    judged(state, names, NOW)
    assert len(state.kinds) == burst.KINDS
