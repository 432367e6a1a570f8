"""Keeps windows in the transaction of the writer: what `services/ingest/store.py` has stored comes in, results go out to the database.

Which windows a project has is known from one commit to the next. A commit that is done tells by its last statements what revision
of the windows it should have known; where that is another, it is undone, and done again with the windows there are now. So a
window counts exactly what is committed after it was made: whoever makes one waits for the commits under way.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import AsyncConnection, AsyncCursor

from services.ingest.columns import EVENTS
from services.ingest.microbatch import Microbatch, Rows
from services.ingest.windows import fold
from services.ingest.windows.column import Columns
from services.ingest.windows.definition import Definition, compiled
from services.ingest.windows.fold import Change, Ints
from services.ingest.windows.result import Result
from services.ingest.windows.store import LOCK, kept, put
from services.kit.errors import Invalid
from services.kit.instant import us_of
from tidemark.v1.window_pb2 import Window

MAX_PROJECTS = 10_000
"""Projects whose windows are remembered; beyond, the database is asked anew."""
log = logging.getLogger(__name__)

_WINDOWS = """
SELECT project_id, revision, window_number, definition, created_at
FROM window_revisions LEFT JOIN windows USING (project_id) WHERE project_id = ANY (%s)
"""
_LOCK = "SELECT pg_advisory_xact_lock_shared(%s)"
_REVISIONS = "SELECT project_id, revision FROM window_revisions WHERE project_id = ANY (%s)"
_WATERMARKS = "SELECT partition, watermark FROM partitions WHERE partition = ANY (%s)"


class Outdated(Exception):
    """A window was made or deleted meanwhile; nothing was committed, and the commit is to be done again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a commit changes in windows."""

    revisions: Mapping[int, int]
    """By project, of the windows that it knows."""
    changes: Sequence[tuple[Definition, Change]]

    async def put(self, connection: AsyncConnection[Any]) -> AsyncCursor[Any]:
        """Writes the changes, in a pipeline; the cursor tells `check` what is known."""
        # Waits for a window that is being made, and lets the next one wait for this commit.
        await connection.execute(_LOCK, (LOCK,))
        present = await connection.execute(_REVISIONS, (list(self.revisions),))
        for definition, change in self.changes:
            await put(connection, definition, change)
        return present

    async def check(self, present: AsyncCursor[Any]) -> None:
        """Raises `Outdated` where the windows known are not the present ones."""
        now = dict(await present.fetchall())
        if any(now.get(project, 0) != revision for project, revision in self.revisions.items()):
            raise Outdated("a window was made or deleted since the commit began")


class Windows:
    """The windows of the projects that a writer meets."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, list[Definition]]] = {}

    async def learn(self, connection: AsyncConnection[Any], work: Microbatch) -> None:
        """Reads the windows of projects that are met for the first time; before the transaction, which knows no later ones."""
        projects = {batch.header.project_id for batch in work.batches if batch.header.kind == "events"}
        if unknown := projects - self._known.keys():
            if len(self._known) > MAX_PROJECTS:
                self._known.clear()
                unknown = projects
            self._known |= {project: (0, []) for project in unknown}
            for row in await (await connection.execute(_WINDOWS, (list(unknown),))).fetchall():
                project, revision, number, definition, created_at = row
                found = self._known[project][1]
                if number is not None:
                    found += await asyncio.to_thread(_compiled, definition, number, project, created_at)
                self._known[project] = revision, found

    async def kept(self, connection: AsyncConnection[Any], events: Rows, work: Microbatch) -> Kept:
        """What the `events` that are stored change."""
        projects = {batch.header.project_id for batch in work.batches if batch.header.kind == "events"}
        revisions = {project: self._known[project][0] for project in projects}
        concerned = [each for project in projects for each in self._known[project][1]]
        if not concerned or not len(events.batch):
            return Kept(revisions, [])
        partitions = np.array([batch.partition for batch in work.batches], np.int64)[events.batch]
        gained = await asyncio.to_thread(_gained, concerned, events, partitions)
        owners = np.unique(partitions).tolist()
        cursor = await connection.execute(_WATERMARKS, (owners,))
        watermarks = {owner: us_of(mark) if mark else 0 for owner, mark in await cursor.fetchall()}
        changes = []
        for definition, gains in gained:
            before = await kept(connection, definition, gains)
            changes.append(
                (definition, await asyncio.to_thread(fold.folded, definition, before, gains, watermarks))
            )
        return Kept(revisions, changes)


def _compiled(stored: bytes, number: int, project_id: int, created_at: Any) -> list[Definition]:
    try:
        return [compiled(Window.FromString(stored), number, project_id, created_at)]
    except Invalid as error:
        # Made by a newer release: it is for that release's writer to count.
        log.error("window %d of project %d cannot be kept by this release: %s", number, project_id, error)
        return []


def _gained(
    concerned: Iterable[Definition], events: Rows, partitions: Ints
) -> list[tuple[Definition, list[Result]]]:
    """What each window gains; those that gain nothing are left out."""
    rows_of: dict[int, tuple[Columns, Any, Any]] = {}
    found = []
    for definition in concerned:
        project = definition.project_id
        if project not in rows_of:
            rows_of[project] = _rows(events, partitions, project)
        if gains := fold.gains(definition, *rows_of[project]):
            found.append((definition, gains))
    return found


def _rows(events: Rows, partitions: Ints, project: int) -> tuple[Columns, Any, Any]:
    """The rows of a project, with their times and partitions."""
    mine = pc.equal(events.table["project_id"], project).to_numpy()
    rows = events.filter(mine)
    table = rows.table.select(EVENTS.names).combine_chunks()
    batches = table.to_batches()
    batch = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    return Columns(batch), rows.at_us, partitions[mine]
