"""A writer's desk for tests: entries come in, are committed to the real database, and its books are checked against its rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from services.ingest import microbatch, store
from services.ingest.entry import producer
from services.ingest.lease import Lease
from services.ingest.microbatch import Position
from services.ingest.outcome import Outcome
from services.ingest.rollup import Buckets
from services.kit import postgres, sketch

LEASE = timedelta(seconds=60)
LATE_AFTER_US = 86_400_000_000
_ROLLUPS = (
    "SELECT project_id, source, type, name, bucket, partition, count, sum, min, max, uniques FROM rollups_{}"
)
_RECOMPUTED = """
SELECT project_id, 1, type, name, date_trunc('{unit}', occurred_at), (batch_id % 4096)::smallint,
    count(*), NULL::float8, NULL::float8, NULL::float8, count(DISTINCT user_id)
FROM events GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL
SELECT project_id, 2, kind, name, date_trunc('{unit}', observed_at), (batch_id % 4096)::smallint,
    count(*), sum(value), min(value), max(value), 0
FROM metric_points GROUP BY 1, 2, 3, 4, 5, 6
"""
_UNITS = {"1m": "minute", "1h": "hour", "1d": "day"}
_LEDGER = """
SELECT sum(received), sum(stored), sum(duplicate), sum(rejected), sum(dead_lettered),
    bool_and(received = stored + duplicate + rejected + dead_lettered)
FROM ledger
"""
_BATCHES = "SELECT sum(stored + duplicate + rejected + dead_lettered), sum(stored) FROM batches"
_ROWS = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM metric_points)"


@dataclass
class Desk:
    """A writer's connection, the partitions it holds, and what it remembers."""

    connection: AsyncConnection[Any]
    lease: Lease
    positions: dict[int, Position]
    buckets: Buckets = field(default_factory=Buckets)
    _entries: int = 0

    async def commit(self, *entries: dict[bytes, bytes], partition: int = 0) -> Outcome:
        """Commits entries as one microbatch, as the writer does."""
        return await self.commit_all({partition: list(entries)})

    async def commit_all(self, entries: dict[int, list[dict[bytes, bytes]]]) -> Outcome:
        """As `commit`, for several partitions."""
        numbered = {partition: [(self._id(), each) for each in mine] for partition, mine in entries.items()}
        producers = {found for mine in entries.values() for each in mine if (found := producer(each))}
        known = await store.known(self.connection, producers)
        work = microbatch.gather(numbered, self.positions, known, LATE_AFTER_US)
        result, _ = await store.commit(self.connection, work, self.buckets, LEASE)
        self.positions |= work.after
        return result

    def restart(self) -> None:
        """Forgets what a new process would not know."""
        self.buckets = Buckets()

    async def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The answer to a question."""
        return await (await self.connection.execute(query, parameters or None)).fetchall()

    async def value(self, query: str) -> Any:
        """The answer to a question of one value."""
        ((value,),) = await self.rows(query)
        return value

    async def balanced(self) -> dict[str, int]:
        """The ledger summed up, after checking that it balances and tells of the rows that are there."""
        ((received, stored, duplicate, rejected, dead, balances),) = await self.rows(_LEDGER)
        assert balances
        assert await self.rows(_BATCHES) == [(received, stored)]
        assert await self.value(_ROWS) == stored
        assert await self.value("SELECT coalesce(sum(rows), 0) FROM dead_letters WHERE state <> 2") == dead
        return {
            "received": received,
            "stored": stored,
            "duplicate": duplicate,
            "rejected": rejected,
            "dead": dead,
        }

    async def assert_rollups_equal_rows(self) -> None:
        """Checks the buckets of every width against a recomputation from the raw rows."""
        for width, unit in _UNITS.items():
            stored = {row[:6]: row[6:] for row in await self.rows(_ROLLUPS.format(width))}
            recomputed = {row[:6]: row[6:] for row in await self.rows(_RECOMPUTED.format(unit=unit))}
            assert stored.keys() == recomputed.keys()
            for key, (*numbers, users) in recomputed.items():
                *held, sketched = stored[key]
                assert held == numbers
                # Exact as long as users are few.
                estimate = sketch.merged_uniques([sketched]).get_estimate() if sketched else 0
                assert round(estimate) == users

    def _id(self) -> str:
        self._entries += 1
        return f"{1_700_000_000_000 + self._entries}-0"


@asynccontextmanager
async def desk(url: str, partitions: int = 8, writer: str = "writer-1") -> AsyncIterator[Desk]:
    """The desk of a writer that holds `partitions`."""
    async with await postgres.connect(url) as connection:
        lease = Lease(connection, writer, LEASE)
        yield Desk(connection, lease, {each.partition: each for each in await lease.take(partitions)})
