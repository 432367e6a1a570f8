"""Opens snapshots on the replica for `services/query/store.py`, where it is fresh enough; where not, the primary is to be asked.

Fresh enough is a replica that is at most so many seconds behind, has every commit announced before the question, has all that this
process has answered of, and has come to the state that the question is about. One that lacks a commit by milliseconds is waited for.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

from services.kit import metrics, postgres
from services.kit.errors import BadSetting
from services.kit.loop import pause
from services.kit.service import Pool
from services.kit.settings import Settings
from services.query.columnar.source import Bulk
from services.query.replica.freshness import Freshness
from services.query.stream import Commits

LOOK_SECONDS = 0.5
"""How often it is looked how far primary and replica are."""
ANSWER_SECONDS = 5.0
"""How long such a look may take until both are connected to anew."""
PATIENCE_SECONDS = 0.1
"""How long a question waits for the replica to have what was announced."""
RETRY_SECONDS = 0.01
_WRITTEN = (
    "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint, (SELECT system_identifier FROM pg_control_system())"
)
# A replica that was promoted goes its own way from there on.
_REPLAYED = """
    SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END,
        (SELECT system_identifier FROM pg_control_system())
"""
log = logging.getLogger(__name__)

T = TypeVar("T")
Look = Callable[[AsyncConnection[Any], float], Awaitable[T | None]]
"""Makes something of a snapshot on the replica, so many seconds old at most; or nothing, where it must be of newer data."""


class Replica:
    """The replica that the settings name."""

    def __init__(self, settings: Settings, commits: Commits, bulk: Bulk) -> None:
        """`bulk` reads the primary; the replica has its own connections to read in bulk."""
        self._settings, self._commits = settings, commits
        self._freshness = Freshness()
        self._since = -math.inf
        self._pool: Pool | None = None
        self.saw = self._freshness.saw
        self.bulk = bulk.beside(postgres.conninfo(settings.replica_url))

    def distrust(self) -> None:
        """From here on it is of use again once it has all that is committed by now."""
        self._since = time.monotonic()

    async def follow(self, draining: asyncio.Event) -> None:
        """Worker: keeps looking how far primary and replica are, until `draining`; outlives the absence of both."""
        settings = self._settings
        while not draining.is_set():
            try:
                async with (
                    await postgres.attempt(settings.database_url) as primary,
                    await postgres.attempt(settings.replica_url) as replica,
                    postgres.pool(settings.replica_url, settings.pool_size, "replica") as self._pool,
                ):
                    while not draining.is_set():
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await self._look(primary, replica)
                        await pause(draining, LOOK_SECONDS)
            except (psycopg.Error, BadSetting, TimeoutError) as error:
                log.warning("the primary answers all questions, the replica none: %s", error)
                metrics.REPLICA_BEHIND_SECONDS.set(math.inf)
            finally:
                self._pool = None
            await pause(draining, LOOK_SECONDS)

    async def enter(self, stack: AsyncExitStack, begin: str, look: Look[T]) -> T | None:
        """What `look` makes of a snapshot, which `begin` begins and which lasts as long as `stack`; None where the primary is to be asked."""
        until = time.monotonic() + PATIENCE_SECONDS
        outcome = "away"
        try:
            while (pool := self._pool) is not None:
                outcome = "behind"
                async with AsyncExitStack() as attempt:
                    connection = await attempt.enter_async_context(pool.connection(timeout=PATIENCE_SECONDS))
                    await connection.set_autocommit(True)
                    # Before the snapshot, which is not older than that.
                    as_of, now = await self._as_of(connection), time.monotonic()
                    if as_of < max(
                        self._since, self._commits.missed_at, now - self._settings.replica_seconds
                    ):
                        break
                    await attempt.enter_async_context(connection.transaction())
                    await connection.execute(begin)
                    if (found := await look(connection, now - as_of)) is not None:
                        stack.push_async_exit(attempt.pop_all())
                        outcome = "replica"
                        return found
                if time.monotonic() >= until:
                    break
                await asyncio.sleep(RETRY_SECONDS)
        except psycopg.Error as error:
            outcome = "away"
            log.warning("the replica cannot be asked: %s", error)
        finally:
            metrics.REPLICA_SNAPSHOTS.labels(outcome).inc()
        return None

    def complete(self, versions: tuple[int, ...]) -> bool:
        """Whether data with so many commits to each partition hold all that was announced, and all that was answered of before."""
        return self._freshness.complete(versions, self._commits.versions)

    async def _look(self, primary: AsyncConnection[Any], replica: AsyncConnection[Any]) -> None:
        now = time.monotonic()
        position, system = await _row(primary, _WRITTEN)
        self._freshness.written(position, now)
        replayed, copied = await _row(replica, _REPLAYED)
        if copied != system:
            raise BadSetting("TIDEMARK_REPLICA_URL is no replica of TIDEMARK_DATABASE_URL; name one, or none")
        if replayed is None:
            raise BadSetting("TIDEMARK_REPLICA_URL is a replica no more; name one that follows the primary")
        metrics.REPLICA_BEHIND_SECONDS.set(time.monotonic() - self._freshness.as_of(replayed))

    async def _as_of(self, connection: AsyncConnection[Any]) -> float:
        replayed, _ = await _row(connection, _REPLAYED)
        return -math.inf if replayed is None else self._freshness.as_of(replayed)


async def _row(connection: AsyncConnection[Any], statement: str) -> Any:
    return await (await connection.execute(statement)).fetchone()
