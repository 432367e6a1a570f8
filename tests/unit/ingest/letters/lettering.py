"""Dead letters for tests: as they lie in the database, made of events and points as the writer makes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.ingest import deadletter, validate
from services.ingest.deadletter import Reason
from services.ingest.letters.record import Letter
from services.ingest.letters.repair import Waiting
from tests.ingesting import NOW_US
from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2

RECEIVED = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def content_of(row: event_pb2.Event | metric_pb2.MetricPoint) -> bytes:
    """What the writer keeps of an event or point."""
    if isinstance(row, metric_pb2.MetricPoint):
        verdict = validate.points(ingest_pb2.PointBatch(points=[row]), NOW_US)
        kind = "points"
    else:
        verdict = validate.events(ingest_pb2.EventBatch(events=[row]), NOW_US)
        kind = "events"
    assert not verdict.rejections
    [letter] = deadletter.of_rows(kind, verdict.rows, [0], [Reason("POISON", "", "")])
    return letter.content


def letter(row: event_pb2.Event | metric_pb2.MetricPoint | bytes, number: int = 1, **changes: Any) -> Letter:
    """The letter of an event, a point or bytes that nobody can read."""
    event = row if isinstance(row, event_pb2.Event) else None
    good: dict[str, Any] = {
        "dead_letter_id": number,
        "kind": "points" if isinstance(row, metric_pb2.MetricPoint) else "events",
        "reason": "CORRUPT" if isinstance(row, bytes) else "SCHEMA",
        "field": "properties.amount",
        "message": "is 'x', no number; send a number",
        "signature": "0123456789abcdef",
        "name": "" if isinstance(row, bytes) else row.name,
        "event_id": UUID(bytes=event.event_id) if event else None,
        "user_id": event.user_id or None if event else None,
        "content": row if isinstance(row, bytes) else content_of(row),
        "producer_id": "web-1",
        "received_at": RECEIVED,
        "state": 1,
        "settled_at": None,
        "rows": 1,
    }
    return Letter(**good | changes)


def waiting(
    row: event_pb2.Event | metric_pb2.MetricPoint | bytes,
    number: int = 1,
    *,
    epoch: int = 7,
    rules_version: int = 0,
    twin: bool = False,
    **changes: Any,
) -> Waiting:
    """A letter that waits for its repair."""
    return Waiting(letter(row, number, **changes), epoch, rules_version, twin)
