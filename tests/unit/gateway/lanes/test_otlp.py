"""OTLP in JSON becomes the protobuf that it stands for, and answers are in the form of their questions."""

from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from services.gateway.lanes.body import Unsupported
from services.gateway.lanes.otlp import JSON, MAX_MEMBERS, PROTOBUF, SIGNALS, answer, form, problem, request
from services.kit.errors import Exhausted, Invalid

LOGS = SIGNALS["/v1/logs"]
RECORD = {
    "timeUnixNano": "1767225600000000000",
    "severityNumber": 17,
    "body": {"stringValue": "hello"},
    "traceId": "000102030405060708090A0B0C0D0E0F",
    "spanId": "0001020304050607",
    "attributes": [{"key": "n", "value": {"intValue": "7"}}],
}


def body(**changes: Any) -> bytes:
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [RECORD | changes]}]}]})


def read(data: bytes) -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest.FromString(request(LOGS, data, JSON))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("application/x-protobuf", PROTOBUF),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
    ],
)
def test_the_form_is_what_the_header_says(given: str, found: str) -> None:
    assert form(given) == found


@pytest.mark.parametrize("given", ["", "text/plain", "application/grpc"])
def test_another_form_is_refused(given: str) -> None:
    with pytest.raises(Unsupported, match="send application/x-protobuf or application/json"):
        form(given)


def test_protobuf_passes_as_it_is() -> None:
    assert request(LOGS, b"whatever", PROTOBUF) == b"whatever"


def test_ids_are_read_as_digits() -> None:
    (record,) = read(body()).resource_logs[0].scope_logs[0].log_records
    assert record.trace_id == bytes(range(16))
    assert record.span_id == bytes(range(8))
    assert (record.body.string_value, record.severity_number) == ("hello", 17)
    assert record.attributes[0].value.int_value == 7


def test_a_record_needs_no_ids() -> None:
    (record,) = read(body(traceId="", spanId=None)).resource_logs[0].scope_logs[0].log_records
    assert (record.trace_id, record.span_id) == (b"", b"")


@pytest.mark.parametrize("given", ["zz", "0001020304050607x", "AAECAwQFBgcICQoLDA0ODw=="])
def test_an_id_that_is_no_digits_is_named(given: str) -> None:
    with pytest.raises(Invalid):
        read(body(traceId=given))


def test_what_is_not_known_is_passed_over() -> None:
    assert read(orjson.dumps({"resourceLogs": [{"new": {"a": 1}}], "later": 1})).resource_logs


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"1", b'"text"', b'{"resourceLogs": 1}', b'{"resourceLogs": [1]}', b'{"resourceLogs": {}}', b"\xff",
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "soon"}]}]}]}',
        b'{"resourceLogs":' * 2000,
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + b'{"arrayValue":{"values":[' * 200 + b"]}}" * 200 + b"}]}]}]}",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read(data)


def test_countless_members_are_not_read() -> None:
    with pytest.raises(Invalid, match="more than"):
        read(b"[" * (MAX_MEMBERS + 1))


def test_an_answer_has_the_form_of_its_request() -> None:
    said = ExportLogsServiceResponse()
    said.partial_success.rejected_log_records = 3
    data = said.SerializeToString()
    assert answer(LOGS, data, PROTOBUF) == data
    assert orjson.loads(answer(LOGS, data, JSON)) == {"partialSuccess": {"rejectedLogRecords": "3"}}


def test_an_error_has_the_form_of_its_request() -> None:
    status = Exhausted("later", retry_after=2).status()
    assert Status.FromString(problem(status, PROTOBUF)) == status
    assert json_format.ParseDict(orjson.loads(problem(status, JSON)), Status()) == status
