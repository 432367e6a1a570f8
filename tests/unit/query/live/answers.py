"""Answers as the worker makes them, for tests of what becomes of them."""

from datetime import UTC, datetime, timedelta
from itertools import count

from google.protobuf.message import Message

from services.query.live.answer import Answer, content, lines
from services.query.part import Part
from services.query.plan import Plan, plan
from services.query.question import Events, Question, Series, read
from services.query.shape import Reading, result
from services.query.state import Facts
from services.query.trust import Origin
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
HOUR = timedelta(hours=1)
FACTS = Facts(NOON, (1, 2), (3, 4), None)
_numbers = count(1)


def planned(start: datetime = NOON, hours: int = 4, **others: object) -> Plan:
    """How a series of hours is read."""
    asked = q.Query(series=q.SeriesQuestion(**{"measures": [q.Measure(aggregation=1)], **others}))
    asked.time_range.start.FromDatetime(start)
    asked.time_range.end.FromDatetime(start + hours * HOUR)
    asked.series.interval.unit = q.Interval.UNIT_HOUR
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    return plan(question)


def counted(*counts: int, start: datetime = NOON) -> Answer:
    """A series of these counts, by hour."""
    how = planned(start, len(counts))
    reading = Reading(cells={(0, 0): {i: Part(count=count) for i, count in enumerate(counts) if count}})
    return answered(how.question, result(how, reading, LATER), plan=how, reading=reading)


def answered(question: Question, result: Message, **others: object) -> Answer:
    """An answer of the next number."""
    return Answer(next(_numbers), question, FACTS, result, lines(result), content(result), Origin(), **others)  # type: ignore[arg-type]


def events(**others: object) -> Answer:
    """A list of events."""
    asked = q.Query(events=q.EventsQuestion())
    asked.time_range.start.FromDatetime(NOON)
    asked.time_range.end.FromDatetime(LATER)
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Events)
    return answered(question, q.EventsResult(), **others)


def happened(minute: int, number: int) -> q.StoredEvent:
    """An event so many minutes after noon."""
    event = q.StoredEvent()
    event.event.event_id = bytes([number] * 16)
    event.event.occurred_at.FromDatetime(NOON + timedelta(minutes=minute))
    return event


def series(answer: Answer) -> q.SeriesResult:
    """The result of a series."""
    assert isinstance(answer.result, q.SeriesResult)
    return answer.result
