"""Producers as they are read, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answer.
"""

from dataclasses import dataclass
from datetime import datetime

from services.kit.keys import partition_of
from tidemark.v1 import pipeline_pb2 as pb


@dataclass(frozen=True, slots=True)
class ProducerRecord:
    """Who sent, what of it was the last, and what became of what came in the last hour."""

    producer_id: str
    minute: datetime
    """Of its last batch."""
    received: int
    stored: int
    duplicate: int
    rejected: int
    dead_lettered: int
    epoch: int
    """0 where it sends outside any sequence."""
    sequence: int
    source: str | None
    received_at: datetime | None
    """Of its last batch, while that is known."""

    def message(self, project_id: int, partitions: int) -> pb.ProducerStatus:
        """As callers see it."""
        made = pb.ProducerStatus(
            producer_id=self.producer_id,
            epoch=self.epoch,
            sequence=self.sequence,
            partition=partition_of(project_id, self.producer_id, partitions),
            source=self.source or "",
            received_count=self.received,
            stored_count=self.stored,
            duplicate_count=self.duplicate,
            rejected_count=self.rejected,
            dead_lettered_count=self.dead_lettered,
        )
        made.last_received_at.FromDatetime(self.received_at or self.minute)
        return made
