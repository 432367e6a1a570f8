"""Traces lead from what a caller was doing to the commit, and through every server that is asked; nobody waits for a collector."""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.trace import TracerProvider

from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.insights.forecast.servicer import Forecast
from services.insights.source import Query
from services.kit import errors as kit
from services.kit import tracing
from services.kit.service import Resources, Service, Servicer
from services.kit.settings import Settings
from services.query.service import query
from tests.collecting import Collector, application, collecting
from tests.conftest import Served, Suite
from tests.ingesting import event, event_batch
from tests.integration.counterpart import CUT, Fault, Ingest, serving
from tests.integration.test_lanes import call, lanes
from tidemark import AckMode, Client, Limits, errors, questions
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc, query_pb2, query_pb2_grpc
from tidemark.v1.forecast_pb2_grpc import add_ForecastServiceServicer_to_server

KNOWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ORDERS = questions.series("order", last="7d", interval="hour")
UNSAMPLED = KNOWN.removesuffix("1") + "0"
HOSTILE = [
    "-",
    "ff" + KNOWN[2:],
    KNOWN.upper(),
    KNOWN + "-" + "x" * 9000,
    KNOWN.replace("b7ad6b7169203331", "0" * 16),
    "ü" * 55,
]


async def forecasts(resources: Resources) -> Service:
    """The target insights without its loops."""
    query = Query(resources.settings, resources.pool)
    return Service(servicers=[Servicer(add_ForecastServiceServicer_to_server, Forecast(query))])


@contextmanager
def traced(ratio: float = 1.0) -> Iterator[Collector]:
    """A collector of the spans of this process; all have arrived when the context has ended."""
    with collecting() as collector:
        settings = Settings(tracing_endpoint=collector.endpoint, tracing_ratio=ratio)
        with tracing.exporting("test", settings):
            yield collector


def client(served: Served, provider: TracerProvider | None = None) -> Client:
    address = f"127.0.0.1:{served.port}"
    return Client(
        *(address, address, address),
        key=served.secrets["admin"],
        ack_mode=AckMode.COMMITTED,
        tracer_provider=provider,
        environment={},
    )


async def test_one_trace_leads_from_track_to_the_commit(suite: Suite) -> None:
    with traced(ratio=0.0) as collector:
        async with suite(ingest, writer) as served:
            with application(collector) as provider:
                shop = provider.get_tracer("shop")
                async with client(served, provider) as tidemark:
                    with shop.start_as_current_span("checkout"):
                        tidemark.track("order_placed", properties={"card": "4000 1234"})
                        tidemark.track("order_paid")
                    with shop.start_as_current_span("refund"):
                        tidemark.track("order_refunded")
                    await tidemark.flush()
    process, commit = collector.one("process batches"), collector.one("commit batches")
    assert collector.way(process) == [
        *("checkout", "publish events", "take events", "append events", "process batches")
    ]
    publish, take, append = map(collector.one, ("publish events", "take events", "append events"))
    assert len({span.trace for span in (publish, take, append, process, collector.one("checkout"))}) == 1
    assert publish.links == {collector.one("refund").proto.span_id}
    assert commit.links == {append.proto.span_id}
    assert process.links == {commit.proto.span_id}
    assert collector.way(commit) == ["commit batches"]
    assert [span.kind for span in (publish, take, append, process, commit)] == [
        *("producer", "server", "producer", "consumer", "consumer")
    ]
    assert publish.attributes["messaging.batch.message_count"] == 3
    assert append.attributes["messaging.destination.name"] == process.attributes["messaging.destination.name"]
    assert [publish.service, take.service] == ["shop", "tidemark-test"]
    assert {"COPY events", "UPDATE partitions"} <= {
        span.name for span in collector.spans if collector.parent(span) == commit
    }
    assert not any(span.failed for span in collector.spans)
    assert not any(b"4000 1234" in span.proto.SerializeToString() for span in collector.spans)


async def test_a_call_is_followed_through_the_servers_that_answer_it(suite: Suite) -> None:
    with traced(ratio=0.0) as collector:
        async with suite(query, admin, forecasts) as served:
            with application(collector) as provider:
                async with client(served, provider) as tidemark:
                    shop = provider.get_tracer("shop")
                    with shop.start_as_current_span("ask"):
                        await tidemark.forecasts.make(ORDERS, horizon=3)
                    with shop.start_as_current_span("mistake"), pytest.raises(errors.Invalid):
                        await tidemark.forecasts.make(ORDERS, horizon=10**6)
    forecast, run = "tidemark.v1.ForecastService/Forecast", "tidemark.v1.QueryService/RunQuery"
    asked = next(span for span in collector.named(run) if span.kind == "server")
    assert collector.way(asked) == ["ask", forecast, forecast, run, run]
    assert asked.attributes["rpc.response.status_code"] == "OK"
    assert asked.attributes["tidemark.project"] == "projects/demo"
    below = [span for span in collector.spans if collector.parent(span) == asked]
    assert {span.attributes["db.system.name"] for span in below} == {"postgresql"}
    assert {span.trace for span in below} == {collector.one("ask").trace}
    refused = [span for span in collector.named(forecast) if span.trace == collector.one("mistake").trace]
    assert [(span.kind, span.failed) for span in refused] == [("client", True), ("server", False)]
    assert {span.attributes["rpc.response.status_code"] for span in refused} == {"INVALID_ARGUMENT"}


async def test_what_comes_by_http_goes_on_in_its_trace(suite: Suite) -> None:
    with traced(ratio=0.0) as collector:
        async with lanes(suite) as door:
            answer = await door.post("track", call(), {"traceparent": KNOWN})
            assert answer.status_code == 200
    publish = "tidemark.v1.IngestService/PublishBatch"
    appended = collector.one("append events")
    assert collector.way(appended) == ["POST /v1/track", publish, publish, "take events", "append events"]
    assert appended.trace.hex() == KNOWN.split("-")[1]


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_what_begins_here_is_sampled_and_what_has_begun_is_not(suite: Suite, ratio: float) -> None:
    with traced(ratio) as collector:
        async with suite(query, admin) as served:
            stub = query_pb2_grpc.QueryServiceStub(served.channel)
            for headers in ((), (("traceparent", KNOWN),), (("traceparent", UNSAMPLED),)):
                request = query_pb2.GetLedgerRequest(project="projects/demo")
                await stub.GetLedger(request, metadata=(*served.key("viewer"), *headers))
    roots = [span.trace.hex() for span in collector.named("GetLedger")]
    assert len(roots) == (2 if ratio else 1)
    assert KNOWN.split("-")[1] in roots


async def test_a_traceparent_that_cannot_be_read_is_ignored(suite: Suite) -> None:
    with traced() as collector:
        async with suite(ingest, writer) as served:
            stub = ingest_pb2_grpc.IngestServiceStub(served.channel)

            async def requests():
                for number, text in enumerate(HOSTILE, 1):
                    batch = event_batch(event(number), sequence=number)
                    batch.traceparent = text
                    yield ingest_pb2.PublishRequest(batch=batch)

            answers = [each async for each in stub.Publish(requests(), metadata=served.key("ingest"))]
            assert [each.accepted_count for each in answers] == [1] * len(HOSTILE)
            for text in HOSTILE:
                metadata = (
                    *served.key("ingest"),
                    ("traceparent", text.encode("ascii", "ignore")[:4000].decode()),
                )
                batch = event_batch(event(99), name="other", sequence=0)
                request = ingest_pb2.PublishBatchRequest(batch=batch)
                assert (await stub.PublishBatch(request, metadata=metadata)).accepted_count == 1
    taken = collector.named("take events")
    assert len(taken) == 2 * len(HOSTILE)
    assert len({span.trace for span in taken}) == len(taken)
    assert all(len(collector.way(span)) == 1 for span in taken[: len(HOSTILE)])


async def test_without_an_endpoint_no_context_is_written(suite: Suite) -> None:
    async with suite(ingest) as served:
        batch = event_batch(event())
        batch.traceparent = KNOWN
        stub = ingest_pb2_grpc.IngestServiceStub(served.channel)
        await stub.PublishBatch(
            ingest_pb2.PublishBatchRequest(batch=batch),
            metadata=(*served.key("ingest"), ("traceparent", KNOWN)),
        )
        entries = [
            fields
            for partition in range(8)
            for _, fields in await served.resources.redis.xrange(f"tm:{{{partition}}}:log")
        ]
    assert len(entries) == 1
    assert b"traceparent" not in entries[0][b"h"]


@pytest.mark.parametrize("listening", [False, True], ids=["away", "silent"])
async def test_nobody_waits_for_a_collector(suite: Suite, listening: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not listening:
            silent.close()
        settings = Settings(tracing_endpoint=f"http://127.0.0.1:{port}", tracing_ratio=1.0)
        with tracing.exporting("test", settings):
            async with suite(ingest, writer) as served, client(served) as tidemark:
                for number in range(5):
                    tidemark.track(f"e{number}")
                    await tidemark.flush()
                assert tidemark.stats.acknowledged == 5
            leaving = time.monotonic()
    assert time.monotonic() - leaving < tracing.LEAVING_SECONDS + 1


async def test_a_batch_keeps_its_span_until_it_is_settled() -> None:
    refused = Fault(kit.Invalid("batch.events_arrow", "is not an Arrow stream"))
    counterpart = Ingest(faults=deque([Fault(CUT), None, refused, refused]))
    with collecting() as collector, application(collector) as provider:
        async with serving(counterpart) as address:
            tidemark = Client(
                address,
                "",
                key="k",
                tracer_provider=provider,
                limits=Limits(batch_count=1),
                environment={},
            )
            async with tidemark:
                tidemark.track("sent again")
                await tidemark.flush()
                tidemark.track("refused")
                await tidemark.flush()
                counterpart.held.clear()
                tidemark.track("never taken")
                await asyncio.sleep(0)
                with pytest.raises(errors.Undelivered):
                    await tidemark.close(timeout=0.05)
    sent = [request.batch.traceparent for request in counterpart.batches]
    again, dropped, left = collector.named("publish events")
    assert [text.split("-")[2] for text in sent[:2]] == [again.proto.span_id.hex()] * 2
    assert [text.split("-")[2] for text in sent[2:]] == [dropped.proto.span_id.hex()] * 2
    failures = [span.attributes.get("error.type") for span in (again, dropped, left)]
    assert failures == [None, "Invalid", "unacknowledged"]
