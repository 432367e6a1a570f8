"""Windows count every event once though `kill -9` ends the writer again and again."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from deploy.local.ports import free_port
from deploy.local.suite import ROOT
from services.ingest.service import ingest
from services.kit.settings import Settings
from tests.conftest import Served, Suite
from tests.ingesting import NOW_US, event, event_batch
from tests.polling import until
from tests.windowing import ALL, SECOND_US, Happened, Kept, hopping, sessions, tumbling
from tidemark.v1 import ingest_pb2
from tidemark.v1 import window_pb2 as pb
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.window_pb2_grpc import WindowServiceStub

ROUNDS, PRODUCERS, EACH = 6, 4, 40
DEMO = "projects/demo"
SHAPES = {
    "by-user": tumbling(*ALL[:6], key=["user_id"]),
    "hopping": hopping(*ALL[:6], seconds=60, every=20),
    "visits": sessions(*ALL[:6], gap=7),
}
BATCHES = "SELECT sum(batches) FROM partitions"


@contextmanager
def writing(settings: Settings) -> Iterator[None]:
    """A writer as a process of its own, which `kill -9` ends."""
    own = {
        "TIDEMARK_DATABASE_URL": settings.database_url,
        "TIDEMARK_REDIS_URL": settings.redis_url,
        "TIDEMARK_METRICS_PORT": str(free_port()),
        "TIDEMARK_LEASE_SECONDS": "0.5",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "writer"],
        cwd=ROOT,
        env={**os.environ, **own},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def number(served: Served, statement: str) -> int:
    async with served.resources.pool.connection() as connection:
        ((found,),) = await (await connection.execute(statement)).fetchall()
        return int(found)


async def test_each_event_counts_once_though_the_writer_is_killed(suite: Suite, settings: Settings) -> None:
    made: list[Happened] = []
    async with suite(ingest) as served:
        windows = WindowServiceStub(served.channel)
        admin, key = served.key("admin"), served.key("ingest")
        for window_id, window in SHAPES.items():
            request = pb.CreateWindowRequest(parent=DEMO, window_id=window_id, window=window)
            await windows.CreateWindow(request, metadata=admin)
        stub, base = IngestServiceStub(served.channel), now()

        async def publish(count: int) -> None:
            for _ in range(count):
                first = len(made)
                events = [
                    Happened(
                        base + (first + i) % 300,
                        f"user{(first + i) % 5}",
                        properties={"n": (first + i) % 17},
                    )
                    for i in range(EACH)
                ]
                made.extend(events)
                batch = event_batch(
                    *(as_event(first + i, each) for i, each in enumerate(events)),
                    sequence=0,
                    name=f"web-{first // EACH % PRODUCERS}",
                )
                await stub.PublishBatch(ingest_pb2.PublishBatchRequest(batch=batch), metadata=key)

        for _ in range(ROUNDS):
            committed = await number(served, BATCHES)
            with writing(settings):
                sending = asyncio.create_task(publish(30))
                # Killed at once when something is committed, which is most likely in the middle of the next commit.
                await until(partial(progressed, served, committed))
            await sending
        with writing(settings):
            await until(partial(holds, served, len(made)))
        for window_id, window in SHAPES.items():
            expected = Kept(window).commit(*made).merged()
            request = pb.ListWindowResultsRequest(name=f"{DEMO}/windows/{window_id}", page_size=1000)
            request.time_range.last.FromTimedelta(timedelta(days=1))
            found = (await windows.ListWindowResults(request, metadata=admin)).results
            assert [shown(each) for each in reversed(found)] == [
                (
                    each.start_us,
                    each.key,
                    each.count,
                    [part.number for part in each.parts[1:2]],
                )
                for each in expected
            ]
            assert sum(each.dropped_count for each in found) == 0


def now() -> float:
    """Ten minutes ago, in seconds after the beginning of 2026."""
    instant = datetime.now(UTC) - timedelta(minutes=10)
    return float(int(instant.timestamp()) - NOW_US // SECOND_US)


def as_event(number: int, happened: Happened) -> Any:
    return event(
        number,
        at_us=NOW_US + int(happened.at) * SECOND_US,
        user_id=happened.user,
        properties_json=orjson.dumps(happened.properties),
    )


def shown(result: pb.WindowResult) -> tuple[Any, ...]:
    start_us = result.start.ToMicroseconds()
    return start_us, tuple(result.key), result.event_count, list(result.values[1:2])


async def progressed(served: Served, before: int) -> bool:
    return await number(served, BATCHES) > before


async def holds(served: Served, count: int) -> bool:
    return await number(served, "SELECT count(*) FROM events") == count
