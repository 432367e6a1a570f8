"""Events, points, batches and log entries, for tests of what ingest and the writer do with them."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from services.ingest import entry, ledger, microbatch, validate
from services.ingest.entry import Header
from services.ingest.microbatch import Known, Microbatch, Position
from services.ingest.outcome import Copied, Outcome, outcome
from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2

NOW_US = 1_767_225_600_000_000
"""The first instant of 2026: the clock of the pure tests, and in the past for the others."""
MINUTE_US = 60_000_000
ARROW = {
    "event_id": pa.binary(16),
    "type": pa.uint8(),
    "name": pa.string(),
    "occurred_at": pa.timestamp("us", "UTC"),
    "user_id": pa.string(),
    "session_id": pa.string(),
    "properties": pa.string(),
    "context": pa.string(),
}
"""The columns of the Arrow door as the contract names them."""


def event_id(number: int) -> bytes:
    """A UUIDv7 of its own for each number."""
    return (NOW_US // 1000).to_bytes(6) + b"\x70\x00\x80\x00" + number.to_bytes(6)


def event(number: int = 0, *, at_us: int = NOW_US, **fields: Any) -> event_pb2.Event:
    """An event in good order but for `fields`."""
    good = {"event_id": event_id(number), "type": event_pb2.EVENT_TYPE_USER_ACTION, "name": "clicked"}
    made = event_pb2.Event(**good | fields)
    if "occurred_at" not in fields:
        made.occurred_at.FromMicroseconds(at_us)
    return made


def point(value: float = 1.0, *, at_us: int = NOW_US, **fields: Any) -> metric_pb2.MetricPoint:
    """A metric point in good order but for `fields`."""
    made = metric_pb2.MetricPoint(
        **{"name": "cpu", "kind": metric_pb2.METRIC_KIND_GAUGE, "value": value} | fields
    )
    if "observed_at" not in fields:
        made.observed_at.FromMicroseconds(at_us)
    return made


def producer(name: str = "web-1", epoch: int = 1, sequence: int = 1) -> ingest_pb2.Producer:
    """Where a batch stands."""
    return ingest_pb2.Producer(producer_id=name, epoch=epoch, sequence=sequence)


def event_batch(*events: event_pb2.Event, **where: Any) -> ingest_pb2.EventBatch:
    """A batch of events."""
    return ingest_pb2.EventBatch(producer=producer(**where), events=events)


def point_batch(*points: metric_pb2.MetricPoint, **where: Any) -> ingest_pb2.PointBatch:
    """A batch of points."""
    return ingest_pb2.PointBatch(producer=producer(**where), points=points)


def record_batch(rows: int = 1, **columns: Any) -> pa.RecordBatch:
    """Rows in good order for the Arrow door; `columns` are arrays that replace some, or None to leave one out."""
    good = {
        "event_id": [event_id(number) for number in range(rows)],
        "type": [1] * rows,
        "name": ["clicked"] * rows,
        "occurred_at": [NOW_US] * rows,
        "user_id": ["u"] * rows,
        "session_id": [None] * rows,
        "properties": ['{"n":1}'] * rows,
        "context": [None] * rows,
    }
    arrays = {name: pa.array(values, ARROW[name]) for name, values in good.items()} | columns
    kept = {name: array for name, array in arrays.items() if array is not None}
    return pa.RecordBatch.from_arrays(list(kept.values()), names=list(kept))


def arrow_stream(
    *batches: pa.RecordBatch, schema: pa.Schema | None = None, compression: str | None = None
) -> bytes:
    """The batches as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, schema or batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def header(**changes: Any) -> Header:
    """The header of an entry; the fields of `Header` with `changes`."""
    good: dict[str, Any] = {
        "kind": "events",
        "project_id": 1,
        "producer_id": "web-1",
        "epoch": 1,
        "sequence": 1,
        "sent_us": 0,
        "received_us": NOW_US,
        "accepted": 0,
        "rejected": 0,
    }
    return Header(**good | changes)


def entry_fields(
    *rows: event_pb2.Event | metric_pb2.MetricPoint,
    faults: Mapping[int, tuple[str, str, str]] | None = None,
    **changes: Any,
) -> dict[bytes, bytes]:
    """A log entry of events or of points, all of them valid, as Redis gives it back; `faults` are reason, field and message by row."""
    if rows and isinstance(rows[0], metric_pb2.MetricPoint):
        kind, verdict = "points", validate.points(ingest_pb2.PointBatch(points=rows), NOW_US)
    else:
        kind, verdict = "events", validate.events(ingest_pb2.EventBatch(events=rows), NOW_US)
    assert not verdict.rejections
    columns = verdict.rows if kind == "points" else entry.with_faults(verdict.rows, faults or {})
    head, body = entry.encode(header(**{"kind": kind, "accepted": len(rows)} | changes), columns)
    return {b"h": head, b"e": body}


def entry_of_header(**members: object) -> dict[bytes, bytes]:
    """A log entry with a header of these members, a checksum that fits, and no rows."""
    text = orjson.dumps(members)
    return {b"h": b"%08x" % zlib.crc32(text) + text, b"e": b""}


def json_of(nested: int) -> bytes:
    """A JSON object of so many levels."""
    return orjson.dumps({"a": None}) if nested == 1 else b'{"a":' + json_of(nested - 1) + b"}"


def position(partition: int = 0, **changes: Any) -> Position:
    """Where a partition stands: at its very beginning, but for `changes`."""
    good: dict[str, Any] = {
        "partition": partition,
        "epoch": 1,
        "last_id": "0-0",
        "watermark_us": 0,
        "lateness_us": 0,
    }
    return Position(**good | dict.fromkeys(("version", "batches", "received", "bytes"), 0) | changes)


def copied(storable: Sequence[bool], fresh: Sequence[bool] | None = None) -> Copied:
    """What the database may say of rows."""
    mask = np.array(storable, np.bool_)
    asked = np.ones(len(mask), np.bool_) if fresh is None else np.array(fresh, np.bool_)
    return Copied(asked, mask, ["no good"] * int((~mask).sum()))


def all_new(work: Microbatch) -> Outcome:
    """The outcome when the database holds none of the events and can store everything."""
    return outcome(work, copied([True] * len(work.events.batch)), copied([True] * len(work.points.batch)))


def totals(work: Microbatch, result: Outcome) -> dict[str, int]:
    """The ledger, summed over producers and minutes."""
    amounts = ledger.amounts(work, result).values()
    return {name: sum(each[name] for each in amounts) for name in ledger.AMOUNTS}


def flipped(fields: dict[bytes, bytes], name: bytes, bit: int) -> dict[bytes, bytes]:
    """The entry with one bit of a field changed."""
    data = bytearray(fields[name])
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return fields | {name: bytes(data)}


def gathered(
    *entries: dict[bytes, bytes], known: Known | None = None, late_after_us: int = 10**15
) -> Microbatch:
    """The microbatch of these entries of partition 0."""
    numbered = [(f"1-{number}", fields) for number, fields in enumerate(entries)]
    return microbatch.gather({0: numbered}, {0: position()}, known or {}, late_after_us)
