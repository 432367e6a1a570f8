"""The calls of Segment: one of them or a batch comes in as JSON, a batch of events for ingest goes out, and what became of each.

What a call names itself, `messageId`, becomes the id of its event, so that it is stored once however often it is sent. Pure.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.kit.errors import Invalid
from tidemark.ids import derived
from tidemark.v1.event_pb2 import EVENT_TYPE_USER_ACTION, Event
from tidemark.v1.ingest_pb2 import PublishBatchRequest, PublishBatchResponse

RPC = "/tidemark.v1.IngestService/PublishBatch"
BATCH = "/v1/batch"
CALLS = ("track", "identify", "page", "screen", "group", "alias")
PATHS = frozenset({BATCH, *(f"/v1/{call}" for call in CALLS)})
MAX_BODY = 500 << 10
MAX_CALL = 32 << 10
MAX_CALLS = 2500
"""In a batch. All limits are those of Segment."""
_UNFIT = re.compile(r"[^A-Za-z0-9._:-]+")
_LONGEST = 90
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END_OF_TIME_US = 253_402_300_800_000_000
"""The year 10000."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is not taken."""

    place: int
    field: str
    message: str


@dataclass(slots=True)
class Calls:
    """A request: what goes to ingest, the place of each of its events among the calls, and the calls that do not go."""

    request: PublishBatchRequest
    places: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


class _Unfit(Exception):
    """A call that cannot be taken: the field at fault, and what is wrong."""


class _Call(NamedTuple):
    """What is read of a call first."""

    name: str
    """By which it is known again; empty when it has none."""
    at_us: int | None
    """When it was made, in microseconds since 1970; None when it does not say."""
    content: bytes
    """All of it, the same for the same call."""


def read(path: str, body: bytes, now_us: int, salt: bytes) -> Calls:
    """The calls in a body; one that tells no time is made at `now_us`, and `salt` keeps those apart that tell neither time nor name."""
    given, shared, calls = _opened(path, body)
    made = Calls(PublishBatchRequest())
    events, seen = made.request.batch.events, Counter[bytes]()
    library, timeless, nameless = "", False, False
    for place, each in enumerate(calls):
        try:
            call, context = _call(each), {**shared, **_part(each, "context")}
            events.append(_event(each, call, context, now_us))
        except _Unfit as unfit:
            made.refusals.append(Refusal(place, *unfit.args))
            continue
        made.places.append(place)
        events[-1].event_id = _event_id(call, seen, b"" if call.at_us is not None else salt)
        timeless |= call.at_us is None
        nameless |= call.at_us is None and not call.name
        library = library or _library(context)
    made.request.batch.producer.epoch = 1
    made.request.batch.producer.producer_id = f"segment:{_UNFIT.sub('-', library or 'http')[:_LONGEST]}"
    if timeless and not nameless:
        # Events are known by id and time: what tells no time is another event each time it comes, unless its batch is known.
        ids = b"".join(event.event_id for event in events)
        made.request.request_id = blake2b(ids, digest_size=16).hexdigest()
    sent_us = _sent_us(given)
    if sent_us:
        made.request.batch.sent_at.FromMicroseconds(sent_us)
    return made


def answer(calls: Calls, response: PublishBatchResponse) -> bytes:
    """What became of the calls; raises `Invalid` where none was taken."""
    refusals = calls.refusals + [
        Refusal(calls.places[each.index], each.field.partition(".")[2], each.message)
        for each in response.rejections
    ]
    refusals.sort(key=lambda refusal: refusal.place)
    if refusals and not response.accepted_count:
        raise Invalid(refusals[0].field, refusals[0].message)
    told: dict[str, Any] = {"success": True}
    if refusals:
        told["rejected"] = [
            {"index": each.place, "field": each.field, "message": each.message} for each in refusals
        ]
    return orjson.dumps(told)


def _opened(path: str, body: bytes) -> tuple[Json, Json, list[Any]]:
    """The body, the context that its calls share, and the calls."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid("body", f"is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise Invalid("body", "is no JSON object; send a call, or a batch of them")
    if path != BATCH:
        return given, {}, [given | {"type": path.rpartition("/")[2]}]
    calls, shared = given.get("batch"), given.get("context")
    if not isinstance(calls, list):
        raise Invalid("batch", "is missing; send a list of calls")
    if len(calls) > MAX_CALLS:
        raise Invalid("batch", f"has {len(calls)} calls; send at most {MAX_CALLS}")
    return given, shared if isinstance(shared, dict) else {}, calls


def _call(given: Any) -> _Call:
    if not isinstance(given, dict):
        raise _Unfit("batch", f"holds a {type(given).__name__} in place of a call; send an object")
    content = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    if len(content) > MAX_CALL:
        raise _Unfit("batch", f"holds a call of {len(content)} bytes; send at most {MAX_CALL}")
    if given.get("type") not in CALLS:
        raise _Unfit("type", f"is {str(given.get('type'))[:40]!r}; send one of {', '.join(CALLS)}")
    return _Call(_text(given, "messageId"), _time(given), content)


def _event(given: Json, call: _Call, context: dict[str, Any], now_us: int) -> Event:
    """The event of a call, but for its id."""
    user, anonymous = _text(given, "userId"), _text(given, "anonymousId")
    if not user and not anonymous:
        raise _Unfit("userId", "is missing, and so is anonymousId; send one of them")
    if user and anonymous:
        context["anonymousId"] = anonymous
    name = _text(given, "event") if given["type"] == "track" else given["type"]
    if not name:
        raise _Unfit("event", "is missing; say what happened")
    made = Event(
        type=EVENT_TYPE_USER_ACTION,
        name=name,
        user_id=user or anonymous,
        properties_json=_json(_properties(given)),
        context_json=_json(context),
    )
    made.occurred_at.FromMicroseconds(now_us if call.at_us is None else call.at_us)
    return made


def _properties(given: Json) -> dict[str, Any]:
    """What a call says beside who, when and where."""
    match given["type"]:
        case "track":
            return _part(given, "properties")
        case "identify":
            return _part(given, "traits")
        case "page" | "screen":
            own = {key: given[key] for key in ("name", "category") if given.get(key)}
            return _part(given, "properties") | own
        case "group":
            return _part(given, "traits") | {"groupId": _text(given, "groupId")}
        case _:
            return {"previousId": _text(given, "previousId")}


def _event_id(call: _Call, seen: Counter[bytes], salt: bytes) -> bytes:
    """The id that a call brings, or one that is the same whenever the same call comes."""
    at_ms = (call.at_us or 0) // 1000
    if call.name:
        try:
            return UUID(call.name).bytes
        except ValueError:
            return derived(at_ms, call.name.encode())
    seen[call.content] += 1
    return derived(at_ms, b"%b%d%b" % (call.content, seen[call.content], salt))


def _library(context: Json) -> str:
    """What the SDK calls itself; empty when it does not say."""
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    return name if isinstance(name, str) else ""


def _part(given: Json, name: str) -> dict[str, Any]:
    found = given.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _Unfit(name, f"is a {type(found).__name__}; send an object")
    return dict(found)


def _text(given: Json, name: str) -> str:
    """A text, or a number for those who count their users."""
    found = given.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise _Unfit(name, f"is a {type(found).__name__}; send a text")
    return str(found)


def _time(given: Json) -> int | None:
    """When a call was made, by its own word."""
    for name in ("timestamp", "originalTimestamp"):
        if (found := given.get(name)) is not None:
            try:
                return _instant(found)
            except (TypeError, ValueError, OverflowError):
                raise _Unfit(
                    name, f"is {str(found)[:40]!r}; send a time as in 2026-01-01T00:00:00Z"
                ) from None
    return None


def _sent_us(given: Json) -> int:
    """When the client sent the request, by its clock; 0 when it does not say."""
    try:
        return _instant(given.get("sentAt"))
    except (TypeError, ValueError, OverflowError):
        return 0


def _instant(text: Any) -> int:
    """Microseconds since 1970 of a time in ISO 8601; one without a zone is UTC. Raises `ValueError` for one before 1970 too."""
    found = datetime.fromisoformat(text)
    at_us = ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    if not 0 <= at_us < _END_OF_TIME_US:
        raise ValueError(text)
    return at_us


def _json(members: Json) -> bytes:
    return orjson.dumps(members) if members else b""
