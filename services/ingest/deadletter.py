"""Dead letters: rows that cannot be stored come in from `microbatch` and `store`, whole and with their reason they go out to `ledger`.

Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa

from services.ingest.signature import signature
from tidemark.v1.event_pb2 import EventType
from tidemark.v1.metric_pb2 import MetricKind

FAULTS = {"SCHEMA", "RULE"}
"""Reasons that are a tenant's own: its schemas and rules ask for them. Of the others too many pause a partition."""
_OBJECTS = {"properties", "context", "tags"}
_EVENT = ("event_id", "type", "name", "occurred_at", "user_id", "session_id", "properties", "context")
_POINT = ("name", "kind", "value", "observed_at", "unit", "tags")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something cannot be stored."""

    reason: str
    """As in `tidemark.v1.DeadLetterReason`, without its prefix."""
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that cannot be stored, whole. `rows` is how many events or points it stands for."""

    batch: int
    """Index of its batch in `Microbatch.batches`."""
    kind: str
    why: Reason
    content: bytes
    rows: int = 1
    name: str = ""
    event_id: bytes | None = None
    user_id: str | None = None

    @property
    def signature(self) -> str:
        """What letters with the same kind of fault have in common."""
        return signature(self.why.reason, self.why.field, self.name, self.why.message)


def of_entry(batch: int, kind: str, rows: int, message: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """The letter of an entry that cannot be read, with the bytes of its fields."""
    content = b"\n".join(name + b" " + value for name, value in sorted(fields.items()))
    return DeadLetter(batch, kind, Reason("CORRUPT", _plain(message)), content, rows)


def of_rows(
    kind: str, rows: pa.RecordBatch | pa.Table, batch: Sequence[int], why: Sequence[Reason]
) -> list[DeadLetter]:
    """A letter for each of `rows`, with the index of its `batch` and its reason; columns of the log or of the database."""
    return [
        DeadLetter(
            index,
            kind,
            Reason(reason.reason, _plain(reason.message), _plain(reason.field)),
            orjson.dumps(fields),
            name=_plain(fields["name"]),
            event_id=event_id,
            user_id=_plain(fields["user_id"]) if "user_id" in fields else None,
        )
        for index, reason, (event_id, fields) in zip(batch, why, _contents(kind, rows), strict=True)
    ]


def faults(texts: Sequence[str]) -> list[Reason]:
    """The reasons in the column `fault` of `columns.EVENTS_2`."""
    found = map(orjson.loads, texts)
    return [Reason(each["reason"], each["message"], each["field"]) for each in found]


def _contents(kind: str, rows: pa.RecordBatch | pa.Table) -> Iterator[tuple[bytes | None, dict[str, str]]]:
    """Id and fields of each row as they came, without those that it lacks."""
    names = _EVENT if kind == "events" else _POINT
    columns = [_values(name, rows[name]) for name in names]
    ids = rows["event_id"].to_pylist() if kind == "events" else [None] * rows.num_rows
    for event_id, values in zip(ids, zip(*columns)):
        yield event_id, {name: value for name, value in zip(names, values) if value is not None}


def _values(name: str, column: pa.Array | pa.ChunkedArray) -> list[object]:
    """The values of a column as they stand in JSON."""
    if name in ("occurred_at", "observed_at"):
        # Also the instants that no calendar has, which may be why a row cannot be stored.
        return [f"{np.datetime64(us, 'us')}Z" for us in column.cast(pa.int64()).to_pylist()]
    values: list[Any] = column.to_pylist()
    if name == "event_id":
        return [str(UUID(bytes=value)) for value in values]
    if name in _OBJECTS:
        # As they are: numbers that no double holds would not come back.
        return [None if value is None else orjson.Fragment(value) for value in values]
    if name in ("type", "kind"):
        numbers = EventType if name == "type" else MetricKind
        return [numbers.Name(value) if value in numbers.values() else value for value in values]
    return values


def _plain(text: str) -> str:
    """A text that the database can hold."""
    return text.replace("\0", "\ufffd")
