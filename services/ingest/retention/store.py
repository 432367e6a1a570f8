"""The table `retention`, and the removal of what is too old. Plain values come in from `servicer` and `worker`, records go back.

Rows are removed straight from the chunks of hypertables, a range of pages at a time, so that one pass over a chunk is enough and no
transaction is long. How many rows of which batch went is kept in `removed_rows`, for the ledger to balance.
"""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, errors, sql
from psycopg.rows import class_row

from services.ingest.retention.policy import DAYS, Cut, Policy
from services.kit.call import Project
from services.kit.errors import Conflict
from services.kit.service import Pool
from tidemark.v1 import retention_pb2 as pb

SLICE_PAGES = 1000
"""Pages of a chunk that one transaction looks at: some 30 000 events."""
COUNT_MINUTES = 50
"""What commits touched is remembered for an hour: counting a chunk that took longer proves nothing."""
LOCK_TIMEOUT = "2s"
"""How long the dropping of a chunk waits for those who read it, while others wait behind it."""

_READ = """
SELECT raw_days, minute_days, hour_days, day_days, ledger_days, revision, updated_at, applied_at
FROM retention WHERE project_id = %s
"""
_BEGIN = "INSERT INTO retention (project_id) VALUES (%s) ON CONFLICT DO NOTHING"
_UPDATE = """
UPDATE retention SET
    raw_days = %(raw_days)s, minute_days = %(minute_days)s, hour_days = %(hour_days)s, day_days = %(day_days)s,
    ledger_days = %(ledger_days)s, revision = revision + 1, updated_at = now()
WHERE project_id = %(project)s AND (%(revision)s::bigint IS NULL OR revision = %(revision)s)
"""
# A commit is as old as the beginning of its transaction.
_PROJECTS = """
SELECT project_id, raw_days, minute_days, hour_days, day_days, ledger_days, updated_at, applied_at, (
    SELECT min(lower(touched)) FROM commits
    WHERE commits.project_id = retention.project_id AND committed_at > applied_at - interval '10 minutes'
) AS touched_from
FROM retention ORDER BY project_id
"""
_ADVANCE = """
UPDATE retention SET
    raw_before = greatest(raw_before, %(raw)s::timestamptz), ledger_before = greatest(ledger_before, %(ledger)s::timestamptz)
WHERE project_id = %(project)s
"""
_APPLIED = """
UPDATE retention SET applied_at = %(now)s, removals = removals + %(removed)s::boolean::int WHERE project_id = %(project)s
"""
_CHUNKS = """
SELECT chunk_schema, chunk_name, range_start, range_end FROM timescaledb_information.chunks
WHERE hypertable_schema = current_schema() AND hypertable_name = %s AND range_start < %s ORDER BY range_start
"""
_PAGES = """
SELECT pg_relation_size(format('%%I.%%I', %s::text, %s::text)::regclass) / current_setting('block_size')::int
"""
_ANY = "SELECT EXISTS (SELECT FROM {chunk} WHERE project_id = %(project)s AND {column} < %(before)s)"
_OLD = """
ctid >= format('(%%s,0)', %(first)s::bigint)::tid AND ctid < format('(%%s,0)', %(after)s::bigint)::tid
    AND project_id = %(project)s AND {column} < %(before)s
"""
_DELETE = f"DELETE FROM {{chunk}} AS old WHERE {_OLD}"  # noqa: S608
_DELETE_COUNTED = f"""
WITH gone AS (DELETE FROM {{chunk}} AS old WHERE {_OLD} RETURNING batch_id)
INSERT INTO removed_rows AS had (batch_id, project_id, rows)
SELECT batch_id, %(project)s, count(*) FROM gone GROUP BY batch_id ORDER BY batch_id
ON CONFLICT (batch_id) DO UPDATE SET rows = had.rows + excluded.rows
"""  # noqa: S608
_DELETE_BATCHES = f"""
WITH gone AS (
    DELETE FROM {{chunk}} AS old WHERE {_OLD}
        AND stored <= coalesce((SELECT rows FROM removed_rows WHERE removed_rows.batch_id = old.batch_id), 0)
        AND NOT EXISTS (
            SELECT FROM dead_letters WHERE dead_letters.project_id = old.project_id
                AND dead_letters.received_at = old.received_at AND dead_letters.batch_id = old.batch_id)
    RETURNING batch_id)
DELETE FROM removed_rows USING gone WHERE removed_rows.batch_id = gone.batch_id
"""  # noqa: S608
_DELETE_FROM = {"events": _DELETE_COUNTED, "metric_points": _DELETE_COUNTED, "batches": _DELETE_BATCHES}
_DELETE_SOME = {
    "dead_letters": """
DELETE FROM dead_letters WHERE dead_letter_id IN (
    SELECT dead_letter_id FROM dead_letters WHERE project_id = %(project)s AND received_at < %(before)s LIMIT 5000)
""",
    "window_results": """
DELETE FROM window_results WHERE ctid = ANY (ARRAY(
    SELECT window_results.ctid FROM window_results JOIN windows USING (window_number)
    WHERE windows.project_id = %(project)s AND start_at < %(before)s LIMIT 5000))
""",
}
# The day after which every project that there is keeps its rows; null where one keeps all.
_EVERYBODY = """
SELECT min(raw_before), count(*) = count(raw_before) AND bool_and(raw_days > 0)
FROM projects LEFT JOIN retention USING (project_id)
"""
_VERSIONS = "SELECT array_agg(version ORDER BY partition) FROM partitions"
_COUNT_CHUNK = """
INSERT INTO removed_rows AS had (batch_id, project_id, rows)
SELECT batch_id, project_id, count(*) FROM {chunk} GROUP BY batch_id, project_id ORDER BY batch_id
ON CONFLICT (batch_id) DO UPDATE SET rows = had.rows + excluded.rows
"""
_LOCK_CHUNK = "LOCK TABLE {chunk} IN ACCESS EXCLUSIVE MODE"
_DISTURBED = """
SELECT clock_timestamp() > now() + make_interval(mins => %(minutes)s) OR EXISTS (
    SELECT FROM unnest(%(versions)s::bigint[]) WITH ORDINALITY AS seen(version, place)
    JOIN commits ON commits.partition = seen.place - 1 AND commits.version > seen.version
    WHERE touched && tstzmultirange(tstzrange(%(start)s, %(end)s)))
"""
_DROP_CHUNK = "SELECT drop_chunks(%(table)s::regclass, older_than => %(end)s::timestamptz, newer_than => %(start)s::timestamptz)"

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a project's data is kept, as stored."""

    raw_days: int = 0
    minute_days: int = 0
    hour_days: int = 0
    day_days: int = 0
    ledger_days: int = 0
    revision: int = 1
    updated_at: datetime | None = None
    applied_at: datetime | None = None

    def message(self, project: Project) -> pb.Retention:
        """As callers see it."""
        made = pb.Retention(name=f"{project.name}/retention", etag=str(self.revision))
        for name in DAYS:
            setattr(made, name, getattr(self, name))
        if self.updated_at:
            made.update_time.FromDatetime(self.updated_at)
        if self.applied_at:
            made.applied_at.FromDatetime(self.applied_at)
        return made


@dataclass(frozen=True, slots=True)
class Kept:
    """A project, and what tells whether there is something to remove."""

    project_id: int
    policy: Policy
    updated_at: datetime | None
    applied_at: datetime | None
    touched_from: datetime | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a hypertable, from one instant to before another."""

    schema: str
    name: str
    start: datetime
    end: datetime

    @property
    def identifier(self) -> sql.Identifier:
        """What statements call it."""
        return sql.Identifier(self.schema, self.name)


class Store:
    """How long projects keep their data."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def retention(self, project: Project) -> Retention:
        """How long a project keeps its data; for ever, where nothing else was said."""
        async with self._pool.connection() as connection:
            return await _read(connection, project)

    async def update(self, project: Project, policy: Policy, revision: int | None) -> Retention:
        """Changes it; raises `Conflict` unless it still has that revision."""
        values = dict(zip(DAYS, astuple(policy)))
        async with self._pool.connection() as connection:
            await connection.execute(_BEGIN, (project.project_id,))
            place = {"project": project.project_id, "revision": revision}
            if not (await connection.execute(_UPDATE, place | values)).rowcount:
                raise Conflict(f"{project.name}/retention was changed since it was read: read it again")
            return await _read(connection, project)


async def _read(connection: Connection, project: Project) -> Retention:
    cursor = connection.cursor(row_factory=class_row(Retention))
    await cursor.execute(_READ, (project.project_id,))
    return await cursor.fetchone() or Retention()


async def projects(connection: Connection) -> list[Kept]:
    """Every project that ever said how long it keeps its data."""
    rows = await (await connection.execute(_PROJECTS)).fetchall()
    return [Kept(row[0], Policy(*row[1:6]), *row[6:]) for row in rows]


async def advance(
    connection: Connection, project_id: int, raw: datetime | None, ledger: datetime | None
) -> None:
    """Says what is about to be removed, before it is: from here on nothing is counted anew or verified from it."""
    await connection.execute(_ADVANCE, {"project": project_id, "raw": raw, "ledger": ledger})


async def applied(connection: Connection, project_id: int, now: datetime, *, removed: bool) -> None:
    """Says that all that was too old at an instant is removed, and whether there was something."""
    await connection.execute(_APPLIED, {"project": project_id, "now": now, "removed": removed})


async def chunks(connection: Connection, cut: Cut) -> list[Chunk]:
    """The chunks of a hypertable that may hold rows that are too old."""
    rows = await (await connection.execute(_CHUNKS, (cut.table, cut.before))).fetchall()
    return [Chunk(*row) for row in rows]


async def pages(connection: Connection, chunk: Chunk, cut: Cut, project_id: int) -> int:
    """How many pages of a chunk are to be looked at; 0 where it holds nothing that is too old."""
    asked = sql.SQL(_ANY).format(chunk=chunk.identifier, column=sql.Identifier(cut.column))
    place = {"project": project_id, "before": cut.before}
    row = await (await connection.execute(asked, place)).fetchone()
    if not row or not row[0]:
        return 0
    row = await (await connection.execute(_PAGES, (chunk.schema, chunk.name))).fetchone()
    return int(row[0]) if row else 0


async def remove(connection: Connection, chunk: Chunk, cut: Cut, project_id: int, first: int) -> None:
    """Removes what is too old from the pages of a slice."""
    statement = sql.SQL(_DELETE_FROM.get(cut.table, _DELETE)).format(
        chunk=chunk.identifier, column=sql.Identifier(cut.column)
    )
    place = {"project": project_id, "before": cut.before, "first": first, "after": first + SLICE_PAGES}
    await connection.execute(statement, place)


async def remove_some(connection: Connection, cut: Cut, project_id: int) -> int:
    """Removes some rows that are too old of a table that has no chunks; how many."""
    place = {"project": project_id, "before": cut.before}
    return (await connection.execute(_DELETE_SOME[cut.table], place)).rowcount


async def everybody(connection: Connection) -> datetime | None:
    """The instant before which no project keeps rows; None where one keeps all of them."""
    row = await (await connection.execute(_EVERYBODY)).fetchone()
    return row[0] if row and row[1] else None


async def drop(connection: Connection, table: str, chunk: Chunk) -> bool:
    """Drops a chunk whose rows nobody keeps, and counts them; whether it could be done.

    Counting takes long and keeps nobody waiting. What is committed to the chunk meanwhile is seen under the lock, and then it
    stays.
    """
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            row = await (await connection.execute(_VERSIONS)).fetchone()
            place = {
                "table": table, "start": chunk.start, "end": chunk.end, "minutes": COUNT_MINUTES,
                "versions": row[0] if row else [],
            }  # fmt: skip
            await connection.execute(sql.SQL(_COUNT_CHUNK).format(chunk=chunk.identifier))
            await connection.execute(sql.SQL(_LOCK_CHUNK).format(chunk=chunk.identifier))
            disturbed = await (await connection.execute(_DISTURBED, place)).fetchone()
            if disturbed is None or disturbed[0]:
                raise _Disturbed
            await connection.execute(_DROP_CHUNK, place)
    except (_Disturbed, errors.LockNotAvailable):
        return False
    return True


class _Disturbed(Exception):
    """Something came into a chunk that was being counted."""
