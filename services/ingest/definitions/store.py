"""What the database holds of projects' rules and schemas: ids come in from `source`, messages go out to `definition`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from tidemark.v1.rule_pb2 import Rules
from tidemark.v1.schema_pb2 import Schema

_REVISIONS = "SELECT project_id, revision FROM pipelines WHERE project_id = ANY (%s)"
_PIPELINE = "SELECT revision, hash_key FROM pipelines WHERE project_id = %s"
_RULES = "SELECT version, rules FROM rules WHERE project_id = %s ORDER BY version DESC LIMIT 1"
_SCHEMAS = """
SELECT event_name, version, document, enforcement, compatibility
FROM schemas JOIN schema_versions USING (project_id, schema_id, version) WHERE project_id = %s
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The present rules and schemas of a project."""

    revision: int
    """0 for a project that never had any."""
    hash_key: bytes
    rules: Rules
    schemas: list[Schema]


async def revisions(connection: AsyncConnection[Any], project_ids: Iterable[int]) -> dict[int, int]:
    """The present revision of each of these projects that has one."""
    return dict(await (await connection.execute(_REVISIONS, (list(project_ids),))).fetchall())


async def read(connection: AsyncConnection[Any], project_id: int) -> Stored:
    """The present rules and schemas; what changes meanwhile is read again, for the revision is read first."""
    pipeline = await (await connection.execute(_PIPELINE, (project_id,))).fetchone()
    if pipeline is None:
        return Stored(0, b"", Rules(), [])
    rules = Rules()
    latest = await (await connection.execute(_RULES, (project_id,))).fetchone()
    if latest is not None:
        rules.MergeFromString(latest[1])
        rules.version = latest[0]
    schemas = await (await connection.execute(_SCHEMAS, (project_id,))).fetchall()
    return Stored(
        pipeline[0],
        pipeline[1],
        rules,
        [
            Schema(event_name=name, version=version, document=text, enforcement=do, compatibility=promise)
            for name, version, text, do, promise in schemas
        ],
    )
