"""OTLP by HTTP: a body in protobuf or JSON comes in, the request for ingest goes out, and its answer goes back in the body's form.

Protobuf passes as it is: ingest reads it. The JSON is protobuf's own but for ids, which it writes in hexadecimal digits. Pure.
"""

import base64
from dataclasses import dataclass

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from services.gateway.lanes.body import Unsupported
from services.kit.errors import Invalid

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MAX_MEMBERS = 500_000
"""Objects and lists in JSON, which take a hundred times their room when they are read."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a path takes: the RPC that answers it, and its messages."""

    rpc: str
    request: type[Message]
    response: type[Message]


SIGNALS = {
    "/v1/logs": Signal(
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        logs.ExportLogsServiceRequest,
        logs.ExportLogsServiceResponse,
    ),
    "/v1/metrics": Signal(
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        metrics.ExportMetricsServiceRequest,
        metrics.ExportMetricsServiceResponse,
    ),
}
"""By path."""


def form(content_type: str) -> str:
    """The form of a body, which its answer has too; raises `Unsupported`."""
    found = content_type.partition(";")[0].strip().lower()
    if found not in (PROTOBUF, JSON):
        raise Unsupported("content-type", f"is {content_type[:100]!r}; send {PROTOBUF} or {JSON}")
    return found


def request(signal: Signal, body: bytes, form: str) -> bytes:
    """The request for ingest; raises `Invalid` for JSON that is none of it."""
    if form == PROTOBUF:
        return body
    if body.count(b"{") + body.count(b"[") > MAX_MEMBERS:
        raise Invalid("body", f"holds more than {MAX_MEMBERS} objects and lists; send less at once")
    try:
        given = orjson.loads(body)
        if not isinstance(given, dict):
            raise json_format.ParseError(f"it is a {type(given).__name__}")
        made = json_format.ParseDict(given, signal.request(), ignore_unknown_fields=True)
    except (orjson.JSONDecodeError, json_format.ParseError) as error:
        raise Invalid("body", f"is no {signal.request.DESCRIPTOR.name} in JSON: {str(error)[:200]}") from None
    if isinstance(made, logs.ExportLogsServiceRequest):
        _read_ids(made)
    return made.SerializeToString()


def answer(signal: Signal, data: bytes, form: str) -> bytes:
    """The answer of ingest in the form of the request."""
    return data if form == PROTOBUF else _json(signal.response.FromString(data))


def problem(status: Status, form: str) -> bytes:
    """An error in the form of the request."""
    return status.SerializeToString() if form == PROTOBUF else _json(status)


def _read_ids(request: logs.ExportLogsServiceRequest) -> None:
    """Puts right the ids of traces and spans: what they were as digits is what reading them as base64 has undone."""
    for of_resource in request.resource_logs:
        for of_scope in of_resource.scope_logs:
            for record in of_scope.log_records:
                record.trace_id = _from_digits("traceId", record.trace_id)
                record.span_id = _from_digits("spanId", record.span_id)


def _from_digits(name: str, read: bytes) -> bytes:
    digits = base64.b64encode(read).decode()
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise Invalid(name, f"is {digits[:40]!r}; send hexadecimal digits") from None


def _json(message: Message) -> bytes:
    return orjson.dumps(json_format.MessageToDict(message))
