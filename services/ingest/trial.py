"""Events for those who look at them one by one: columns of `columns.EVENTS` come in, messages go out to `judgement` and `letters`. Pure."""

from collections.abc import Iterator, Mapping
from itertools import chain

import orjson
import pyarrow as pa

from tidemark.v1.event_pb2 import Event

_TEXTS = ("name", "user_id", "session_id")


def messages(rows: pa.RecordBatch) -> list[Event]:
    """Each row as the message that it came as; objects as JSON."""
    times = rows["occurred_at"].cast(pa.int64()).to_pylist()
    columns = (rows[name].to_pylist() for name in ("event_id", "type", *_TEXTS, "properties", "context"))
    found = []
    for at_us, (event_id, kind, name, user, session, properties, context) in zip(times, zip(*columns)):
        event = Event(
            event_id=event_id,
            type=kind,
            name=name,
            user_id=user or "",
            session_id=session or "",
            properties_json=(properties or "").encode(),
            context_json=(context or "").encode(),
        )
        event.occurred_at.FromMicroseconds(at_us)
        found.append(event)
    return found


def paths_that_differ(before: Event, after: Event) -> list[str]:
    """Paths of the fields that two events differ in, down to the values that differ."""
    texts = (name for name in _TEXTS if getattr(before, name) != getattr(after, name))
    objects = (
        _differing(_object(before, name), _object(after, name), name) for name in ("properties", "context")
    )
    return [*texts, *chain.from_iterable(objects)]


def _object(event: Event, name: str) -> Mapping[str, object]:
    text = getattr(event, f"{name}_json")
    return orjson.loads(text) if text else {}  # type: ignore[no-any-return]


def _differing(before: Mapping[str, object], after: Mapping[str, object], path: str) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        old, new, here = before.get(key), after.get(key), f"{path}.{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, here)
        elif old != new or type(old) is not type(new) or (key in before) != (key in after):
            yield here
