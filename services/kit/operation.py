"""Long work: whoever asks for it makes a row, a worker of any replica takes it, and callers follow it by OperationService.

A worker holds the row by a lease, which every report of progress renews: when its process dies, another takes the row and begins anew, and
at once where the process drains (`Job.release`).
What is done must therefore be safe to do twice, and its result be written in the transaction that ends the operation (`Job.done`).
"""

import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from google.longrunning import operations_pb2
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from psycopg.rows import class_row

from services.kit.errors import Error
from services.kit.service import Pool
from tidemark.v1.operation_pb2 import OperationMetadata

KEPT = timedelta(days=30)
LEASE = timedelta(seconds=30)

_COLUMNS = """
    operation_id, slug AS project, verb, target, request, operations.created_at, started_at, ended_at, attempts, progress, step,
    cancel_requested, response, error
"""
_INSERT = (
    "INSERT INTO operations (operation_id, project_id, verb, target, request) VALUES (%s, %s, %s, %s, %s)"
)
_FORGET = "DELETE FROM operations WHERE project_id = %s AND ended_at < now() - %s"
_READ = f"SELECT {_COLUMNS} FROM operations JOIN projects USING (project_id) WHERE project_id = %s AND operation_id = %s"  # noqa: S608
_LIST = f"""
    SELECT {_COLUMNS} FROM operations JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND (%(target)s = '' OR target = %(target)s)
      AND (%(before)s = '' OR (operations.created_at, operation_id)
           < (SELECT created_at, operation_id FROM operations WHERE operation_id = %(before)s))
    ORDER BY operations.created_at DESC, operation_id DESC LIMIT %(limit)s
"""  # noqa: S608
_CANCEL = """
    UPDATE operations SET cancel_requested = true
    WHERE project_id = %s AND operation_id = %s AND ended_at IS NULL
"""
# Waiting ones, and those whose worker has not been heard of.
_CLAIM = f"""
    UPDATE operations SET started_at = now(), attempts = attempts + 1, owner = %(owner)s, leased_until = now() + %(lease)s
    FROM projects
    WHERE operations.project_id = projects.project_id AND operation_id = (
        SELECT operation_id FROM operations
        WHERE verb = %(verb)s AND ended_at IS NULL AND (leased_until IS NULL OR leased_until < now())
        ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {_COLUMNS}, operations.project_id
"""  # noqa: S608
_PROGRESS = """
    UPDATE operations SET progress = %s, step = %s, leased_until = now() + %s
    WHERE operation_id = %s AND owner = %s AND ended_at IS NULL RETURNING cancel_requested
"""
# As if it had not been taken: that a process ends in order says nothing against the work.
_RELEASE = """
    UPDATE operations SET leased_until = NULL, attempts = attempts - 1
    WHERE operation_id = %s AND owner = %s AND ended_at IS NULL
"""
_END = """
    UPDATE operations SET ended_at = now(), leased_until = NULL, response = %s, error = %s,
                          progress = CASE WHEN %s THEN 1 ELSE progress END
    WHERE operation_id = %s AND owner = %s AND ended_at IS NULL
"""

Connection = psycopg.AsyncConnection[Any]


class Cancelled(Exception):
    """The operation was asked to stop, or belongs to another worker by now: end without a result."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of `operations`."""

    operation_id: str
    project: str
    verb: str
    target: str
    request: bytes
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    progress: float
    step: str
    cancel_requested: bool
    response: bytes | None
    error: bytes | None

    @property
    def name(self) -> str:
        """`projects/{project}/operations/{operation}`."""
        return f"projects/{self.project}/operations/{self.operation_id}"

    def message(self) -> operations_pb2.Operation:
        """As callers see it."""
        about = OperationMetadata(
            verb=self.verb, target=self.target, progress=self.progress, step=self.step,
            cancel_requested=self.cancel_requested, attempts=self.attempts,
        )  # fmt: skip
        about.create_time.FromDatetime(self.created_at)
        if self.started_at is not None:
            about.start_time.FromDatetime(self.started_at)
        if self.ended_at is not None:
            about.end_time.FromDatetime(self.ended_at)
        shown = operations_pb2.Operation(name=self.name, done=self.ended_at is not None)
        shown.metadata.Pack(about)
        if self.error is not None:
            shown.error.ParseFromString(self.error)
        elif self.response is not None:
            shown.response.ParseFromString(self.response)
        return shown


@dataclass(frozen=True, slots=True)
class Claimed(Operation):
    """One that a worker has taken."""

    project_id: int


@dataclass(frozen=True, slots=True)
class Job:
    """An operation in the hands of a worker."""

    pool: Pool
    owner: str
    operation: Claimed

    def request(self, kind: type[Message]) -> Message:
        """What was asked for."""
        packed, asked = Packed.FromString(self.operation.request), kind()
        packed.Unpack(asked)
        return asked

    async def progress(self, share: float, step: str) -> None:
        """Tells how far it is and keeps it for another `LEASE`; raises `Cancelled` when it is to stop."""
        values = (min(max(share, 0.0), 1.0), step, LEASE, self.operation.operation_id, self.owner)
        async with self.pool.connection() as connection:
            row = await (await connection.execute(_PROGRESS, values)).fetchone()
        if row is None or row[0]:
            raise Cancelled(self.operation.name)

    async def release(self) -> None:
        """Gives back what has not ended, for another worker to begin anew at once."""
        async with self.pool.connection() as connection:
            await connection.execute(_RELEASE, (self.operation.operation_id, self.owner))

    async def done(self, connection: Connection, response: Message) -> None:
        """Ends it with a response, in the transaction that writes its result; raises `Cancelled` when it is another worker's."""
        packed = Packed()
        packed.Pack(response)
        await self._end(connection, packed.SerializeToString(), None)

    async def failed(self, error: Error, connection: Connection | None = None) -> None:
        """Ends it with an error, in the caller's transaction where there is one."""
        async with self._held(connection) as held:
            await self._end(held, None, error.status().SerializeToString())

    async def cancelled(self, connection: Connection | None = None) -> bool:
        """Ends it as cancelled, in the caller's transaction where there is one; False where it is another worker's."""
        status = Status(code=1, message="it was asked to stop")
        values = (None, status.SerializeToString(), False, self.operation.operation_id, self.owner)
        async with self._held(connection) as held:
            return (await held.execute(_END, values)).rowcount > 0

    def _held(self, connection: Connection | None) -> AbstractAsyncContextManager[Connection]:
        return self.pool.connection() if connection is None else nullcontext(connection)

    async def _end(self, connection: Connection, response: bytes | None, error: bytes | None) -> None:
        values = (response, error, error is None, self.operation.operation_id, self.owner)
        if not (await connection.execute(_END, values)).rowcount:
            raise Cancelled(self.operation.name)


async def create(connection: Connection, project_id: int, verb: str, target: str, request: Message) -> str:
    """Makes an operation in the caller's transaction; gives its id. Those that ended long ago are forgotten."""
    packed = Packed()
    packed.Pack(request)
    operation_id = f"{verb}-{secrets.token_hex(8)}"
    await connection.execute(_FORGET, (project_id, KEPT))
    await connection.execute(
        _INSERT, (operation_id, project_id, verb, target, packed.SerializeToString(deterministic=True))
    )
    return operation_id


async def read(connection: Connection, project_id: int, operation_id: str) -> Operation | None:
    """An operation, or None where there is none of this id."""
    async with connection.cursor(row_factory=class_row(Operation)) as cursor:
        return await (await cursor.execute(_READ, (project_id, operation_id))).fetchone()


async def listed(
    connection: Connection, project_id: int, target: str, before: str, limit: int
) -> Sequence[Operation]:
    """Operations newest first, from behind the one named `before`."""
    values = {"project_id": project_id, "target": target, "before": before, "limit": limit}
    async with connection.cursor(row_factory=class_row(Operation)) as cursor:
        return await (await cursor.execute(_LIST, values)).fetchall()


async def cancel(connection: Connection, project_id: int, operation_id: str) -> None:
    """Asks one that goes on to stop."""
    await connection.execute(_CANCEL, (project_id, operation_id))


async def claim(pool: Pool, verb: str, owner: str) -> Job | None:
    """The oldest operation of this verb that nobody works on; None where there is none."""
    values = {"verb": verb, "owner": owner, "lease": LEASE}
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Claimed)) as cursor:
        taken = await (await cursor.execute(_CLAIM, values)).fetchone()
    return None if taken is None else Job(pool, owner, taken)
