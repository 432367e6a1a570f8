"""Who follows insights: PostgreSQL says in which project something has changed, what it is is read from `store`.

What is announced may be lost with a connection; followers look again by themselves with every heartbeat.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator

import psycopg

from services.insights.findings import request as read
from services.insights.findings.store import CHANNEL, Store
from services.kit import postgres
from services.kit.errors import Unavailable
from services.kit.settings import Settings
from tidemark.v1 import insight_pb2 as pb

HEARTBEAT_SECONDS = 15.0
_TICK_SECONDS, _RETRY_SECONDS = 1.0, 0.5
_PAGE = 20
_LISTEN = f"LISTEN {CHANNEL}"

log = logging.getLogger(__name__)


class Changes:
    """Tells followers of a project that there is something new."""

    def __init__(self, store: Store, settings: Settings, draining: asyncio.Event) -> None:
        self._store, self._settings, self._draining = store, settings, draining
        self._bells: dict[int, set[asyncio.Event]] = defaultdict(set)

    async def listen(self) -> None:
        """Worker: listens until `draining`; outlives the absence of PostgreSQL."""
        while not self._draining.is_set():
            try:
                async with await postgres.attempt(self._settings.database_url) as connection:
                    await connection.execute(_LISTEN)
                    self._ring(*self._bells)
                    while not self._draining.is_set():
                        async for notice in connection.notifies(timeout=_TICK_SECONDS):
                            self._ring(int(notice.payload))
            except (psycopg.Error, OSError) as error:
                log.warning("changes of insights are not heard of until PostgreSQL answers: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
        self._ring(*self._bells)

    async def follow(self, project_id: int, cursor: str) -> AsyncGenerator[pb.WatchInsightsResponse]:
        """What changes behind a cursor, for ever; raises `Unavailable` when the server drains."""
        seen = read.change(cursor) if cursor else await self._store.last_change(project_id)
        bell = asyncio.Event()
        self._bells[project_id].add(bell)
        try:
            yield pb.WatchInsightsResponse(cursor=read.cursor(seen))
            while not self._draining.is_set():
                bell.clear()
                found = await self._store.changes(project_id, seen, _PAGE)
                if found:
                    seen = found[-1].change
                    yield pb.WatchInsightsResponse(
                        insights=[each.message() for each in found], cursor=read.cursor(seen)
                    )
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), HEARTBEAT_SECONDS)
                    continue
                yield pb.WatchInsightsResponse(cursor=read.cursor(seen))
        finally:
            self._bells[project_id].discard(bell)
            if not self._bells[project_id]:
                del self._bells[project_id]
        raise Unavailable("the server is shutting down: go on elsewhere with the last cursor")

    def _ring(self, *projects: int) -> None:
        for project_id in projects:
            for bell in self._bells.get(project_id, ()):
                bell.set()
