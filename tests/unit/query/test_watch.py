from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.calendar import Span
from services.query.part import Part
from services.query.plan import Plan, plan
from services.query.question import Series, read
from services.query.shape import Reading, result
from services.query.trust import Facts
from services.query.watch import (
    DELTA,
    HEARTBEAT,
    KEPT,
    SNAPSHOT,
    Answer,
    changed,
    cursor,
    decode,
    delta,
    encode,
    latest,
    lines,
    newest,
    renewed,
    resumed,
    slots,
)  # fmt: skip
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2 import WatchQueryRequest

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
HOUR = timedelta(hours=1)
FACTS = Facts(NOON, (1, 2), (3, 4), None)


def planned(start: datetime = NOON, hours: int = 4, **others: object) -> Plan:
    asked = q.Query(series=q.SeriesQuestion(measures=[q.Measure(aggregation=1)], **others))
    asked.time_range.start.FromDatetime(start)
    asked.time_range.end.FromDatetime(start + hours * HOUR)
    asked.series.interval.unit = q.Interval.UNIT_HOUR
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    return plan(question)


def counted(*counts: int, start: datetime = NOON) -> Answer:
    how = planned(start, len(counts))
    reading = Reading(cells={(0, 0): {i: Part(count=count) for i, count in enumerate(counts) if count}})
    return Answer(FACTS, how.question.span, q.QueryMetadata(), result(how, reading, LATER), how, reading)


def series(answer: Answer) -> q.SeriesResult:
    assert isinstance(answer.result, q.SeriesResult)
    return answer.result


COUNTS = st.lists(st.integers(0, 3), min_size=4, max_size=4)


@given(COUNTS, COUNTS)
def test_the_old_answer_with_its_changes_is_the_new_answer(old: list[int], new: list[int]) -> None:
    change = delta(counted(*old), counted(*new))
    shown = dict(zip((t.seconds for t in series(counted(*old)).bucket_starts), old))
    if change is not None:
        assert change.kind == DELTA
        assert change.series.series[0].total == sum(new)
        shown |= dict(zip((t.seconds for t in change.series.bucket_starts), change.series.series[0].values))
    assert list(shown.values()) == new
    assert (change is None) == (old == new)


def test_a_range_that_moved_on_brings_its_new_buckets() -> None:
    change = changed(series(counted(1, 2, 3)), series(counted(2, 3, 0, start=NOON + HOUR)))
    assert change is not None
    assert [t.ToDatetime(UTC) for t in change.bucket_starts] == [NOON + 3 * HOUR]


def test_other_lines_bring_a_snapshot() -> None:
    grouped = planned(group_by=["name"])
    one, two = (
        result(grouped, Reading(groups, {(0, 0): {0: Part(count=1)}}), LATER)
        for groups in ((("a",),), (("b",),))
    )
    assert changed(one, two) is None
    assert lines(one) != lines(two)
    change = delta(replace(counted(1), result=one), replace(counted(1), result=two))
    assert change is not None
    assert change.kind == SNAPSHOT


def test_a_value_that_stays_unknown_is_no_change() -> None:
    how = planned(fill=q.FILL_NONE)
    assert not changed(result(how, Reading(), LATER), result(how, Reading(), LATER)).bucket_starts  # type: ignore[union-attr]


def test_touched_buckets_are_those_of_this_period_and_of_the_one_before() -> None:
    inside, before = Span(NOON + HOUR, NOON + HOUR + timedelta(minutes=1)), Span(NOON - 2 * HOUR, NOON - HOUR)
    assert slots(planned(), [inside, before]) == [1]
    assert slots(planned(compare=q.COMPARE_PREVIOUS_PERIOD), [inside, before]) == [1, 2]
    assert slots(planned(), [Span(NOON - HOUR, NOON), Span(NOON + 4 * HOUR, LATER)]) == []


def test_renewed_buckets_replace_the_old_and_vanish_with_their_rows() -> None:
    old = Reading(cells={(0, 0): {0: Part(count=1), 1: Part(count=2)}, (0, None): {1: Part(count=9)}})
    new = Reading(cells={(0, 0): {2: Part(count=5)}})
    found = renewed(old, new, [1, 2])
    assert found.cells == {(0, 0): {0: Part(count=1), 2: Part(count=5)}}
    assert old.cells[0, 0][1] == Part(count=2)


def happened(minute: int, number: int) -> q.StoredEvent:
    event = q.StoredEvent()
    event.event.event_id = bytes([number] * 16)
    event.event.occurred_at.FromDatetime(NOON + timedelta(minutes=minute))
    return event


def test_only_events_that_arrived_since_are_sent() -> None:
    old = replace(counted(1), result=q.EventsResult(), number=1)
    new = replace(old, number=3, arrived=((1, happened(9, 1)), (2, happened(1, 2)), (3, happened(5, 3))))
    change = delta(old, new)
    assert change is not None
    assert [e.event.event_id[0] for e in change.events.events] == [3, 2]
    assert delta(new, replace(new, number=4)) is None


def test_the_newest_events_of_the_span_come_newest_first() -> None:
    found = newest([happened(i, i + 10) for i in (3, -1, 7, 5)], Span(NOON, LATER), 2)
    assert [e.event.event_id[0] for e in found] == [17, 15]


REQUEST = WatchQueryRequest(query=q.Query(series=q.SeriesQuestion(measures=[q.Measure(aggregation=1)])))


def test_a_cursor_survives_the_wire() -> None:
    given = cursor(counted(1, 2))
    asked = WatchQueryRequest(query=REQUEST.query, cursor=encode(given, REQUEST, 7))
    assert decode(asked, 7) == given
    assert decode(REQUEST, 7) is None


@pytest.mark.parametrize("text", ["?", "AAAA", "W10", "bnVsbA", "WzEsMiwzLDQsNSw2XQ", "e30", "é"])
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        decode(WatchQueryRequest(query=REQUEST.query, cursor=text), 7)


def test_a_cursor_of_another_project_or_question_is_refused() -> None:
    text = encode(cursor(counted(1)), REQUEST, 7)
    for asked, project in (
        (WatchQueryRequest(cursor=text), 7),
        (WatchQueryRequest(query=REQUEST.query, cursor=text), 8),
    ):
        with pytest.raises(Invalid, match="another question"):
            decode(asked, project)


def test_a_cursor_goes_on_only_where_the_commit_log_reaches_back() -> None:
    given = cursor(counted(1))
    assert given.follows(FACTS)
    assert given.follows(replace(FACTS, versions=(5, 2)))
    assert not given.follows(replace(FACTS, versions=(0, 2)))
    assert given.ahead(replace(FACTS, versions=(0, 9)))
    assert not given.follows(replace(FACTS, versions=(1,), batches=(3,)))
    assert not given.follows(replace(FACTS, at=NOON + KEPT))


def test_a_resumed_watch_gets_what_was_touched_and_what_began() -> None:
    given, new = cursor(counted(1, 2, 3)), counted(1, 5, 3)
    assert resumed(given, new, [Span(NOON + HOUR, NOON + HOUR + timedelta(minutes=1))], []).kind == DELTA
    assert resumed(given, new, [], []).kind == HEARTBEAT
    assert resumed(replace(given, lines="other"), new, [], []).kind == SNAPSHOT
    moved = replace(new, facts=replace(FACTS, at=NOON + 2 * HOUR))
    began = resumed(given, moved, [], [])
    assert [t.ToDatetime(UTC) for t in began.series.bucket_starts] == [NOON, NOON + HOUR]


def test_no_answer_is_too_large_to_send() -> None:
    large = [happened(i, i) for i in range(5)]
    for event in large:
        event.event.properties_json = b"x" * 1_100_000
    assert len(newest(large, Span(NOON, LATER), 100)) == 3
    assert [number for number, _ in latest(tuple(enumerate(large)), 100)] == [2, 3, 4]
    assert [number for number, _ in latest(tuple(enumerate(large)), 2)] == [3, 4]
