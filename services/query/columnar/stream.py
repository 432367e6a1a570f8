"""Reads many rows as Arrow: statements of `rows` and `sql` come in, record batches go out to `source` and `worker`.

Out of PostgreSQL they come over ADBC, which is measured to be five to ten times faster than psycopg for a million rows. Its
connection is another one than that of the question, so that it takes over the question's snapshot and sees exactly the same rows.
Out of segments they come by DuckDB. Both block, and run in a thread that can be cancelled.
"""

import asyncio
import contextlib
import contextvars
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg import AsyncClientCursor, AsyncConnection

from services.kit.scratch import Scratch
from services.query.columnar.where import Inquiry
from services.query.where import Statement

T = TypeVar("T")
BATCH_ROWS = 1 << 16
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_INSIST_SECONDS = 0.05


async def threaded(run: Callable[[], T], cancel: Callable[[], None], executor: Executor | None = None) -> T:
    """Runs what blocks in a thread. When the caller goes away it is cancelled, and waited for: it holds what others need."""
    context = contextvars.copy_context()
    running = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(executor, context.run, run))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # Again and again: between two statements there is nothing to cancel.
        while not running.done():
            cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({running}, timeout=_INSIST_SECONDS)
        if not running.cancelled():
            running.exception()  # Looked at, or it would be reported as forgotten.
        raise


async def exported(connection: AsyncConnection[Any]) -> str:
    """The name under which another connection can take over the snapshot of this one's transaction."""
    row = await (await connection.execute("SELECT pg_export_snapshot()")).fetchone()
    assert row is not None
    return str(row[0])


def written(connection: AsyncConnection[Any], statement: Statement) -> str:
    """A statement with its values in it, quoted by libpq: COPY, which makes ADBC fast, takes no parameters."""
    return str(AsyncClientCursor(connection).mogrify(statement.text, statement.parameters))  # type: ignore[arg-type]


class Stream:
    """One connection; used by one thread at a time, and cancelled from any."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: dbapi.Connection | None = None
        self._cancelled = False

    def take(self, snapshot: str) -> None:
        """Takes somebody's snapshot over, which may end there; it lasts here until rows were read."""
        self._cancelled = False
        if self._connection is not None:
            # It may have been idle through a restart of the server.
            with contextlib.suppress(dbapi.Error):
                self._begin(self._connection, snapshot)
                return
            self.close()
        self._connection = dbapi.connect(self._conninfo)
        self._begin(self._connection, snapshot)

    @staticmethod
    def _begin(connection: dbapi.Connection, snapshot: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT)
            cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")

    def rows(self, text: str) -> Generator[pa.RecordBatch]:
        """The rows of a statement in the snapshot taken over."""
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(text)
                for batch in cursor.fetch_record_batch():
                    if self._cancelled:
                        raise InterruptedError("the reading of rows was cancelled")
                    yield batch
            finally:
                self.end()

    def batches(self, snapshot: str, text: str) -> Iterator[pa.RecordBatch]:
        """The rows of a statement in somebody's snapshot."""
        self.take(snapshot)
        yield from self.rows(text)

    def cancel(self) -> None:
        """Ends the reading under way."""
        self._cancelled = True
        if self._connection is not None:
            with contextlib.suppress(dbapi.Error):
                self._connection.adbc_cancel()

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def end(self) -> None:
        """Ends the transaction, and with it the snapshot."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except dbapi.Error:
            self.close()


class Streams:
    """So many connections, opened when they are needed."""

    def __init__(self, conninfo: str, count: int) -> None:
        self._free = [Stream(conninfo) for _ in range(count)]
        self._turn = asyncio.Semaphore(count)
        self._closed = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Stream]:
        """A connection, when it is this caller's turn."""
        async with self._turn:
            stream = self._free.pop()
            try:
                yield stream
            finally:
                if self._closed:
                    stream.close()
                self._free.append(stream)

    def close(self) -> None:
        """Gives all connections back; those in use, once they are not."""
        self._closed = True
        for stream in self._free:
            stream.close()


class Lake:
    """DuckDB over the folder of segments, which with a folder of its own to spill to is all of the outside that it may touch."""

    def __init__(self, folder: str, memory_bytes: int) -> None:
        self.folder = str(Path(folder).resolve())
        self._spill = Scratch("tidemark-spill-")
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{memory_bytes}B",
                "temp_directory": str(self._spill.path),
                "threads": os.cpu_count() or 1,
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "allow_community_extensions": False,
                "python_enable_replacements": False,
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET allowed_directories = ?", [[f"{self.folder}/", f"{self._spill.path}/"]])
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def size(self, path: str) -> int | None:
        """The bytes of a file in the folder; None where there is none."""
        try:
            return Path(self.folder, path).stat().st_size
        except OSError:
            return None

    def reader(self) -> "Reader":
        """A reading, for one thread."""
        return Reader(self._connection.cursor())

    def close(self) -> None:
        """Lets no more readings begin; those under way come to their end."""
        self._connection.close()


class Reader:
    """Readings of one thread, which are cancelled from another."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._cancelled = False

    def batches(self, inquiry: Inquiry) -> Iterator[pa.RecordBatch]:
        """The rows of an inquiry, in order."""
        for name, table in inquiry.tables.items():
            self._connection.register(name, table)
        relation = self._connection.sql(inquiry.text, params=inquiry.named)
        for batch in relation.to_arrow_reader(BATCH_ROWS):
            if self._cancelled:
                raise InterruptedError("the reading of segments was cancelled")
            yield batch

    def cancel(self) -> None:
        """Ends the reading under way."""
        self._cancelled = True
        with contextlib.suppress(duckdb.Error):
            self._connection.interrupt()

    def close(self) -> None:
        """Gives back what it held."""
        self._connection.close()
