"""How a question is answered, and what may complete one: what `client.explain` and `client.suggest` give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidemark.plain import Metadata, instant
from tidemark.v1 import query_pb2


@dataclass(frozen=True, slots=True)
class Scan:
    """One thing read: a table or segments, why, in which spans, and by which statement."""

    source: str
    reason: str
    spans: tuple[tuple[datetime | None, datetime | None], ...]
    rows_expected: int
    statement: str

    @classmethod
    def of(cls, message: query_pb2.Scan) -> "Scan":
        spans = tuple((instant(span.start), instant(span.end)) for span in message.spans)
        return cls(message.source, message.reason, spans, message.rows_expected, message.statement)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read for an answer, in order; how far it can be trusted and what it took, if it was answered."""

    scans: Sequence[Scan]
    start: datetime | None
    end: datetime | None
    rows_read: int
    metadata: Metadata | None

    @classmethod
    def of(cls, message: query_pb2.ExplainQueryResponse) -> "Plan":
        return cls(
            [Scan.of(scan) for scan in message.scans],
            instant(message.time_range.start),
            instant(message.time_range.end),
            message.rows_read,
            Metadata.of(message.metadata) if message.HasField("metadata") else None,
        )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to complete a text, and how often it occurs."""

    value: str
    count: int
