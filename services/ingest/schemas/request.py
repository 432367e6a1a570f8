"""What a request of SchemaService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, those that can be stored go back to it and on to `store.py`.
"""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.schemas import compatibility
from services.ingest.schemas.document import read
from services.ingest.validate import MAX_NAME
from services.kit import resource
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.period import span
from tidemark.v1 import schema_pb2 as pb

MAX_DESCRIPTION = 1000
SAMPLE, LARGEST_SAMPLE = 1000, 10_000
RECENT = timedelta(days=30)
_UPDATABLE = ("document", "enforcement", "compatibility", "description")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def new(given: pb.Schema) -> pb.Schema:
    """The fields of a new schema."""
    event_name(given.event_name, "schema.event_name")
    found = pb.Schema(event_name=given.event_name)
    for name in _UPDATABLE:
        _set(found, given, name)
    _check(found)
    read(found.document, "schema.document")
    return found


def changed(request: pb.UpdateSchemaRequest, present: pb.Schema) -> pb.Schema:
    """The next version of the `present` one; raises `Refused` where that breaks its promise."""
    if request.schema.event_name not in ("", present.event_name):
        raise Invalid(
            "schema.event_name",
            f"is {request.schema.event_name[:100]!r} where it was {present.event_name!r}; create a schema for that event",
        )
    found = pb.Schema()
    found.CopyFrom(present)
    for name in resource.masked(request, request.schema, _UPDATABLE):
        _set(found, request.schema, name)
    _check(found)
    document = read(found.document, "schema.document")
    if found.compatibility != pb.COMPATIBILITY_NONE:
        compatibility.require(found.compatibility, read(present.document, "schema.document"), document)
    return found


def event_name(text: str, field: str) -> None:
    """The name of an event."""
    if not 1 <= len(text) <= MAX_NAME or _CONTROL.search(text):
        raise Invalid(
            field,
            f"is {text[:50]!r}; give 1 to {MAX_NAME} characters and no control characters, as in order_placed",
        )


def version(number: int) -> int:
    """Which version is asked for; 0 for the present one."""
    if number < 0:
        raise Invalid("version", f"is {number}; give 1 or more, or leave it out for the present one")
    return number


def sample(request: pb.InferSchemaRequest, zone: str, now: datetime) -> tuple[Span, int]:
    """Which events are looked at, and how many of them."""
    event_name(request.event_name, "event_name")
    if request.sample_size < 0:
        raise Invalid("sample_size", f"is {request.sample_size}; give 1 to {LARGEST_SAMPLE}")
    asked = Span(now - RECENT, now + timedelta(hours=1))
    if request.HasField("time_range"):
        asked = span(request.time_range, ZoneInfo(zone), now, "time_range")
    return asked, min(request.sample_size or SAMPLE, LARGEST_SAMPLE)


def _set(found: pb.Schema, given: pb.Schema, name: str) -> None:
    setattr(found, name, getattr(given, name))


def _check(schema: pb.Schema) -> None:
    """What is left out becomes what that means."""
    for name, values in (("enforcement", pb.Enforcement), ("compatibility", pb.Compatibility)):
        if getattr(schema, name) not in values.values():
            raise Invalid(
                f"schema.{name}", f"is {getattr(schema, name)}; give one of {', '.join(values.keys()[1:])}"
            )
    schema.enforcement = schema.enforcement or pb.ENFORCEMENT_WARN
    schema.compatibility = schema.compatibility or pb.COMPATIBILITY_NONE
    if len(schema.description) > MAX_DESCRIPTION or "\0" in schema.description:
        raise Invalid(
            "schema.description",
            f"has {len(schema.description)} characters; write at most {MAX_DESCRIPTION} and no NUL",
        )
