"""Two processes share the work: what happens is told in time, once, though `kill -9` ends one of them again and again."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import cycle

from deploy.local.ports import free_port
from deploy.local.suite import ROOT
from services.ingest.service import ingest, writer
from services.insights.findings.store import Store
from services.kit.call import Project
from services.query.service import query
from tests.conftest import Served, Suite
from tests.ingesting import event, event_batch
from tests.polling import until
from tidemark.v1 import event_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1.ingest_pb2 import PublishBatchRequest
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub

ROUNDS, SOON, IN_A_MINUTE = 4, 5.0, 60.0
PROJECT = Project(1, "demo", "UTC")


class Replica:
    """The target insights as a process of its own, which `kill -9` ends and which begins anew."""

    def __init__(self, served: Served) -> None:
        settings = served.resources.settings
        self._own = {
            "TIDEMARK_DATABASE_URL": settings.database_url,
            "TIDEMARK_REDIS_URL": settings.redis_url,
            "TIDEMARK_QUERY_ADDRESS": f"127.0.0.1:{served.port}",
            "TIDEMARK_INSIGHTS_PORT": str(free_port()),
            "TIDEMARK_INSIGHTS_FOLLOWERS": "2",
            "TIDEMARK_METRICS_PORT": str(free_port()),
            "TIDEMARK_LEASE_SECONDS": "0.5",
        }
        self.start()

    def start(self) -> None:
        """Begins."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services", "insights"],
            cwd=ROOT,
            env={**os.environ, **self._own},
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()


async def publish(served: Served, sequence: int, kind: int, name: str, count: int = 1) -> float:
    """Sends events that happen now; gives when they were acknowledged."""
    now_us = int(time.time() * 1e6)
    events = [event(1000 * sequence + n, type=kind, name=name, at_us=now_us) for n in range(count)]
    batch = event_batch(*events, name="web-1", sequence=sequence)
    stub = IngestServiceStub(served.channel)
    await stub.PublishBatch(PublishBatchRequest(batch=batch), metadata=served.key("ingest"))
    return time.monotonic()


async def titles(served: Served, detector: str) -> list[str]:
    """What was told by a detector."""
    found = await Store(served.resources.pool).changes(PROJECT.project_id, 0, 1000)
    return [each.title for each in (row.message() for row in found) if each.detector == detector]


async def told(served: Served, detector: str, text: str) -> bool:
    return any(text in title for title in await titles(served, detector))


async def looked(served: Served) -> datetime | None:
    """Up to when the minutes of the project were looked at."""
    async with served.resources.pool.connection() as connection:
        rows = await connection.execute("SELECT max(until) FROM insight_series WHERE task = 'minutes'")
        [(until_,)] = await rows.fetchall()
        return until_


async def test_nothing_is_lost_and_nothing_told_twice(suite: Suite) -> None:
    async with suite(ingest, writer, query, pool_size=8) as served:
        with ExitStack() as ended:
            replicas = [Replica(served) for _ in range(2)]
            for replica in replicas:
                ended.callback(replica.kill)
            await publish(served, 1, event_pb2.EVENT_TYPE_SECURITY_EVENT, "first")
            await until(partial(told, served, "new-security-event", "first"), 60.0)

            # Follows now: a kind never seen, and a burst, are told within seconds.
            sent = await publish(served, 2, event_pb2.EVENT_TYPE_SECURITY_EVENT, "second")
            await until(partial(told, served, "new-security-event", "second"), SOON)
            assert time.monotonic() - sent < SOON
            sent = await publish(served, 3, event_pb2.EVENT_TYPE_ERROR_EVENT, "failed", 40)
            await until(partial(told, served, "burst", "40 errors"), SOON)

            for turn, replica in zip(range(ROUNDS), cycle(replicas)):
                await publish(served, 4 + turn, event_pb2.EVENT_TYPE_SECURITY_EVENT, f"kind-{turn}")
                replica.kill()
                replica.start()
            for turn in range(ROUNDS):
                await until(partial(told, served, "new-security-event", f"kind-{turn}"), 60.0)
            found = await titles(served, "new-security-event")
            assert len(found) == len(set(found)) == 2 + ROUNDS

            # Minutes are looked at within a minute of their end.
            async def in_time() -> bool:
                end = await looked(served)
                return end is not None and (datetime.now(UTC) - end).total_seconds() < IN_A_MINUTE

            await until(in_time, 2 * IN_A_MINUTE)
            assert pb.SEVERITY_HIGH in {
                row.message().severity for row in await Store(served.resources.pool).changes(1, 0, 100)
            }
