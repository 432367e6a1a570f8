"""Windows in the database: definitions and results for `servicer`, the rows of results for `writer`, and their recount."""

# ruff: noqa: S608  (statements are made of constants; values are always parameters)

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from services.ingest.windows import row
from services.ingest.windows.definition import Definition, compiled
from services.ingest.windows.fold import Change
from services.ingest.windows.record import ResultRecord, WindowRecord
from services.ingest.windows.recount import Recount
from services.ingest.windows.result import Result
from services.ingest.windows.row import COLUMNS
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Exhausted, Invalid, NotFound, Unavailable
from services.kit.instant import EPOCH, at, us_of
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from services.kit.window import RESULTS, length
from tidemark.v1.window_pb2 import Window

LOCK = 0x7469_6465_0010
"""The advisory lock that commits share, and that whoever makes or deletes a window has alone."""
MAX_WINDOWS = 20
FETCHED = 5000
"""Events that are read at once."""
PATIENCE = "5s"
"""How long making a window waits for the commits under way; others wait behind it meanwhile."""

_ALONE = f"SET LOCAL lock_timeout = '{PATIENCE}'; SELECT pg_advisory_xact_lock({LOCK})"
_TAKEN = "SELECT coalesce(array_agg(window_id), '{}') FROM windows WHERE project_id = %s"
_REVISE = """
    INSERT INTO window_revisions AS had (project_id) VALUES (%s)
    ON CONFLICT (project_id) DO UPDATE SET revision = had.revision + 1
"""
_INSERT = "INSERT INTO windows (project_id, window_id, definition) VALUES (%s, %s, %s)"
_COLUMNS = "slug AS project, window_id, window_number, definition, windows.created_at"
_READ = f"""
    SELECT {_COLUMNS} FROM windows JOIN projects USING (project_id) WHERE project_id = %s AND window_id = %s
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM windows JOIN projects USING (project_id)
    WHERE project_id = %s AND window_id > %s ORDER BY window_id LIMIT %s
"""
_DELETE = "DELETE FROM windows WHERE project_id = %s AND window_id = %s RETURNING window_number"
_DELETE_RESULTS = "DELETE FROM window_results WHERE window_number = %s"
_WATERMARK = "SELECT min(watermark) FROM partitions"
_RESULTS = """
    SELECT key, island AS start, max(end_at) FILTER (WHERE count > 0) AS end, sum(count)::bigint AS count,
        array_agg(counts) AS counts, array_agg(numbers) AS numbers, array_agg(sketches) AS sketches,
        sum(late_count)::bigint AS late, max(restated_at) AS restated_at, sum(dropped_count)::bigint AS dropped
    FROM ({rows}) AS rows
    WHERE %(before)s::timestamptz IS NULL OR (island, key) < (%(before)s, %(before_key)s::text[])
    GROUP BY key, island ORDER BY island DESC, key DESC LIMIT %(limit)s
"""
_KEPT_AT = f"""
SELECT {COLUMNS} FROM window_results
JOIN json_to_recordset(%s) AS wanted (partition smallint, key text[], start_at timestamptz) USING (partition, key, start_at)
WHERE window_number = %s
"""
_KEPT_OVER = f"""
SELECT {COLUMNS} FROM window_results
JOIN json_to_recordset(%s) AS wanted (partition smallint, key text[], low timestamptz, high timestamptz) USING (partition, key)
WHERE end_at >= low AND start_at < high AND window_number = %s
"""
_DEFINITIONS = "SELECT window_number, definition, created_at FROM windows WHERE project_id = %s"
_DELETE_OF_PERSON = """
DELETE FROM window_results
WHERE window_number = %(window)s AND partition = ANY (%(partitions)s) AND key[%(place)s] = %(person)s
  AND start_at < %(since)s AND start_at < %(end)s AND coalesce(end_at >= %(start)s, start_at > %(start)s - %(length)s)
"""
_DELETE_OVER = f"""
DELETE FROM window_results
WHERE window_number = %(window)s AND partition = ANY (%(partitions)s)
  AND start_at >= %(since)s AND start_at < %(end)s AND coalesce(end_at >= %(start)s, start_at > %(start)s - %(length)s)
RETURNING {COLUMNS}
"""
_LEFT = """
SELECT committed_at, (events.batch_id & 4095)::smallint, watermark, type, name, occurred_at AT TIME ZONE 'UTC', user_id,
    session_id, properties::text, context::text
FROM events JOIN batches USING (project_id, batch_id)
WHERE project_id = %(project)s AND occurred_at >= %(low)s AND occurred_at < %(high)s
  AND events.batch_id & 4095 = ANY (%(partitions)s) AND committed_at > %(created_at)s
  AND (%(names)s::text[] = '{}' OR name = ANY (%(names)s))
ORDER BY committed_at, 2
"""
_GONE = """
DELETE FROM window_results USING json_to_recordset(%s) AS gone (partition smallint, key text[], start_at timestamptz)
WHERE window_number = %s AND window_results.partition = gone.partition AND window_results.key = gone.key
  AND window_results.start_at = gone.start_at
"""
_PUT = """
INSERT INTO window_results (window_number, project_id, partition, key, start_at, end_at, count, counts, numbers, sketches,
    late_count, restated_at, dropped_count)
SELECT %s, %s, partition, key, start_at, end_at, count, counts, numbers, sketches, late_count,
    CASE WHEN restated THEN now() ELSE restated_at END, dropped_count
FROM json_to_recordset(%s) AS given (partition smallint, key text[], start_at timestamptz, end_at timestamptz, count bigint,
    counts bigint[], numbers float8[], sketches bytea[], late_count bigint, restated_at timestamptz, restated boolean,
    dropped_count bigint)
ON CONFLICT (window_number, start_at, key, partition) DO UPDATE SET
    end_at = excluded.end_at, count = excluded.count, counts = excluded.counts, numbers = excluded.numbers,
    sketches = excluded.sketches, late_count = excluded.late_count, restated_at = excluded.restated_at,
    dropped_count = excluded.dropped_count
"""

Connection = AsyncConnection[Any]


async def kept(connection: Connection, definition: Definition, gains: Sequence[Result]) -> list[Result]:
    """What is kept of the windows that `gains` touch."""
    session = definition.window.HasField("session")
    statement, wanted = (_KEPT_OVER, row.spans(gains)) if session else (_KEPT_AT, row.places(gains))
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement, (wanted, definition.number))
    found = [row.result(definition.window, columns) for columns in await cursor.fetchall()]
    # Two gains may touch the same session.
    return list({each.place: each for each in found}.values())


async def put(connection: Connection, definition: Definition, change: Change) -> None:
    """Writes what has changed; what is there of the same place gives way."""
    if change.gone:
        await connection.execute(_GONE, (row.places(change.gone), definition.number))
    values = definition.number, definition.project_id, row.rows(definition.window, change.put)
    await connection.execute(_PUT, values)


async def recount(
    connection: Connection,
    project_id: int,
    user_id: str,
    span: tuple[datetime, datetime],
    partitions: Sequence[int],
    raw_before: datetime | None = None,
) -> int:
    """Counts windows again that a `span` of event time is part of, as these partitions have kept them; gives how many.

    For the transaction that has deleted events of `user_id` in the span: it holds the rows of `partitions`, so that no commit
    of theirs is under way, and `events` has what is left. Rows before `raw_before` are gone for other reasons: windows that begin
    before it stay as they are, but those whose key is the person go.
    """
    counted = 0
    for definition in await definitions(connection, project_id):
        place = [i for i, path in enumerate(definition.window.key, 1) if path == "user_id"]
        values = {
            "window": definition.number, "project": project_id, "partitions": list(partitions), "person": user_id,
            "place": place[0] if place else 0, "start": span[0], "end": span[1], "length": length(definition.window),
            "since": raw_before or EPOCH, "created_at": definition.created_at, "names": list(definition.window.event_names),
        }  # fmt: skip
        counted += (await connection.execute(_DELETE_OF_PERSON, values)).rowcount
        cursor = connection.cursor(binary=True)
        await cursor.execute(_DELETE_OVER, values)
        had = [row.result(definition.window, columns) for columns in await cursor.fetchall()]
        if had:
            again = Recount(definition, had, us_of(span[0]), us_of(span[1]))
            await _count(connection, again, values)
            await put(connection, definition, Change(again.results(), []))
            counted += len(had)
    return counted


async def definitions(connection: Connection, project_id: int) -> list[Definition]:
    """The windows of a project."""
    found = await (await connection.execute(_DEFINITIONS, (project_id,))).fetchall()
    return [
        compiled(Window.FromString(stored), number, project_id, created_at)
        for number, stored, created_at in found
    ]


async def _count(connection: Connection, again: Recount, values: Mapping[str, object]) -> None:
    """Brings the rows that are left to a recount, commit by commit."""
    low, high = again.span
    commit: tuple[Any, ...] | None = None
    held: list[tuple[Any, ...]] = []

    async def counted() -> None:
        if commit is not None:
            _, partition, watermark = commit
            await asyncio.to_thread(again.add, partition, us_of(watermark) if watermark else 0, held)

    async with connection.cursor("windows_left", binary=True) as cursor:
        await cursor.execute(_LEFT, {**values, "low": at(low), "high": at(high)})
        while rows := await cursor.fetchmany(FETCHED):
            for each in rows:
                if each[:3] != commit:
                    await counted()
                    commit, held = each[:3], []
                held.append(each[3:])
    await counted()


class Store:
    """The tables `windows` and `window_results`, for those who ask."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, window_id: str, window: Window, request_id: uuid.UUID | None
    ) -> WindowRecord:
        """The window made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            await _alone(connection)
            [(taken,)] = await (await connection.execute(_TAKEN, (project.project_id,))).fetchall()
            chosen = window_id or made_id(window.display_name, "window", taken)
            made = await remember(connection, request_id, f"CreateWindow {project.project_id}", chosen)
            if made is not None:
                if window_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/windows/{made} before; write a new one"
                    )
                return await _read(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a window {project.name}/windows/{chosen} already", reason="WINDOW_EXISTS"
                )
            if len(taken) >= MAX_WINDOWS:
                raise Exhausted(
                    f"{project.name} has {MAX_WINDOWS} windows, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_WINDOWS",
                )
            await connection.execute(_REVISE, (project.project_id,))
            await connection.execute(
                _INSERT, (project.project_id, chosen, window.SerializeToString(deterministic=True))
            )
            return await _read(connection, project, chosen)

    async def window(self, project: Project, window_id: str) -> WindowRecord:
        """The window; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read(connection, project, window_id)

    async def windows(self, project: Project, after: str, limit: int) -> list[WindowRecord]:
        """Windows by id behind `after`."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(WindowRecord))
            await cursor.execute(_LIST, (project.project_id, after, limit))
            return await cursor.fetchall()

    async def delete(self, project: Project, window_id: str) -> None:
        """Deletes the window with its results; raises `NotFound`."""
        async with self._pool.connection() as connection:
            await _alone(connection)
            gone = await (await connection.execute(_DELETE, (project.project_id, window_id))).fetchone()
            if gone is None:
                raise _unknown(project, window_id)
            await connection.execute(_REVISE, (project.project_id,))
            await connection.execute(_DELETE_RESULTS, gone)

    async def results(
        self,
        record: WindowRecord,
        span: tuple[datetime, datetime],
        key: Sequence[str] | None,
        before: tuple[datetime, list[str]] | None,
        limit: int,
    ) -> tuple[list[ResultRecord], datetime | None]:
        """Results that begin in a span, latest first, behind `before`, and the watermark of all partitions."""
        statement = _RESULTS.format(rows=RESULTS[record.window.HasField("session")])
        start, key_before = before or (None, [])
        parameters = {
            "window": record.window_number, "start": span[0], "end": span[1], "key": list(key) if key else None,
            "before": start, "before_key": key_before, "limit": limit,
        }  # fmt: skip
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=class_row(ResultRecord), binary=True)
            await cursor.execute(statement, parameters)
            found = await cursor.fetchall()
            [(watermark,)] = await (await connection.execute(_WATERMARK)).fetchall()
            return found, watermark


async def _alone(connection: Connection) -> None:
    """Returns when no commit is under way; the next one waits for this transaction."""
    try:
        await connection.execute(_ALONE)
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(
            f"a commit has been under way for more than {PATIENCE}; retry", reason="COMMIT_UNDER_WAY"
        ) from error


async def _read(connection: Connection, project: Project, window_id: str) -> WindowRecord:
    cursor = connection.cursor(row_factory=class_row(WindowRecord))
    await cursor.execute(_READ, (project.project_id, window_id))
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(project, window_id)
    return found


def _unknown(project: Project, window_id: str) -> NotFound:
    return NotFound(f"there is no window {project.name}/windows/{window_id}", reason="WINDOW_NOT_FOUND")
