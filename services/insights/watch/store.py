"""Tasks of continuous work and the series watched, in the database: replicas claim what is due, and keep what they know.

A claim is a lease with an epoch. What was found is committed with the new state in one transaction, and only while the epoch is that of
the claim: a process that was slow or frozen, and whose task somebody else has taken, commits nothing.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.insights.watch.judge import Known
from services.kit.call import Project
from services.kit.instant import at
from services.kit.service import Pool

QUIET = {
    "minutes": timedelta(hours=1),
    "hours": timedelta(days=1),
    "days": timedelta(days=7),
    "critical": timedelta(hours=1),
}
"""The tasks. Each is done for as long as this after something came last, that silence be noticed too, and then waits for more."""
GROWN = ("hours", "days")
"""Tasks that are done at once where a project holds twice as much as it did: history was loaded."""

_PREPARE = """
    INSERT INTO insight_work (project_id, task) SELECT project_id, task FROM projects, unnest(%s::text[]) AS task
    ON CONFLICT DO NOTHING
"""
_CLAIM = """
    WITH totals AS (SELECT project_id, sum(received)::bigint AS received FROM project_totals GROUP BY project_id),
    due AS (
        SELECT work.project_id, work.task, received
        FROM insight_work AS work JOIN totals USING (project_id)
            JOIN unnest(%(tasks)s::text[], %(quiet)s::interval[]) AS given (task, quiet) USING (task)
        WHERE leased_until <= now() AND received > 0
            AND (due_at <= now() AND (received > seen OR changed_at > now() - quiet)
                OR work.task = ANY (%(grown)s) AND received >= 2 * greatest(seen, 500) AND looked_at < now() - interval '30 seconds')
        ORDER BY due_at LIMIT 1 FOR UPDATE OF work SKIP LOCKED
    )
    UPDATE insight_work AS work SET epoch = epoch + 1, leased_until = now() + %(lease)s
    FROM due JOIN projects USING (project_id)
    WHERE work.project_id = due.project_id AND work.task = due.task
    RETURNING work.project_id, slug, time_zone, work.task, epoch, received, seen, due_at, looked_at, state
"""
_RENEW = """
    UPDATE insight_work SET leased_until = now() + %s WHERE project_id = %s AND task = %s AND epoch = %s
"""
_LATER = """
    UPDATE insight_work SET leased_until = '-infinity', due_at = now() + %s
    WHERE project_id = %s AND task = %s AND epoch = %s
"""
_DONE = """
    UPDATE insight_work SET state = %s, due_at = %s, leased_until = '-infinity', looked_at = now(),
        changed_at = CASE WHEN seen = %s THEN changed_at ELSE now() END, seen = %s
    WHERE project_id = %s AND task = %s AND epoch = %s
"""
_KEEP = "UPDATE insight_work SET state = %s WHERE project_id = %s AND task = %s AND epoch = %s"
_KNOWN = """
    SELECT series, subject, query, learnt, recent, until, p_value FROM insight_series WHERE project_id = %s AND task = %s
"""
_PUT = """
    INSERT INTO insight_series (project_id, task, series, subject, query, learnt, recent, until, p_value)
    SELECT %s, %s, * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::bytea[], %s::timestamptz[], %s::float8[])
    ON CONFLICT (project_id, task, series) DO UPDATE SET
        subject = EXCLUDED.subject, query = EXCLUDED.query, learnt = EXCLUDED.learnt, recent = EXCLUDED.recent,
        until = EXCLUDED.until, p_value = EXCLUDED.p_value
"""
_FORGET = "DELETE FROM insight_series WHERE project_id = %s AND task = %s AND NOT series = ANY (%s)"
_COUNT = "SELECT count(*) FROM insight_series WHERE project_id = %s"
_RUN_AT = "SELECT task, looked_at FROM insight_work WHERE project_id = %s AND looked_at IS NOT NULL"

Connection = psycopg.AsyncConnection[Any]


class Lost(Exception):
    """Somebody else has the task now; what was found is theirs to find."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this process has."""

    project: Project
    task: str
    epoch: int
    received: int
    """Events and points the project has ever received."""
    seen: int
    """The same when the task was done last."""
    due_at: datetime
    looked_at: datetime | None
    state: bytes

    @property
    def place(self) -> tuple[int, str, int]:
        """What the row is found by, as long as the claim holds."""
        return self.project.project_id, self.task, self.epoch


@dataclass(frozen=True, slots=True)
class Row:
    """A series as stored; `judge` reads what it has learnt."""

    series: str
    subject: str
    query: bytes
    learnt: bytes
    recent: bytes
    until: datetime
    p_value: float


class Store:
    """The tables `insight_work` and `insight_series`."""

    def __init__(self, pool: Pool, lease: timedelta) -> None:
        self._pool, self.lease = pool, lease

    async def prepare(self) -> None:
        """Gives every project its tasks."""
        async with self._pool.connection() as connection:
            await connection.execute(_PREPARE, (list(QUIET),))

    async def claim(self, tasks: Sequence[str]) -> Claim | None:
        """A task that is due, which nobody else has for the length of a lease; None where none is."""
        values = {
            "tasks": list(tasks),
            "quiet": [QUIET[task] for task in tasks],
            "grown": list(GROWN),
            "lease": self.lease,
        }
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_CLAIM, values)).fetchone()
        if row is None:
            return None
        project_id, slug, zone, *rest = row
        return Claim(Project(project_id, slug, zone), *rest)

    async def renew(self, claim: Claim) -> bool:
        """Holds a task for another lease; False where somebody else has it."""
        async with self._pool.connection() as connection:
            return bool((await connection.execute(_RENEW, (self.lease, *claim.place))).rowcount)

    async def later(self, claim: Claim, after: timedelta) -> None:
        """Gives a task back that could not be done, to be tried again."""
        async with self._pool.connection() as connection:
            await connection.execute(_LATER, (after, *claim.place))

    @asynccontextmanager
    async def done(self, claim: Claim, state: bytes, due_at: datetime) -> AsyncIterator[Connection]:
        """The transaction that ends a task: with its state it commits what the caller writes. Raises `Lost`."""
        async with self._pool.connection() as connection:
            values = (state, due_at, claim.received, claim.received, *claim.place)
            if not (await connection.execute(_DONE, values)).rowcount:
                raise Lost(claim.task)
            yield connection

    @asynccontextmanager
    async def kept(self, claim: Claim, state: bytes) -> AsyncIterator[Connection]:
        """The same for a task that goes on."""
        async with self._pool.connection() as connection:
            if not (await connection.execute(_KEEP, (state, *claim.place))).rowcount:
                raise Lost(claim.task)
            yield connection

    async def known(self, project_id: int, task: str) -> dict[str, Row]:
        """What is known of the series of a project, by name."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Row), binary=True)
            await cursor.execute(_KNOWN, (project_id, task))
            return {row.series: row for row in await cursor.fetchall()}

    async def count(self, project_id: int) -> int:
        """How many series of a project are watched, of all widths of buckets."""
        async with self._pool.connection() as connection:
            [(count,)] = await (await connection.execute(_COUNT, (project_id,))).fetchall()
            return int(count)

    async def run_at(self, project_id: int) -> Mapping[str, datetime]:
        """By task, when it was done last."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(_RUN_AT, (project_id,))).fetchall())


async def put(connection: Connection, claim: Claim, changed: Iterable[Known], watched: Iterable[str]) -> None:
    """Keeps what is known of series, and forgets those that are not watched any more; in the caller's transaction."""
    rows = sorted(changed, key=lambda known: known.watched.key)
    columns = [
        [known.watched.key for known in rows],
        [known.watched.words.subject for known in rows],
        [known.watched.query.SerializeToString(deterministic=True) for known in rows],
        [known.learnt.encode() for known in rows],
        [known.recent.encode() for known in rows],
        [at(known.until) for known in rows],
        [known.p_value for known in rows],
    ]
    await connection.execute(_PUT, (claim.project.project_id, claim.task, *columns))
    await connection.execute(_FORGET, (claim.project.project_id, claim.task, list(watched)))
