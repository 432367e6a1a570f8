"""OTLP by the unmodified SDK of OpenTelemetry, over gRPC and HTTP: what it exports is stored, exactly once across its retries."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import psycopg
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from deploy.local.process import wait_until
from deploy.local.suite import running
from tests.deployment import Tenant
from tests.integration.losing import Losing, http, http2, losing
from tidemark.ledger import Ledger

RESOURCE = Resource({"service.name": "shop", "host.name": "h1"})
NEVER = 3_600_000
"""Milliseconds until a metric reader exports by itself."""
DELTA = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
EVENTS = """
SELECT name, type, user_id, session_id, properties, context, occurred_at
FROM tidemark.events JOIN tidemark.projects USING (project_id) WHERE slug = %s ORDER BY occurred_at, name
"""
POINTS = """
SELECT name, kind, value, tags, unit FROM tidemark.metric_points JOIN tidemark.projects USING (project_id)
WHERE slug = %s ORDER BY name, value, tags ->> 'le'
"""
BATCHES = """
SELECT DISTINCT source, producer_id FROM tidemark.batches JOIN tidemark.projects USING (project_id) WHERE slug = %s
"""


def rows(tenant: Tenant, statement: str) -> list[Any]:
    """What is stored of the tenant's project."""
    with psycopg.connect(tenant.suite.postgres.url) as connection:
        return connection.execute(statement, (tenant.project.removeprefix("projects/"),)).fetchall()


async def settled(tenant: Tenant) -> Ledger:
    """The ledger once everything is committed."""
    async with tenant.client() as client:
        return await tenant.settled(client)


# --- the SDK ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of the servers can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="tidemark-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def way_to(tenant: Tenant, by: str, answers_lost: int) -> Iterator[Losing]:
    """The way of an exporter: by gRPC to the port of OTLP, or by HTTP through the edge."""
    if by == "grpc":
        port = int(tenant.suite.members["ingest-1"].environment["TIDEMARK_OTLP_PORT"])
        with losing(port, http2, answers_lost) as way:
            yield way
    else:
        with losing(urlsplit(tenant.suite.edge).port or 0, http, answers_lost) as way:
            yield way


def log_exporter(tenant: Tenant, by: str, way: Losing) -> Any:
    """The SDK's exporter of logs."""
    headers = {"authorization": f"Bearer {tenant.key}"}
    if by == "grpc":
        return GrpcLogs(f"http://{way.address}", headers=headers, compression=grpc.Compression.Gzip)
    return HttpLogs(f"http://{way.address}/v1/logs", headers=headers, compression=Compression.Gzip)


def metric_exporter(tenant: Tenant, by: str, way: Losing, temporality: Any = None) -> Any:
    """The SDK's exporter of metrics."""
    headers = {"authorization": f"Bearer {tenant.key}"}
    if by == "grpc":
        return GrpcMetrics(f"http://{way.address}", headers=headers, preferred_temporality=temporality)
    return HttpMetrics(
        f"http://{way.address}/v1/metrics",
        headers=headers,
        compression=Compression.Deflate,
        preferred_temporality=temporality,
    )


def log(exporter: Any, *records: LogRecord) -> None:
    """Logs by the SDK and returns when everything is exported."""
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("shop.cart", "1.2")
    for record in records:
        logger.emit(record)
    assert provider.force_flush()
    provider.shutdown()


def measure(exporter: Any, use: Callable[[Any], None]) -> None:
    """Measures by the SDK and returns when everything is exported."""
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=NEVER)
    provider = MeterProvider([reader], RESOURCE)
    use(provider.get_meter("shop.cart"))
    assert provider.force_flush()
    # Its last export would be one more, of what has not changed.
    exporter.shutdown()
    provider.shutdown()


def records(count: int) -> list[LogRecord]:
    """Log records a millisecond apart."""
    now_ns = time.time_ns()
    return [
        LogRecord(
            timestamp=now_ns + number * 1_000_000,
            severity_number=SeverityNumber.INFO,
            body=f"record {number}",
            attributes={"number": number},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("by", ["grpc", "http"])
async def test_logs_of_the_sdk_become_events(tenant: Tenant, by: str) -> None:
    now_ns = time.time_ns()
    failed = LogRecord(
        timestamp=now_ns,
        severity_number=SeverityNumber.ERROR,
        severity_text="ERROR",
        body={"order": 7, "lines": ["a", "b"]},
        attributes={"user.id": "ann", "session.id": "s1", "http.route": "/pay"},
        event_name="payment.failed",
        trace_id=0x0AF7651916CD43DD8448EB211C80319C,
        span_id=0xB7AD6B7169203331,
    )
    plain = LogRecord(observed_timestamp=now_ns + 1_000_000, body="ready")
    with way_to(tenant, by, 0) as way:
        await asyncio.to_thread(log, log_exporter(tenant, by, way), failed, plain)
    ledger = await settled(tenant)
    assert (ledger.total.received, ledger.total.stored) == (2, 2)
    first, second = rows(tenant, EVENTS)
    assert first[:4] == ("payment.failed", 5, "ann", "s1")
    assert first[4] == {
        "body": {"order": 7, "lines": ["a", "b"]},
        "user.id": "ann",
        "session.id": "s1",
        "http.route": "/pay",
        "severity": "ERROR",
        "severity_number": 17,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
    }
    assert first[5]["resource"]["service.name"] == "shop"
    assert first[5]["scope"] == {"name": "shop.cart", "version": "1.2"}
    assert int(first[6].timestamp() * 1e6) == now_ns // 1000
    assert second[:4] == ("log", 2, None, None)
    assert second[4] == {"body": "ready"}
    assert rows(tenant, BATCHES) == [("otlp", "otlp:shop")]


@pytest.mark.parametrize("by", ["grpc", "http"])
async def test_metrics_of_the_sdk_become_points(tenant: Tenant, by: str) -> None:
    def use(meter: Any) -> None:
        meter.create_counter("orders", unit="1").add(3, {"plan": "pro"})
        meter.create_gauge("temperature", unit="Cel").set(21.5)
        histogram = meter.create_histogram("latency", "ms", explicit_bucket_boundaries_advisory=[10.0, 100.0])
        for value in (5.0, 50.0, 70.0):
            histogram.record(value)

    with way_to(tenant, by, 0) as way:
        await asyncio.to_thread(measure, metric_exporter(tenant, by, way, DELTA), use)
        await asyncio.to_thread(measure, metric_exporter(tenant, by, way), use)
    await settled(tenant)
    found = [
        (name, kind, value, tags.get("le"), unit) for name, kind, value, tags, unit in rows(tenant, POINTS)
    ]
    for kind in (1, 2):
        assert ("orders", kind, 3.0, None, "1") in found
        assert ("latency.count", kind, 3.0, None, "1") in found
        assert ("latency.sum", kind, 125.0, None, "ms") in found
        assert ("latency.bucket", kind, 1.0, "10", "1") in found
        assert ("latency.bucket", kind, 3.0, "100", "1") in found
        assert ("latency.bucket", kind, 3.0, "+Inf", "1") in found
    assert found.count(("latency.min", 2, 5.0, None, "ms")) == 2
    assert found.count(("temperature", 2, 21.5, None, "Cel")) == 2
    (tags,) = {json.dumps(each[3], sort_keys=True) for each in rows(tenant, POINTS) if each[0] == "orders"}
    assert json.loads(tags) == {
        "plan": "pro", "service.name": "shop", "host.name": "h1", "otel.scope.name": "shop.cart",
    }  # fmt: skip


@pytest.mark.parametrize("by", ["grpc", "http"])
async def test_logs_whose_answers_are_lost_are_stored_once(tenant: Tenant, by: str) -> None:
    with way_to(tenant, by, 2) as way:
        await asyncio.to_thread(log, log_exporter(tenant, by, way), *records(300))
        assert way.lost == 2
    ledger = await settled(tenant)
    assert ledger.total.stored == 300
    assert ledger.balanced
    assert len(rows(tenant, EVENTS)) == 300


@pytest.mark.parametrize("by", ["grpc", "http"])
async def test_metrics_whose_answers_are_lost_are_stored_once(tenant: Tenant, by: str) -> None:
    def use(meter: Any) -> None:
        for number in range(50):
            meter.create_counter("orders").add(1, {"number": number})

    with way_to(tenant, by, 2) as way:
        await asyncio.to_thread(measure, metric_exporter(tenant, by, way, DELTA), use)
        assert way.lost == 2
    ledger = await settled(tenant)
    assert ledger.total.received == ledger.total.stored == 50
    assert sum(value for _, _, value, *_ in rows(tenant, POINTS)) == 50


def test_what_one_ingest_has_taken_is_known_to_the_next(folder: Path) -> None:
    """Ingest dies before its answer arrives; the SDK tries until there is another, which stores nothing twice."""

    def use(meter: Any) -> None:
        meter.create_counter("orders").add(7)

    with running(folder, {"ingest": "ingest", "writer": "writer", "query": "query"}) as stack:
        member = stack.members["ingest"]
        port = int(member.environment["TIDEMARK_OTLP_PORT"])
        options = {"headers": {"authorization": f"Bearer {stack.keys['TIDEMARK_INGEST_KEY']}"}, "timeout": 40}
        with ThreadPoolExecutor() as pool, losing(port, http2) as of_logs, losing(port, http2) as of_metrics:
            exporting = [
                pool.submit(log, GrpcLogs(f"http://{of_logs.address}", **options), *records(20)),
                pool.submit(measure, GrpcMetrics(f"http://{of_metrics.address}", **options), use),
            ]
            assert wait_until(lambda: of_logs.lost == of_metrics.lost == 1, 20)
            member.kill()
            member.spawn()
            member.await_ready()
            for each in exporting:
                each.result()
        with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
            assert wait_until(lambda: counts(connection) == (20, 1, 0), 20), counts(connection)


def counts(connection: psycopg.Connection[Any]) -> tuple[int, ...]:
    """Events and points stored, and rows that were received and are neither."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM tidemark.events), (SELECT count(*) FROM tidemark.metric_points),"
        " (SELECT coalesce(sum(received - stored - duplicate), 0)::int FROM tidemark.ledger)"
    ).fetchone()
    assert row
    return row
