"""The events themselves: a page of them, or a file of all, comes in; their table goes out."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.reports.build import sheet
from services.reports.build.sheet import Cells, instant
from services.reports.build.shown import Shown, nothing
from services.reports.document import Block, Column, Form, Kind, Rows, Table
from tidemark.v1 import question_pb2 as q
from tidemark.v1.event_pb2 import EventType

MOST = 1_000_000
"""Rows of a section."""
FIELDS = {
    "occurred_at": Column("time", sheet.INSTANT),
    "name": Column("event", sheet.TEXT),
    "type": Column("type", sheet.TEXT),
    "user_id": Column("person", sheet.TEXT),
    "session_id": Column("session", sheet.TEXT),
    "properties": Column("properties", sheet.TEXT),
    "context": Column("context", sheet.TEXT),
    "late": Column("late", Form(Kind.BOOLEAN)),
    "received_at": Column("received", sheet.INSTANT),
    "committed_at": Column("stored", sheet.INSTANT),
    "event_id": Column("id", sheet.TEXT),
}
"""The columns of a file of events, as they are shown."""


def page(found: Sequence[q.StoredEvent]) -> Rows:
    """Some of them, as rows."""
    rows = [_row(each) for each in found]
    cells = [
        Cells(column.title, column.form, [row[place] for row in rows])
        for place, column in enumerate(FIELDS.values())
    ]
    return sheet.table("", "", cells).rows


def blocks(shown: Shown, rows: Rows) -> Iterator[Block]:
    """What is shown of the answer."""
    table = Table(shown.section_id, shown.title, tuple(FIELDS.values()), rows)
    yield from [table] if rows.count else nothing(table)


def _row(stored: q.StoredEvent) -> list[object]:
    event = stored.event
    return [
        instant(event.occurred_at),
        event.name,
        EventType.Name(event.type).removeprefix("EVENT_TYPE_"),
        event.user_id or None,
        event.session_id or None,
        event.properties_json.decode() or None,
        event.context_json.decode() or None,
        stored.late,
        instant(stored.received_at),
        instant(stored.committed_at),
        str(UUID(bytes=event.event_id)),
    ]
