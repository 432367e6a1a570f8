"""The lanes of other SDKs by HTTP, and OTLP by gRPC: who is let in, what is refused and how, and that nothing breaks them."""

import base64
import gzip
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import orjson
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_api
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_api
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from deploy.local.ports import free_port
from services.gateway.service import gateway
from services.ingest.service import ingest, writer
from services.ingest.stream import Log
from services.kit.http import answering
from services.kit.service import Resources
from services.kit.wire import MAX_MESSAGES
from tests.conftest import Served, Suite, refusal
from tests.ingesting import NOW_US, point, point_batch
from tests.integration.test_fuzz import ROUNDS, Chance
from tests.polling import until
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc

Logs, Metrics = logs_api.ExportLogsServiceRequest, metrics_api.ExportMetricsServiceRequest
PROTOBUF, JSON = {"content-type": "application/x-protobuf"}, {"content-type": "application/json"}
SECRET = "known to both"
LANES = ("logs", "metrics", "batch", "track", "identify", "page", "screen", "group", "alias")
LEDGER = """
SELECT coalesce(sum(stored), 0)::int, coalesce(sum(duplicate), 0)::int, coalesce(sum(rejected), 0)::int,
    coalesce(bool_and(received = stored + duplicate + rejected + dead_lettered), true) FROM tidemark.ledger
"""


def logs(*bodies: str, at_ns: int = NOW_US * 1000) -> logs_api.ExportLogsServiceRequest:
    """A request with a log record for each body."""
    made = Logs()
    scope = made.resource_logs.add().scope_logs.add()
    for body in bodies or ("hello",):
        scope.log_records.add(time_unix_nano=at_ns).body.string_value = body
    return made


def metrics(*values: float) -> metrics_api.ExportMetricsServiceRequest:
    """A request with a data point of a gauge for each value."""
    made = Metrics()
    metric = made.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for value in values or (1.0,):
        metric.gauge.data_points.add(time_unix_nano=NOW_US * 1000, as_double=value)
    return made


def call(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A call of Segment."""
    good = {"type": "track", "event": "clicked", "userId": "ann", "messageId": f"m{number}"}
    return good | {"timestamp": "2026-01-01T00:00:00Z"} | fields


@dataclass(frozen=True)
class Lanes:
    """Ingest and a gateway in front of it, in this process."""

    served: Served
    http: httpx.AsyncClient

    async def post(self, lane: str, body: Any, headers: Any = None, key: str = "ingest") -> httpx.Response:
        """A body sent to a lane: bytes, or a message in protobuf, or else JSON."""
        content = body if isinstance(body, bytes) else None
        if isinstance(body, Message):
            content, headers = body.SerializeToString(), PROTOBUF | (headers or {})
        given = {"authorization": f"Bearer {self.served.secrets[key]}"} if key else {}
        return await self.http.post(
            f"/v1/{lane}",
            content=orjson.dumps(body) if content is None else content,
            headers=JSON | given | (headers or {}),
        )

    async def ledger(self) -> tuple[int, int, int]:
        """Stored, duplicate and rejected, once everything is committed."""

        async def settled() -> tuple[Any, ...] | None:
            received = sum([rows for rows, _ in await Log(self.served.resources.redis).totals(range(8))])
            async with self.served.resources.pool.connection() as connection:
                row = await (await connection.execute(LEDGER)).fetchone()
            assert row
            assert row[3]
            return row if sum(row[:3]) == received else None

        found = await until(settled)
        return found[0], found[1], found[2]


@asynccontextmanager
async def lanes(suite: Suite, *, away: bool = False, **changes: Any) -> AsyncIterator[Lanes]:
    """Ingest, a writer and a gateway that calls it, or calls where nobody is."""
    async with suite(ingest, writer, edge_secret=SECRET, **changes) as served:
        had = served.resources
        address = f"127.0.0.1:{free_port() if away else served.port}"
        settings = replace(had.settings, ingest_address=address)
        service = await gateway(Resources(settings, had.pool, had.redis))
        assert service.app is not None
        async with (
            answering(service.app, settings, 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=40) as http,
        ):
            yield Lanes(served, http)


def status_of(answer: httpx.Response) -> tuple[int, str]:
    """The status of an error, and the reason in its body, which is in the form of the request."""
    status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
    if answer.headers["content-type"] == PROTOBUF["content-type"]:
        status.ParseFromString(answer.content)
    else:
        json_format.ParseDict(answer.json(), status)
    assert status.message
    status.details[0].Unpack(info)
    return answer.status_code, info.reason


# --- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", LANES)
async def test_a_lane_is_for_keys_that_may_write(suite: Suite, lane: str) -> None:
    body: Any = {"logs": logs(), "metrics": metrics(), "batch": {"batch": [call()]}}.get(lane, call())
    async with lanes(suite) as door:
        for key in ("ingest", "admin"):
            assert (await door.post(lane, body, key=key)).status_code == 200
        assert status_of(await door.post(lane, body, key="viewer")) == (403, "ROLE_INSUFFICIENT")
        assert status_of(await door.post(lane, body, key="")) == (401, "KEY_INVALID")
        for wrong in (
            "Bearer tmk_0_" + "A" * 43,
            "Bearer",
            "Basic ???",
            "Basic " + base64.b64encode(b"x:").decode(),
        ):
            answer = await door.post(lane, body, {"authorization": wrong}, key="")
            assert status_of(answer) == (401, "KEY_INVALID")


async def test_the_key_may_be_the_user_name(suite: Suite) -> None:
    async with lanes(suite) as door:
        answer = await door.http.post("/v1/track", json=call(), auth=(door.served.secrets["ingest"], ""))
        assert (answer.status_code, answer.json()) == (200, {"success": True})


async def test_a_key_of_the_whole_installation_has_no_project_to_write_to(suite: Suite) -> None:
    async with lanes(suite) as door:
        for lane, body in (("logs", logs()), ("metrics", metrics()), ("track", call())):
            answer = await door.post(lane, body, key="operator")
            assert status_of(answer) == (400, "INVALID_FIELD")


async def test_only_post_is_taken(suite: Suite) -> None:
    async with lanes(suite) as door:
        for lane in LANES:
            for method in ("GET", "HEAD", "PUT", "OPTIONS"):
                answer = await door.http.request(method, f"/v1/{lane}")
                assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_refusal_is_recorded_with_the_address_of_the_caller(suite: Suite) -> None:
    async with lanes(suite) as door:
        told = {"x-tidemark-edge": SECRET, "x-forwarded-for": "203.0.113.9", "x-request-id": "r-1"}
        assert (await door.post("track", call(), told, key="viewer")).status_code == 403
        assert (
            await door.post("logs", logs(), told | {"x-tidemark-edge": "a guess"}, key="viewer")
        ).status_code == 403
        async with door.served.resources.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT action, peer, request_id FROM audit_log ORDER BY sequence"
            )
            first, second = [row for row in await cursor.fetchall() if "Service" in row[0]][-2:]
        assert first == ("tidemark.v1.IngestService.PublishBatch", "203.0.113.9", "r-1")
        assert second[1] == "127.0.0.1"


# --- OTLP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [PROTOBUF, JSON])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
async def test_a_request_is_taken_in_every_form(suite: Suite, form: dict[str, str], encoding: str) -> None:
    async with lanes(suite) as door:
        for lane, request in (("logs", logs()), ("metrics", metrics())):
            body = request.SerializeToString()
            if form is JSON:
                body = orjson.dumps(json_format.MessageToDict(request))
            packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)(body)
            headers = form | ({"content-encoding": encoding} if encoding else {})
            answer = await door.post(lane, packed, headers)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == form["content-type"]
            assert answer.content == (b"{}" if form is JSON else b"")
        assert await door.ledger() == (2, 0, 0)


async def test_the_same_request_is_taken_once_by_whichever_door_it_comes(suite: Suite) -> None:
    async with lanes(suite) as door:
        of_logs, of_metrics, timeless = logs("a", "b", "a"), metrics(1.0, 1.0), logs("c", at_ns=0)
        metadata = door.served.key("ingest")
        for _ in range(2):
            for request in (of_logs, timeless):
                await LogsServiceStub(door.served.channel).Export(request, metadata=metadata)
                assert (await door.post("logs", request)).status_code == 200
            await MetricsServiceStub(door.served.channel).Export(of_metrics, metadata=metadata)
            as_json = orjson.dumps(json_format.MessageToDict(of_metrics))
            assert (await door.post("metrics", as_json, JSON)).status_code == 200
        stored, duplicate, _ = await door.ledger()
        # Events are known again when they are stored, points before they are received.
        assert (stored, duplicate) == (3 + 2 + 1, 3 * 3)


async def test_what_cannot_be_taken_is_told_and_the_rest_is_taken(suite: Suite) -> None:
    async with lanes(suite) as door:
        answer = await door.post("logs", logs("fine", "x" * 70_000, "fine too"))
        told = logs_api.ExportLogsServiceResponse.FromString(answer.content).partial_success
        assert (answer.status_code, told.rejected_log_records) == (200, 1)
        assert told.error_message.startswith("1 not taken; the first is log_records[1]: properties has 70")
        request = metrics(1.0, float("nan"), 2.0)
        request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points.add(as_int=1)
        answer = await door.post("metrics", orjson.dumps(json_format.MessageToDict(request)), JSON)
        assert answer.json() == {
            "partialSuccess": {
                "rejectedDataPoints": "2",
                "errorMessage": "2 not taken; the first is data_points[1]: value is nan; send a finite number",
            }
        }
        assert await door.ledger() == (4, 0, 3)


async def test_a_request_of_many_records_is_taken_in_parts(suite: Suite) -> None:
    async with lanes(suite) as door:
        request = logs(*map(str, range(15_000)))
        for _ in range(2):
            answer = await door.post(
                "logs", gzip.compress(request.SerializeToString()), PROTOBUF | {"content-encoding": "gzip"}
            )
            assert (answer.status_code, answer.content) == (200, b"")
        assert await door.ledger() == (15_000, 15_000, 0)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"\xff\xff", PROTOBUF, (400, "REQUEST_UNREADABLE")),
        (b"{", JSON, (400, "INVALID_FIELD")),
        (b"", {"content-type": "text/plain"}, (415, "INVALID_FIELD")),
        (b"", PROTOBUF | {"content-encoding": "br"}, (415, "INVALID_FIELD")),
        (b"no gzip", PROTOBUF | {"content-encoding": "gzip"}, (400, "INVALID_FIELD")),
        (gzip.compress(b"\0" * (9 << 20)), PROTOBUF | {"content-encoding": "gzip"}, (413, "INVALID_FIELD")),
        (b"\0" * (9 << 20), PROTOBUF, (413, "INVALID_FIELD")),
    ],
    ids=["protobuf", "json", "type", "encoding", "gzip", "bomb", "size"],
)  # fmt: skip
async def test_what_is_no_request_is_refused_for_good(
    suite: Suite, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    async with lanes(suite) as door:
        for lane in ("logs", "metrics"):
            answer = await door.post(lane, body, headers)
            assert status_of(answer) == expected
            assert "retry-after" not in answer.headers
        assert await door.ledger() == (0, 0, 0)


def crowded(kind: str) -> bytes:
    """A small request that stands for countless messages."""
    if kind == "metrics":
        request = metrics()
        points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
        points.extend([type(points[0])()] * MAX_MESSAGES)
        return request.SerializeToString()
    request = logs()
    records = request.resource_logs[0].scope_logs[0].log_records
    if kind == "records":
        records.extend([type(records[0])()] * MAX_MESSAGES)
    else:
        attributes = records[0].attributes
        attributes.add()
        attributes.extend([type(attributes[0])()] * MAX_MESSAGES)
    return request.SerializeToString()


@pytest.mark.parametrize("kind", ["records", "attributes", "metrics"])
async def test_a_request_of_countless_empty_messages_is_not_read(suite: Suite, kind: str) -> None:
    async with lanes(suite) as door:
        answer = await door.post("metrics" if kind == "metrics" else "logs", crowded(kind), PROTOBUF)
        assert status_of(answer) == (400, "INVALID_FIELD")
        assert f"one too many of {MAX_MESSAGES}".encode() in answer.content


async def test_a_full_backlog_sends_exporters_away_for_a_while(suite: Suite) -> None:
    async with lanes(suite, backlog_bytes=-1) as door:
        export = LogsServiceStub(door.served.channel).Export
        answered = await refusal(export(logs(), metadata=door.served.key("ingest")))
        assert (answered.code, answered.reason) == ("RESOURCE_EXHAUSTED", "BACKLOG_FULL")
        # Where SDKs of OpenTelemetry look for it.
        told = answered.trailing["google.rpc.retryinfo-bin"]
        assert isinstance(told, bytes)
        info = error_details_pb2.RetryInfo.FromString(told)
        assert info.retry_delay.seconds == 1
        for lane, body in (("logs", logs()), ("metrics", metrics()), ("batch", {"batch": [call()]})):
            answer = await door.post(lane, body)
            assert status_of(answer) == (429, "BACKLOG_FULL")
            assert 1 <= int(answer.headers["retry-after"]) <= 3


async def test_while_ingest_is_away_senders_are_asked_to_come_back(suite: Suite) -> None:
    async with lanes(suite, away=True) as door:
        for lane, body in (("logs", logs()), ("metrics", metrics()), ("track", call())):
            answer = await door.post(lane, body)
            assert status_of(answer) == (503, "INGEST_UNAVAILABLE")
            assert answer.headers["retry-after"] == "1"


async def test_an_ingest_that_is_away_is_passed_over(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        had = served.resources
        settings = replace(had.settings, ingest_address=f"127.0.0.1:{free_port()}, 127.0.0.1:{served.port}")
        service = await gateway(Resources(settings, had.pool, had.redis))
        assert service.app is not None
        async with (
            answering(service.app, settings, 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            door = Lanes(served, http)
            for number in range(4):
                assert (await door.post("track", call(number))).status_code == 200
            assert await door.ledger() == (4, 0, 0)


async def test_whatever_exporters_send_breaks_nothing_and_the_ledger_balances(suite: Suite) -> None:
    async with lanes(suite) as door:
        chance, codes = Chance(7), Counter[int]()
        for _ in range(ROUNDS):
            for lane, kind in (("logs", Logs), ("metrics", Metrics)):
                request = chance.fill(kind())
                codes[(await door.post(lane, request)).status_code] += 1
                codes[
                    (
                        await door.post(lane, orjson.dumps(json_format.MessageToDict(request)), JSON)
                    ).status_code
                ] += 1
        assert codes.keys() <= {200, 400}
        assert codes[200] > ROUNDS
        assert (await door.post("logs", logs("last"))).status_code == 200
        stored, _, rejected = await door.ledger()
        assert stored > 0
        assert rejected > 0


async def test_traces_are_not_taken(suite: Suite) -> None:
    async with lanes(suite) as door:
        export = TraceServiceStub(door.served.channel).Export
        request = trace_service_pb2.ExportTraceServiceRequest()
        assert (await refusal(export(request, metadata=door.served.key("ingest")))).code == "UNIMPLEMENTED"
        assert (await door.post("traces", b"", PROTOBUF)).status_code == 405


# --- Segment ----------------------------------------------------------------------------------------------------------


async def test_a_call_sent_again_is_stored_once(suite: Suite) -> None:
    async with lanes(suite) as door:
        for _ in range(2):
            assert (await door.post("track", call())).status_code == 200
            assert (await door.post("batch", {"batch": [call(), call(1)]})).status_code == 200
        assert (await door.ledger())[0] == 2


async def test_a_call_that_tells_no_time_is_stored_once_by_its_id(suite: Suite) -> None:
    async with lanes(suite) as door:
        for _ in range(2):
            assert (await door.post("track", call(timestamp=None))).status_code == 200
        assert await door.ledger() == (1, 0, 0)


async def test_calls_that_cannot_be_taken_are_told_and_the_others_are_taken(suite: Suite) -> None:
    async with lanes(suite) as door:
        nested: Any = "x"
        for _ in range(20):
            nested = {"a": nested}
        given = [call(), call(1, type="import"), call(2, properties=nested), call(3, timestamp="2999-01-01")]
        answer = await door.post("batch", {"batch": given})
        assert answer.status_code == 200
        told = answer.json()
        assert told["success"] is True
        assert [(each["index"], each["field"]) for each in told["rejected"]] == [
            (1, "type"), (2, "properties"), (3, "occurred_at"),
        ]  # fmt: skip
        assert status_of(await door.post("track", call(properties=nested))) == (400, "INVALID_FIELD")
        assert await door.ledger() == (1, 0, 3)


async def test_a_batch_is_as_large_as_segment_takes_it_and_no_larger(suite: Suite) -> None:
    async with lanes(suite) as door:
        filled = {"batch": [call(number, properties={"a": "x" * 30_000}) for number in range(16)]}
        assert (await door.post("batch", filled)).status_code == 200
        filled["batch"].append(call(17, properties={"a": "x" * 30_000}))
        assert status_of(await door.post("batch", filled)) == (413, "INVALID_FIELD")
        assert (await door.ledger())[0] == 16


async def test_an_empty_batch_is_no_mistake(suite: Suite) -> None:
    async with lanes(suite) as door:
        answer = await door.post("batch", {"batch": []})
        assert (answer.status_code, answer.json()) == (200, {"success": True})


async def test_a_batch_of_no_sequence_is_taken_once_by_its_name(suite: Suite) -> None:
    """What the lane leans on is there for everybody."""
    async with lanes(suite) as door:
        stub = ingest_pb2_grpc.IngestServiceStub(door.served.channel)
        for request_id in ("a", "a", "b"):
            request = ingest_pb2.RecordMetricsBatchRequest(
                batch=point_batch(point(), sequence=0), request_id=request_id
            )
            await stub.RecordMetricsBatch(request, metadata=door.served.key("ingest"))
        assert await door.ledger() == (2, 0, 0)
        request.request_id = "x" * 101
        answered = await refusal(stub.RecordMetricsBatch(request, metadata=door.served.key("ingest")))
        assert (answered.code, answered.violations) == ("INVALID_ARGUMENT", ["request_id"])
