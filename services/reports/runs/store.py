"""Runs in the database. Messages come in from the servicer of `editions`, from `worker` and from the schedules; records go back.

`begin`, `release`, `leave_out` and `fail` work in the caller's transaction: the schedules' own, which writes a run and moves on to the
next slot, or does neither.
"""

# ruff: noqa: S608  (statements are made of constants of this module; values are always parameters)

import asyncio
import secrets
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import psycopg
from google.protobuf.message import Message
from psycopg.rows import class_row

from services.kit import operation
from services.kit.call import Project
from services.kit.errors import Error, Exhausted, NotFound, Refused
from services.kit.operation import Job, Operation
from services.kit.repetition import remember
from services.kit.service import Pool
from services.reports.delivery.store import enqueue
from services.reports.editions.store import Made
from services.reports.editions.store import Store as EditionStore
from services.reports.runs.record import ENDED, RunRecord
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter, TimeRange
from tidemark.v1.report_pb2 import Report, ReportFormat
from tidemark.v1.schedule_pb2 import Recipient

REPORT = "report"
"""The verb of operations that make editions."""
MAX_WAITING = 50
"""Runs of a project that somebody asked for and nobody has begun."""

_RUN = """
    runs.run_number, run_id, runs.project_id, slug AS project, projects.display_name AS project_title, time_zone AS project_zone, runs.report_id, report_version, schedule_id, slot_at, state, reason,
    operation_id, formats, recipients, filter, time_range, skip_empty, repeats, runs.created_at, ended_at,
    ARRAY(SELECT edition_id FROM editions WHERE editions.run_number = runs.run_number ORDER BY edition_number) AS editions
"""
_RUNS = f"SELECT {_RUN} FROM runs JOIN projects USING (project_id)"
_BEGIN = """
    INSERT INTO runs (run_id, project_id, report_id, report_version, schedule_id, slot_at, state, reason, formats, recipients,
        filter, time_range, skip_empty, repeats, ended_at)
    VALUES (%(run_id)s, %(project_id)s, %(report_id)s, %(report_version)s, %(schedule)s, %(slot)s, %(state)s, %(reason)s, %(formats)s,
        %(recipients)s, %(filter)s, %(time_range)s, %(skip_empty)s, %(repeats)s, CASE WHEN %(ended)s THEN now() END)
    ON CONFLICT DO NOTHING
"""
_BY_SLOT = f"{_RUNS} WHERE project_id = %(project_id)s AND report_id = %(report_id)s AND schedule_id = %(schedule)s AND slot_at = %(slot)s"
_BY_ID = f"{_RUNS} WHERE project_id = %(project_id)s AND report_id = %(report_id)s AND run_id = %(run_id)s"
_BY_NUMBER = f"{_RUNS} WHERE run_number = %s"
_OF_OPERATION = f"{_RUNS} WHERE operation_id = %s"
_LIST_RUNS = f"""
    {_RUNS} WHERE project_id = %(project_id)s AND (%(report)s::text IS NULL OR runs.report_id = %(report)s)
      AND (%(states)s::int[] = '{{}}' OR state = ANY (%(states)s))
      AND (%(schedule)s::text IS NULL OR schedule_id = %(schedule)s)
      AND (%(start)s::timestamptz IS NULL OR runs.created_at >= %(start)s)
      AND (%(end)s::timestamptz IS NULL OR runs.created_at < %(end)s)
      AND (%(at)s::timestamptz IS NULL OR (runs.created_at, run_id) < (%(at)s, %(id)s))
    ORDER BY runs.created_at DESC, run_id DESC LIMIT %(limit)s
"""
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_WAITING = "SELECT count(*) FROM runs WHERE project_id = %s AND state = 1"
_FOLLOW = "UPDATE runs SET state = 1, reason = '', operation_id = %(operation)s WHERE run_number = %(run)s AND state = 2"
_RETRY = """
    UPDATE runs SET state = 1, reason = '', ended_at = NULL, report_version = %(version)s, operation_id = %(operation)s
    WHERE run_number = %(run)s AND state IN (6, 7)
"""
_END = """
    UPDATE runs SET state = %(state)s, reason = %(reason)s, ended_at = now() WHERE run_number = %(run)s AND state IN (1, 2, 3)
"""
_RUNNING = "UPDATE runs SET state = 3, reason = '' WHERE operation_id = %s AND state IN (1, 3)"
_FORGET_RUNS = """
    DELETE FROM runs WHERE run_number IN (
        SELECT run_number FROM runs WHERE ended_at < now() - %s AND NOT EXISTS (
            SELECT FROM editions WHERE editions.run_number = runs.run_number) LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""

Connection = psycopg.AsyncConnection[Any]


async def begin(
    connection: Connection,
    project_id: int,
    report: Report,
    *,
    formats: Iterable[int] = (),
    recipients: Iterable[Recipient] = (),
    beside: Filter | None = None,
    time_range: TimeRange | None = None,
    schedule: str | None = None,
    slot_time: datetime | None = None,
    skip_empty: bool = False,
    waiting: str = "",
    skipped: str = "",
    repeats: int | None = None,
    request_id: uuid.UUID | None = None,
) -> tuple[RunRecord, str | None]:
    """Begins a run of a saved report, in the caller's transaction; gives the id of its operation, too.

    `schedule` is its id, and its slot has one run: where there is one already, that is given, and no operation. `beside` is a filter
    beside the report's, `time_range` one instead of it, `repeats` the edition to be made again. `waiting` says what for, where a run is
    not to be made before `release`; `skipped` why it is not to be made at all.
    """
    state = pb.Run.STATE_WAITING if waiting else pb.Run.STATE_SKIPPED if skipped else pb.Run.STATE_PENDING
    values: dict[str, Any] = {
        "project_id": project_id,
        "report_id": report.name.rpartition("/")[2],
        "run_id": f"r{secrets.token_hex(6)}",
        "report_version": report.version,
        "schedule": schedule,
        "slot": slot_time,
        "state": state,
        "reason": waiting or skipped,
        "ended": state in ENDED,
        "formats": sorted(set(formats)) or [ReportFormat.REPORT_FORMAT_PDF],
        "recipients": [_packed(each) for each in recipients],
        "filter": None if beside is None else _packed(beside),
        "time_range": None if time_range is None else _packed(time_range),
        "skip_empty": skip_empty,
        "repeats": repeats,
    }
    before = await remember(
        connection, request_id, f"RunReport {report.name} {repeats or ''}", values["run_id"]
    )
    if before is not None:
        found = await _run(connection, _BY_ID, values | {"run_id": before})
        if found is None:
            raise NotFound(f"the run that request_id {request_id} began is no longer known")
        return found, found.operation_id
    if not (await connection.execute(_BEGIN, values)).rowcount:
        found = await _run(connection, _BY_SLOT, values)
        assert found is not None, "only another run of the slot is in the way"
        return found, None
    made = await _run(connection, _BY_ID, values)
    assert made is not None
    if state != pb.Run.STATE_PENDING:
        return made, None
    operation_id = await _operation(connection, made)
    await connection.execute(
        "UPDATE runs SET operation_id = %s WHERE run_number = %s", (operation_id, made.run_number)
    )
    return await numbered(connection, made.run_number), operation_id


async def release(connection: Connection, run: RunRecord) -> str | None:
    """Lets a run that waits be made, in the caller's transaction; None where it waits no more."""
    operation_id = await _operation(connection, run)
    values = {"operation": operation_id, "run": run.run_number}
    if (await connection.execute(_FOLLOW, values)).rowcount:
        return operation_id
    await connection.execute("DELETE FROM operations WHERE operation_id = %s", (operation_id,))
    return None


async def leave_out(connection: Connection, run: RunRecord, why: str) -> None:
    """Ends a run without anything made, in the caller's transaction: there is nothing to tell."""
    await _end(connection, run, pb.Run.STATE_SKIPPED, why)


async def fail(connection: Connection, run: RunRecord, why: str) -> None:
    """Ends a run as failed, in the caller's transaction."""
    await _end(connection, run, pb.Run.STATE_FAILED, why)


async def numbered(connection: Connection, run_number: int) -> RunRecord:
    """The run of this number."""
    found = await _run(connection, _BY_NUMBER, (run_number,))
    assert found is not None
    return found


class Store:
    """The table `runs`."""

    def __init__(self, pool: Pool, editions: EditionStore) -> None:
        self._pool, self._editions = pool, editions
        self.begun = asyncio.Event()
        """Set when somebody has begun a run here, which `worker` need not wait for; other replicas find it by themselves."""

    async def ask(self, project: Project, report: Report, **asked: Any) -> Operation:
        """Begins a run that somebody asks for; `asked` are arguments of `begin`."""
        async with self._pool.connection() as connection:
            # Two at once must not both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            _, operation_id = await begin(connection, project.project_id, report, **asked)
            await self._room(connection, project)
            found = await _followed(connection, project, operation_id)
        self.begun.set()
        return found

    async def retry(self, project: Project, run: RunRecord, version: int) -> Operation:
        """Begins a run anew, by this version of its report; raises `Refused` unless it has made nothing."""
        async with self._pool.connection() as connection:
            await connection.execute(_LOCK, (project.project_id,))
            operation_id = await _operation(connection, run)
            values = {"run": run.run_number, "version": version, "operation": operation_id}
            if not (await connection.execute(_RETRY, values)).rowcount:
                now = await numbered(connection, run.run_number)
                state = pb.Run.State.Name(now.state).removeprefix("STATE_").lower()
                raise Refused(f"{run.name} is {state}; only one that failed or was cancelled is begun anew")
            await self._room(connection, project)
            found = await _followed(connection, project, operation_id)
        self.begun.set()
        return found

    async def run(self, project: Project, report_id: str, run_id: str) -> RunRecord:
        """The run; raises `NotFound`."""
        values = {"project_id": project.project_id, "report_id": report_id, "run_id": run_id}
        async with self._pool.connection() as connection:
            found = await _run(connection, _BY_ID, values)
        if found is None:
            raise NotFound(
                f"there is no run {project.name}/reports/{report_id}/runs/{run_id}", reason="RUN_NOT_FOUND"
            )
        return found

    async def runs(
        self,
        project: Project,
        report_id: str | None,
        *,
        states: Collection[int],
        schedule: str | None,
        start: datetime | None,
        end: datetime | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[RunRecord]:
        """Runs, newest first, behind `after`; of all reports where none is named."""
        at, run_id = after or (None, "")
        values = {
            "project_id": project.project_id, "report": report_id, "states": list(states), "schedule": schedule, "start": start,
            "end": end, "at": at, "id": run_id, "limit": limit,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(RunRecord))
            return await (await cursor.execute(_LIST_RUNS, values)).fetchall()

    async def running(self, job: Job) -> RunRecord | None:
        """The run of an operation, which is being made from now on; None where it is another operation's by now."""
        operation_id = job.operation.operation_id
        async with self._pool.connection() as connection:
            if not (await connection.execute(_RUNNING, (operation_id,))).rowcount:
                return None
            return await _run(connection, _OF_OPERATION, (operation_id,))

    async def keep(self, job: Job, run: RunRecord, editions: Iterable[Made]) -> None:
        """Keeps all that a run has made, has it delivered, and ends the run and its operation; or nothing of it."""
        async with self._pool.connection() as connection:
            for made in editions:
                number = await self._editions.add(
                    connection, run.project_id, run.report_id, run.run_number, made
                )
                if made.recipients:
                    await enqueue(connection, run.project_id, number, made.recipients)
            await _end(connection, run, pb.Run.STATE_DONE, "")
            ended = await numbered(connection, run.run_number)
            await job.done(connection, pb.RunReportResult(run=ended.message()))

    async def skipped(self, job: Job, run: RunRecord, why: str) -> None:
        """Ends a run that has nothing to tell."""
        async with self._pool.connection() as connection:
            await leave_out(connection, run, why)
            ended = await numbered(connection, run.run_number)
            await job.done(connection, pb.RunReportResult(run=ended.message()))

    async def failed(self, job: Job, run: RunRecord | None, error: Error) -> None:
        """Ends a run and its operation with the reason."""
        async with self._pool.connection() as connection:
            if run is not None:
                await fail(connection, run, str(error))
            await job.failed(error, connection)

    async def cancelled(self, job: Job, run: RunRecord | None) -> None:
        """Ends a run that was asked to stop; nothing where it is another worker's by now."""
        async with self._pool.connection() as connection:
            if await job.cancelled(connection) and run is not None:
                await _end(connection, run, pb.Run.STATE_CANCELLED, "somebody stopped it")

    async def forget(self) -> bool:
        """Removes some runs that ended long ago and whose editions are gone; whether there were any."""
        async with self._pool.connection() as connection:
            return (await connection.execute(_FORGET_RUNS, (self._editions.kept,))).rowcount > 0

    async def _room(self, connection: Connection, project: Project) -> None:
        """Raises `Exhausted`, which takes back what was begun, where it is one too many."""
        row = await (await connection.execute(_WAITING, (project.project_id,))).fetchone()
        if row is not None and row[0] > MAX_WAITING:
            raise Exhausted(
                f"{MAX_WAITING} runs of {project.name} wait already, which is the limit: wait for them",
                retry_after=10.0,
                reason="TOO_MANY_RUNS",
            )


async def _operation(connection: Connection, run: RunRecord) -> str:
    request = pb.GetRunRequest(name=run.name)
    return await operation.create(connection, run.project_id, REPORT, run.name, request)


async def _followed(connection: Connection, project: Project, operation_id: str | None) -> Operation:
    found = await operation.read(connection, project.project_id, operation_id or "")
    if found is None:
        raise NotFound("the run that this request_id began has ended, and its operation is no longer known")
    return found


async def _run(connection: Connection, statement: str, values: Any) -> RunRecord | None:
    cursor = connection.cursor(row_factory=class_row(RunRecord))
    return await (await cursor.execute(statement, values)).fetchone()


async def _end(connection: Connection, run: RunRecord, state: int, reason: str) -> None:
    await connection.execute(_END, {"run": run.run_number, "state": state, "reason": reason})


def _packed(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
