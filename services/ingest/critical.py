"""The errors and security events of a batch, for those who follow them before they are committed: columns come in from `intake`,
serialized messages go out to `stream`, which appends them in the same step as the batch. Pure.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tidemark.v1 import event_pb2
from tidemark.v1.query_pb2 import CriticalEvent, WatchCriticalResponse

TYPES = (event_pb2.EVENT_TYPE_ERROR_EVENT, event_pb2.EVENT_TYPE_SECURITY_EVENT)
_MESSAGE_BYTES = 64 << 10
"""Of one message, give or take an event: a reader takes as many as it likes."""
_URGENT_BYTES = 256 << 10


def is_urgent(events: Sequence[event_pb2.Event], size: int) -> bool:
    """Whether a batch is let in over a full backlog: it is small and holds nothing but critical events."""
    return 0 < size <= _URGENT_BYTES and bool(events) and all(event.type in TYPES for event in events)


def messages(rows: pa.RecordBatch, producer_id: str, received_us: int) -> list[bytes]:
    """The critical events among `rows`, columns of `columns.EVENTS` and more, as serialized `WatchCriticalResponse`s."""
    chosen = np.flatnonzero(np.isin(rows["type"].to_numpy(), TYPES))
    if not len(chosen):
        return []
    made, size = [WatchCriticalResponse()], 0
    times = rows["occurred_at"].cast(pa.int64()).take(pa.array(chosen)).to_pylist()
    for row, at_us in zip(rows.take(pa.array(chosen)).to_pylist(), times):
        if size > _MESSAGE_BYTES:
            made.append(WatchCriticalResponse())
            size = 0
        found = CriticalEvent(producer_id=producer_id)
        found.received_at.FromMicroseconds(received_us)
        event = found.event
        event.event_id, event.type, event.name = row["event_id"], row["type"], row["name"]
        event.occurred_at.FromMicroseconds(at_us)
        event.user_id, event.session_id = row["user_id"] or "", row["session_id"] or ""
        event.properties_json = (row["properties"] or "").encode()
        event.context_json = (row["context"] or "").encode()
        made[-1].events.append(found)
        size += found.ByteSize()
    return [message.SerializeToString() for message in made]
