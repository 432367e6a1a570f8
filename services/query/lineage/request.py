"""What a request for lineage says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `source.py`, plain values go back to it and on to `store.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.kit.calendar import Span, floor
from services.kit.errors import Invalid
from services.kit.period import instant
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1.question_pb2 import SOURCE_EVENTS, SOURCE_METRICS, Interval

MAX_NAME = 200
BATCHES, MOST_BATCHES = 100, 1000
_WIDTHS = {
    Interval.UNIT_MINUTE: ("1m", 60),
    Interval.UNIT_HOUR: ("1h", 3600),
    Interval.UNIT_DAY: ("1d", 86_400),
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a rollup."""

    source: int
    name: str
    width: str
    """Of which table: `1m`, `1h` or `1d`."""
    span: Span
    batches: int
    """How many batches are asked for."""


def subject(request: pb.GetLineageRequest) -> UUID | Bucket:
    """What is asked about."""
    match request.WhichOneof("subject"):
        case "event_id":
            return _event_id(request.event_id)
        case "bucket":
            return _bucket(request)
        case _:
            raise Invalid("event_id", "is empty, and so is bucket; give one of the two")


def _event_id(given: bytes) -> UUID:
    if len(given) != 16:
        raise Invalid("event_id", f"has {len(given)} bytes; send the 16 bytes of a UUID")
    return UUID(bytes=given)


def _bucket(request: pb.GetLineageRequest) -> Bucket:
    asked = request.bucket
    if request.page_size < 0:
        raise Invalid("page_size", f"is {request.page_size}; write 0 or more")
    if asked.source not in (0, SOURCE_EVENTS, SOURCE_METRICS):
        raise Invalid("bucket.source", f"is {asked.source}; write SOURCE_EVENTS or SOURCE_METRICS")
    if not 1 <= len(asked.name) <= MAX_NAME or "\0" in asked.name:
        raise Invalid("bucket.name", f"is {asked.name[:50]!r}; write the name of an event or metric")
    if asked.width not in _WIDTHS:
        raise Invalid("bucket.width", f"is {asked.width}; write UNIT_MINUTE, UNIT_HOUR or UNIT_DAY")
    if not asked.HasField("start"):
        raise Invalid("bucket.start", "is missing; say when the bucket begins")
    width, seconds = _WIDTHS[asked.width]
    start: datetime = instant(asked.start, "bucket.start")
    if start != floor(start, seconds):
        begins = floor(start, seconds)
        raise Invalid(
            "bucket.start", f"is {start.isoformat()}, within the bucket that begins at {begins.isoformat()}"
        )
    return Bucket(
        source=asked.source or SOURCE_EVENTS,
        name=asked.name,
        width=width,
        span=Span(start, start + timedelta(seconds=seconds)),
        batches=min(request.page_size or BATCHES, MOST_BATCHES),
    )
