"""A row of an event as callers see it: what `sql.events` reads comes in from `store`, a message goes out."""

from datetime import datetime
from typing import Any

from tidemark.v1 import question_pb2 as pb


def stored_event(
    event_id: Any, occurred_at: datetime, event_type: int, name: str, user_id: str | None, session_id: str | None,
    properties: str | None, context: str | None, late: bool,
    sent_at: datetime | None, received_at: datetime | None, committed_at: datetime | None,
) -> pb.StoredEvent:  # fmt: skip
    stored = pb.StoredEvent(late=late)
    event = stored.event
    event.event_id, event.type, event.name = event_id.bytes, event_type, name  # type: ignore[assignment]
    event.user_id, event.session_id = user_id or "", session_id or ""
    event.properties_json, event.context_json = (properties or "").encode(), (context or "").encode()
    event.occurred_at.FromDatetime(occurred_at)
    for timestamp, at in (
        (stored.sent_at, sent_at),
        (stored.received_at, received_at),
        (stored.committed_at, committed_at),
    ):
        if at is not None:
            timestamp.FromDatetime(at)
    return stored
