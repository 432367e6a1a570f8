"""Judges a batch: protobuf or Arrow comes in, accepted columns and reasoned rejections go out to `intake`.

Each check looks at a whole column and is quick when everything is in order, which is nearly always; only a column that holds
a fault is searched row by row. The first fault of a row is the one reported. Pure: the clock is an argument.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import orjson
import pyarrow as pa
from google.protobuf import json_format
from numpy.typing import NDArray

from services.ingest import arrow
from services.ingest.columns import EVENTS, POINTS
from services.kit.errors import Invalid
from tidemark.v1 import event_pb2, ingest_pb2, metric_pb2

MAX_ROWS = 10_000
MAX_NAME = 200
MAX_JSON_BYTES = 64 << 10
MAX_JSON_DEPTH = 16
_MAX_STRUCT_BYTES = 3 * MAX_JSON_BYTES
"""Of a `Struct`: more can be no JSON within the limit, as a number takes 11 bytes in one and 4 in the other."""
MAX_TAGS = 32
MAX_UNIT = 32
MAX_AHEAD_US = 3_600_000_000
_MAX_SECONDS = 1 << 37
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHOWN = 20
"""Characters of a text that a message repeats: an answer that rejects 10 000 rows must fit in one message."""

MISSING = ingest_pb2.REJECTION_REASON_MISSING
MALFORMED = ingest_pb2.REJECTION_REASON_MALFORMED
OUT_OF_RANGE = ingest_pb2.REJECTION_REASON_OUT_OF_RANGE
TOO_LARGE = ingest_pb2.REJECTION_REASON_TOO_LARGE
SCHEMA = ingest_pb2.REJECTION_REASON_SCHEMA

Reason = ingest_pb2.RejectionReason
Strings = Sequence[str | None]


@dataclass(frozen=True)
class Verdict:
    """What of a batch is accepted, as columns of `services.ingest.columns`, and what is not."""

    rows: pa.RecordBatch
    rejections: list[ingest_pb2.Rejection]
    places: Sequence[int]
    """Where in the batch each of the rows stood."""


@dataclass
class _Faults:
    """The first fault of each bad row."""

    rows: dict[int, tuple[str, Reason, str]] = field(default_factory=dict)

    def add(self, row: int, name: str, reason: Reason, message: str) -> None:
        self.rows.setdefault(row, (name, reason, message))

    def rejections(self, what: str, sequence: int, ids: Sequence[bytes] | None) -> list[ingest_pb2.Rejection]:
        return [
            ingest_pb2.Rejection(
                sequence=sequence,
                index=row,
                event_id=ids[row][:16] if ids and ids[row] else b"",
                field=f"{what}[{row}].{name}",
                reason=reason,
                message=message,
            )
            for row, (name, reason, message) in sorted(self.rows.items())
        ]


def events(batch: ingest_pb2.EventBatch, now_us: int) -> Verdict:
    """The verdict on a batch of events; raises `Invalid` where the batch as a whole cannot be read."""
    if batch.events_arrow and batch.events:
        raise Invalid("batch.events_arrow", "is given beside events; send one of the two")
    faults = _Faults()
    if batch.events_arrow:
        table = arrow.read(batch.events_arrow, MAX_ROWS)
        ids = table["event_id"].fill_null(b"").to_pylist()
        kinds = table["type"].fill_null(0).to_pylist()
        names, users, sessions, properties, contexts = (
            table[name].to_pylist() for name in ("name", "user_id", "session_id", "properties", "context")
        )
        times = _arrow_times(table["occurred_at"], faults)
        properties = [text.encode() if text else b"" for text in properties]
        contexts = [text.encode() if text else b"" for text in contexts]
    else:
        _check_count("batch.events", len(batch.events))
        rows = list(batch.events)  # Each pass over the container itself would wrap every event anew.
        ids = [row.event_id for row in rows]
        kinds = [row.type for row in rows]
        names = [row.name for row in rows]
        users = [row.user_id for row in rows]
        sessions = [row.session_id for row in rows]
        times = _times(rows, "occurred_at", faults)
        properties = [row.properties_json for row in rows]
        contexts = [row.context_json for row in rows]
        _read_structs(rows, "properties", properties, faults)
        _read_structs(rows, "context", contexts, faults)

    if set(map(len, ids)) - {16}:
        for row, event_id in enumerate(ids):
            if len(event_id) != 16:
                reason = MALFORMED if event_id else MISSING
                faults.add(row, "event_id", reason, f"has {len(event_id)} bytes; send the 16 bytes of a UUID")
    _check_enum(kinds, event_pb2.EventType, "type", faults)
    _check_names(names, faults)
    _check_times(times, now_us, "occurred_at", faults)
    _check_texts(users, "user_id", MAX_NAME, faults)
    _check_texts(sessions, "session_id", MAX_NAME, faults)
    _check_objects(properties, "properties", faults)
    _check_objects(contexts, "context", faults)

    keep: Sequence[int] = range(len(ids))
    if faults.rows:
        keep = [row for row in keep if row not in faults.rows]
        ids_kept, kinds, names, users, sessions, properties, contexts = (
            [column[row] for row in keep]
            for column in (ids, kinds, names, users, sessions, properties, contexts)
        )
        times = times[keep]
    else:
        ids_kept = ids
    columns = [
        pa.array(ids_kept, pa.binary(16)),
        pa.array(np.array(kinds, np.int16)),
        pa.array(names, pa.string()),
        pa.array(times, pa.int64()).cast(pa.timestamp("us")),
        _texts(users),
        _texts(sessions),
        _json(properties),
        _json(contexts),
    ]
    rejections = faults.rejections("events", batch.producer.sequence, ids)
    return Verdict(pa.RecordBatch.from_arrays(columns, schema=EVENTS), rejections, keep)


def points(batch: ingest_pb2.PointBatch, now_us: int) -> Verdict:
    """The verdict on a batch of metric points; raises `Invalid` where the batch as a whole cannot be read."""
    _check_count("batch.points", len(batch.points))
    rows = list(batch.points)
    faults = _Faults()
    names = [row.name for row in rows]
    kinds = [row.kind for row in rows]
    values = np.array([row.value for row in rows], np.float64)
    units = [row.unit for row in rows]
    tags = [dict(row.tags) for row in rows]
    times = _times(rows, "observed_at", faults)

    _check_enum(kinds, metric_pb2.MetricKind, "kind", faults)
    _check_names(names, faults)
    _check_times(times, now_us, "observed_at", faults)
    _check_texts(units, "unit", MAX_UNIT, faults)
    for row in np.flatnonzero(~np.isfinite(values)).tolist():
        faults.add(row, "value", OUT_OF_RANGE, f"is {values[row]}; send a finite number")
    for index, pairs in enumerate(tags):
        if pairs:
            _check_tags(index, pairs, faults)

    keep: Sequence[int] = range(len(names))
    if faults.rows:
        keep = [row for row in keep if row not in faults.rows]
        names, kinds = [names[row] for row in keep], [kinds[row] for row in keep]
        units, tags = [units[row] for row in keep], [tags[row] for row in keep]
        values, times = values[keep], times[keep]
    columns = [
        pa.array(names, pa.string()),
        pa.array(np.array(kinds, np.int16)),
        pa.array(values, pa.float64()),
        pa.array(times, pa.int64()).cast(pa.timestamp("us")),
        _texts(units),
        _json([orjson.dumps(pairs) if pairs else b"" for pairs in tags]),
    ]
    rejections = faults.rejections("points", batch.producer.sequence, None)
    return Verdict(pa.RecordBatch.from_arrays(columns, schema=POINTS), rejections, keep)


def _check_count(name: str, count: int) -> None:
    if count > MAX_ROWS:
        raise Invalid(name, f"has {count} rows; send at most {MAX_ROWS} in one batch")


_NO_TIME = "is missing; say when it happened"


def _times(
    rows: Sequence[event_pb2.Event] | Sequence[metric_pb2.MetricPoint], name: str, faults: _Faults
) -> NDArray[np.int64]:
    """Microseconds since 1970, shape (n,); -1 where the instant is not a valid one, which is a fault."""
    # No instant outlives its turn: thousands of them at once make the garbage collector walk the whole heap.
    parts = [part for row in rows for stamp in (getattr(row, name),) for part in (stamp.seconds, stamp.nanos)]
    seconds, nanos = np.array(parts, np.int64).reshape(-1, 2).T
    for row in np.flatnonzero((seconds == 0) & (nanos == 0)).tolist():
        if not rows[row].HasField(name):  # type: ignore[arg-type]
            faults.add(row, name, MISSING, _NO_TIME)
    valid = (seconds > -_MAX_SECONDS) & (seconds < _MAX_SECONDS) & (nanos >= 0) & (nanos < 1_000_000_000)
    for row in np.flatnonzero(~valid).tolist():
        fault = f"is {seconds[row]} s and {nanos[row]} ns, which is no instant; send the time in UTC"
        faults.add(row, name, OUT_OF_RANGE, fault)
    return np.where(valid, np.where(valid, seconds, 0) * 1_000_000 + nanos // 1000, -1)


def _arrow_times(column: pa.Array, faults: _Faults) -> NDArray[np.int64]:
    """As `_times`, of a column of timestamps."""
    for row in np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist():
        faults.add(row, "occurred_at", MISSING, _NO_TIME)
    times: NDArray[np.int64] = column.cast(pa.int64()).fill_null(-1).to_numpy()
    return times


def _check_times(times: NDArray[np.int64], now_us: int, name: str, faults: _Faults) -> None:
    latest = now_us + MAX_AHEAD_US
    for row in np.flatnonzero((times < 0) | (times > latest)).tolist():
        fault = "before 1970" if times[row] < 0 else "more than an hour ahead of the server's clock"
        instant = np.datetime64(int(times[row]), "us")
        faults.add(row, name, OUT_OF_RANGE, f"is {instant}, {fault}; send the time in UTC")


def _check_enum(values: Sequence[int], enum: object, name: str, faults: _Faults) -> None:
    known = set(enum.values()) - {0}  # type: ignore[attr-defined]
    if set(values) - known:
        for row, value in enumerate(values):
            if value not in known:
                reason = MISSING if value == 0 else MALFORMED
                faults.add(row, name, reason, f"is {value}; send one of {', '.join(enum.keys()[1:])}")  # type: ignore[attr-defined]


def _check_names(names: Strings, faults: _Faults) -> None:
    bad = {name for name in set(names) if not name or len(name) > MAX_NAME or _CONTROL.search(name)}
    if bad:
        for row, name in enumerate(names):
            if name in bad:
                if not name:
                    faults.add(row, "name", MISSING, "is missing; say what happened, as in order_placed")
                elif len(name) > MAX_NAME:
                    faults.add(row, "name", TOO_LARGE, f"has {len(name)} characters; send at most {MAX_NAME}")
                else:
                    faults.add(row, "name", MALFORMED, f"is {name[:_SHOWN]!r}; send no control characters")


def _check_texts(texts: Strings, name: str, limit: int, faults: _Faults) -> None:
    different = set(texts)
    if any(text and (len(text) > limit or "\0" in text) for text in different):
        for row, text in enumerate(texts):
            if text and len(text) > limit:
                faults.add(row, name, TOO_LARGE, f"has {len(text)} characters; send at most {limit}")
            elif text and "\0" in text:
                faults.add(row, name, MALFORMED, "holds a NUL character; leave it out")


def _check_tags(row: int, tags: dict[str, str], faults: _Faults) -> None:
    if len(tags) > MAX_TAGS:
        faults.add(row, "tags", TOO_LARGE, f"has {len(tags)} tags; send at most {MAX_TAGS}")
    for text in chain(tags, tags.values()):
        if len(text) > MAX_NAME:
            faults.add(
                row, "tags", TOO_LARGE, f"holds a text of {len(text)} characters; send at most {MAX_NAME}"
            )
        elif "\0" in text:
            faults.add(row, "tags", MALFORMED, "holds a NUL character; leave it out")


def _read_structs(rows: Iterable[event_pb2.Event], name: str, texts: list[bytes], faults: _Faults) -> None:
    """Puts the JSON of each row's `Struct` in `texts`."""
    for row, event in enumerate(rows):
        if event.HasField(name):  # type: ignore[arg-type]
            if texts[row]:
                faults.add(row, name, MALFORMED, f"is given beside {name}_json; send one of the two")
                continue
            struct = getattr(event, name)
            if (size := struct.ByteSize()) > _MAX_STRUCT_BYTES:
                faults.add(row, name, TOO_LARGE, f"has {size} bytes; send at most {MAX_JSON_BYTES} as JSON")
                continue
            try:
                texts[row] = orjson.dumps(json_format.MessageToDict(struct))
            except ValueError as error:
                faults.add(row, name, MALFORMED, f"cannot be stored as JSON: {error}")


def _check_objects(texts: Sequence[bytes], name: str, faults: _Faults) -> None:
    """Each text is empty or a JSON object within the limits. Rows that share a text, as contexts do, are checked once."""
    different = set(texts) - {b""}
    if _are_plain_objects(different):
        return
    loads, previous = orjson.loads, b""
    for row, text in enumerate(texts):
        if not text or text == previous:
            continue
        if len(text) > MAX_JSON_BYTES:
            faults.add(row, name, TOO_LARGE, f"has {len(text)} bytes; send at most {MAX_JSON_BYTES}")
            continue
        try:
            value = loads(text)
        except orjson.JSONDecodeError as error:
            faults.add(row, name, MALFORMED, f"is not JSON: {error}")
            continue
        if type(value) is not dict:
            faults.add(row, name, MALFORMED, f"is a JSON {_JSON_NAMES[type(value)]}; send an object")
        elif text.count(b"{") + text.count(b"[") > MAX_JSON_DEPTH and _depth(value) > MAX_JSON_DEPTH:
            faults.add(row, name, TOO_LARGE, f"is nested deeper than {MAX_JSON_DEPTH} levels")
        elif b"\\u0000" in text and _any_text(value, lambda part: "\0" in part):
            faults.add(row, name, MALFORMED, "holds a NUL character; leave it out")
        else:
            previous = text


def _are_plain_objects(texts: Collection[bytes]) -> bool:
    """Whether all texts surely are objects within the limits; where this is not sure, each is looked at by itself."""
    together = b"".join(texts)
    # Every object has a bracket of its own, so none can have more than the limit unless there are as many beside those.
    if together.count(b"{") + together.count(b"[") >= len(texts) + MAX_JSON_DEPTH or b"\\u0000" in together:
        return False
    try:
        kinds = set(map(type, map(orjson.loads, texts)))
    except orjson.JSONDecodeError:
        return False
    return kinds <= {dict} and max(map(len, texts), default=0) <= MAX_JSON_BYTES


_JSON_NAMES = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _depth(value: object) -> int:
    """Levels of objects and arrays in `value`, counted without recursion."""
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        level = list(chain.from_iterable(part.values() if isinstance(part, dict) else part for part in level))
    return depth


def _any_text(value: object, holds: Callable[[str], bool]) -> bool:
    """Whether any key or string in `value` is one that `holds`."""
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str) and holds(part):
            return True
        if isinstance(part, dict):
            parts += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            parts += part
    return False


def _texts(texts: Strings) -> pa.Array:
    """A column of strings with null for empty."""
    return pa.array([text or None for text in texts], pa.string())


def _json(texts: Sequence[bytes]) -> pa.Array:
    """A column of JSON with null for empty; the bytes are known to be UTF-8."""
    return pa.array([text or None for text in texts], pa.binary()).view(pa.string())
