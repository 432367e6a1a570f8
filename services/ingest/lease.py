"""Which writer owns which partitions: rows of `partitions`, changed by the database's clock alone.

A writer takes its fair share of what nobody holds, renews it while it lives, and gives up what is more than its share. Taking a
partition raises its epoch, which fences the owner before, and ends that owner's database session, which may be frozen in the
middle of a transaction with locks that nobody else could get past.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from services.ingest.microbatch import LATENESS_DECAY, Position
from services.kit.instant import MICROSECOND, us_of

log = logging.getLogger(__name__)

_SEEN = """
INSERT INTO writers (writer, seen_at) VALUES (%s, now()) ON CONFLICT (writer) DO UPDATE SET seen_at = now()
"""
_SHARE = """
WITH gone AS (DELETE FROM writers WHERE seen_at < now() - %s::interval * 20)
SELECT ceil((SELECT count(*) FROM partitions)::numeric / count(*)) FROM writers WHERE seen_at > now() - %s
"""
_RENEW = """
UPDATE partitions SET
    leased_until = now() + %(lease)s,
    lateness = CASE WHEN partition = ANY (%(idle)s) THEN lateness * %(decay)s ELSE lateness END,
    watermark = CASE WHEN partition = ANY (%(idle)s) THEN greatest(watermark, %(idle_since)s - lateness) ELSE watermark END
WHERE owner = %(writer)s RETURNING partition, paused_at IS NOT NULL, resumed_to,
    coalesce(extract(epoch FROM now() - watermark - lateness / %(decay)s)::float8, 0)
"""
# Never waits for a row: one that the commit under way has locked is renewed by it.
_PULSE = """
UPDATE partitions SET leased_until = now() + %s WHERE partition IN (
    SELECT partition FROM partitions WHERE owner = %s FOR UPDATE SKIP LOCKED)
"""
_END = """
SELECT pg_terminate_backend(pid) FROM partitions
JOIN pg_stat_activity ON pid = owner_pid AND backend_start = owner_start
WHERE leased_until < now() AND pid <> pg_backend_pid()
"""
_TAKE = """
UPDATE partitions SET
    owner = %(writer)s, epoch = epoch + 1, leased_until = now() + %(lease)s,
    owner_pid = pg_backend_pid(),
    owner_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE partition IN (
    SELECT partition FROM partitions WHERE leased_until < now()
    ORDER BY leased_until, partition LIMIT %(count)s FOR UPDATE SKIP LOCKED)
RETURNING partition, epoch, last_id, version, batches, received, bytes, watermark, lateness, paused_at IS NOT NULL, resumed_to
"""
_PAUSE = """
UPDATE partitions SET paused_at = now(), paused_because = %s WHERE partition = %s AND owner = %s
"""
_GIVE = """
UPDATE partitions SET owner = NULL, owner_pid = NULL, owner_start = NULL, leased_until = '-infinity'
WHERE owner = %s AND partition = ANY (%s)
"""
_GIVE_ALL = """
UPDATE partitions SET owner = NULL, owner_pid = NULL, owner_start = NULL, leased_until = '-infinity' WHERE owner = %s
"""
_LEAVE = "DELETE FROM writers WHERE writer = %s"
_PROJECTS = "SELECT project_id, received FROM project_totals WHERE partition = %s"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a partition may be read, as `Position` has it."""

    paused: bool
    resumed_to: str
    stuck_seconds: float = 0.0
    """For how long its watermark has stood still, beyond what late events explain."""


class Lease:
    """The partitions of one writer, over the connection that also commits them."""

    def __init__(self, connection: AsyncConnection[Any], writer: str, lease: timedelta) -> None:
        self._connection, self._writer, self._lease = connection, writer, lease

    async def renew(
        self, held: Iterable[int], idle: Iterable[int], idle_since: Any
    ) -> tuple[dict[int, Standing], int]:
        """Renews; gives the partitions still held, with whether they may be read, and this writer's fair share.

        The watermark of those `idle` moves on, and their lateness falls: where nothing comes, nothing is known to be late.
        """
        async with self._connection.transaction():
            await self._connection.execute(_SEEN, (self._writer,))
            row = await (await self._connection.execute(_SHARE, (self._lease, self._lease))).fetchone()
            parameters = {
                "lease": self._lease,
                "idle": list(idle),
                "idle_since": idle_since,
                "decay": LATENESS_DECAY,
                "writer": self._writer,
            }
            rows = await (await self._connection.execute(_RENEW, parameters)).fetchall()
        mine = set(held)
        standings = {partition: Standing(*standing) for partition, *standing in rows if partition in mine}
        return standings, int(row[0]) if row else 1

    async def pulse(self, connection: AsyncConnection[Any]) -> None:
        """Renews over another connection, while a commit takes long on that of the lease."""
        await connection.execute(_SEEN, (self._writer,))
        await connection.execute(_PULSE, (self._lease, self._writer))

    async def take(self, count: int) -> list[Position]:
        """Takes at most `count` partitions whose lease has run out, and ends the sessions of their owners first."""
        parameters = {"writer": self._writer, "lease": self._lease, "count": count}
        await self._connection.execute(_END)
        async with self._connection.transaction():
            rows = await (await self._connection.execute(_TAKE, parameters)).fetchall()
        return [
            Position(
                partition,
                epoch,
                last_id,
                version,
                batches,
                received,
                size,
                us_of(watermark) if watermark else 0,
                lateness // MICROSECOND,
                *standing,
            )
            for partition, epoch, last_id, version, batches, received, size, watermark, lateness, *standing in rows
        ]

    async def pause(self, partition: int, because: str) -> None:
        """Says that a partition is not to be read until somebody resumes it."""
        await self._connection.execute(_PAUSE, (because, partition, self._writer))

    async def give(self, partitions: Iterable[int]) -> None:
        """Gives partitions up at once."""
        await self._connection.execute(_GIVE, (self._writer, list(partitions)))

    async def give_all(self) -> None:
        """Gives up whatever this writer holds, as after a session that failed."""
        await self._connection.execute(_GIVE_ALL, (self._writer,))

    async def leave(self) -> None:
        """Gives everything up and says that this writer is gone."""
        await self.give_all()
        await self._connection.execute(_LEAVE, (self._writer,))

    async def project_totals(self, partition: int) -> dict[int, int]:
        """What the partition has received of each project, since the beginning."""
        return dict(await (await self._connection.execute(_PROJECTS, (partition,))).fetchall())
