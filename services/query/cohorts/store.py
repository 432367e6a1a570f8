"""Cohorts in the database. Plain values come in from `servicer.py` and `source.py`, records go back."""

# ruff: noqa: S608  (statements are made of constants of this file; values are always parameters)

import uuid
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from services.query.cohorts.record import CohortRecord
from services.query.cohorts.request import Fields

MAX_COHORTS = 1000
_COLUMNS = (
    "slug AS project, cohort_id, cohorts.display_name, description, rule, people, cohorts.revision, cohorts.created_at, "
    "cohorts.updated_at"
)
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT array_agg(cohort_id::text) FROM cohorts WHERE project_id = %s"
_INSERT = """
    INSERT INTO cohorts (project_id, cohort_id, display_name, description, rule, people)
    VALUES (%(project_id)s, %(cohort_id)s, %(display_name)s, %(description)s, %(rule)s, %(people)s)
"""
_READ = f"""
    SELECT {_COLUMNS}, ARRAY(
        SELECT user_id FROM cohort_people WHERE (project_id, cohort_id) = (cohorts.project_id, cohorts.cohort_id) ORDER BY user_id
    ) AS user_ids
    FROM cohorts JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND cohort_id = %(cohort_id)s
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM cohorts JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND cohort_id > %(after)s ORDER BY cohort_id LIMIT %(limit)s
"""
_UPDATE = """
    UPDATE cohorts SET
        display_name = coalesce(%(display_name)s, display_name),
        description = coalesce(%(description)s, description),
        rule = CASE WHEN %(members)s THEN %(rule)s ELSE rule END,
        people = CASE WHEN %(members)s THEN %(people)s ELSE people END,
        revision = revision + 1, updated_at = now()
    WHERE project_id = %(project_id)s AND cohort_id = %(cohort_id)s
      AND (%(revision)s::bigint IS NULL OR revision = %(revision)s)
"""
_DELETE = """
    DELETE FROM cohorts WHERE project_id = %(project_id)s AND cohort_id = %(cohort_id)s
      AND (%(revision)s::bigint IS NULL OR revision = %(revision)s)
"""
_ADD_PEOPLE = """
    INSERT INTO cohort_people (project_id, cohort_id, user_id)
    SELECT %(project_id)s, %(cohort_id)s, unnest(%(users)s::text[])
"""
_REMOVE_PEOPLE = "DELETE FROM cohort_people WHERE project_id = %(project_id)s AND cohort_id = %(cohort_id)s"

Connection = psycopg.AsyncConnection[Any]


class Store:
    """The tables `cohorts` and `cohort_people`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, cohort_id: str, fields: Fields, request_id: uuid.UUID | None
    ) -> CohortRecord:
        """The cohort made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            row = await (await connection.execute(_TAKEN, (project.project_id,))).fetchone()
            taken = set(row[0] or ()) if row else set()
            chosen = cohort_id or made_id(fields.display_name or "", "cohort", taken)
            made = await remember(connection, request_id, f"CreateCohort {project.project_id}", chosen)
            if made is not None:
                if cohort_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/cohorts/{made} before; write a new one"
                    )
                return await _read(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a cohort {project.name}/cohorts/{chosen} already", reason="COHORT_EXISTS"
                )
            if len(taken) >= MAX_COHORTS:
                raise Exhausted(
                    f"{project.name} has {MAX_COHORTS} cohorts, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_COHORTS",
                )
            place = _place(project, chosen)
            values = {
                "display_name": fields.display_name or "",
                "description": fields.description or "",
                "rule": fields.rule,
                "people": len(fields.people or ()),
            }
            await connection.execute(_INSERT, place | values)
            if fields.people:
                await connection.execute(_ADD_PEOPLE, place | {"users": list(fields.people)})
            return await _read(connection, project, chosen)

    async def cohort(self, project: Project, cohort_id: str) -> CohortRecord:
        """The cohort; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read(connection, project, cohort_id)

    async def cohorts(self, project: Project, after: str, limit: int) -> list[CohortRecord]:
        """Cohorts by id behind `after`, without the people who are listed."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(CohortRecord))
            await cursor.execute(_LIST, {"project_id": project.project_id, "after": after, "limit": limit})
            return await cursor.fetchall()

    async def update(
        self, project: Project, cohort_id: str, changes: Fields, revision: int | None
    ) -> CohortRecord:
        """The cohort as changed; raises `Conflict` unless it still has that revision."""
        place = _place(project, cohort_id)
        members = changes.people is not None or changes.rule is not None
        values = {
            "display_name": changes.display_name,
            "description": changes.description,
            "members": members,
            "rule": changes.rule,
            "people": len(changes.people or ()),
            "revision": revision,
        }
        async with self._pool.connection() as connection:
            if not (await connection.execute(_UPDATE, place | values)).rowcount:
                raise await _unchanged(connection, project, cohort_id)
            if members:
                await connection.execute(_REMOVE_PEOPLE, place)
            if changes.people:
                await connection.execute(_ADD_PEOPLE, place | {"users": list(changes.people)})
            return await _read(connection, project, cohort_id)

    async def delete(self, project: Project, cohort_id: str, revision: int | None) -> None:
        """Deletes the cohort; raises `Conflict` unless it still has that revision."""
        async with self._pool.connection() as connection:
            place = _place(project, cohort_id)
            if not (await connection.execute(_DELETE, place | {"revision": revision})).rowcount:
                raise await _unchanged(connection, project, cohort_id)


def _place(project: Project, cohort_id: str) -> dict[str, Any]:
    return {"project_id": project.project_id, "cohort_id": cohort_id}


async def _read(connection: Connection, project: Project, cohort_id: str) -> CohortRecord:
    cursor = connection.cursor(row_factory=class_row(CohortRecord))
    await cursor.execute(_READ, _place(project, cohort_id))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no cohort {project.name}/cohorts/{cohort_id}", reason="COHORT_NOT_FOUND")
    return found


async def _unchanged(connection: Connection, project: Project, cohort_id: str) -> Conflict:
    """Why nothing was changed: raises `NotFound` where there is no such cohort."""
    found = await _read(connection, project, cohort_id)
    return Conflict(f"{found.name} was changed since it was read: read it again")
