"""Reads what is exported: a question comes in, the messages of a file go out to `servicer`.

Events are read batch by batch in a thread, in the snapshot of the facts, and only when the caller has taken what came before.
Whoever goes away ends the statement in the database.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.kit.call import Project
from services.kit.errors import DeadlineExceeded, Unavailable
from services.kit.postgres import conninfo
from services.kit.settings import Settings
from services.kit.turns import Turns
from services.query.columnar.stream import Stream, exported, threaded, written
from services.query.export import rows
from services.query.export.format import File
from services.query.question import Events, Question, Table
from services.query.source import Source, answer
from services.query.state import Facts
from services.query.store import Snapshot, Store
from services.query.stream import Log
from services.query.trust import Origin, metadata
from tidemark.v1 import query_pb2 as pb
from tidemark.v1.question_pb2 import DATA_SOURCE_ROLLUP, Query

LARGEST_ANSWER = 1_000_000
"""People in one file at most; answers other than events are made in memory."""
_CONNECTIONS = 8
"""Exports of all projects that one process reads at once."""

log = logging.getLogger(__name__)


class Exports:
    """Answers as files."""

    def __init__(self, source: Source, store: Store, log: Log, settings: Settings) -> None:
        self._source, self._store, self._log, self._settings = source, store, log, settings
        self._turns = Turns(settings.export_concurrency, 0, "exports")
        self._conninfo, self._connections = _unhurried(settings), asyncio.Semaphore(_CONNECTIONS)

    async def file(
        self,
        query: Query,
        form: pb.ExportRequest.Format,
        project: Project,
        query_id: str,
        then: Facts | None = None,
    ) -> AsyncGenerator[pb.ExportResponse]:
        """The messages of a file: progress, pieces, and last how far it can be trusted; of a state that has passed, where one is
        given."""
        began = time.monotonic()
        question = await self._source.read(query, project, then)
        progress = pb.ExportResponse()
        async with self._turns.turn(project.project_id), AsyncExitStack() as stack:
            if isinstance(question, Events):
                file, origin = File(form, rows.EVENTS), Origin()
                facts, progress.rows_expected, batches = await stack.enter_async_context(
                    self._events(query, question, project, then)
                )
            else:
                table, facts, origin = await self._table(query, question, project, then)
                file, progress.rows_expected = File(form, table.schema), table.num_rows
                batches = _all(table.to_batches())
            yield progress
            async for batch in batches:
                progress.rows += batch.num_rows
                for message in _pieces(progress, await asyncio.to_thread(file.write, batch)):
                    yield message
            for message in _pieces(progress, await asyncio.to_thread(file.end)):
                yield message
        in_flight, elapsed = await self._log.in_flight(facts), time.monotonic() - began
        progress.metadata.CopyFrom(metadata(question.span, facts, in_flight, elapsed, query_id, origin))
        yield progress

    @asynccontextmanager
    async def _events(
        self, query: Query, question: Events, project: Project, then: Facts | None
    ) -> AsyncIterator[tuple[Facts, int, AsyncIterator[pa.RecordBatch]]]:
        """The facts of a snapshot, how many events the rollups know of, and the batches of all of them."""
        stream, reader = Stream(self._conninfo), None
        async with self._connections:
            try:
                seconds = self._settings.query_seconds
                async with self._store.snapshot(project.project_id, seconds, then=then) as snapshot:
                    facts = await snapshot.facts()
                    expected = await self._expected(query, project, snapshot, facts, then)
                    until = await snapshot.limit(question.span)
                    text = written(snapshot.connection, rows.events(question, project.project_id, until))
                    name = await exported(snapshot.connection)
                    await threaded(lambda: stream.take(name), stream.cancel)
                # The pool has its connection back; the stream keeps the snapshot.
                reader = stream.rows(text)
                yield facts, expected, self._read(reader, stream)
            finally:
                await asyncio.shield(asyncio.to_thread(_end, stream, reader))

    async def _read(self, reader: Generator[pa.RecordBatch], stream: Stream) -> AsyncIterator[pa.RecordBatch]:
        seconds = self._settings.export_seconds
        late = DeadlineExceeded(f"the export took longer than {seconds:.3g} s: ask for less")
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    batch = await threaded(lambda: next(reader, None), stream.cancel)
            except TimeoutError as error:
                raise late from error
            except (dbapi.Error, OSError) as error:
                if "statement timeout" in str(error):
                    raise late from error
                log.warning("an export was broken off: %s", error)
                raise Unavailable("the database ended the export: ask again") from error
            if batch is None:
                return
            yield batch

    async def _expected(
        self, query: Query, project: Project, snapshot: Snapshot, facts: Facts, then: Facts | None
    ) -> int:
        """How many events there are, where the rollups know; else 0."""
        counted = await self._source.read(rows.counting(query), project, then)
        assert isinstance(counted, Table)
        if (await snapshot.plan(counted)).source != DATA_SOURCE_ROLLUP:
            return 0
        answered = await answer(counted, snapshot, facts.at)
        return int(answered.result.total.values[0])  # type: ignore[union-attr]

    async def _table(
        self, query: Query, question: Question, project: Project, then: Facts | None
    ) -> tuple[pa.Table, Facts, Origin]:
        seconds = self._settings.query_seconds
        async with self._store.snapshot(project.project_id, seconds, then=then) as snapshot:
            facts = await snapshot.facts()
            answered = await answer(question, snapshot, facts.at, LARGEST_ANSWER)
        return await asyncio.to_thread(rows.table, query, answered.result), facts, answered.origin


def _unhurried(settings: Settings) -> str:
    """As the pool connects, with a time limit of its own."""
    info = conninfo(settings.database_url)
    limit = max(1, int(settings.export_seconds * 1000))
    return make_conninfo(info, options=f"{conninfo_to_dict(info)['options']} -c statement_timeout={limit}")


def _pieces(progress: pb.ExportResponse, pieces: Iterable[bytes]) -> Iterator[pb.ExportResponse]:
    for piece in pieces:
        yield pb.ExportResponse(chunk=piece, rows=progress.rows, rows_expected=progress.rows_expected)


async def _all(batches: Iterable[pa.RecordBatch]) -> AsyncIterator[pa.RecordBatch]:
    for batch in batches:
        yield batch


def _end(stream: Stream, reader: Generator[pa.RecordBatch] | None) -> None:
    """Has the database stop sending what nobody reads any more."""
    stream.cancel()
    if reader is not None:
        reader.close()
    stream.close()
