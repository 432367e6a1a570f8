"""A channel of ours to a name behind which there are several servers, as a headless service has them."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.polling import until
from tidemark.channel import connect

CALLS = 20


class Named(health_pb2_grpc.HealthServicer):
    """A server that counts its calls."""

    def __init__(self, name: str, told: Counter[str]) -> None:
        self._name, self._told = name, told

    async def Check(self, request: object, context: object) -> health_pb2.HealthCheckResponse:
        self._told[self._name] += 1
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def serving(name: str, told: Counter[str]) -> AsyncIterator[tuple[grpc.aio.Server, int]]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(Named(name, told), server)
    port = server.add_insecure_port("127.0.0.1:0")
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
