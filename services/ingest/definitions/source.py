"""The definition of every project that sends: `intake` asks with each batch, `store` is asked every half second what has changed.

While the database is away the definitions known last are applied.
"""

import asyncio
import logging

import psycopg
from psycopg_pool import PoolTimeout

from services.ingest.definitions import store
from services.ingest.definitions.definition import Definition, compiled
from services.kit.errors import Invalid, Unavailable
from services.kit.loop import pause
from services.kit.service import Pool

LOOK_SECONDS = 0.5
"""How often it is asked what has changed; with the time to read it, less than the second within which a change takes effect."""
log = logging.getLogger(__name__)


class Definitions:
    """The definitions of this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[int, tuple[int, Definition]] = {}
        """Revision and definition, by project."""
        self._loading: dict[int, asyncio.Task[Definition]] = {}

    async def of(self, project_id: int) -> Definition:
        """The present definition of a project; raises `Unavailable` where none was ever read and none can be."""
        known = self._known.get(project_id)
        if known is not None:
            return known[1]
        # Whoever asks while it is read waits for that reading, which goes on if the first asker gives up.
        loading = self._loading.get(project_id)
        if loading is None:
            loading = self._loading[project_id] = asyncio.create_task(self._load(project_id))
            loading.add_done_callback(lambda _: self._loading.pop(project_id))
        try:
            return await asyncio.shield(loading)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise Unavailable("the project's rules and schemas cannot be read; retry") from error

    async def watch(self, draining: asyncio.Event) -> None:
        """Worker: reads what has changed, until `draining`."""
        while not draining.is_set():
            try:
                await self._look()
            except (psycopg.Error, PoolTimeout, OSError) as error:
                log.warning("rules and schemas stay as they were known last: %s", str(error).strip())
            await pause(draining, LOOK_SECONDS)

    async def _look(self) -> None:
        if not self._known:
            return
        async with self._pool.connection() as connection:
            present = await store.revisions(connection, self._known)
        for project_id, (revision, _) in list(self._known.items()):
            if present.get(project_id, 0) != revision:
                await self._load(project_id)

    async def _load(self, project_id: int) -> Definition:
        async with self._pool.connection() as connection:
            found = await store.read(connection, project_id)
        try:
            definition = await asyncio.to_thread(compiled, found.rules, found.hash_key, found.schemas)
        except Invalid as error:
            # A newer release has checked it: this one cannot apply it, and must not store what it has not judged.
            log.error(
                "the definitions of project %d cannot be applied by this release: %s", project_id, error
            )
            known = self._known.get(project_id)
            if known is None:
                raise Unavailable(
                    "the project's rules and schemas are of a newer release than this server; retry"
                ) from error
            definition = known[1]
        self._known[project_id] = (found.revision, definition)
        return definition
