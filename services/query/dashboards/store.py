"""Dashboards in the database, and those that come as files. Messages come in from `servicer.py`, and go back."""

import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from google.protobuf.json_format import Parse
from psycopg.rows import class_row

from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from services.query.dashboards.record import DashboardRecord, built_in, parts
from tidemark.v1.dashboard_pb2 import Dashboard

MAX_DASHBOARDS = 1000
BUILT_IN = ("home", "development", "host")
"""In the order in which they are listed."""

_COLUMNS = "slug AS project, dashboard_id, head, {} AS tiles, dashboards.revision, dashboards.created_at, dashboards.updated_at"
_FROM = "FROM dashboards JOIN projects USING (project_id) WHERE project_id = %(project_id)s"
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT array_agg(dashboard_id::text) FROM dashboards WHERE project_id = %s"
_INSERT = """
    INSERT INTO dashboards (project_id, dashboard_id, head, tiles)
    VALUES (%(project_id)s, %(dashboard_id)s, %(head)s, %(tiles)s)
"""
_READ = f"SELECT {_COLUMNS.format('tiles')} {_FROM} AND dashboard_id = %(dashboard_id)s"
_LIST = f"""
    SELECT {_COLUMNS.format("''::bytea")} {_FROM} AND dashboard_id > %(after)s ORDER BY dashboard_id LIMIT %(limit)s
"""
_UPDATE = """
    UPDATE dashboards SET head = %(head)s, tiles = %(tiles)s, revision = revision + 1, updated_at = now()
    WHERE project_id = %(project_id)s AND dashboard_id = %(dashboard_id)s AND revision = %(revision)s
"""
_DELETE = """
    DELETE FROM dashboards WHERE project_id = %(project_id)s AND dashboard_id = %(dashboard_id)s
      AND (%(revision)s::bigint IS NULL OR revision = %(revision)s)
"""

Connection = psycopg.AsyncConnection[Any]


@cache
def files() -> Mapping[str, Dashboard]:
    """The dashboards that come with Tidemark, by id."""
    folder = Path(__file__).parent / "builtin"
    return {
        each: Parse((folder / f"{each}.json").read_text(encoding="utf-8"), Dashboard(name=each))
        for each in BUILT_IN
    }


class Store:
    """The table `dashboards`, and the files."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, dashboard_id: str, dashboard: Dashboard, request_id: uuid.UUID | None
    ) -> Dashboard:
        """The dashboard made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            row = await (await connection.execute(_TAKEN, (project.project_id,))).fetchone()
            saved = set(row[0] or ()) if row else set()
            taken = {*saved, *BUILT_IN}
            chosen = dashboard_id or made_id(dashboard.display_name, "dashboard", taken)
            made = await remember(connection, request_id, f"CreateDashboard {project.project_id}", chosen)
            if made is not None:
                if dashboard_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/dashboards/{made} before; write a new one"
                    )
                return await _read(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a dashboard {project.name}/dashboards/{chosen} already",
                    reason="DASHBOARD_EXISTS",
                )
            if len(saved) >= MAX_DASHBOARDS:
                raise Exhausted(
                    f"{project.name} has {MAX_DASHBOARDS} dashboards, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_DASHBOARDS",
                )
            await connection.execute(_INSERT, _place(project, chosen) | _content(dashboard))
            return await _read(connection, project, chosen)

    async def dashboard(self, project: Project, dashboard_id: str) -> Dashboard:
        """The dashboard; raises `NotFound`."""
        if dashboard_id in BUILT_IN:
            return built_in(files()[dashboard_id], project.slug)
        async with self._pool.connection() as connection:
            return await _read(connection, project, dashboard_id)

    async def dashboards(self, project: Project, shown: int, after: str, limit: int) -> list[Dashboard]:
        """Dashboards without their tiles: the files that were not yet `shown`, then those saved by id behind `after`."""
        found = [built_in(files()[each], project.slug) for each in BUILT_IN[shown : shown + limit]]
        for each in found:
            each.ClearField("tiles")
        if len(found) < limit:
            place = {"project_id": project.project_id, "after": after, "limit": limit - len(found)}
            async with self._pool.connection() as connection:
                cursor = connection.cursor(row_factory=class_row(DashboardRecord))
                await cursor.execute(_LIST, place)
                found += [row.message() for row in await cursor.fetchall()]
        return found

    async def update(
        self, project: Project, dashboard_id: str, dashboard: Dashboard, revision: int
    ) -> Dashboard:
        """The dashboard as changed; raises `Conflict` unless it still has that revision."""
        place = _place(project, dashboard_id)
        async with self._pool.connection() as connection:
            changes = place | _content(dashboard) | {"revision": revision}
            if not (await connection.execute(_UPDATE, changes)).rowcount:
                raise await _unchanged(connection, project, dashboard_id)
            return await _read(connection, project, dashboard_id)

    async def delete(self, project: Project, dashboard_id: str, revision: int | None) -> None:
        """Deletes the dashboard; raises `Conflict` unless it still has that revision."""
        async with self._pool.connection() as connection:
            place = _place(project, dashboard_id)
            if not (await connection.execute(_DELETE, place | {"revision": revision})).rowcount:
                raise await _unchanged(connection, project, dashboard_id)


def _place(project: Project, dashboard_id: str) -> dict[str, Any]:
    return {"project_id": project.project_id, "dashboard_id": dashboard_id}


def _content(dashboard: Dashboard) -> dict[str, Any]:
    head, tiles = parts(dashboard)
    return {"head": head, "tiles": tiles}


async def _read(connection: Connection, project: Project, dashboard_id: str) -> Dashboard:
    cursor = connection.cursor(row_factory=class_row(DashboardRecord))
    await cursor.execute(_READ, _place(project, dashboard_id))
    found = await cursor.fetchone()
    if found is None:
        name = f"{project.name}/dashboards/{dashboard_id}"
        raise NotFound(f"there is no dashboard {name}", reason="DASHBOARD_NOT_FOUND")
    return found.message()


async def _unchanged(connection: Connection, project: Project, dashboard_id: str) -> Conflict:
    """Why nothing was changed: raises `NotFound` where there is no such dashboard."""
    found = await _read(connection, project, dashboard_id)
    return Conflict(f"{found.name} was changed since it was read: read it again")
