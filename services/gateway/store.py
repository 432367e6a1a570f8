"""Attempts to sign in, counted in Redis for each address, and their entries in the audit log."""

import time
from datetime import UTC, datetime

import psycopg
from redis.asyncio import Redis

from services.kit import audit
from services.kit.call import Caller
from services.kit.chain import Entry, storable
from services.kit.edge import network
from services.kit.errors import Exhausted, Unavailable
from services.kit.service import Pool


class Store:
    """What the gateway keeps."""

    def __init__(self, pool: Pool, redis: Redis, attempts_per_minute: int) -> None:
        self._pool = pool
        self._redis = redis
        self._attempts = attempts_per_minute

    async def attempt(self, peer: str) -> str:
        """Counts an attempt, as one that will fail; raises `Exhausted` beyond the limit. Gives what `forgive` takes."""
        now = time.time()
        name = f"tm:signin:{network(peer)}:{int(now // 60)}"
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, 120)
            count, _ = await pipeline.execute()
        if count > self._attempts:
            raise Exhausted(
                f"{self._attempts} attempts to sign in have failed within a minute",
                retry_after=60 - now % 60,
                reason="TOO_MANY_ATTEMPTS",
            )
        return name

    async def forgive(self, attempt: str) -> None:
        """Takes back an attempt that did not fail."""
        await self._redis.decr(attempt)

    async def record(self, who: Caller, action: str, outcome: str, peer: str, request_id: str) -> None:
        """Appends to the audit log of the key's project; without it there is no answer."""
        resource = f"projects/{who.project_slug or '-'}"
        entry = Entry(
            who.project_id or 0,
            datetime.now(UTC),
            who.name,
            action,
            resource,
            storable(peer),
            outcome,
            request_id,
        )
        try:
            async with self._pool.connection() as connection:
                await audit.append(connection, [entry])
        except psycopg.Error as error:
            raise Unavailable("the audit log cannot be written: retry", reason="AUDIT_UNAVAILABLE") from error
