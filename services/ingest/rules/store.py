"""Rules in the database, and the events that they are tried on. Plain values come in from `servicer.py`, records go back."""

from typing import Any

import psycopg
import pyarrow as pa
from psycopg.rows import class_row

from services.ingest.columns import EVENTS
from services.ingest.definitions import store as definitions
from services.ingest.definitions.store import Stored
from services.ingest.rules.record import RulesRecord
from services.kit.call import Project
from services.kit.errors import Conflict, NotFound
from services.kit.service import Pool

PAGE_BYTES = 3_000_000
"""Of the rules on a page: answers stay below the 4 MiB that gRPC clients take by default."""
SAMPLE_BYTES = 1_000_000
"""Of the events that rules are tried on: the answer holds each of them twice."""

_RECORDS = """
    SELECT slug AS project, version, rules, rules.created_at FROM rules JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s
"""
_PRESENT = f"{_RECORDS} ORDER BY version DESC LIMIT 1"
_VERSION = f"{_RECORDS} AND version = %(version)s"
_VERSIONS = f"{_RECORDS} AND version < %(before)s ORDER BY version DESC LIMIT %(limit)s"
# Locks the row, so that of two changes at once the second sees the version that the first has made.
_ANNOUNCE = """
    INSERT INTO pipelines (project_id) VALUES (%s)
    ON CONFLICT (project_id) DO UPDATE SET revision = pipelines.revision + 1
"""
_KEY = "INSERT INTO pipelines (project_id) VALUES (%s) ON CONFLICT DO NOTHING"
_INSERT = "INSERT INTO rules (project_id, version, rules) VALUES (%(project_id)s, %(version)s, %(rules)s)"
# By name there is an index on when they happened; of all names, the newest are among the newest of each.
_NEWEST = """
    SELECT event_id, type, name, occurred_at, user_id, session_id, properties::text, context::text
    FROM (SELECT DISTINCT name AS known FROM rollups_1d WHERE project_id = %(project_id)s AND source = 1) AS names
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE project_id = %(project_id)s AND name = known ORDER BY occurred_at DESC LIMIT %(limit)s
    ) AS newest
    WHERE %(name)s = '' OR known = %(name)s
    ORDER BY occurred_at DESC, event_id LIMIT %(limit)s
"""


class Store:
    """The table `rules`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rules(self, project: Project, version: int) -> RulesRecord:
        """A version of the rules, the present one for 0; raises `NotFound`."""
        async with self._pool.connection() as connection:
            if not version:
                return await _present(connection, project)
            cursor = connection.cursor(row_factory=class_row(RulesRecord))
            await cursor.execute(_VERSION, {"project_id": project.project_id, "version": version})
            found = await cursor.fetchone()
        if found is None:
            raise NotFound(f"{project.name}/rules has no version {version}", reason="VERSION_NOT_FOUND")
        return found

    async def versions(self, project: Project, before: int, limit: int) -> tuple[list[RulesRecord], bool]:
        """Versions before one, newest first, as many as fit on a page; and whether there are more."""
        found: list[RulesRecord] = []
        size = 0
        values = {"project_id": project.project_id, "before": before, "limit": limit + 1}
        async with (
            self._pool.connection() as connection,
            connection.cursor("versions", row_factory=class_row(RulesRecord)) as cursor,
        ):
            cursor.itersize = 4
            await cursor.execute(_VERSIONS, values)
            async for record in cursor:
                size += len(record.rules)
                if len(found) == limit or (found and size > PAGE_BYTES):
                    return found, True
                found.append(record)
        return found, False

    async def update(self, project: Project, rules: bytes, version: int | None) -> RulesRecord:
        """The next version; raises `Conflict` unless `version` is the present one, or any will do."""
        async with self._pool.connection() as connection:
            await connection.execute(_ANNOUNCE, (project.project_id,))
            present = await _present(connection, project)
            if version not in (None, present.version):
                raise Conflict(f"{project.name}/rules were changed since they were read: read them again")
            values = {"project_id": project.project_id, "version": present.version + 1, "rules": rules}
            await connection.execute(_INSERT, values)
            return await _present(connection, project)

    async def definition(self, project: Project) -> Stored:
        """The present rules and schemas, and the key under which rules hash, made now where there is none yet."""
        async with self._pool.connection() as connection:
            await connection.execute(_KEY, (project.project_id,))
            return await definitions.read(connection, project.project_id)

    async def newest(self, project: Project, name: str, limit: int) -> pa.RecordBatch:
        """The newest stored events, of a name where one is given, as many as fit; columns of `columns.EVENTS`."""
        values = {"project_id": project.project_id, "name": name, "limit": limit}
        found: list[tuple[Any, ...]] = []
        size = 0
        async with self._pool.connection() as connection, connection.cursor(name="newest") as cursor:
            await cursor.execute(_NEWEST, values)
            async for event_id, kind, *others in cursor:
                size += sum(len(each or "") for each in others[-2:])
                if found and size > SAMPLE_BYTES:
                    break
                found.append((event_id.bytes, kind, *others))
        columns = zip(*found) if found else ([],) * len(EVENTS)
        arrays = [_array(field, list(values)) for field, values in zip(EVENTS, columns)]
        return pa.RecordBatch.from_arrays(arrays, schema=EVENTS)


def _array(field: pa.Field, values: list[Any]) -> pa.Array:
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.timestamp("us", "UTC")).cast(field.type)
    return pa.array(values, field.type)


async def _present(connection: psycopg.AsyncConnection[Any], project: Project) -> RulesRecord:
    cursor = connection.cursor(row_factory=class_row(RulesRecord))
    await cursor.execute(_PRESENT, {"project_id": project.project_id})
    return await cursor.fetchone() or RulesRecord(project.slug)
