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
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, TypeVar

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi
from psycopg import AsyncConnection
from redis.exceptions import RedisError

from services.kit import metrics, postgres
from services.kit.service import Pool
from services.kit.settings import Settings
from services.query.columnar import rows, store, writer
from services.query.columnar.layout import PLAIN_COLUMNS
from services.query.columnar.segment import Frontier, Segment, merges
from services.query.columnar.store import Outrun, Project
from services.query.columnar.stream import Lake, Stream, exported, threaded, written
from services.query.columnar.where import Inquiry
from services.query.columnar.writer import Damaged
from services.query.stream import Log

CUT_ROWS = 1 << 17
"""Rows of a segment when it is first written: they are put in order in memory."""
BEHIND_ROWS = 100_000
"""With so many rows in the log, writers need the machine for themselves."""
PATIENCE = 10
"""So many times `mirror_seconds` writers are waited for."""
KEEP_SECONDS = 600.0
"""How often a frontier moves though nothing has come: what commits touched is remembered for an hour only."""
MEMORY_BYTES = 128 << 20
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
                async with await postgres.connect(self._settings.database_url) as connection:
                    with _desk(self._settings) as desk:
                        await _Session(desk, connection, self._pool, self._log, self._settings).run(
                            self._draining
                        )
                failures = 0
            except (psycopg.Error, dbapi.Error, duckdb.Error, RedisError, OSError, Outrun) as error:
                failures += 1
                metrics.MIRROR_FAILURES.inc()
                log.warning("mirroring is interrupted and begins anew: %s", " ".join(str(error).split()))
                await _pause(self._draining, min(_MAX_BACKOFF_SECONDS, 0.1 * 2**failures))


async def idle(draining: asyncio.Event) -> None:
    """Worker: mirrors nothing."""
    log.warning(
        "TIDEMARK_SEGMENTS_FOLDER names no folder, so that nothing is mirrored; questions read the hypertable"
    )
    await draining.wait()


class _Desk:
    """What the heavy work is done with: one thread, a connection that reads rows, and DuckDB."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.segments_folder
        self.stream = Stream(postgres.conninfo(settings.database_url))
        self.lake = Lake(self.folder, MEMORY_BYTES, threads=1)
        self._thread = ThreadPoolExecutor(1, "mirror", initializer=_yield_to_others)

    async def do(self, work: Callable[[], T]) -> T:
        """Does heavy work; cancelled with its caller."""
        return await threaded(work, self.stream.cancel, self._thread)

    def close(self) -> None:
        """Gives everything back."""
        self._thread.shutdown()
        self.stream.close()
        self.lake.close()


@contextlib.contextmanager
def _desk(settings: Settings) -> Iterator[_Desk]:
    desk = _Desk(settings)
    try:
        yield desk
    finally:
        desk.close()


class _Session:
    """What a mirror does with one database session, which holds the lock."""

    def __init__(
        self, desk: _Desk, connection: AsyncConnection[Any], pool: Pool, log_: Log, settings: Settings
    ) -> None:
        self._desk, self._connection, self._pool, self._log = desk, connection, pool, log_
        self._settings = settings
        self._sweep_at = 0.0

    async def run(self, draining: asyncio.Event) -> None:
        while not draining.is_set() and not await store.elected(self._connection):
            await _pause(draining, _TICK)
        while not draining.is_set():
            moved = await self._cut_all(draining)
            merged = await self._merge_one()
            if time.monotonic() >= self._sweep_at:
                await self._sweep()
                self._sweep_at = time.monotonic() + _SWEEP_SECONDS
            if not (moved or merged):
                await _pause(draining, _TICK)

    async def _cut_all(self, draining: asyncio.Event) -> bool:
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
                cutter = _Cutter(self._desk.folder, project.project_id, before.batches, state.batches)
                segments = await self._desk.do(lambda: cutter.cut(self._desk.stream.batches(snapshot, text)))
        after = Frontier(state.batches, state.versions, received)
        await store.advance(self._connection, project.project_id, before, after, segments)
        metrics.MIRROR_ROWS.inc(sum(each.rows for each in segments))

    async def _merge_one(self) -> bool:
        """Makes one segment of several; whether there were any."""
        live = await store.live(self._connection)
        metrics.SEGMENT_ROWS.set(sum(each.rows for each in live))
        metrics.SEGMENT_BYTES.set(sum(each.size for each in live))
        for old in merges(live)[:1]:
            try:
                new = await self._desk.do(lambda old=old: _merged(old, self._desk))  # type: ignore[misc]
            except Damaged as error:
                await self._forget(old[0].project_id, str(error))
                return True
            await store.replace(self._connection, old, new)
            return True
        return False

    async def _sweep(self) -> None:
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
        for project_id in sorted({each.project_id for each in missing}):
            await self._forget(project_id, f"{len(missing)} files are missing or damaged")

    async def _forget(self, project_id: int, why: str) -> None:
        metrics.MIRROR_FAILURES.inc()
        log.error("project %d is mirrored anew, from the hypertable: %s", project_id, why)
        await store.forget(self._connection, project_id)


class _Cutter:
    """Makes segments of rows as they come, one for each month and so many rows."""

    def __init__(self, folder: str, project_id: int, first: Sequence[int], after: Sequence[int]) -> None:
        self._folder, self._project_id, self._batches = folder, project_id, (first, after)
        self._held: defaultdict[date, list[pa.Table]] = defaultdict(list)

    def cut(self, batches: Iterator[pa.RecordBatch]) -> list[Segment]:
        """The segments of all rows."""
        found = []
        for batch in batches:
            for month, table in _by_month(writer.plain(batch)):
                self._held[month].append(table)
            while sum(map(self._rows, self._held)) >= CUT_ROWS:
                found.append(self._write(max(self._held, key=self._rows)))
        return [*found, *map(self._write, sorted(self._held))]

    def _rows(self, month: date) -> int:
        return sum(map(len, self._held[month]))

    def _write(self, month: date) -> Segment:
        table = writer.ordered(pa.concat_tables(self._held[month]))
        self._held[month] = []
        return writer.write(self._folder, self._project_id, month, self._batches, [table])


def _by_month(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    at = table.column("occurred_at")
    numbers = pc.add(pc.multiply(pc.year(at), 12), pc.month(at))
    for number in pc.unique(numbers).to_pylist():
        year, month = divmod(number - 1, 12)
        yield date(year, month + 1, 1), table.filter(pc.equal(numbers, number))


def _merged(old: Sequence[Segment], desk: _Desk) -> Segment:
    """One segment of the rows of several."""
    for each in old:
        writer.check(desk.folder, each)
    inquiry = Inquiry()
    files = inquiry.value([f"{desk.lake.folder}/{each.path}" for each in old])
    inquiry.text = (
        "SELECT * REPLACE (unhex(replace(CAST(event_id AS VARCHAR), '-', '')) AS event_id)"
        f" FROM (SELECT {', '.join(PLAIN_COLUMNS)} FROM read_parquet({files})"  # noqa: S608
        " ORDER BY user_id NULLS LAST, occurred_at, event_id)"
    )
    first = tuple(map(min, *(each.first_batches for each in old)))
    after = tuple(map(max, *(each.after_batches for each in old)))
    with contextlib.closing(desk.lake.reader()) as reader:
        tables = map(writer.plain, reader.batches(inquiry))
        layouts = [each.layout for each in old]
        new = writer.write(desk.folder, old[0].project_id, old[0].month, (first, after), tables, layouts)
    if new.rows != sum(each.rows for each in old):
        raise Damaged(f"{new.rows} rows are left of {sum(each.rows for each in old)}")
    return new


def _yield_to_others() -> None:
    """Gives this thread a low priority; it is the only one that works hard."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def _pause(draining: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(draining.wait(), seconds)
