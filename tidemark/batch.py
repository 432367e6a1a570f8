"""What a producer works with: who it is, the batches in its window, and what became of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidemark.records import AckMode
from tidemark.spool import Place

if TYPE_CHECKING:
    from opentelemetry.trace import Span


@dataclass(slots=True)
class Stats:
    """What became of what was tracked, since the client started."""

    acknowledged: int = 0
    """Events and points that the server answers for, rejected ones included."""
    rejected: int = 0
    """Of those: not taken, each reported by `on_rejection`."""
    dropped: int = 0
    """In batches that the server refused for good, reported by `on_error`."""
    batches: int = 0
    """Batches acknowledged."""
    resent_batches: int = 0
    reconnects: int = 0
    gaps: int = 0
    """How often the server missed batches that it had acknowledged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who sends, for which project, and what an acknowledgement shall promise."""

    producer_id: str
    project: str = ""
    ack_mode: AckMode = AckMode.DURABLE


@dataclass(slots=True)
class Batch:
    """A batch in the window; its body is in memory or, with a `place`, in the spool."""

    epoch: int
    sequence: int
    count: int
    body: bytes = b""
    place: Place | None = None
    inherited: bool = False
    """Found in the spool at start: a later life of this producer may have fenced it."""
    sent: bool = False
    refused: bool = False
    span: "Span | None" = None
    """From its number to its acknowledgement, where batches are traced."""
