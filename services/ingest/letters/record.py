"""Dead letters as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` and `tally.py` put their messages into answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tidemark.v1 import letter_pb2 as pb

CONTENTS_BYTES = 2_000_000
"""Bytes of letters that one answer shows: it stays below the 4 MiB that gRPC clients take by default."""
_REASON = "DEAD_LETTER_REASON_"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter."""

    dead_letter_id: int
    kind: str
    """`events` or `points`."""
    reason: str
    """As in the contract, without its prefix."""
    field: str
    message: str
    signature: str
    name: str
    event_id: UUID | None
    user_id: str | None
    content: bytes
    producer_id: str
    received_at: datetime
    state: int
    settled_at: datetime | None
    rows: int
    """How many events or points it stands for."""

    def resource_name(self, project: str) -> str:
        """Its name in a project."""
        return f"{project}/deadLetters/{self.dead_letter_id}"

    def message_in(self, project: str, *, whole: bool = True) -> pb.DeadLetter:
        """As callers see it, with its content or without."""
        made = pb.DeadLetter(
            name=self.resource_name(project),
            reason=reason_number(self.reason),
            field=self.field,
            message=self.message,
            signature=self.signature,
            event_name=self.name,
            event_id=self.event_id.bytes if self.event_id else b"",
            user_id=self.user_id or "",
            content=self.content.decode(errors="backslashreplace") if whole else "",
            producer_id=self.producer_id,
            state=self.state,  # type: ignore[arg-type]
            row_count=self.rows,
        )
        made.received_at.FromDatetime(self.received_at)
        if self.settled_at is not None:
            made.settled_at.FromDatetime(self.settled_at)
        return made


@dataclass(frozen=True, slots=True)
class Cluster:
    """Dead letters with the same kind of fault."""

    signature: str
    reason: str
    field: str
    name: str
    message: str
    count: int
    """Events or points."""
    first_at: datetime
    last_at: datetime
    example: Letter

    def message_in(self, project: str, *, whole: bool = True) -> pb.DeadLetterCluster:
        """As callers see it, the example with its content or without."""
        made = pb.DeadLetterCluster(
            signature=self.signature,
            reason=reason_number(self.reason),
            field=self.field,
            event_name=self.name,
            message=self.message,
            count=self.count,
            example=self.example.message_in(project, whole=whole),
        )
        made.first_received_at.FromDatetime(self.first_at)
        made.last_received_at.FromDatetime(self.last_at)
        return made


def cluster_messages(clusters: Iterable[Cluster], project: str) -> list[pb.DeadLetterCluster]:
    """Clusters as callers see them; once the contents of the examples fill an answer, the others come without."""
    found, left = [], CONTENTS_BYTES
    for cluster in clusters:
        left -= len(cluster.example.content)
        found.append(cluster.message_in(project, whole=left >= 0))
    return found


def reason_number(reason: str) -> pb.DeadLetterReason:
    """The reason as the contract numbers it."""
    return pb.DeadLetterReason.Value(_REASON + reason)  # type: ignore[return-value]


def reason_text(number: int) -> str:
    """The reason as it is stored; raises `ValueError` for one that the contract does not know."""
    return pb.DeadLetterReason.Name(number).removeprefix(_REASON)  # type: ignore[arg-type]
