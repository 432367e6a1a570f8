"""A channel of ours to a name behind which there are several servers, as a headless service has them."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.names import Names
from deploy.local.ports import free_port
from tests.polling import until
from tidemark.channel import connect
from tidemark.v1 import query_pb2, query_pb2_grpc, report_pb2, report_pb2_grpc

CALLS = 20


class Named(health_pb2_grpc.HealthServicer):
    """A server that counts its calls."""

    def __init__(self, name: str, told: Counter[str]) -> None:
        self._name, self._told = name, told

    async def Check(self, request: object, context: object) -> health_pb2.HealthCheckResponse:
        self._told[self._name] += 1
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def serving(
    name: str, told: Counter[str], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[grpc.aio.Server, int]]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(Named(name, told), server)
    port = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop(None)


async def test_calls_spread_over_the_servers_of_a_name_and_survive_the_end_of_one() -> None:
    told: Counter[str] = Counter()
    async with (
        serving("first", told) as (first, one),
        serving("second", told) as (_, two),
        connect(f"ipv4:127.0.0.1:{one},127.0.0.1:{two}", None) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)

        async def check() -> bool:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            return len(told) == 2

        # The second connection may come a little later than the first.
        await until(check)
        told.clear()
        for _ in range(CALLS):
            await check()
        assert told == {"first": CALLS // 2, "second": CALLS // 2}

        await first.stop(1)
        told.clear()
        for _ in range(CALLS):
            await check()
        assert told == {"second": CALLS}


async def test_a_name_whose_servers_were_all_replaced_within_seconds_is_asked_for_anew() -> None:
    told: Counter[str] = Counter()
    port, hosts = free_port(), [f"127.77.1.{number}" for number in range(1, 5)]
    with Names(kept=0) as names:
        names.point("servers", hosts[:2])
        async with (
            serving("first", told, hosts[0], port) as (first, _),
            serving("second", told, hosts[1], port) as (second, _),
            serving("third", told, hosts[2], port),
            serving("fourth", told, hosts[3], port),
            connect(f"dns://127.0.0.1:{names.port}/servers:{port}", None) as channel,
        ):
            stub = health_pb2_grpc.HealthStub(channel)

            async def check() -> None:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)

            await check()
            names.point("servers", hosts[1:3])
            await first.stop(1)
            await check()
            names.point("servers", hosts[2:])
            await second.stop(1)
            told.clear()
            for _ in range(CALLS):
                await check()
            assert set(told) <= {"third", "fourth"}


class Away(query_pb2_grpc.QueryServiceServicer, report_pb2_grpc.ReportServiceServicer):
    """A server that answers every second call."""

    calls = 0

    async def Suggest(
        self, request: query_pb2.SuggestRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> query_pb2.SuggestResponse:
        await self._once(context)
        return query_pb2.SuggestResponse()

    async def GetReport(
        self, request: report_pb2.GetReportRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> report_pb2.GetReportResponse:
        await self._once(context)
        return report_pb2.GetReportResponse()

    async def _once(self, context: grpc.aio.ServicerContext[object, object]) -> None:
        self.calls += 1
        if self.calls % 2:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "it is about to end")


@pytest.mark.parametrize("target", ["query", "reports"])
async def test_a_call_that_a_server_does_not_take_any_more_is_tried_again(target: str) -> None:
    away = Away()
    server = grpc.aio.server()
    query_pb2_grpc.add_QueryServiceServicer_to_server(away, server)
    report_pb2_grpc.add_ReportServiceServicer_to_server(away, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with connect(f"127.0.0.1:{port}", None) as channel:
        if target == "query":
            await query_pb2_grpc.QueryServiceStub(channel).Suggest(query_pb2.SuggestRequest())
        else:
            await report_pb2_grpc.ReportServiceStub(channel).GetReport(
                report_pb2.GetReportRequest(name="x" * (1 << 20))
            )
    await server.stop(None)
    assert away.calls == 2
