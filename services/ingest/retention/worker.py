"""The loop that removes: what is too old, by the days of each project, and people, by the erasures under way.

One process of all writers does it, elected by a lock that its database session holds. Every step is a transaction of its own and may
be repeated, so that whoever is elected next goes on wherever the last one has stopped.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest.erasure.worker import Eraser
from services.ingest.retention import policy, store
from services.ingest.retention.policy import LEDGER, PLAIN, RAW, TABLES, Cut
from services.ingest.retention.store import Kept
from services.kit import metrics, postgres
from services.kit.loop import pause
from services.kit.settings import Settings

_TICK_SECONDS, _MAX_BACKOFF_SECONDS = 1.0, 10.0
_ELECT = "SELECT pg_try_advisory_lock(hashtext('tidemark retention'))"
log = logging.getLogger(__name__)


class Remover:
    """What removes, in one process."""

    def __init__(self, redis: Redis, settings: Settings, draining: asyncio.Event) -> None:
        self._redis, self._settings, self._draining = redis, settings, draining

    async def run(self) -> None:
        """Worker: removes until `draining`; outlives the absence of PostgreSQL and Redis."""
        failures = 0
        while not self._draining.is_set():
            try:
                async with await postgres.attempt(self._settings.database_url) as connection:
                    await Session(connection, self._redis, self._settings).run(self._draining)
                failures = 0
            except (psycopg.Error, RedisError, OSError) as error:
                failures += 1
                metrics.RETENTION_FAILURES.inc()
                log.warning("removing is interrupted and goes on later: %s", " ".join(str(error).split()))
                await pause(self._draining, min(_MAX_BACKOFF_SECONDS, 0.1 * 2**failures))


class Session:
    """What a remover does with one database session, which holds the lock."""

    def __init__(self, connection: AsyncConnection[Any], redis: Redis, settings: Settings) -> None:
        self._connection, self._settings = connection, settings
        self._eraser = Eraser(connection, redis)
        self._look_at = 0.0

    async def run(self, draining: asyncio.Event) -> None:
        """Waits to be elected, and removes until `draining`."""
        while not draining.is_set() and not await self.elected():
            await pause(draining, _TICK_SECONDS)
        while not draining.is_set():
            if time.monotonic() >= self._look_at:
                await self.apply(datetime.now(UTC), draining)
                self._look_at = time.monotonic() + self._settings.retention_seconds
            if not await self._eraser.step():
                await pause(draining, _TICK_SECONDS)

    async def elected(self) -> bool:
        """Whether this session's process is the one that removes, for as long as the session lives."""
        row = await (await self._connection.execute(_ELECT)).fetchone()
        return bool(row and row[0])

    async def apply(self, now: datetime, draining: asyncio.Event) -> None:
        """Removes what is too old, of every project that has something to remove."""
        found = [
            each
            for each in await store.projects(self._connection)
            if policy.due(each.policy, now, each.applied_at, each.updated_at, each.touched_from)
        ]
        for each in found:
            raw, ledger = each.policy.before(RAW, now), each.policy.before(LEDGER, now)
            await store.advance(self._connection, each.project_id, raw, ledger)
        dropped = bool(found) and await self._drop_chunks()
        for each in found:
            removed = await self._remove(each, now, draining) or dropped
            if draining.is_set():
                return
            await store.applied(self._connection, each.project_id, now, removed=removed)
            log.info("what project %d does not keep is removed", each.project_id)

    async def _drop_chunks(self) -> bool:
        """Drops the chunks whose rows nobody keeps, which is quicker than removing them; whether there was one."""
        before, dropped = await store.everybody(self._connection), False
        for table, column, what in TABLES:
            if what != RAW or table in PLAIN or before is None:
                continue
            for chunk in await store.chunks(self._connection, Cut(table, column, before)):
                if chunk.end <= before and await store.drop(self._connection, table, chunk):
                    log.info("%s up to %s is dropped", table, chunk.end)
                    dropped = True
        return dropped

    async def _remove(self, kept: Kept, now: datetime, draining: asyncio.Event) -> bool:
        """Removes what a project does not keep, slice by slice; whether there was something."""
        removed = False
        for cut in policy.cuts(kept.policy, now):
            if cut.table in PLAIN:
                while not draining.is_set() and await store.remove_some(
                    self._connection, cut, kept.project_id
                ):
                    removed = True
                continue
            for chunk in await store.chunks(self._connection, cut):
                pages = await store.pages(self._connection, chunk, cut, kept.project_id)
                for first in range(0, pages, store.SLICE_PAGES):
                    if draining.is_set():
                        return removed
                    began = time.monotonic()
                    await store.remove(self._connection, chunk, cut, kept.project_id, first)
                    removed = True
                    # Half of the time is the database's for others.
                    await asyncio.sleep(time.monotonic() - began)
                    await self._eraser.step()
        return removed
