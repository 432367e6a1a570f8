"""The content of dead letters: JSON objects as the writer wrote them come in, rows of the log as they came go out to `repair`. Pure.

JSON within a letter is taken out as the text that it is: numbers that no double holds stay what they are.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa

from services.ingest.columns import EVENTS, POINTS
from services.kit.instant import us_of
from tidemark.v1.event_pb2 import EventType
from tidemark.v1.metric_pb2 import MetricKind

_JSON = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\n\r]*")
Row = dict[str, Any]


class Unreadable(Exception):
    """A content that is no event or point."""


def event(content: bytes) -> Row:
    """The row of an event, by the columns of `columns.EVENTS`; raises `Unreadable`."""
    return _row(
        content,
        lambda parts: {
            "event_id": UUID(orjson.loads(parts["event_id"])).bytes,
            "type": EventType.Value(_prefixed("EVENT_TYPE_", orjson.loads(parts["type"]))),
            "name": _required(parts, "name"),
            "occurred_at": _us(parts["occurred_at"]),
            "user_id": _text(parts, "user_id"),
            "session_id": _text(parts, "session_id"),
            "properties": _object(parts, "properties"),
            "context": _object(parts, "context"),
        },
    )


def point(content: bytes) -> Row:
    """The row of a metric point, by the columns of `columns.POINTS`; raises `Unreadable`."""
    return _row(
        content,
        lambda parts: {
            "name": _required(parts, "name"),
            "kind": MetricKind.Value(_prefixed("METRIC_KIND_", orjson.loads(parts["kind"]))),
            "value": float(parts["value"]),
            "observed_at": _us(parts["observed_at"]),
            "unit": _text(parts, "unit"),
            "tags": _object(parts, "tags"),
        },
    )


def events(rows: Iterable[Row]) -> pa.RecordBatch:
    """Rows of `event` as columns."""
    return pa.RecordBatch.from_pylist(list(rows), schema=EVENTS)


def points(rows: Iterable[Row]) -> pa.RecordBatch:
    """Rows of `point` as columns."""
    return pa.RecordBatch.from_pylist(list(rows), schema=POINTS)


def _row(content: bytes, read: Callable[[dict[str, str]], Row]) -> Row:
    try:
        return read(_parts(content.decode()))
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Unreadable("its content cannot be read; discard it") from error


def _parts(text: str) -> dict[str, str]:
    """The members of a JSON object, each as its text."""
    found: dict[str, str] = {}
    at = _next(text, 0, "{")
    if text[at] == "}":
        return found
    while True:
        name, at = _JSON.raw_decode(text, at)
        start = _next(text, at, ":")
        _, end = _JSON.raw_decode(text, start)
        found[name] = text[start:end]
        at = _after_space(text, end)
        if text[at] == "}":
            return found
        at = _next(text, at, ",")


def _next(text: str, at: int, sign: str) -> int:
    """Where the text goes on behind a sign that must stand at this place, and the spaces around it."""
    at = _after_space(text, at)
    if text[at] != sign:
        raise ValueError(f"holds {text[at]!r} instead of {sign!r}")
    return _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _prefixed(prefix: str, name: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def _us(text: str) -> int:
    instant = datetime.fromisoformat(orjson.loads(text))
    return us_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def _text(parts: dict[str, str], name: str) -> str | None:
    value = orjson.loads(parts.get(name, "null"))
    if not isinstance(value, str | None):
        raise ValueError(f"{name} is no text")
    return value


def _required(parts: dict[str, str], name: str) -> str:
    if not (value := _text(parts, name)):
        raise ValueError(f"{name} is missing")
    return value


def _object(parts: dict[str, str], name: str) -> str | None:
    text = parts.get(name, "null")
    if text == "null":
        return None
    if not text.startswith("{"):
        raise ValueError(f"{name} is no object")
    return text
