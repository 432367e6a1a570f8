"""A log record becomes an event that is the same one whenever its request comes again."""

import math
from typing import Any
from uuid import UUID

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from services.ingest.otlp.logs import rows
from services.ingest.otlp.parts import Row
from tests.ingesting import NOW_US
from tests.unit.ingest.otlp.attributes import any_value, attribute
from tidemark.v1.event_pb2 import EVENT_TYPE_ERROR_EVENT, EVENT_TYPE_SYSTEM_EVENT, Event

AT_NS = NOW_US * 1000 - 5_000_000


def record(body: Any = "hello", **fields: Any) -> LogRecord:
    """A log record; `attributes` are a mapping."""
    given = fields.pop("attributes", {})
    made = LogRecord(**{"time_unix_nano": AT_NS, "severity_number": 9} | fields, body=any_value(body))
    made.attributes.extend(attribute(*pair) for pair in given.items())
    return made


def request(*records: LogRecord, scope: str = "", **resource: Any) -> ExportLogsServiceRequest:
    """A request of one resource and scope; `resource` has underscores for dots."""
    made = ExportLogsServiceRequest()
    of_resource = made.resource_logs.add()
    named = {key.replace("_", "."): value for key, value in resource.items()}
    of_resource.resource.attributes.extend(attribute(*pair) for pair in named.items())
    of_scope = of_resource.scope_logs.add()
    of_scope.scope.name = scope
    of_scope.log_records.extend(records)
    return made


def read(*records: LogRecord, **about: Any) -> list[Row[Event]]:
    return list(rows(request(*records, **about), NOW_US))


def event(*args: Any, **about: Any) -> Event:
    """The only event of a request with one record."""
    (row,) = read(record(*args, **about))
    return row.item


def properties(made: Event) -> Any:
    return orjson.loads(made.properties_json)


def test_what_a_record_says_is_in_the_properties() -> None:
    made = event(
        "paid",
        attributes={"http.route": "/pay", "retries": 3, "ok": True, "parts": [1, "two"]},
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
    )
    assert properties(made) == {
        "body": "paid",
        "http.route": "/pay",
        "retries": 3,
        "ok": True,
        "parts": [1, "two"],
        "severity": "INFO",
        "severity_number": 9,
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "0001020304050607",
    }


def test_a_structured_body_stays_one() -> None:
    made = event({"order": {"id": 7, "lines": [1.5, b"\x00\xff"]}, "nan": math.nan, "far": -math.inf})
    assert properties(made)["body"] == {
        "order": {"id": 7, "lines": [1.5, "AP8="]},
        "nan": "NaN",
        "far": "-Infinity",
    }


def test_resource_and_scope_are_the_context_of_every_record() -> None:
    first, second = read(record("a"), record("b"), scope="shop.cart", service_name="shop", host_name="h1")
    assert first.item.context_json == second.item.context_json
    assert orjson.loads(first.item.context_json) == {
        "resource": {"service.name": "shop", "host.name": "h1"},
        "scope": {"name": "shop.cart"},
    }


@pytest.mark.parametrize(
    ("number", "kind"),
    [(0, EVENT_TYPE_SYSTEM_EVENT), (16, EVENT_TYPE_SYSTEM_EVENT), (17, EVENT_TYPE_ERROR_EVENT), (24, EVENT_TYPE_ERROR_EVENT)],
)  # fmt: skip
def test_an_error_is_one_by_its_severity(number: int, kind: int) -> None:
    assert event(severity_number=number).type == kind


def test_an_event_is_named_by_itself_or_is_a_log() -> None:
    assert event().name == "log"
    assert event(event_name="checkout.paid").name == "checkout.paid"
    assert event(attributes={"event.name": "device.started"}).name == "device.started"


def test_user_and_session_come_from_the_record_or_else_from_its_resource() -> None:
    about = {"user_id": "its resource's", "session_id": "s0"}
    (own,) = read(record(attributes={"enduser.id": "ann", "session.id": "s1"}), **about)
    (theirs,) = read(record(), **about)
    assert (own.item.user_id, own.item.session_id) == ("ann", "s1")
    assert (theirs.item.user_id, theirs.item.session_id) == ("its resource's", "s0")
    assert event(attributes={"user.id": 42}).user_id == "42"


def test_it_happened_when_it_says_or_was_seen_or_came() -> None:
    seen_ns = AT_NS + 1_000_000
    for fields, at_us, known_again in (
        ({}, AT_NS // 1000, True),
        ({"time_unix_nano": 0, "observed_time_unix_nano": seen_ns}, seen_ns // 1000, True),
        ({"time_unix_nano": 0}, NOW_US, False),
    ):
        (row,) = read(record(**fields))
        assert row.item.occurred_at.ToMicroseconds() == at_us
        assert row.known_again is known_again


def test_the_same_request_gives_the_same_ids() -> None:
    def ids() -> list[bytes]:
        return [row.item.event_id for row in read(record("a"), record("b"), record("a"), service_name="shop")]

    assert ids() == ids()
    assert len(set(ids())) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"body": "other"},
        {"attributes": {"a": 1}},
        {"time_unix_nano": AT_NS + 1},
    ],
)
def test_another_record_has_another_id(other: dict[str, Any]) -> None:
    assert event().event_id != event(**other).event_id


def test_the_same_record_of_another_service_has_another_id() -> None:
    (one,), (other,) = read(record(), service_name="a"), read(record(), service_name="b")
    assert one.item.event_id != other.item.event_id


@pytest.mark.parametrize("name", ["event.id", "log.record.uid"])
def test_a_record_keeps_an_id_that_is_a_uuid(name: str) -> None:
    own = UUID("0190f5fe-0000-7000-8000-000000000001")
    assert event(attributes={name: str(own)}).event_id == own.bytes
    assert event(attributes={name: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}).event_id != own.bytes


def test_ids_grow_with_time() -> None:
    early, late = event(), event(time_unix_nano=AT_NS + 1_000_000_000)
    assert early.event_id[:6] < late.event_id[:6]


def test_producers_are_named_by_their_service() -> None:
    (row,) = read(record(), service_name="web shop/ü")
    assert row.producer_id == "otlp:web-shop-"
    (row,) = read(record())
    assert row.producer_id == "otlp:unknown_service"
    (row,) = read(record(), service_name="x" * 300)
    assert len(row.producer_id) <= 100


def test_places_count_through_the_request() -> None:
    made = request(record("a"), record("b"), service_name="one")
    made.resource_logs.extend(request(record("c"), service_name="two").resource_logs)
    assert [(row.place, row.producer_id) for row in rows(made, NOW_US)] == [
        (0, "otlp:one"), (1, "otlp:one"), (2, "otlp:two"),
    ]  # fmt: skip
