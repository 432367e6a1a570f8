"""Calls of Segment become events, each with the id that its call brings."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from services.gateway.lanes.segment import BATCH, CALLS, MAX_CALL, MAX_CALLS, Calls, answer, read
from services.kit.errors import Invalid
from tests.ingesting import NOW_US
from tidemark.v1.event_pb2 import EVENT_TYPE_USER_ACTION, Event
from tidemark.v1.ingest_pb2 import REJECTION_REASON_TOO_LARGE, PublishBatchResponse

ID = "0190f5fe-0000-4000-8000-000000000001"
AT = "2025-12-31T23:59:58.250Z"
AT_US = NOW_US - 1_750_000
SALT = b"once"


def call(**fields: Any) -> dict[str, Any]:
    """A call in good order; None leaves a field out."""
    good = {"type": "track", "event": "clicked", "userId": "ann", "messageId": ID, "timestamp": AT}
    return {key: value for key, value in (good | fields).items() if value is not None}


def batch(*calls: Any, **fields: Any) -> Calls:
    return read(BATCH, orjson.dumps({"batch": calls} | fields), NOW_US, SALT)


def event(**fields: Any) -> Event:
    """The event of one call."""
    made = batch(call(**fields))
    assert made.refusals == []
    (found,) = made.request.batch.events
    return found


def fault(given: Any) -> tuple[str, str]:
    """Why a call is not taken."""
    (refusal,) = batch(given).refusals
    return refusal.field, refusal.message


def test_a_call_is_an_event() -> None:
    made = event(properties={"plan": "pro"}, context={"ip": "203.0.113.9", "page": {"path": "/"}})
    assert made.event_id == UUID(ID).bytes
    assert (made.type, made.name, made.user_id) == (EVENT_TYPE_USER_ACTION, "clicked", "ann")
    assert made.occurred_at.ToMicroseconds() == AT_US
    assert orjson.loads(made.properties_json) == {"plan": "pro"}
    assert orjson.loads(made.context_json) == {"ip": "203.0.113.9", "page": {"path": "/"}}


@pytest.mark.parametrize(
    ("fields", "name", "properties"),
    [
        ({"type": "track", "properties": {"a": 1}}, "clicked", {"a": 1}),
        ({"type": "identify", "traits": {"plan": "pro"}}, "identify", {"plan": "pro"}),
        (
            {"type": "page", "name": "Home", "category": "Docs", "properties": {"path": "/"}},
            "page",
            {"path": "/", "name": "Home", "category": "Docs"},
        ),
        ({"type": "screen", "name": "Start", "category": None}, "screen", {"name": "Start"}),
        (
            {"type": "group", "groupId": "acme", "traits": {"size": 3}},
            "group",
            {"groupId": "acme", "size": 3},
        ),
        ({"type": "alias", "previousId": "anon"}, "alias", {"previousId": "anon"}),
    ],
)
def test_every_call_has_its_name_and_properties(
    fields: dict[str, Any], name: str, properties: dict[str, Any]
) -> None:
    made = event(**fields)
    assert (made.name, orjson.loads(made.properties_json)) == (name, properties)


@pytest.mark.parametrize("kind", CALLS)
def test_a_single_call_is_what_its_path_says(kind: str) -> None:
    made = read(f"/v1/{kind}", orjson.dumps(call(type=None)), NOW_US, SALT)
    (found,) = made.request.batch.events
    assert found.name == ("clicked" if kind == "track" else kind)


def test_who_is_not_known_yet_is_anonymous() -> None:
    assert event(userId=None, anonymousId="a1").user_id == "a1"
    both = event(anonymousId="a1")
    assert both.user_id == "ann"
    assert orjson.loads(both.context_json) == {"anonymousId": "a1"}
    assert event(userId=7).user_id == "7"


def test_an_id_that_is_no_uuid_is_the_same_whenever_it_comes() -> None:
    first, again = event(messageId="ajs-next-1"), event(messageId="ajs-next-1")
    assert first.event_id == again.event_id
    assert first.event_id != event(messageId="ajs-next-2").event_id
    assert len(first.event_id) == 16


def test_a_call_without_an_id_is_known_by_all_that_it_says() -> None:
    given = [call(messageId=None), call(messageId=None), call(messageId=None, event="other")]
    ids = [made.event_id for made in batch(*given).request.batch.events]
    assert ids == [made.event_id for made in batch(*given).request.batch.events]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("2026-01-01T01:00:00+01:00", NOW_US),
        ("2026-01-01T00:00:00", NOW_US),
        ("2026-01-01T00:00:00.000001Z", NOW_US + 1),
    ],
)
def test_times_are_in_utc(text: str, at_us: int) -> None:
    assert event(timestamp=text).occurred_at.ToMicroseconds() == at_us


def test_a_call_that_tells_no_time_is_made_now_and_its_batch_is_named() -> None:
    """The id of an event protects it together with its time only."""
    timeless = call(timestamp=None)
    first, again = batch(timeless, call()), batch(timeless, call(), sentAt="2026-01-01T00:00:00Z")
    assert first.request.batch.events[0].occurred_at.ToMicroseconds() == NOW_US
    assert first.request.request_id
    assert first.request.request_id == again.request.request_id
    assert batch(call()).request.request_id == ""


def test_a_call_that_tells_neither_time_nor_id_is_another_one_each_time() -> None:
    given = orjson.dumps({"batch": [call(timestamp=None, messageId=None)]})
    first, again = (read(BATCH, given, NOW_US, salt).request for salt in (b"1", b"2"))
    assert first.batch.events[0].event_id != again.batch.events[0].event_id
    assert first.request_id == ""


def test_calls_of_a_batch_share_its_context() -> None:
    made = batch(call(context={"a": 1}), call(), context={"a": 0, "b": 2})
    assert [orjson.loads(each.context_json) for each in made.request.batch.events] == [
        {"a": 1, "b": 2},
        {"a": 0, "b": 2},
    ]


def test_producers_are_named_by_their_library() -> None:
    library = {"library": {"name": "analytics python/ü", "version": "2"}}
    assert batch(call(context=library)).request.batch.producer.producer_id == "segment:analytics-python-"
    for unknown in ({}, {"library": "x"}, {"library": {"name": 1}}):
        made = batch(call(context=unknown))
        assert made.request.batch.producer.producer_id == "segment:http"


def test_when_it_was_sent_is_kept() -> None:
    assert batch(call(), sentAt=AT).request.batch.sent_at.ToMicroseconds() == AT_US
    assert not batch(call(), sentAt="soon").request.batch.HasField("sent_at")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("text", "batch"),
        (None, "batch"),
        (call(type=None), "type"),
        (call(type="import"), "type"),
        (call(type=["track"]), "type"),
        (call(userId=None), "userId"),
        (call(userId={"a": 1}), "userId"),
        (call(userId=True), "userId"),
        (call(event=None), "event"),
        (call(event=["a"]), "event"),
        (call(messageId=[]), "messageId"),
        (call(timestamp="soon"), "timestamp"),
        (call(timestamp=1767225600), "timestamp"),
        (call(timestamp="1969-12-31T23:59:59Z"), "timestamp"),
        (call(timestamp="0001-01-01T00:00:00+14:00"), "timestamp"),
        (call(timestamp="9999-12-31T23:59:59-14:00"), "timestamp"),
        (call(properties=[1]), "properties"),
        (call(context="x"), "context"),
        (call(properties={"a": "x" * MAX_CALL}), "batch"),
    ],
)
def test_a_call_that_is_none_is_refused_and_the_others_are_not(given: Any, field: str) -> None:
    made = batch(call(), given, call(event="last"))
    assert fault(given)[0] == field
    assert made.places == [0, 2]
    assert [each.name for each in made.request.batch.events] == ["clicked", "last"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (BATCH, b""), (BATCH, b"{"), (BATCH, b"[]"), (BATCH, b"{}"), (BATCH, b'{"batch": {}}'), (BATCH, b"\xff"),
        (BATCH, orjson.dumps({"batch": [{}] * (MAX_CALLS + 1)})), ("/v1/track", b"[]"), ("/v1/track", b"[" * 5000),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(path: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        read(path, body, NOW_US, SALT)


def test_the_answer_tells_which_calls_were_not_taken() -> None:
    made = batch(call(type="x"), call(), call())
    response = PublishBatchResponse(accepted_count=1)
    response.rejections.add(
        index=1, field="events[1].properties", message="is too large", reason=REJECTION_REASON_TOO_LARGE
    )
    told = orjson.loads(answer(made, response))
    assert told["success"] is True
    assert [(each["index"], each["field"]) for each in told["rejected"]] == [(0, "type"), (2, "properties")]
    assert orjson.loads(answer(batch(call()), PublishBatchResponse(accepted_count=1))) == {"success": True}


def test_where_nothing_was_taken_the_first_fault_is_the_answer() -> None:
    with pytest.raises(Invalid, match="type: is 'x'"):
        answer(batch(call(type="x")), PublishBatchResponse())
    assert orjson.loads(answer(batch(), PublishBatchResponse())) == {"success": True}
