"""The append-only record of what was done and read, hash-chained for each project (`chain.py`).

`rpc.py` passes every call through `Audit.recorded`. Reads and changes are recorded when they end, streams when their first
answer goes out; of what producers send, only the opening of streams and refusals. No record, no answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import psycopg

from services.kit import metrics
from services.kit.call import NOBODY, Call, current
from services.kit.chain import GENESIS, Entry, Fault, Verifier, link, storable
from services.kit.errors import Unavailable
from services.kit.failure import code_of
from services.kit.service import Pool
from tidemark.v1.access_pb2 import PERMISSION_READ, PERMISSION_WRITE

GROUP = 500
"""Entries that one transaction appends at most."""
GATHERED = 10_000
"""Entries that may wait; beyond, calls are refused at once."""

# Sorted, so that two groups never lock two heads in opposite order.
_LOCK = """
    INSERT INTO audit_heads (project_id, sequence, hash)
    SELECT project_id, 0, %s FROM unnest(%s::integer[]) AS project_id ORDER BY project_id
    ON CONFLICT (project_id) DO UPDATE SET sequence = audit_heads.sequence
    RETURNING project_id, sequence, hash
"""
_APPEND = """
    INSERT INTO audit_log (project_id, occurred_at, actor, action, resource, peer, outcome, request_id, sequence, hash)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_ADVANCE = "UPDATE audit_heads SET sequence = %s, hash = %s WHERE project_id = %s"
_READ = """
    SELECT project_id, occurred_at, actor, action, resource, peer, outcome, request_id, sequence, hash
    FROM audit_log WHERE project_id = %s ORDER BY sequence
"""
_HEAD = "SELECT sequence, hash FROM audit_heads WHERE project_id = %s"

log = logging.getLogger(__name__)


def note(resource: str) -> None:
    """Says what the call under way is about; the audit entry will hold it."""
    current.get().resource = resource


async def append(connection: psycopg.AsyncConnection[Any], entries: Sequence[Entry]) -> None:
    """Appends entries to the chains of their projects, in the caller's transaction."""
    async with connection.cursor() as cursor:
        projects = sorted({entry.project_id for entry in entries})
        await cursor.execute(_LOCK, (GENESIS, projects))
        heads = {project_id: (sequence, stored) for project_id, sequence, stored in await cursor.fetchall()}
        rows = []
        for entry in entries:
            sequence, previous = heads[entry.project_id]
            heads[entry.project_id] = sequence + 1, link(previous, sequence + 1, entry)
            rows.append((*astuple(entry), *heads[entry.project_id]))
        await cursor.executemany(_APPEND, rows)
        await cursor.executemany(_ADVANCE, [(*heads[project_id], project_id) for project_id in projects])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found."""

    checked: int
    fault: Fault | None


async def verify(pool: Pool, project_id: int) -> Verdict:
    """Walks along a project's whole chain, at a memory that does not grow with it."""
    verifier = Verifier()
    async with pool.connection() as connection, connection.transaction():
        # One snapshot, or entries appended meanwhile would look like a fault.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        head = await (await connection.execute(_HEAD, (project_id,))).fetchone()
        async with connection.cursor("audit") as cursor:
            cursor.itersize = 2000
            await cursor.execute(_READ, (project_id,))
            async for *fields, sequence, stored in cursor:
                fault = verifier.add(sequence, Entry(*fields), stored)
                if fault is not None:
                    return Verdict(verifier.sequence, fault)
    return Verdict(verifier.sequence, verifier.finish(*(head or (0, GENESIS))))


class Audit:
    """Records calls. What gathers while one transaction is under way goes into the next, together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._gathered: list[tuple[Entry, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def recorded(self, call: Call) -> AsyncIterator[None]:
        """The layer that records a call before its answer is complete."""
        recorded = False

        async def record(code: grpc.StatusCode) -> None:
            nonlocal recorded
            if not recorded and _concerns(call, code):
                recorded = True
                await self._written(self._gather(_entry(call, code)))

        if call.method.streams:
            call.opened = lambda: record(grpc.StatusCode.OK)
        try:
            yield
        except asyncio.CancelledError:
            # Nobody waits for an answer any more, so none is held back; the entry is written all the same.
            if not recorded and _concerns(call, grpc.StatusCode.CANCELLED):
                self._gather(_entry(call, grpc.StatusCode.CANCELLED))
            raise
        except Exception as error:
            await record(code_of(error))
            raise
        else:
            await record(grpc.StatusCode.OK)

    async def run(self) -> None:
        """Appends what gathers, group by group, until cancelled."""
        while True:
            await self._wake.wait()
            group, self._gathered = self._gathered[:GROUP], self._gathered[GROUP:]
            if not self._gathered:
                self._wake.clear()
            await self._append_group(group)

    async def _append_group(self, group: list[tuple[Entry, asyncio.Future[None]]]) -> None:
        failure: psycopg.Error | None = None
        try:
            async with self._pool.connection() as connection:
                await append(connection, [entry for entry, _ in group])
        except psycopg.Error as error:
            failure = error
            log.error("%d audit entries could not be written, so their calls fail: %s", len(group), error)
        metrics.AUDIT_ENTRIES.labels("failed" if failure else "written").inc(len(group))
        for _, written in group:
            if written.done():
                continue
            if failure is None:
                written.set_result(None)
            else:
                written.set_exception(failure)

    def _gather(self, entry: Entry) -> asyncio.Future[None]:
        if len(self._gathered) >= GATHERED:
            raise Unavailable("the audit log is not keeping up: retry", reason="AUDIT_UNAVAILABLE")
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathered.append((entry, written))
        self._wake.set()
        return written

    async def _written(self, written: asyncio.Future[None]) -> None:
        try:
            await written
        except psycopg.Error as error:
            raise Unavailable("the audit log cannot be written: retry", reason="AUDIT_UNAVAILABLE") from error


def _concerns(call: Call, code: grpc.StatusCode) -> bool:
    """Whether the log wants to know: all but anonymous calls, those with a link that opens nothing, the single batches of producers,
    and what our own services read for themselves; what somebody asks them for is recorded where it is asked."""
    if call.caller is None:
        return False
    if call.caller is NOBODY and call.project is None:
        return code is grpc.StatusCode.OK
    if call.caller.is_service and call.method.permission == PERMISSION_READ and code is grpc.StatusCode.OK:
        return False
    return (
        call.method.permission != PERMISSION_WRITE
        or call.method.streams
        or code is grpc.StatusCode.PERMISSION_DENIED
    )


def _entry(call: Call, code: grpc.StatusCode) -> Entry:
    assert call.caller is not None
    project_id = call.project.project_id if call.project is not None else call.caller.project_id or 0
    return Entry(
        project_id=project_id,
        occurred_at=datetime.now(UTC),
        actor=call.caller.name,
        action=call.method.full_name,
        resource=storable(call.resource),
        peer=storable(call.peer),
        outcome=code.name,
        request_id=call.request_id,
    )
