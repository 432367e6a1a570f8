"""Stored events, dead letters and batches as they are read, and the way of an event as the contract tells it. Pure.

`store.py` reads records; `source.py` puts the messages made of them into its answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.instant import at
from services.kit.keys import MAX_PARTITIONS
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1.event_pb2 import Event
from tidemark.v1.letter_pb2 import DEAD_LETTER_STATE_REPAIRED


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `events`."""

    event_id: UUID
    occurred_at: datetime
    type: int
    name: str
    user_id: str | None
    session_id: str | None
    properties: str | None
    context: str | None
    batch_id: int

    def message(self) -> Event:
        """As callers see it."""
        made = Event(
            event_id=self.event_id.bytes,
            type=self.type,  # type: ignore[arg-type]
            name=self.name,
            user_id=self.user_id or "",
            session_id=self.session_id or "",
            properties_json=(self.properties or "").encode(),
            context_json=(self.context or "").encode(),
        )
        made.occurred_at.FromDatetime(self.occurred_at)
        return made


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of `dead_letters`."""

    dead_letter_id: int
    batch_id: int
    """The batch that it came with."""
    name: str
    state: int
    settled_by: int | None
    """The batch that brought its repair."""
    occurred_at: datetime | None
    """When it happened, where it was repaired."""

    def brought(self, event: StoredEvent) -> bool:
        """Whether its repair brought this row."""
        repaired = self.state == DEAD_LETTER_STATE_REPAIRED and self.settled_by == event.batch_id
        return repaired and self.occurred_at == event.occurred_at


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of `batches`."""

    batch_id: int
    source: str
    producer_id: str
    epoch: int
    sequence: int
    entry_id: str
    rules_version: int
    schemas: Mapping[str, int] | None
    """Version of the schema by event name."""
    sent_at: datetime | None
    received_at: datetime
    committed_at: datetime
    stored: int

    def schema_version(self, name: str) -> int:
        """By which version of its schema an event of the batch was judged; 0 for none."""
        return (self.schemas or {}).get(name, 0)

    def message(self, rows: int | None = None) -> pb.BatchLineage:
        """As callers see it; `rows` of it are in the bucket asked about."""
        made = pb.BatchLineage(
            batch_id=self.batch_id,
            source=self.source,
            producer_id=self.producer_id,
            epoch=self.epoch,
            sequence=self.sequence,
            partition=self.batch_id % MAX_PARTITIONS,
            entry_id=self.entry_id,
            rules_version=self.rules_version,
            row_count=self.stored if rows is None else rows,
        )
        if self.sent_at is not None:
            made.sent_at.FromDatetime(self.sent_at)
        made.received_at.FromDatetime(self.received_at)
        made.appended_at.FromDatetime(at(int(self.entry_id.partition("-")[0]) * 1000))
        made.committed_at.FromDatetime(self.committed_at)
        return made


def batch_message(batch_id: int, batches: Mapping[int, Batch], rows: int | None = None) -> pb.BatchLineage:
    """A batch as callers see it; of one whose row is no longer kept, what its number tells."""
    if found := batches.get(batch_id):
        return found.message(rows)
    return pb.BatchLineage(batch_id=batch_id, partition=batch_id % MAX_PARTITIONS, row_count=rows or 0)


def ways(
    project: str,
    events: Sequence[StoredEvent],
    letters: Sequence[Letter],
    batches: Mapping[int, Batch],
    segments: Mapping[datetime, str],
) -> list[pb.EventLineage]:
    """The way of each stored row of an event, then of each dead letter that brought none; `segments` are by time of the event."""
    found, brought = [], set()
    for event in events:
        way = _way(event.batch_id, event.name, batches, event, segments)
        if letter := next((each for each in letters if each.brought(event)), None):
            way.dead_letter = f"{project}/deadLetters/{letter.dead_letter_id}"
            brought.add(letter.dead_letter_id)
        found.append(way)
    stored = {event.occurred_at: event for event in events}
    for letter in letters:
        if letter.dead_letter_id not in brought:
            known = stored.get(letter.occurred_at) if letter.occurred_at else None
            way = _way(letter.batch_id, letter.name, batches, known, segments)
            way.dead_letter = f"{project}/deadLetters/{letter.dead_letter_id}"
            found.append(way)
    return found


def _way(
    batch_id: int,
    name: str,
    batches: Mapping[int, Batch],
    event: StoredEvent | None,
    segments: Mapping[datetime, str],
) -> pb.EventLineage:
    batch = batches.get(batch_id)
    return pb.EventLineage(
        event=event.message() if event else None,
        batch=batch_message(batch_id, batches),
        schema_version=batch.schema_version(name) if batch else 0,
        segment_id=segments.get(event.occurred_at, "") if event else "",
    )
