"""KEDA's scaler as KEDA meets it: stubs made from its own contract, and separate processes of ours with a load that is real."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import psycopg
import pytest

import tidemark
from deploy.local.suite import Suite, quiet_port, running
from services.insights.scaler.keda import externalscaler_pb2 as pb
from services.insights.scaler.keda.externalscaler_pb2_grpc import ExternalScalerStub
from tests.conftest import refusal
from tests.polling import until
from tidemark.v1 import query_pb2

TARGETS = {"ingest": "ingest", "writer": "writer", "query": "query", "insights": "insights"}
FORECAST_SECONDS = 4
METADATA = {
    "scalerAddress": "tidemark-insights:50056",
    "backlogSeconds": "10",
    "podRate": "100",
    "utilisation": "1",
}
REF = pb.ScaledObjectRef(name="tidemark-writer", namespace="tidemark", scalerMetadata=METADATA)
# Fourteen days of 2,000 events a second, more or less.
PAST = """
    INSERT INTO tidemark.ledger
    SELECT 1, 'past', minute, received, received, 0, 0, 0
    FROM (
        SELECT minute, (110000 + 20000 * random())::bigint AS received
        FROM generate_series(
            date_trunc('minute', now() - interval '14 days'), now() - interval '1 minute', interval '1 minute'
        ) AS minute
    ) AS minutes
"""


@dataclass(frozen=True)
class Running:
    """The suite, and where its scaler answers."""

    suite: Suite
    port: int

    def execute(self, statement: str) -> None:
        """Changes the database behind everybody's back."""
        with psycopg.connect(self.suite.postgres.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    @asynccontextmanager
    async def scaler(self) -> AsyncIterator[ExternalScalerStub]:
        """KEDA's client: without a key."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield ExternalScalerStub(channel)


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    """One process of each target that a load goes through, and insights."""
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        port = quiet_port()
        settings = {
            "TIDEMARK_SCALER_PORT": str(port),
            "TIDEMARK_SCALER_FORECAST_SECONDS": str(FORECAST_SECONDS),
        }
        with running(folder, TARGETS, environment=settings) as suite:
            yield Running(suite, port)


async def value(scaler: ExternalScalerStub, name: str) -> float | None:
    """What a metric stands at; None while the scaler does not know."""
    try:
        answer = await scaler.GetMetrics(pb.GetMetricsRequest(scaledObjectRef=REF, metricName=name))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return None
    (found,) = answer.metricValues
    assert found.metricName == name
    assert found.metricValue >= found.metricValueFloat
    return found.metricValueFloat


async def test_an_idle_installation_asks_for_nobody(stack: Running) -> None:
    async with stack.scaler() as scaler:

        async def known() -> bool:
            return await value(scaler, "backlog-seconds") is not None

        await until(known, 60)
        assert await value(scaler, "backlog-seconds") == 0
        assert await value(scaler, "pods-for-rate") == 0
        assert not (await scaler.IsActive(REF)).result
        assert not (await scaler.StreamIsActive(REF).read()).result


async def test_the_metrics_of_a_trigger_are_told_and_pushed_alike(stack: Running) -> None:
    async with stack.scaler() as scaler:
        specs = await scaler.GetMetricSpec(REF)
        assert {each.metricName: each.targetSizeFloat for each in specs.metricSpecs} == {
            "backlog-seconds": 10.0,
            "pods-for-rate": 1.0,
        }
        assert await scaler.StreamMetricSpec(REF).read() == specs


async def test_what_a_trigger_misspells_is_named(stack: Running) -> None:
    async with stack.scaler() as scaler:
        spelt = pb.ScaledObjectRef(scalerMetadata={"backlogSecond": "1"})
        for call in (scaler.IsActive(spelt), scaler.GetMetricSpec(spelt)):
            assert (await refusal(call)).violations == ["scalerMetadata.backlogSecond"]
        asked = pb.GetMetricsRequest(scaledObjectRef=REF, metricName="backlog")
        assert (await refusal(scaler.GetMetrics(asked))).violations == ["metricName"]


async def test_nothing_but_the_scaler_answers_without_a_key_and_the_scaler_nowhere_else(
    stack: Running,
) -> None:
    async def code(port: int, method: str) -> str:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            return (await refusal(channel.unary_unary(method)(b""))).code

    own = stack.suite.members["insights"].port
    assert await code(stack.port, "/tidemark.v1.InsightService/ListInsights") == "UNIMPLEMENTED"
    assert await code(own, "/externalscaler.ExternalScaler/IsActive") == "UNIMPLEMENTED"


async def test_what_waits_for_a_frozen_writer_asks_for_more_of_them(stack: Running) -> None:
    members, keys = stack.suite.members, stack.suite.keys
    async with stack.scaler() as scaler:
        stream = scaler.StreamIsActive(REF)
        assert not (await stream.read()).result
        members["writer"].freeze()
        try:
            client = tidemark.Client(
                members["ingest"].address, members["query"].address, key=keys["TIDEMARK_INGEST_KEY"]
            )
            async with client:
                for number in range(3000):
                    client.track("page_view", user_id=f"u{number % 7}")
                await client.flush()

            async def piled() -> bool:
                return await value(scaler, "backlog-seconds") == 30

            # 3,000 events, at 100 a second.
            await until(piled, 60)
            assert (await asyncio.wait_for(stream.read(), 60)).result
            assert (await scaler.IsActive(REF)).result
            assert 0 < (await value(scaler, "pods-for-rate") or 0) <= 6
        finally:
            members["writer"].thaw()

        async def drained() -> bool:
            return await value(scaler, "backlog-seconds") == 0

        await until(drained, 60)
        # What has just come in is a rate still.
        assert (await scaler.IsActive(REF)).result


async def test_the_forecast_is_followed_until_it_is_stale(stack: Running) -> None:
    async with stack.scaler() as scaler:

        async def ahead() -> float:
            # 2,000 a second of 100 each; what came in just now is far less.
            found = await value(scaler, "pods-for-rate") or 0.0
            return found if found > 10 else 0.0

        async def behind() -> bool:
            return 0 <= (await value(scaler, "pods-for-rate") or 0.0) < 10

        assert await behind()
        stack.execute(PAST)
        assert 18 < await until(ahead, 60) < 26
        stack.execute("ALTER TABLE tidemark.ledger RENAME TO ledger_away")
        try:
            await until(behind, 60)
            assert await value(scaler, "backlog-seconds") == 0
        finally:
            stack.execute("ALTER TABLE tidemark.ledger_away RENAME TO ledger")
        assert await until(ahead, 60)


async def test_all_projects_together_are_told_to_keys_of_the_installation_alone(stack: Running) -> None:
    address, keys = stack.suite.members["query"].address, stack.suite.keys

    def asked(key: str, **fields: object) -> Awaitable[query_pb2.GetPlatformAnalyticsResponse]:
        call = channel.unary_unary(
            "/tidemark.v1.QueryService/GetPlatformAnalytics",
            request_serializer=query_pb2.GetPlatformAnalyticsRequest.SerializeToString,
            response_deserializer=query_pb2.GetPlatformAnalyticsResponse.FromString,
        )
        request = query_pb2.GetPlatformAnalyticsRequest(**fields)  # type: ignore[arg-type]
        return call(request, metadata=(("authorization", f"Bearer {keys[key]}"),))  # type: ignore[no-any-return]

    async with grpc.aio.insecure_channel(address) as channel:
        found = await asked("TIDEMARK_ADMIN_KEY", project="projects/-")
        assert sum(each.received for each in found.processing.partitions) == 3000
        assert sum(each.committed for each in found.processing.partitions) == 3000
        assert not found.processing.received
        own = await asked("TIDEMARK_VIEWER_KEY")
        assert not any(each.received for each in own.processing.partitions)
        refused = await refusal(asked("TIDEMARK_VIEWER_KEY", project="projects/-"))
        assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "INSTALLATION_KEY_NEEDED")
        since = own.measured_at
        assert (await refusal(asked("TIDEMARK_VIEWER_KEY", received_since=since))).violations == [
            "received_since"
        ]
        long_ago = type(since)(seconds=since.seconds - 36 * 86_400)
        refused = await refusal(asked("TIDEMARK_ADMIN_KEY", project="projects/-", received_since=long_ago))
        assert refused.violations == ["received_since"]
        hour = type(since)(seconds=since.seconds - 3600)
        found = await asked("TIDEMARK_ADMIN_KEY", project="projects/-", received_since=hour)
        assert len(found.processing.received) in (13, 14)
        assert found.processing.last_day.received >= 3000
