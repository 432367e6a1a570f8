"""Reports and templates in the database, every version of them, and the templates that come as files.

Messages come in from `servicer.py`; records go back to it, to `editions` and to `schedules`.
"""

# ruff: noqa: S608  (statements are made of constants of this module; values are always parameters)

import asyncio
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row

from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound, Refused
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from services.reports.definitions.expansion import sections
from services.reports.definitions.record import ReportRecord, TemplateRecord, built_in, halves, template_of
from tidemark.v1 import report_pb2 as pb

MAX_REPORTS, MAX_TEMPLATES = 200, 100

_TITLE = "SELECT display_name FROM projects WHERE project_id = %s"
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_NAMES = "UPDATE reports SET template_id = %s WHERE project_id = %s AND report_id = %s"
_PLACE = "project_id = %(project_id)s AND {key} = %(id)s"

Connection = psycopg.AsyncConnection[Any]
R = TypeVar("R", ReportRecord, TemplateRecord)


@cache
def files() -> Mapping[str, list[TemplateRecord]]:
    """The templates that come with Tidemark: by id their versions, oldest first."""
    found: dict[str, list[TemplateRecord]] = {}
    for path in sorted((Path(__file__).parent / "templates").glob("*.yaml.j2")):
        template = built_in(path.name, path.read_text(encoding="utf-8"))
        found.setdefault(template.template_id, []).append(template)
    return {each: sorted(versions, key=lambda one: one.version) for each, versions in found.items()}


class Versions(Generic[R]):
    """The table of what there is, and the table of what each of it was at every version."""

    def __init__(self, record: type[R], noun: str, collection: str, table: str, key: str, most: int) -> None:
        self._noun, self._collection, self._most = noun, collection, most
        self._record: type[R] = record
        place = _PLACE.format(key=key)
        versions = f"{table.removesuffix('s')}_versions"
        shown = f"SELECT slug AS project, {key}, version, head, {{body}} AS body, {table}.created_at, {versions}.created_at AS updated_at"
        newest = f"FROM {table} JOIN {versions} USING (project_id, {key}, version) JOIN projects USING (project_id)"
        self._read = f"{shown.format(body='body')} {newest} WHERE {place}"
        # A version is there for as long as editions may be made from it again, also when what it is of was deleted.
        self._read_version = f"""
            SELECT slug AS project, {key}, {versions}.version, head, body,
                coalesce({table}.created_at, {versions}.created_at) AS created_at, {versions}.created_at AS updated_at
            FROM {versions} JOIN projects USING (project_id) LEFT JOIN {table} USING (project_id, {key})
            WHERE {place} AND {versions}.version = %(version)s
        """
        empty = "''::bytea"
        self._list = f"""
            {shown.format(body=empty)} {newest}
            WHERE project_id = %(project_id)s AND {key} > %(after)s ORDER BY {key} LIMIT %(limit)s
        """
        self._taken = f"SELECT {key} FROM {table} WHERE project_id = %s"
        self._last = f"SELECT coalesce(max(version), 0) FROM {versions} WHERE {place}"
        self._insert = (
            f"INSERT INTO {table} (project_id, {key}, version) VALUES (%(project_id)s, %(id)s, %(version)s)"
        )
        self._keep = f"""
            INSERT INTO {versions} (project_id, {key}, version, head, body)
            VALUES (%(project_id)s, %(id)s, %(version)s, %(head)s, %(body)s)
        """
        self._held = f"SELECT version FROM {table} WHERE {place} FOR UPDATE"
        self._update = f"UPDATE {table} SET version = %(version)s, updated_at = now() WHERE {place}"
        self._delete = f"DELETE FROM {table} WHERE {place}"

    async def create(
        self,
        connection: Connection,
        project: Project,
        wanted: str,
        definition: pb.Report | pb.ReportTemplate,
        request_id: uuid.UUID | None,
    ) -> tuple[str, bool]:
        """The id of what is made now, or was by an earlier request of the same id; and whether it was now."""
        # Two at once must neither choose the same id nor both be the last that fits.
        await connection.execute(_LOCK, (project.project_id,))
        cursor = await connection.execute(self._taken, (project.project_id,))
        taken = {row[0] for row in await cursor.fetchall()}
        chosen = wanted or made_id(definition.display_name, self._noun, taken)
        made = await remember(
            connection, request_id, f"Create {self._collection} {project.project_id}", chosen
        )
        if made is not None:
            if wanted not in ("", made):
                raise Invalid("request_id", f"has made {self._name(project, made)} before; write a new one")
            return made, False
        name = self._name(project, chosen)
        if chosen in taken:
            raise AlreadyExists(
                f"there is a {self._noun} {name} already", reason=f"{self._noun.upper()}_EXISTS"
            )
        if len(taken) >= self._most:
            raise Exhausted(
                f"{project.name} has {self._most} {self._noun}s, which is the limit: delete one",
                retry_after=60.0,
                reason=f"TOO_MANY_{self._noun.upper()}S",
            )
        # What had the name before has left its versions.
        place = _place(project.project_id, chosen)
        row = await (await connection.execute(self._last, place)).fetchone()
        await self._write(connection, self._insert, definition, place | {"version": row[0] + 1 if row else 1})
        return chosen, True

    async def read(self, connection: Connection, project_id: int, definition_id: str, version: int = 0) -> R:
        """What there is of this id; with a version what it was then, also of what was deleted."""
        cursor = connection.cursor(row_factory=class_row(self._record))
        statement = self._read_version if version else self._read
        await cursor.execute(statement, _place(project_id, definition_id) | {"version": version})
        found: R | None = await cursor.fetchone()
        if found is None:
            raise self._missing(definition_id, version)
        return found

    async def list(self, connection: Connection, project_id: int, after: str, limit: int) -> list[R]:
        """What there is by id behind `after`, without bodies."""
        cursor = connection.cursor(row_factory=class_row(self._record))
        await cursor.execute(self._list, {"project_id": project_id, "after": after, "limit": limit})
        return await cursor.fetchall()

    async def update(
        self,
        connection: Connection,
        project: Project,
        definition_id: str,
        definition: pb.Report | pb.ReportTemplate,
        version: int | None,
    ) -> None:
        """Adds a version; raises `Conflict` unless the newest is the one given."""
        held = await self._hold(connection, project, definition_id)
        if version not in (None, held):
            name = self._name(project, definition_id)
            raise Conflict(f"{name} was changed since it was read: read it again")
        place = _place(project.project_id, definition_id) | {"version": held + 1}
        await self._write(connection, self._update, definition, place)

    async def delete(self, connection: Connection, project: Project, definition_id: str) -> None:
        """Deletes it; its versions stay."""
        await self._hold(connection, project, definition_id)
        await connection.execute(self._delete, _place(project.project_id, definition_id))

    async def _hold(self, connection: Connection, project: Project, definition_id: str) -> int:
        cursor = await connection.execute(self._held, _place(project.project_id, definition_id))
        row = await cursor.fetchone()
        if row is None:
            raise self._missing(definition_id, 0)
        return int(row[0])

    async def _write(
        self,
        connection: Connection,
        statement: str,
        definition: pb.Report | pb.ReportTemplate,
        place: dict[str, Any],
    ) -> None:
        head, body = halves(definition)
        await connection.execute(statement, place)
        await connection.execute(self._keep, place | {"head": head, "body": body})

    def _name(self, project: Project, definition_id: str) -> str:
        return f"{project.name}/{self._collection}/{definition_id}"

    def _missing(self, definition_id: str, version: int) -> NotFound:
        which = f" with a version {version}" if version else ""
        return NotFound(
            f"there is no {self._noun} {definition_id!r}{which}", reason=f"{self._noun.upper()}_NOT_FOUND"
        )


class Store:
    """The tables `reports` and `report_templates` with their versions, and the files."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reports = Versions(ReportRecord, "report", "reports", "reports", "report_id", MAX_REPORTS)
        self._templates = Versions(
            TemplateRecord, "template", "reportTemplates", "report_templates", "template_id", MAX_TEMPLATES
        )

    async def report(self, project_id: int, report_id: str, version: int = 0) -> ReportRecord:
        """The report, or what it was at a version, also when it was deleted since; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await self._reports.read(connection, project_id, report_id, version)

    async def template(self, project_id: int | None, template_id: str, version: int = 0) -> TemplateRecord:
        """The template, or what it was at a version; of those that come with Tidemark without a project. Raises `NotFound`."""
        if project_id is None:
            versions = files().get(template_id, [])
            for each in reversed(versions):
                if version in (0, each.version):
                    return each
            known = ", ".join(files())
            which = f" with a version {version}" if versions else f"; there are {known}"
            raise NotFound(
                f"no template {template_id!r} comes with Tidemark{which}", reason="TEMPLATE_NOT_FOUND"
            )
        async with self._pool.connection() as connection:
            return await self._templates.read(connection, project_id, template_id, version)

    async def template_of(self, project: Project, report: pb.Report) -> pb.ReportTemplate | None:
        """The template that a report names; None where it has sections of its own."""
        if not report.HasField("template"):
            return None
        owner, template_id = template_of(report.template.name)
        if owner not in ("", project.name):
            raise Invalid("report.template.name", f"is of {owner}; give one of {project.name} or projects/-")
        found = await self.template(
            project.project_id if owner else None, template_id, report.template.version
        )
        return found.message()

    async def sections(self, project: Project, report: pb.Report) -> list[pb.Section]:
        """The sections of a report: its own, or those that its template makes."""
        return await asyncio.to_thread(sections, report, await self.template_of(project, report))

    async def title(self, project: Project) -> str:
        """The name of a project that people read."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_TITLE, (project.project_id,))).fetchone()
        return (row[0] if row else "") or project.slug

    async def create_report(
        self, project: Project, report_id: str, report: pb.Report, request_id: uuid.UUID | None
    ) -> ReportRecord:
        """The report made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection, connection.transaction():
            made, new = await self._reports.create(connection, project, report_id, report, request_id)
            if new:
                await _names(connection, project, made, report)
            return await self._reports.read(connection, project.project_id, made)

    async def reports(self, project_id: int, after: str, limit: int) -> list[ReportRecord]:
        """Reports by id behind `after`, without their sections."""
        async with self._pool.connection() as connection:
            return await self._reports.list(connection, project_id, after, limit)

    async def update_report(
        self, project: Project, report_id: str, report: pb.Report, version: int | None
    ) -> ReportRecord:
        """The report as changed; raises `Conflict` unless it still has that version."""
        async with self._pool.connection() as connection, connection.transaction():
            await self._reports.update(connection, project, report_id, report, version)
            await _names(connection, project, report_id, report)
            return await self._reports.read(connection, project.project_id, report_id)

    async def delete_report(self, project: Project, report_id: str) -> None:
        """Deletes the report with its schedules; its versions and editions stay."""
        async with self._pool.connection() as connection, connection.transaction():
            await self._reports.delete(connection, project, report_id)

    async def create_template(
        self, project: Project, template_id: str, template: pb.ReportTemplate, request_id: uuid.UUID | None
    ) -> TemplateRecord:
        """The template made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection, connection.transaction():
            made, _ = await self._templates.create(connection, project, template_id, template, request_id)
            return await self._templates.read(connection, project.project_id, made)

    async def templates(self, project_id: int) -> list[TemplateRecord]:
        """The templates of a project by id, without their sources."""
        async with self._pool.connection() as connection:
            return await self._templates.list(connection, project_id, "", MAX_TEMPLATES)

    async def update_template(
        self, project: Project, template_id: str, template: pb.ReportTemplate, version: int | None
    ) -> TemplateRecord:
        """The template with one more version; raises `Conflict` unless the newest is the one given."""
        async with self._pool.connection() as connection, connection.transaction():
            await self._templates.update(connection, project, template_id, template, version)
            return await self._templates.read(connection, project.project_id, template_id)

    async def delete_template(self, project: Project, template_id: str) -> None:
        """Deletes the template; raises `Refused` while a report names it."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await self._templates.delete(connection, project, template_id)
        except ForeignKeyViolation as error:
            raise Refused(
                f"{project.name}/reportTemplates/{template_id} makes the sections of a report: give that another first",
                reason="TEMPLATE_IN_USE",
            ) from error


def _place(project_id: int, definition_id: str) -> dict[str, Any]:
    return {"project_id": project_id, "id": definition_id}


async def _names(connection: Connection, project: Project, report_id: str, report: pb.Report) -> None:
    """Notes which template of the project a report is made by, so that it is not deleted meanwhile."""
    own, template_id = template_of(report.template.name) if report.HasField("template") else ("", "")
    try:
        await connection.execute(_NAMES, (template_id if own else None, project.project_id, report_id))
    except ForeignKeyViolation as error:
        raise NotFound(f"there is no template {template_id!r}", reason="TEMPLATE_NOT_FOUND") from error
