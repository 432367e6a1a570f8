"""Log records of OTLP as events: a request comes in, rows go out to `parts`. Pure.

The same request sent again gives the same events with the same ids, so that each is stored once however often an exporter
tries.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from services.ingest.otlp.parts import Row
from services.ingest.otlp.values import attributes, plain, producer_id
from tidemark.ids import derived
from tidemark.v1.event_pb2 import EVENT_TYPE_ERROR_EVENT, EVENT_TYPE_SYSTEM_EVENT, Event

NAME = "log"
"""Of an event whose record names none."""
_ERROR = SeverityNumber.SEVERITY_NUMBER_ERROR
_OWN_IDS = ("event.id", "log.record.uid")
_USERS = ("user.id", "enduser.id")
_SESSION = "session.id"


def rows(request: ExportLogsServiceRequest, now_us: int) -> Iterator[Row[Event]]:
    """An event for each log record; one that knows no time has happened at `now_us`."""
    place, seen = 0, Counter[bytes]()
    for of_resource in request.resource_logs:
        resource = attributes(of_resource.resource.attributes)
        producer = producer_id(resource)
        for of_scope in of_resource.scope_logs:
            context = _context(resource, of_scope.scope)
            told = (of_resource.resource, of_scope.scope)
            prefix = blake2b(b"\0".join(each.SerializeToString(deterministic=True) for each in told)).digest()
            for record in of_scope.log_records:
                content = prefix + record.SerializeToString(deterministic=True)
                ordinal = seen[content]
                seen[content] += 1
                made = _event(record, resource, context, b"%b%d" % (content, ordinal), now_us)
                yield Row(producer, place, made, known_again=_at_us(record) > 0)
                place += 1


def _event(
    record: LogRecord, resource: Mapping[str, Any], context: bytes, content: bytes, now_us: int
) -> Event:
    given = attributes(record.attributes)
    at_us = _at_us(record)
    made = Event(
        event_id=_own_id(given) or derived(at_us // 1000, content),
        type=EVENT_TYPE_ERROR_EVENT if record.severity_number >= _ERROR else EVENT_TYPE_SYSTEM_EVENT,
        name=record.event_name or _text(given.get("event.name")) or NAME,
        user_id=_first(_USERS, given, resource),
        session_id=_first((_SESSION,), given, resource),
        properties_json=_json(given | _said(record)),
        context_json=context,
    )
    made.occurred_at.seconds, micros = divmod(at_us or now_us, 1_000_000)
    made.occurred_at.nanos = micros * 1000
    return made


def _at_us(record: LogRecord) -> int:
    """When it happened, or else was seen, in microseconds since 1970; 0 when the record does not say."""
    return (record.time_unix_nano or record.observed_time_unix_nano) // 1000


def _said(record: LogRecord) -> dict[str, Any]:
    """What a record says beside its attributes, as far as it says it."""
    said: dict[str, Any] = {}
    if record.HasField("body"):
        said["body"] = plain(record.body)
    if record.severity_number or record.severity_text:
        said["severity"] = record.severity_text or _severity(record.severity_number)
        said["severity_number"] = record.severity_number
    if record.trace_id:
        said["trace_id"] = record.trace_id.hex()
    if record.span_id:
        said["span_id"] = record.span_id.hex()
    return said


def _severity(number: int) -> str:
    known = SeverityNumber.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix("SEVERITY_NUMBER_") if known else str(number)


def _context(resource: Mapping[str, Any], scope: InstrumentationScope) -> bytes:
    """Where it was logged, the same for every record of a scope."""
    said = {"name": scope.name, "version": scope.version, "attributes": attributes(scope.attributes)}
    told = {"resource": resource, "scope": {key: value for key, value in said.items() if value}}
    return _json({key: value for key, value in told.items() if value})


def _own_id(given: Mapping[str, Any]) -> bytes:
    """The id that a record brings, where it is a UUID."""
    for name in _OWN_IDS:
        try:
            return UUID(_text(given.get(name))).bytes
        except ValueError:
            continue
    return b""


def _first(names: tuple[str, ...], *places: Mapping[str, Any]) -> str:
    return next((found for place in places for name in names if (found := _text(place.get(name)))), "")


def _text(value: Any) -> str:
    """A text, or a number written as one: the ids of some are."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int) else ""


def _json(members: Mapping[str, Any]) -> bytes:
    return orjson.dumps(members) if members else b""
