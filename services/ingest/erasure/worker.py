"""Takes the steps of erasures, one after the other; the loop of `retention` calls it, which one process of all runs at a time."""

import logging
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection
from redis.asyncio import Redis

from services.ingest.erasure import store, stream
from services.ingest.erasure.store import Work
from services.ingest.stream import Log
from services.kit import metrics

log = logging.getLogger(__name__)


class Eraser:
    """The erasures under way, over one connection."""

    def __init__(self, connection: AsyncConnection[Any], redis: Redis) -> None:
        self._connection, self._redis, self._log = connection, redis, Log(redis)

    async def step(self) -> bool:
        """Takes the next step of the first erasure that can go on; whether there was one."""
        found = await store.under_way(self._connection)
        oldest = min((each.created_at for each in found), default=None)
        metrics.ERASURE_AGE_SECONDS.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0)
        for work in found:
            if await self._advance(work):
                return True
        return False

    async def _advance(self, work: Work) -> bool:
        """Takes an erasure one step further; False where it has to wait."""
        if work.waiting:
            if await store.behind(self._connection, work):
                return False
            await store.begin(self._connection, work)
            log.info("erasure %s begins", work.erasure_id)
        elif not work.searched:
            await store.search(self._connection, work)
        elif not work.events_done:
            await self._erase(work)
        elif await store.complete(self._connection, work):
            # Those who watch and were told of the person by a segment look once more.
            await self._log.announce(store.everything(work))
            log.info("erasure %s is complete", work.erasure_id)
        else:
            return False
        return True

    async def _erase(self, work: Work) -> None:
        """Removes the events of the next day, or what Redis holds when there is none."""
        day = await store.next_day(self._connection, work)
        if day is None:
            await stream.forget(self._redis, work.project_id, work.user_id, list(work.waits_for))
            await store.events_done(self._connection, work)
            return
        announcements = await store.erase(self._connection, work, day, locked=False)
        if announcements is None:
            announcements = await store.erase(self._connection, work, day, locked=True)
        for each in announcements or ():
            await self._log.announce(each)
