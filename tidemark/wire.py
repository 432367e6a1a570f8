"""How batches look on the wire: serialized events or points come in, serialized stream requests go out.

An event is serialized once, when it is tracked. A batch is its events one after the other, each with its field prefix,
which is what protobuf makes of a repeated field; only the envelope with the sequence number is made when it is sent.
So the buffer's size is known to the byte, and a batch can be renumbered and kept on disk without being read again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.v1.ingest_pb2 import (
    EventBatch,
    PointBatch,
    Producer,
    PublishRequest,
    PublishResponse,
    RecordMetricsRequest,
    RecordMetricsResponse,
)

_BATCH = PublishRequest.BATCH_FIELD_NUMBER
_ITEM = EventBatch.EVENTS_FIELD_NUMBER
ARROW = EventBatch.EVENTS_ARROW_FIELD_NUMBER

Answer = PublishResponse | RecordMetricsResponse


@lru_cache(maxsize=16_384)
def prefix(size: int, field: int = _ITEM) -> bytes:
    """What stands before `size` bytes of a length-delimited field."""
    encoded = bytearray([field << 3 | 2])
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the streams of `IngestService`."""

    noun: str
    method: str
    request: type[PublishRequest] | type[RecordMetricsRequest]
    batch: type[EventBatch] | type[PointBatch]
    answer: Callable[[bytes], Answer]

    def message(
        self,
        project: str,
        ack_mode: int,
        producer_id: str,
        epoch: int,
        sequence: int,
        sent_ns: int,
        body: bytes,
        traceparent: str = "",
    ) -> bytes:
        """A serialized request of this lane around the `body` of a batch."""
        seconds, nanos = divmod(sent_ns, 1_000_000_000)
        head = self.batch(
            producer=Producer(producer_id=producer_id, epoch=epoch, sequence=sequence),
            sent_at=Timestamp(seconds=seconds, nanos=nanos),
            traceparent=traceparent,
        ).SerializeToString()
        frame = self.request(project=project, ack_mode=ack_mode).SerializeToString()  # type: ignore[arg-type]
        return b"".join((frame, prefix(len(head) + len(body), _BATCH), head, body))


EVENTS = Lane(
    "events", "/tidemark.v1.IngestService/Publish", PublishRequest, EventBatch, PublishResponse.FromString
)
CRITICAL = replace(EVENTS, noun="critical events")
POINTS = Lane(
    "points",
    "/tidemark.v1.IngestService/RecordMetrics",
    RecordMetricsRequest,
    PointBatch,
    RecordMetricsResponse.FromString,
)
