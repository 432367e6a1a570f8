"""What tests of insights stand on: the target insights beside query, and looks at a project at an instant of the test's choice."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import grpc.aio
import psycopg

from services.insights.findings.store import Store as Findings
from services.insights.service import insights
from services.insights.source import Query
from services.insights.watch.store import Claim, Store
from services.insights.watch.worker import Watcher
from services.kit import postgres
from services.kit.server import listening, opened, working
from services.kit.service import Resources, Service
from tests.conftest import Served
from tests.integration.history import Happened, Point, commit
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1.insight_pb2_grpc import InsightServiceStub

DEMO = "projects/demo"


@dataclass(frozen=True)
class Watching:
    """InsightService with a key, and what its loops are made of."""

    served: Served
    resources: Resources
    stub: InsightServiceStub
    metadata: Any
    watcher: Watcher
    work: Store

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self.stub, name)(request(**fields), metadata=self.metadata)

    async def claim(self, task: str = "minutes") -> Claim:
        """The task of the only project, whether or not it is due."""
        await self.work.prepare()
        async with self.resources.pool.connection() as connection:
            await connection.execute("UPDATE insight_work SET due_at = now(), changed_at = now()")
        found = await self.work.claim([task])
        assert found is not None
        return found

    async def look(self, now: datetime, task: str = "minutes") -> list[pb.Insight]:
        """Looks at the project as if it were `now`; gives the insights there are then."""
        async with self.resources.pool.connection() as connection:
            await connection.execute("UPDATE partitions SET watermark = %s", (now,))
        await self.watcher.look(await self.claim(task), now)
        return await self.found()

    async def found(self, **asked: Any) -> list[pb.Insight]:
        """The insights of the project."""
        return list((await self.ListInsights(parent=DEMO, **asked)).insights)


def happen(served: Served, rows: Sequence[Happened | Point]) -> None:
    """Commits rows as the writer would."""
    with psycopg.connect(postgres.conninfo(served.resources.settings.database_url)) as connection:
        commit(connection, rows)


@asynccontextmanager
async def watching(
    served: Served, key: str = "admin", *, working_too: bool = False, **changes: Any
) -> AsyncIterator[Watching]:
    """The target insights, which asks the services `served`; its loops run only if they are `working_too`."""
    settings = replace(
        served.resources.settings, query_address=f"127.0.0.1:{served.port}", insights_followers=2, **changes
    )
    async with opened(settings) as resources:
        service = await insights(resources)
        loops = [service] if working_too else [Service()]
        async with (
            working(loops, resources),
            listening([service], resources, 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            work, query = Store(resources.pool, timedelta(seconds=60)), Query(settings, resources.pool)
            yield Watching(
                served,
                resources,
                InsightServiceStub(channel),
                served.key(key),
                Watcher(work, Findings(resources.pool), query, settings, resources.draining),
                work,
            )
