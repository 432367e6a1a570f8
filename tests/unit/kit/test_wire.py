"""Of a message that protobuf cannot read, the field at fault is named."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from services.kit import wire
from tests.contract import rpcs
from tidemark.v1 import event_pb2, ingest_pb2, query_pb2

Request = ingest_pb2.PublishRequest


def fault(data: bytes) -> tuple[str, str]:
    with pytest.raises(DecodeError):
        Request.FromString(data)
    return wire.fault(data, Request.DESCRIPTOR)


def request(**fields: str) -> ingest_pb2.PublishRequest:
    made = Request(project="projects/demo")
    made.batch.events.add(name="first")
    made.batch.events.add(**fields)
    return made


def nested(levels: int) -> bytes:
    made = Request()
    value = made.batch.events.add().properties.fields["a"]
    for _ in range(levels):
        value = value.struct_value.fields["a"]
    value.bool_value = True
    return made.SerializeToString()


@pytest.mark.parametrize("bad", [b"\xff???", b"?\xc0\x80?", b"\xed\xa0\x80?", b"???\xe2"])
@pytest.mark.parametrize("name", ["name", "user_id", "session_id"])
def test_text_that_is_not_utf8_is_found_where_it_is(name: str, bad: bytes) -> None:
    data = request(**{name: "here"}).SerializeToString().replace(b"here", bad)
    path, description = fault(data)
    assert path == f"batch.events[1].{name}"
    assert description.startswith("is not UTF-8 at byte ")


def test_the_first_of_several_faults_is_named() -> None:
    data = (
        request(name="here").SerializeToString().replace(b"first", b"\xffirst").replace(b"here", b"\xffere")
    )
    assert fault(data)[0] == "batch.events[0].name"


def test_text_in_a_map_is_found() -> None:
    made = ingest_pb2.RecordMetricsRequest()
    made.batch.points.add(tags={"key": "value"})
    data = made.SerializeToString().replace(b"value", b"\xffalue")
    path, _ = wire.fault(data, ingest_pb2.RecordMetricsRequest.DESCRIPTOR)
    assert path == "batch.points[0].tags[0].value"


def test_bytes_fields_may_hold_anything() -> None:
    made = request()
    made.batch.events[0].event_id = made.batch.events[0].properties_json = b"\xff\xfe"
    assert fault(made.SerializeToString().replace(b"projects/demo", b"projects/dem\xff"))[0] == "project"


def test_nesting_is_taken_as_deep_as_protobuf_reads_it() -> None:
    Request.FromString(nested(31))
    path, description = fault(nested(32))
    assert path.startswith("batch.events[0].properties.fields[0].value.struct_value.fields[0].value")
    assert len(path) <= 200
    assert description == "is nested deeper than 100 messages; send it flatter"


def test_a_message_cut_short_is_named_as_a_whole() -> None:
    data = request(name="here").SerializeToString()
    for length in (len(data) - 1, len(data) - 5):
        assert fault(data[:length]) == ("request", "cannot be read; send valid protobuf")


def test_a_message_of_countless_fields_is_not_read_to_its_end() -> None:
    data = b"\x50\x01" * (wire.MAX_FIELDS + 1) + b"\xff"
    assert fault(data) == ("request", "cannot be read; send valid protobuf")


def test_a_message_that_protobuf_can_read_gets_a_plain_answer() -> None:
    message = query_pb2.GetLedgerRequest
    assert wire.fault(b"", message.DESCRIPTOR) == ("request", "is no tidemark.v1.GetLedgerRequest")


@given(st.binary(max_size=60))
@example(b"\x0b\x0c")
@example(b"\xff" * 20)
def test_any_bytes_get_an_answer(data: bytes) -> None:
    path, description = wire.fault(data, Request.DESCRIPTOR)
    assert path
    assert description


def test_messages_beyond_the_limit_are_counted_and_not_made() -> None:
    outline = wire.Outline(ingest_pb2.PublishBatchRequest.DESCRIPTOR)
    batch = ingest_pb2.EventBatch(events=[event_pb2.Event()] * wire.MAX_REPEATED)
    assert outline.crowd(ingest_pb2.PublishBatchRequest(batch=batch).SerializeToString()) is None
    batch.events.add()
    found = outline.crowd(ingest_pb2.PublishBatchRequest(batch=batch).SerializeToString())
    assert found == ("batch.events", "has 10001; send at most 10000")


LOGS = ExportLogsServiceRequest


def logs(records: int = 1, attributes: int = 0, arrays: int = 0) -> bytes:
    """A request that holds so many of each."""
    made = LOGS()
    scope = made.resource_logs.add().scope_logs.add()
    scope.log_records.extend([LogRecord()] * records)
    scope.log_records[0].attributes.extend([KeyValue()] * attributes)
    values = scope.log_records[0].body.array_value.values
    values.extend([AnyValue()] * arrays)
    return made.SerializeToString()


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (logs(records=wire.MAX_MESSAGES), "resource_logs.scope_logs.log_records"),
        (logs(attributes=wire.MAX_MESSAGES), "resource_logs.scope_logs.log_records.attributes"),
        (logs(arrays=wire.MAX_MESSAGES), "resource_logs.scope_logs.log_records.body.array_value.values"),
    ],
    ids=["records", "attributes", "arrays"],
)
def test_messages_within_messages_are_counted_where_that_is_asked_for(data: bytes, path: str) -> None:
    assert wire.Outline(LOGS.DESCRIPTOR).crowd(data) is None
    fault = f"is one too many of {wire.MAX_MESSAGES} messages; send less at once"
    assert wire.Outline(LOGS.DESCRIPTOR, levels=3).crowd(data) == (path, fault)


def test_as_many_messages_as_there_may_be_are_no_crowd() -> None:
    outline = wire.Outline(LOGS.DESCRIPTOR, levels=3)
    assert outline.crowd(logs(records=wire.MAX_MESSAGES - 2)) is None
    assert outline.crowd(logs(records=wire.MAX_MESSAGES - 1)) is not None


@given(st.binary(max_size=60))
def test_what_cannot_be_read_is_no_crowd_however_deep_it_is_looked_at(data: bytes) -> None:
    assert wire.Outline(LOGS.DESCRIPTOR, levels=3).crowd(data) is None


def test_every_request_of_the_contract_has_an_outline() -> None:
    for rpc in rpcs():
        assert wire.Outline(rpc.input_type).crowd(b"") is None


@given(st.binary(max_size=60))
def test_what_cannot_be_read_is_no_crowd(data: bytes) -> None:
    assert wire.Outline(query_pb2.RunQueryRequest.DESCRIPTOR).crowd(data) is None
