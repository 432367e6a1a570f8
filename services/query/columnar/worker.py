"""The loop that mirrors events to segments: what was committed is read once, written as files of columns, and told to questions.

One process does it, elected by a lock that its database session holds; frontiers move in that session, so that whoever has lost
the lock moves nothing. Whatever goes wrong it begins anew from the database. It is in no hurry: it waits while writers are behind,
and its thread has a low priority.
"""

import asyncio
import contextlib
import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg import AsyncConnection
from redis.exceptions import RedisError

from services.kit import metrics, postgres
from services.kit.loop import pause
from services.kit.service import Pool
from services.kit.settings import Settings
from services.query.columnar import rows, store, writer
from services.query.columnar.erase import Erasure, concerned
from services.query.columnar.segment import Frontier, Segment, merges
from services.query.columnar.store import Outrun, Project
from services.query.columnar.stream import Stream, exported, threaded, written
from services.query.columnar.writer import Cutter, Damaged, merged, rewritten
from services.query.stream import Log

BEHIND_ROWS = 100_000
"""With so many rows in the log, writers need the machine for themselves."""
PATIENCE = 10
"""So many times `mirror_seconds` writers are waited for."""
KEEP_SECONDS = 600.0
"""How often a frontier moves though nothing has come: what commits touched is remembered for an hour only."""
_TICK, _SWEEP_SECONDS, _MAX_BACKOFF_SECONDS = 1.0, 30.0, 10.0
_NICE = 10

T = TypeVar("T")
log = logging.getLogger(__name__)


class Mirror:
    """The mirror of one process."""

    def __init__(self, pool: Pool, log_: Log, settings: Settings, draining: asyncio.Event) -> None:
        self._pool, self._log, self._settings, self._draining = pool, log_, settings, draining

    async def run(self) -> None:
        """Worker: mirrors until `draining`; outlives the absence of PostgreSQL and Redis, and a full disk."""
        # Taking documents apart makes millions of objects and no cycle; looking for some takes half of the time.
        gc.set_threshold(100_000, 50, 100)
        failures = 0
        while not self._draining.is_set():
            try:
                async with await postgres.attempt(self._settings.database_url) as connection:
                    with contextlib.closing(Desk(self._settings)) as desk:
                        await Session(desk, connection, self._pool, self._log, self._settings).run(
                            self._draining
                        )
                failures = 0
            except (psycopg.Error, dbapi.Error, pa.ArrowException, RedisError, OSError, Outrun) as error:
                failures += 1
                metrics.MIRROR_FAILURES.inc()
                log.warning("mirroring is interrupted and begins anew: %s", " ".join(str(error).split()))
                await pause(self._draining, min(_MAX_BACKOFF_SECONDS, 0.1 * 2**failures))


async def idle(draining: asyncio.Event) -> None:
    """Worker: mirrors nothing."""
    log.warning(
        "TIDEMARK_SEGMENTS_FOLDER names no folder, so that nothing is mirrored; questions read the hypertable"
    )
    await draining.wait()


class Desk:
    """What the heavy work is done with: one thread, and a connection that reads rows."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.segments_folder
        self.stream = Stream(postgres.conninfo(settings.database_url))
        self._stopped = False
        self._thread = ThreadPoolExecutor(1, "mirror", initializer=_yield_to_others)

    async def do(self, work: Callable[[], T]) -> T:
        """Does heavy work; cancelled with its caller."""

        def run() -> T:
            try:
                return work()
            finally:
                # Here, for Arrow keeps what is free by thread.
                pa.default_memory_pool().release_unused()

        return await threaded(run, self._cancel, self._thread)

    def stopped(self) -> bool:
        """Whether the work under way shall end."""
        return self._stopped

    def _cancel(self) -> None:
        self._stopped = True
        self.stream.cancel()

    def close(self) -> None:
        """Gives everything back."""
        self._thread.shutdown()
        self.stream.close()


class Session:
    """What a mirror does with one database session, which holds the lock."""

    def __init__(
        self, desk: Desk, connection: AsyncConnection[Any], pool: Pool, log_: Log, settings: Settings
    ) -> None:
        self._desk, self._connection, self._pool, self._log = desk, connection, pool, log_
        self._settings = settings
        self._sweep_at, self._checked = 0.0, 0

    async def run(self, draining: asyncio.Event) -> None:
        """Waits to be elected, and mirrors until `draining`."""
        while not draining.is_set() and not await store.elected(self._connection):
            await pause(draining, _TICK)
        merged = True
        while not draining.is_set():
            await self.erase()
            moved = await self.cut_all(draining)
            # Only what was written can have made segments too many.
            merged = (moved or merged) and await self.merge_one()
            if time.monotonic() >= self._sweep_at:
                await self.sweep()
                self._sweep_at = time.monotonic() + _SWEEP_SECONDS
            if not (moved or merged):
                await pause(draining, _TICK)

    async def cut_all(self, draining: asyncio.Event) -> bool:
        """Mirrors every project that has enough new rows, or rows that have waited long enough; whether there was one."""
        found = await store.projects(self._connection)
        late = [each.age or 0.0 for each in found if each.waiting]
        metrics.MIRROR_LAG_SECONDS.set(max(late, default=0.0))
        moved = False
        for project in found:
            if draining.is_set():
                break
            if await self._due(project):
                await self._cut(project)
                moved = moved or project.waiting > 0
        return moved

    async def _due(self, project: Project) -> bool:
        if not project.waiting:
            return project.age is not None and project.age >= KEEP_SECONDS
        seconds = self._settings.mirror_seconds
        if project.age is not None and project.age < seconds and project.waiting < self._settings.mirror_rows:
            return False
        return not await self._writers_are_behind() or (project.age or 0.0) >= PATIENCE * seconds

    async def _writers_are_behind(self) -> bool:
        state = await store.state(self._connection)
        try:
            appended = sum(received for received, _ in await self._log.appended(len(state.batches)))
        except RedisError:
            return False  # Without Redis nothing is written.
        return appended - state.received >= BEHIND_ROWS

    async def _cut(self, project: Project) -> None:
        """Writes what a project has got since its frontier, and moves that."""
        before = project.frontier
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            state = await store.state(connection)
            received = await store.received(connection, project.project_id)
            spans = None
            if project.remembered:
                spans = await store.touched(connection, project.project_id, before.versions)
            segments: list[Segment] = []
            if spans is None or spans:
                statement = rows.mirrored(project.project_id, before.batches, state.batches, spans)
                snapshot, text = await exported(connection), written(connection, statement)
                cutter = Cutter(self._desk.folder, project.project_id, before.batches, state.batches)
                segments = await self._desk.do(lambda: cutter.cut(self._desk.stream.batches(snapshot, text)))
        after = Frontier(state.batches, state.versions, received)
        await store.advance(self._connection, project.project_id, before, after, segments)
        metrics.MIRROR_ROWS.inc(sum(each.rows for each in segments))

    async def merge_one(self) -> bool:
        """Makes one segment of several; whether there were any."""
        live = await store.live(self._connection)
        metrics.SEGMENT_ROWS.set(sum(each.rows for each in live))
        metrics.SEGMENT_BYTES.set(sum(each.size for each in live))
        for old in merges(live)[:1]:
            try:
                new = await self._desk.do(lambda old=old: merged(self._desk.folder, old, self._desk.stopped))  # type: ignore[misc]
            except Damaged as error:
                await self._forget(old[0].project_id, str(error))
                return True
            await store.replace(self._connection, old, new)
            return True
        return False

    async def erase(self) -> None:
        """Removes from segments what has left the hypertable: people at once, what is too old in its time.

        Nothing is being written meanwhile, and what is written from here on is read from a hypertable that holds no such row.
        """
        for removal in await store.removals(self._connection):
            for old in concerned(await store.live(self._connection), removal):
                try:
                    if not await self._desk.do(lambda: writer.holds(self._desk.folder, old, removal)):  # noqa: B023
                        continue
                    new = await self._desk.do(
                        lambda: rewritten(self._desk.folder, old, removal, self._desk.stopped)  # noqa: B023
                    )
                except (Damaged, OSError, pa.ArrowException) as error:
                    await self._forget(old.project_id, str(error))
                    return
                await store.cleaned(self._connection, removal, old, new)
            if isinstance(removal, Erasure):
                await self._discard(removal.project_id)
                await store.erased(self._connection, removal)
                log.info("erasure %s: no segment holds the person", removal.erasure_id)

    async def _discard(self, project_id: int) -> None:
        """Removes the files of a project that no question begins to read, at once: those of retired segments, and of none."""
        folder = self._desk.folder
        gone = await store.retired(self._connection, project_id)
        for each in gone:
            writer.remove(folder, each.path)
        await store.drop(self._connection, [each.segment_id for each in gone])
        known = await store.known(self._connection)
        for segment_id, place, _ in await self._desk.do(lambda: list(writer.files(folder))):
            if segment_id not in known and place.startswith(f"{project_id}/"):
                writer.remove(folder, place)

    async def sweep(self) -> None:
        """Removes files that nobody reads any more, and has projects mirrored anew whose files are missing."""
        folder, grace = self._desk.folder, self._settings.mirror_grace_seconds
        gone = await store.gone(self._connection, grace)
        for each in gone:
            writer.remove(folder, each.path)
        await store.drop(self._connection, [each.segment_id for each in gone])
        known = await store.known(self._connection)
        # What no row tells of was written by a mirror that died before it could tell.
        for segment_id, place, written_at in await self._desk.do(lambda: list(writer.files(folder))):
            if segment_id not in known and written_at < time.time() - grace:
                writer.remove(folder, place)
        live = await store.live(self._connection)
        missing = await self._desk.do(lambda: [each for each in live if not writer.present(folder, each)])
        if live and not missing:
            # All that is in them takes long to check: one file at a time, in turn.
            self._checked = (self._checked + 1) % len(live)
            one = live[self._checked]
            if not await self._desk.do(lambda: writer.sound(folder, one)):
                missing = [one]
        for project_id in sorted({each.project_id for each in missing}):
            await self._forget(project_id, f"{missing[0].path} is missing or damaged")

    async def _forget(self, project_id: int, why: str) -> None:
        metrics.MIRROR_FAILURES.inc()
        log.error("project %d is mirrored anew, from the hypertable: %s", project_id, why)
        await store.forget(self._connection, project_id)


def _yield_to_others() -> None:
    """Gives this thread a low priority; it is the only one that works hard."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
