"""What answers are made of: plain frozen dataclasses, built from the protobuf messages by their `of`.

Instants are `datetime` in UTC, durations are seconds, ids are `UUID`. A missing text is empty; a missing instant is None.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from tidemark.answers import Funnel, Lifecycle, Paths, People, Person, Retention, Sessions
from tidemark.plain import Metadata, Rows, frame, instant, seconds, table, utc
from tidemark.tables import Table, kind_name, label
from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2, query_pb2, question_pb2

__all__ = [
    "AckMode",
    "Answer",
    "Change",
    "Event",
    "EventType",
    "Events",
    "Funnel",
    "Lifecycle",
    "Line",
    "Metadata",
    "MetricKind",
    "Paths",
    "People",
    "Person",
    "Rejection",
    "Retention",
    "Series",
    "Sessions",
    "Table",
    "answer",
    "event_rows",
    "frame",
    "instant",
    "seconds",
    "table",
]


class EventType(IntEnum):
    """The family an event belongs to."""

    USER_ACTION = event_pb2.EVENT_TYPE_USER_ACTION
    SYSTEM_EVENT = event_pb2.EVENT_TYPE_SYSTEM_EVENT
    PERFORMANCE_METRIC = event_pb2.EVENT_TYPE_PERFORMANCE_METRIC
    BUSINESS_METRIC = event_pb2.EVENT_TYPE_BUSINESS_METRIC
    ERROR_EVENT = event_pb2.EVENT_TYPE_ERROR_EVENT
    SECURITY_EVENT = event_pb2.EVENT_TYPE_SECURITY_EVENT


class MetricKind(IntEnum):
    """How the values of a metric are meant."""

    COUNTER = metric_pb2.METRIC_KIND_COUNTER
    GAUGE = metric_pb2.METRIC_KIND_GAUGE
    HISTOGRAM = metric_pb2.METRIC_KIND_HISTOGRAM
    TIMER = metric_pb2.METRIC_KIND_TIMER
    RATE = metric_pb2.METRIC_KIND_RATE


class AckMode(IntEnum):
    """What an acknowledgement promises: on the log's disk, in the log's memory, or committed in the database."""

    DURABLE = ingest_pb2.ACK_MODE_DURABLE
    FAST = ingest_pb2.ACK_MODE_FAST
    COMMITTED = ingest_pb2.ACK_MODE_COMMITTED


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event or point that the server did not take; the rest of its batch was taken."""

    sequence: int
    index: int
    event_id: bytes
    field: str
    reason: str
    message: str

    @classmethod
    def of(cls, message: ingest_pb2.Rejection) -> "Rejection":
        reason = ingest_pb2.RejectionReason.Name(message.reason).removeprefix("REJECTION_REASON_")
        return cls(message.sequence, message.index, message.event_id, message.field, reason, message.message)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was stored."""

    event_id: UUID
    type: EventType
    name: str
    occurred_at: datetime
    user_id: str
    session_id: str
    properties: Mapping[str, Any]
    context: Mapping[str, Any]
    sent_at: datetime | None
    received_at: datetime | None
    committed_at: datetime | None
    late: bool

    @classmethod
    def of(cls, message: question_pb2.StoredEvent) -> "Event":
        event = message.event
        return cls(
            event_id=UUID(bytes=event.event_id),
            type=EventType(event.type),
            name=event.name,
            occurred_at=utc(event.occurred_at),
            user_id=event.user_id,
            session_id=event.session_id,
            properties=_object(event.properties_json, event.properties),
            context=_object(event.context_json, event.context),
            sent_at=instant(message.sent_at),
            received_at=instant(message.received_at),
            committed_at=instant(message.committed_at),
            late=message.late,
        )


@dataclass(frozen=True, slots=True)
class Events(Rows):
    """Events, newest first, and where the page after them begins."""

    events: Sequence[Event]
    metadata: Metadata | None = None
    next_page_token: str = ""

    @classmethod
    def of(
        cls, message: question_pb2.EventsResult, metadata: Metadata, next_page_token: str = ""
    ) -> "Events":
        return cls([Event.of(event) for event in message.events], metadata, next_page_token)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each event."""
        return event_rows(self.events)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: a measure, for one group where the question split by fields."""

    measure: str
    group: tuple[str, ...]
    other: bool
    values: tuple[float, ...]
    total: float
    previous_values: tuple[float, ...] = ()
    previous_total: float = math.nan
    kind: str = ""
    unit: str = ""
    late_counts: tuple[int, ...] = ()
    """Of a window: how many events came to each value after it had closed."""

    @classmethod
    def of(cls, message: question_pb2.Series) -> "Line":
        return cls(
            measure=message.measure_id,
            group=tuple(message.group),
            other=message.other,
            values=tuple(message.values),
            total=message.total,
            previous_values=tuple(message.previous_values),
            previous_total=message.previous_total,
            kind=kind_name(message.kind),
            unit=message.unit,
            late_counts=tuple(message.late_counts),
        )

    @property
    def label(self) -> str:
        """What a legend calls this line."""
        return label(self.group, other=self.other, otherwise=self.measure)


@dataclass(frozen=True, slots=True)
class Series(Rows):
    """Measures over time: when each bucket begins, and a line of values for each measure and group."""

    starts: tuple[datetime, ...]
    lines: tuple[Line, ...]
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.SeriesResult, metadata: Metadata) -> "Series":
        starts = tuple(utc(start) for start in message.bucket_starts)
        return cls(starts, tuple(Line.of(line) for line in message.series), metadata)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each bucket of each line."""
        return [
            {
                "start": start,
                "measure": line.measure,
                "group": line.label if line.group else "",
                "value": value,
            }
            | ({"previous": line.previous_values[at]} if line.previous_values else {})
            for line in self.lines
            for at, (start, value) in enumerate(zip(self.starts, line.values, strict=True))
        ]


Answer = Events | Series | Table | Funnel | Retention | Lifecycle | Sessions | Paths | People
_KINDS: dict[str, Any] = {
    "series": Series,
    "funnel": Funnel,
    "retention": Retention,
    "lifecycle": Lifecycle,
    "sessions": Sessions,
    "paths": Paths,
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a watched question answers: a `snapshot`, a `delta` or a `heartbeat`."""

    kind: str
    cursor: str
    metadata: Metadata
    answer: Answer | None

    @classmethod
    def of(cls, message: query_pb2.WatchQueryResponse, query: question_pb2.Query | None = None) -> "Change":
        kind = query_pb2.WatchQueryResponse.Kind.Name(message.kind).removeprefix("KIND_").lower()
        found = answer(message, query) if message.WhichOneof("result") else None
        return cls(kind, message.cursor, Metadata.of(message.metadata), found)


def answer(
    message: query_pb2.RunQueryResponse | query_pb2.WatchQueryResponse,
    query: question_pb2.Query | None = None,
) -> Answer:
    """The answer in a message; a table knows by `query` what it was split by."""
    kind, metadata = message.WhichOneof("result"), Metadata.of(message.metadata)
    token = message.next_page_token if isinstance(message, query_pb2.RunQueryResponse) else ""
    match kind:
        case "events":
            return Events.of(message.events, metadata, token)
        case "people":
            return People.of(message.people, metadata, token)
        case "table":
            return Table.of(message.table, metadata, query.table.group_by if query else ())
        case None:
            raise ValueError("the answer is of a kind that this release does not know; install a newer one")
    found: Answer = _KINDS[kind].of(getattr(message, kind), metadata)
    return found


def event_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Flat rows of `events`: ids as text, properties and context as JSON."""
    return [
        asdict(event)
        | {
            "event_id": str(event.event_id),
            "type": event.type.name,
            "properties": orjson.dumps(event.properties).decode(),
            "context": orjson.dumps(event.context).decode(),
        }
        for event in events
    ]


def _object(text: bytes, struct: Struct) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(text) if text else MessageToDict(struct)
    return loaded
