"""Editions in the database: what they prove, their files and the links to these. `runs` adds them in its own transactions; records go
out to `servicer` and to `delivery`.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.kit.call import Project
from services.kit.errors import NotFound
from services.kit.service import Pool
from services.reports.editions.record import EditionRecord, FileRecord, Original, halves
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter
from tidemark.v1.report_pb2 import ReportFormat
from tidemark.v1.schedule_pb2 import Recipient

PIECE = 1 << 20
"""Bytes of a file in one row, and in one message of a download."""
FORGOTTEN = 20
"""Editions that one transaction removes."""

_EDITION = """
    edition_number, edition_id, slug AS project, editions.report_id, run_id, editions.display_name, manifest, {} AS sections,
    editions.created_at, expires_at
"""
_EDITIONS = "FROM editions JOIN projects USING (project_id) JOIN runs USING (run_number)"
_READ_EDITION = f"""
    SELECT {_EDITION.format("sections")} {_EDITIONS}
    WHERE editions.project_id = %(project_id)s AND editions.report_id = %(report_id)s AND edition_id = %(edition_id)s
"""
_LIST_EDITIONS = f"""
    SELECT {_EDITION.format("''::bytea")} {_EDITIONS}
    WHERE editions.project_id = %(project_id)s AND (%(report)s::text IS NULL OR editions.report_id = %(report)s)
      AND (%(at)s::timestamptz IS NULL OR (editions.created_at, edition_id) < (%(at)s, %(id)s))
    ORDER BY editions.created_at DESC, edition_id DESC LIMIT %(limit)s
"""
_ORIGINAL = f"""
    SELECT {_EDITION.format("sections")}, editions.filter, time_range, asked_at {_EDITIONS} WHERE edition_number = %s
"""
_KEEP = """
    INSERT INTO editions (edition_id, project_id, report_id, run_number, display_name, manifest, sections, filter, asked_at,
        expires_at)
    VALUES (%(edition_id)s, %(project_id)s, %(report_id)s, %(run_number)s, %(display_name)s, %(manifest)s, %(sections)s,
        %(filter)s, %(asked_at)s, now() + %(kept)s)
    RETURNING edition_number
"""
_KEEP_FILE = (
    "INSERT INTO edition_files (edition_number, format, file_name, content_type) VALUES (%s, %s, %s, %s)"
)
_KEEP_PIECE = "INSERT INTO edition_chunks (edition_number, format, place, content) VALUES (%s, %s, %s, %b)"
_FILE = """
    SELECT edition_number, format, file_name, content_type, project_id, slug AS project,
        format('projects/%%s/reports/%%s/editions/%%s', slug, report_id, edition_id) AS edition
    FROM edition_files JOIN editions USING (edition_number) JOIN projects USING (project_id)
"""
_FILE_OF = f"{_FILE} WHERE edition_number = %s AND format = %s"
_FILE_BEHIND = f"""
    {_FILE} JOIN edition_links USING (edition_number, format) WHERE edition_links.sha256 = %s AND edition_links.expires_at > now()
"""
_PIECE = "SELECT content FROM edition_chunks WHERE edition_number = %s AND format = %s AND place = %s"
_LINK = """
    INSERT INTO edition_links (sha256, edition_number, format, expires_at)
    SELECT %(sha256)s, edition_number, format, least(now() + %(lifetime)s, editions.expires_at)
    FROM edition_files JOIN editions USING (edition_number) WHERE edition_number = %(edition)s AND format = %(format)s
    RETURNING expires_at
"""
_REVOKE = "DELETE FROM edition_links WHERE edition_number = %s AND expires_at > now()"
_FORGET = """
    DELETE FROM editions WHERE edition_number IN (
        SELECT edition_number FROM editions WHERE expires_at < now() ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_FORGET_LINKS = "DELETE FROM edition_links WHERE expires_at < now()"

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Filed:
    """A file that was made and agrees with the manifest."""

    path: Path
    content_type: str
    about: pb.EditionFile


@dataclass(frozen=True, slots=True)
class Made:
    """An edition that is to be kept."""

    manifest: pb.Manifest
    title: str
    filter: Filter | None
    asked_at: datetime
    files: Sequence[Filed]
    recipients: Sequence[Recipient]


class Store:
    """The tables `editions`, `edition_files`, `edition_chunks` and `edition_links`."""

    def __init__(self, pool: Pool, kept: timedelta) -> None:
        self._pool, self.kept = pool, kept

    async def add(
        self, connection: Connection, project_id: int, report_id: str, run_number: int, made: Made
    ) -> int:
        """Keeps an edition that a run has made, with its files, in the caller's transaction; gives its number."""
        manifest, sections = halves(made.manifest)
        values = {
            "edition_id": f"e{secrets.token_hex(6)}",
            "project_id": project_id,
            "report_id": report_id,
            "run_number": run_number,
            "display_name": made.title,
            "manifest": manifest,
            "sections": sections,
            "filter": None if made.filter is None else made.filter.SerializeToString(deterministic=True),
            "asked_at": made.asked_at,
            "kept": self.kept,
        }
        row = await (await connection.execute(_KEEP, values)).fetchone()
        assert row is not None
        for file in made.files:
            about = file.about
            await connection.execute(_KEEP_FILE, (row[0], about.format, about.file_name, file.content_type))
            with file.path.open("rb") as content:
                place, last = 0, PIECE
                # A file whose length is a whole number of pieces ends with an empty one.
                while last == PIECE:
                    piece = content.read(PIECE)
                    await connection.execute(_KEEP_PIECE, (row[0], about.format, place, piece))
                    place, last = place + 1, len(piece)
        return int(row[0])

    async def edition(self, project: Project, report_id: str, edition_id: str) -> EditionRecord:
        """The edition; raises `NotFound`."""
        values = {"project_id": project.project_id, "report_id": report_id, "edition_id": edition_id}
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(EditionRecord))
            found = await (await cursor.execute(_READ_EDITION, values)).fetchone()
        if found is None:
            name = f"{project.name}/reports/{report_id}/editions/{edition_id}"
            raise NotFound(f"there is no edition {name}", reason="EDITION_NOT_FOUND")
        return found

    async def editions(
        self, project: Project, report_id: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> list[EditionRecord]:
        """Editions without their sections, newest first, behind `after`; of all reports where none is named."""
        at, edition_id = after or (None, "")
        values = {
            "project_id": project.project_id,
            "report": report_id,
            "at": at,
            "id": edition_id,
            "limit": limit,
        }
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(EditionRecord))
            return await (await cursor.execute(_LIST_EDITIONS, values)).fetchall()

    async def original(self, edition_number: int) -> Original:
        """What it takes to make an edition again; raises `NotFound`."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_ORIGINAL, (edition_number,))).fetchone()
        if row is None:
            raise NotFound("the edition to repeat is kept no more", reason="EDITION_NOT_FOUND")
        return Original(EditionRecord(*row[:10]), *row[10:])

    async def file(self, edition: EditionRecord, form: int) -> FileRecord:
        """A file of an edition; raises `NotFound`."""
        found = await self._file(_FILE_OF, (edition.edition_number, form))
        if found is None:
            raise _without(edition, form)
        return found

    async def behind(self, sha256: bytes) -> FileRecord | None:
        """The file that a link opens; None where the link is good no more."""
        return await self._file(_FILE_BEHIND, (sha256,))

    async def pieces(self, file: FileRecord) -> AsyncIterator[bytes]:
        """The content of a file. No connection is held between pieces, however slowly they are taken; raises `NotFound` where the
        edition is removed meanwhile."""
        place, more = 0, True
        while more:
            async with self._pool.connection() as connection:
                values = (file.edition_number, file.format, place)
                row = await (await connection.execute(_PIECE, values, binary=True)).fetchone()
            if row is None:
                raise NotFound(f"{file.edition} is kept no more", reason="EDITION_NOT_FOUND")
            yield row[0]
            # The last piece is shorter than the others.
            place, more = place + 1, len(row[0]) == PIECE

    async def link(self, edition: EditionRecord, form: int, sha256: bytes, lifetime: timedelta) -> datetime:
        """Makes a link to a file; gives when it expires, which is with the edition at the latest. Raises `NotFound`."""
        async with self._pool.connection() as connection:
            values = {
                "edition": edition.edition_number,
                "format": form,
                "sha256": sha256,
                "lifetime": lifetime,
            }
            row = await (await connection.execute(_LINK, values)).fetchone()
        if row is None:
            raise _without(edition, form)
        return row[0]  # type: ignore[no-any-return]

    async def revoke(self, edition: EditionRecord) -> int:
        """Ends all links of an edition; gives how many were good."""
        async with self._pool.connection() as connection:
            return (await connection.execute(_REVOKE, (edition.edition_number,))).rowcount

    async def forget(self) -> bool:
        """Removes some of what has been kept for long enough; whether there was any."""
        async with self._pool.connection() as connection:
            gone = (await connection.execute(_FORGET, (FORGOTTEN,))).rowcount
            await connection.execute(_FORGET_LINKS)
        return gone > 0

    async def _file(self, statement: str, values: tuple[Any, ...]) -> FileRecord | None:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(FileRecord))
            return await (await cursor.execute(statement, values)).fetchone()


def _without(edition: EditionRecord, form: int) -> NotFound:
    name = ReportFormat.Name(form).removeprefix("REPORT_FORMAT_").lower()
    return NotFound(f"{edition.name} has no file of the form {name}", reason="FILE_NOT_FOUND")
