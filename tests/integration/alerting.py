"""What tests of alerts stand on: the target insights beside query, receivers of webhooks that answer as a test wishes, and looks at a
rule at an instant of the test's choice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import grpc.aio
import psycopg

from services.insights.alerts.store import Store
from services.insights.alerts.worker import Watch
from services.insights.notify.store import Store as Channels
from services.insights.notify.worker import Outbox
from services.insights.notify.writer import Writer
from services.insights.service import insights
from services.insights.source import Query
from services.kit import postgres
from services.kit.outbound import Outbound
from services.kit.sending import Sender
from services.kit.server import listening, opened, working
from services.kit.service import Resources, Service
from services.kit.settings import Settings
from tests.conftest import Served
from tests.integration.history import Happened, commit
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1.alert_pb2_grpc import AlertServiceStub

DEMO = "projects/demo"
EVERYTHING = {"outbound_private": True, "outbound_http": True}


@dataclass(frozen=True)
class Alerting:
    """AlertService with a key, and what its loops are made of."""

    resources: Resources
    address: str
    stub: AlertServiceStub
    metadata: Any
    watch: Watch
    outbox: Outbox
    store: Store

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self.stub, name)(request(**fields), metadata=self.metadata)

    async def look(self, now: datetime) -> int:
        """Looks at every rule that is due by the database's clock, as if it were `now`; says at how many."""
        looks = await self.store.claim(100, timedelta(seconds=60))
        for look in looks:
            await self.watch.look(look, now)
        return len(looks)

    async def look_again(self, now: datetime) -> int:
        """The same, for rules that are not due yet."""
        async with self.resources.pool.connection() as connection:
            await connection.execute("UPDATE alert_rules SET due_at = now()")
        return await self.look(now)


def happen(served: Served, *rows: Happened) -> None:
    """Commits events as the writer would."""
    with psycopg.connect(postgres.conninfo(served.resources.settings.database_url)) as connection:
        commit(connection, rows)


@asynccontextmanager
async def alerting(
    served: Served, key: str = "admin", *, working_too: bool = False, **changes: Any
) -> AsyncIterator[Alerting]:
    """The target insights, which asks the services `served`; its loops run only if they are `working_too`."""
    settings: Settings = replace(
        served.resources.settings, query_address=f"127.0.0.1:{served.port}", **EVERYTHING | changes
    )
    async with opened(settings) as resources:
        service = await insights(resources)
        loops = [service] if working_too else [Service()]
        async with (
            working(loops, resources),
            listening([service], resources, 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            store, outbound = Store(resources.pool), Outbound.of(settings)
            yield Alerting(
                resources,
                f"127.0.0.1:{port}",
                AlertServiceStub(channel),
                served.key(key),
                Watch(store, Query(settings, resources.pool), resources.draining),
                Outbox(
                    Channels(resources.pool),
                    Writer(Sender(outbound, settings), settings),
                    resources.draining,
                    lambda: 0.0,
                ),
                store,
            )
            await outbound.close()


@dataclass
class Receiver:
    """A web server that keeps what it is sent, and answers with `statuses`, the last again and again."""

    statuses: list[int] = field(default_factory=lambda: [204])
    headers: str = ""
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.seen.append((headers, body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} OK\r\n{self.headers}content-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving(*statuses: int, headers: str = "") -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(list(statuses) or [204], headers)
    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver
