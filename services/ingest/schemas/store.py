"""Schemas in the database, and the events that one is proposed by. Plain values come in from `servicer.py`, records go back."""

import uuid
from typing import Any

import orjson
import psycopg
from psycopg.rows import class_row

from services.ingest.schemas.record import SchemaRecord
from services.kit.calendar import Span
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from tidemark.v1 import schema_pb2 as pb

MAX_SCHEMAS = 1000
SAMPLE_BYTES = 16 << 20
"""Of the properties that are looked at for a proposal."""

_RECORDS = """
    SELECT slug AS project, schema_id, event_name, schema_versions.version, document, enforcement, compatibility, description,
        schemas.created_at, schema_versions.created_at AS updated_at
    FROM schemas JOIN projects USING (project_id) JOIN schema_versions USING (project_id, schema_id)
    WHERE project_id = %(project_id)s
"""
_PRESENT = "schema_versions.version = schemas.version"
_READ = f"""
    {_RECORDS} AND schema_id = %(schema_id)s
    AND CASE WHEN %(version)s = 0 THEN {_PRESENT} ELSE schema_versions.version = %(version)s END
"""
_LIST = f"{_RECORDS} AND {_PRESENT} AND event_name > %(after)s ORDER BY event_name LIMIT %(limit)s"
_VERSIONS = f"""
    {_RECORDS} AND schema_id = %(schema_id)s AND schema_versions.version < %(before)s
    ORDER BY schema_versions.version DESC LIMIT %(limit)s
"""
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT schema_id, event_name FROM schemas WHERE project_id = %s"
_INSERT = """
    INSERT INTO schemas (project_id, schema_id, event_name) VALUES (%(project_id)s, %(schema_id)s, %(event_name)s)
"""
_INSERT_VERSION = """
    INSERT INTO schema_versions (project_id, schema_id, version, document, enforcement, compatibility, description)
    VALUES (%(project_id)s, %(schema_id)s, %(version)s, %(document)s, %(enforcement)s, %(compatibility)s, %(description)s)
"""
_ADVANCE = """
    UPDATE schemas SET version = version + 1
    WHERE project_id = %(project_id)s AND schema_id = %(schema_id)s AND version = %(version)s
"""
_DELETE = """
    DELETE FROM schemas WHERE project_id = %(project_id)s AND schema_id = %(schema_id)s
      AND (%(version)s::bigint IS NULL OR version = %(version)s)
"""
_ANNOUNCE = """
    INSERT INTO pipelines (project_id) VALUES (%s)
    ON CONFLICT (project_id) DO UPDATE SET revision = pipelines.revision + 1
"""
_NEWEST = """
    SELECT properties::text FROM events
    WHERE project_id = %s AND name = %s AND occurred_at >= %s AND occurred_at < %s
    ORDER BY occurred_at DESC LIMIT %s
"""

Connection = psycopg.AsyncConnection[Any]


class Store:
    """The tables `schemas` and `schema_versions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, schema_id: str, schema: pb.Schema, request_id: uuid.UUID | None
    ) -> SchemaRecord:
        """The schema made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            rows = await (await connection.execute(_TAKEN, (project.project_id,))).fetchall()
            taken = {row[0] for row in rows}
            chosen = schema_id or made_id(schema.event_name, "schema", taken)
            made = await remember(connection, request_id, f"CreateSchema {project.project_id}", chosen)
            if made is not None:
                if schema_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/schemas/{made} before; write a new one"
                    )
                return await _read(connection, project, made)
            for other, event_name in rows:
                if chosen == other or schema.event_name == event_name:
                    raise AlreadyExists(
                        f"there is a schema {project.name}/schemas/{other} of {event_name!r} already: update it",
                        reason="SCHEMA_EXISTS",
                    )
            if len(rows) >= MAX_SCHEMAS:
                raise Exhausted(
                    f"{project.name} has {MAX_SCHEMAS} schemas, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_SCHEMAS",
                )
            await connection.execute(_INSERT, _place(project, chosen) | {"event_name": schema.event_name})
            await _add(connection, project, chosen, schema, 1)
            return await _read(connection, project, chosen)

    async def schema(self, project: Project, schema_id: str, version: int = 0) -> SchemaRecord:
        """A version of a schema, the present one for 0; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read(connection, project, schema_id, version)

    async def schemas(self, project: Project, after: str, limit: int) -> list[SchemaRecord]:
        """Schemas in their present versions, by event behind `after`."""
        return await self._records(_LIST, {"project_id": project.project_id, "after": after, "limit": limit})

    async def versions(self, project: Project, schema_id: str, before: int, limit: int) -> list[SchemaRecord]:
        """Versions of a schema before one, newest first; raises `NotFound`."""
        place = _place(project, schema_id) | {"before": before, "limit": limit}
        found = await self._records(_VERSIONS, place)
        if not found:
            await self.schema(project, schema_id)
        return found

    async def update(self, project: Project, schema_id: str, schema: pb.Schema, version: int) -> SchemaRecord:
        """The version after `version`; raises `Conflict` unless that is the present one."""
        async with self._pool.connection() as connection:
            place = _place(project, schema_id) | {"version": version}
            if not (await connection.execute(_ADVANCE, place)).rowcount:
                raise await _unchanged(connection, project, schema_id)
            await _add(connection, project, schema_id, schema, version + 1)
            return await _read(connection, project, schema_id)

    async def delete(self, project: Project, schema_id: str, version: int | None) -> None:
        """Deletes the schema; raises `Conflict` unless that is still its version."""
        async with self._pool.connection() as connection:
            place = _place(project, schema_id) | {"version": version}
            if not (await connection.execute(_DELETE, place)).rowcount:
                raise await _unchanged(connection, project, schema_id)
            await connection.execute(_ANNOUNCE, (project.project_id,))

    async def newest(self, project: Project, event_name: str, span: Span, limit: int) -> list[dict[str, Any]]:
        """The properties of the newest events of a name, as many as fit in memory."""
        found: list[dict[str, Any]] = []
        size = 0
        async with self._pool.connection() as connection, connection.cursor(name="newest") as cursor:
            await cursor.execute(_NEWEST, (project.project_id, event_name, span.start, span.end, limit))
            async for (text,) in cursor:
                size += len(text or "")
                if size > SAMPLE_BYTES:
                    break
                found.append(orjson.loads(text) if text else {})
        return found

    async def _records(self, statement: str, values: dict[str, Any]) -> list[SchemaRecord]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(SchemaRecord))
            await cursor.execute(statement, values)
            return await cursor.fetchall()


def _place(project: Project, schema_id: str) -> dict[str, Any]:
    return {"project_id": project.project_id, "schema_id": schema_id}


async def _add(
    connection: Connection, project: Project, schema_id: str, schema: pb.Schema, version: int
) -> None:
    """Adds a version, and lets ingest know."""
    fields = {
        name: getattr(schema, name) for name in ("document", "enforcement", "compatibility", "description")
    }
    await connection.execute(_INSERT_VERSION, _place(project, schema_id) | fields | {"version": version})
    await connection.execute(_ANNOUNCE, (project.project_id,))


async def _read(connection: Connection, project: Project, schema_id: str, version: int = 0) -> SchemaRecord:
    cursor = connection.cursor(row_factory=class_row(SchemaRecord))
    await cursor.execute(_READ, _place(project, schema_id) | {"version": version})
    found = await cursor.fetchone()
    if found is None:
        of = f" of version {version}" if version else ""
        raise NotFound(
            f"there is no schema {project.name}/schemas/{schema_id}{of}", reason="SCHEMA_NOT_FOUND"
        )
    return found


async def _unchanged(connection: Connection, project: Project, schema_id: str) -> Conflict:
    """Why nothing was changed: raises `NotFound` where there is no such schema."""
    await _read(connection, project, schema_id)
    return Conflict(f"{project.name}/schemas/{schema_id} was changed since it was read: read it again")
