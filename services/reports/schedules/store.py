"""Schedules in the database: what is asked and changed by people, and what `worker` takes on.

A schedule moves on in the transaction that writes the runs of its slots, so that a process may be killed at any instant: each slot has
one run, whoever finds it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from services.reports.delivery.store import existing
from services.reports.runs.store import begin, fail, numbered, release
from services.reports.schedules.record import Due, ScheduleRecord, Waiting
from services.reports.schedules.slots import Slot
from tidemark.v1.edition_pb2 import Run
from tidemark.v1.schedule_pb2 import Schedule

MAX_SCHEDULES = 20

_SCHEDULE = """
    SELECT slug AS project, report_id, schedule_id, definition, schedules.revision, schedules.created_at, schedules.updated_at, next_at,
        last_run_id
    FROM schedules JOIN projects USING (project_id) WHERE project_id = %(project_id)s
"""
_READ = f"{_SCHEDULE} AND report_id = %(report_id)s AND schedule_id = %(schedule_id)s"
_LIST = f"""
    {_SCHEDULE} AND (%(report_id)s = '-' OR report_id = %(report_id)s)
      AND (report_id, schedule_id) > (%(after_report)s, %(after)s)
    ORDER BY report_id, schedule_id LIMIT %(limit)s
"""
# The report is held, so that two at once neither choose the same id nor are both the last that fits.
_REPORT = "SELECT version FROM reports WHERE project_id = %(project_id)s AND report_id = %(report_id)s FOR NO KEY UPDATE"
_TAKEN = "SELECT schedule_id FROM schedules WHERE project_id = %(project_id)s AND report_id = %(report_id)s"
_INSERT = """
    INSERT INTO schedules (project_id, report_id, schedule_id, definition, follows, report_version, next_at, due_at)
    VALUES (%(project_id)s, %(report_id)s, %(schedule_id)s, %(definition)s, %(follows)s, %(version)s, %(next_at)s, %(next_at)s)
"""
_HELD = """
    SELECT definition, revision FROM schedules
    WHERE project_id = %(project_id)s AND report_id = %(report_id)s AND schedule_id = %(schedule_id)s FOR UPDATE
"""
_UPDATE = """
    UPDATE schedules SET definition = %(definition)s, follows = %(follows)s, report_version = %(version)s, revision = revision + 1,
        updated_at = now(), next_at = CASE WHEN %(moved)s THEN %(next_at)s ELSE next_at END,
        due_at = CASE WHEN %(moved)s THEN %(next_at)s ELSE due_at END
    WHERE project_id = %(project_id)s AND report_id = %(report_id)s AND schedule_id = %(schedule_id)s
"""
_DELETE = """
    DELETE FROM schedules WHERE project_id = %(project_id)s AND report_id = %(report_id)s AND schedule_id = %(schedule_id)s
"""

_LOOKED_AT = """
    SELECT schedule_number, project_id, slug AS project, projects.time_zone AS project_zone, report_id, version AS report_version, head,
        schedule_id, definition, schedules.report_version AS found_version, next_at, now()
    FROM schedules JOIN reports USING (project_id, report_id) JOIN report_versions USING (project_id, report_id, version)
        JOIN projects USING (project_id)
    WHERE {} ORDER BY due_at LIMIT 1 FOR UPDATE OF schedules SKIP LOCKED
"""
_DUE = _LOOKED_AT.format("due_at <= now()")
_LEFT_BEHIND = _LOOKED_AT.format("follows AND due_at IS NOT NULL AND schedules.report_version <> version")
_MOVE = """
    UPDATE schedules SET next_at = %(next_at)s, due_at = %(due_at)s, report_version = %(version)s,
        last_run_id = coalesce(%(last_run)s, last_run_id)
    WHERE schedule_number = %(schedule)s
"""
_WAIT = """
    INSERT INTO waiting_runs (run_number, complete_at, give_up_at) VALUES (%s, %s, now() + %s) ON CONFLICT DO NOTHING
"""
_LOOK = """
    UPDATE waiting_runs SET due_at = now() + %(again)s FROM runs JOIN projects USING (project_id)
    WHERE waiting_runs.run_number = runs.run_number AND waiting_runs.run_number IN (
        SELECT run_number FROM waiting_runs WHERE due_at <= now() ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING waiting_runs.run_number, 'projects/' || slug AS project, complete_at, give_up_at, now()
"""
_WAITS_NO_MORE = "DELETE FROM waiting_runs WHERE run_number = %s"

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schedule is."""

    project: Project
    report_id: str
    schedule_id: str = ""

    @property
    def name(self) -> str:
        """The resource name of the schedule."""
        return f"{self.project.name}/reports/{self.report_id}/schedules/{self.schedule_id}"

    @property
    def values(self) -> dict[str, Any]:
        """As statements take it."""
        return {
            "project_id": self.project.project_id,
            "report_id": self.report_id,
            "schedule_id": self.schedule_id,
        }


class Store:
    """The tables `schedules` and `waiting_runs`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self,
        place: Place,
        schedule: Schedule,
        next_at: datetime | None,
        version: int,
        request_id: uuid.UUID | None,
    ) -> ScheduleRecord:
        """The schedule made now, or by an earlier request of the same id; its id is made up unless it is given.

        `next_at` was found by that `version` of the report.
        """
        async with self._pool.connection() as connection:
            await _report(connection, place)
            await _known_destinations(connection, place, schedule)
            taken = {row[0] for row in await (await connection.execute(_TAKEN, place.values)).fetchall()}
            chosen = Place(
                place.project,
                place.report_id,
                place.schedule_id or made_id(schedule.display_name, "schedule", taken),
            )
            action = f"CreateSchedule {place.project.project_id} {place.report_id}"
            made = await remember(connection, request_id, action, chosen.schedule_id)
            if made is not None:
                before = Place(place.project, place.report_id, made)
                if place.schedule_id not in ("", made):
                    raise Invalid("request_id", f"has made {before.name} before; write a new one")
                return await _schedule(connection, before)
            if chosen.schedule_id in taken:
                raise AlreadyExists(f"there is a schedule {chosen.name} already", reason="SCHEDULE_EXISTS")
            if len(taken) >= MAX_SCHEDULES:
                raise Exhausted(
                    f"{place.project.name}/reports/{place.report_id} has {MAX_SCHEDULES} schedules, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_SCHEDULES",
                )
            await connection.execute(
                _INSERT, chosen.values | _content(schedule) | {"next_at": next_at, "version": version}
            )
            return await _schedule(connection, chosen)

    async def schedule(self, place: Place) -> ScheduleRecord:
        """The schedule; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _schedule(connection, place)

    async def schedules(self, place: Place, after: tuple[str, str], limit: int) -> list[ScheduleRecord]:
        """The schedules of a report, or of all, by name behind `after`."""
        values = place.values | {"after_report": after[0], "after": after[1], "limit": limit}
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ScheduleRecord))
            return await (await cursor.execute(_LIST, values)).fetchall()

    async def update(
        self, place: Place, schedule: Schedule, next_at: datetime | None, version: int, revision: int | None
    ) -> ScheduleRecord:
        """The schedule as changed; raises `Conflict` unless it still has that revision. Its next slot stays where its times do."""
        async with self._pool.connection() as connection:
            await _known_destinations(connection, place, schedule)
            held = await (await connection.execute(_HELD, place.values)).fetchone()
            if held is None:
                raise _unknown(place)
            if revision not in (None, held[1]):
                raise Conflict(f"{place.name} was changed since it was read: read it again")
            before = Schedule.FromString(held[0])
            moved = _times(before) != _times(schedule)
            values = {"next_at": next_at, "version": version, "moved": moved}
            await connection.execute(_UPDATE, place.values | _content(schedule) | values)
            return await _schedule(connection, place)

    async def delete(self, place: Place) -> None:
        """Deletes the schedule; raises `NotFound`."""
        async with self._pool.connection() as connection:
            if not (await connection.execute(_DELETE, place.values)).rowcount:
                raise _unknown(place)

    async def waiting(self, limit: int, again: timedelta) -> list[Waiting]:
        """Runs that wait and are to be looked at; they are looked at `again` after a while, by anybody."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Waiting))
            return await (await cursor.execute(_LOOK, {"limit": limit, "again": again})).fetchall()

    async def go_on(self, waiting: Waiting, why_not: str = "") -> None:
        """Lets a run that waits be made, or fail where there is a reason; without effect where somebody has done so."""
        async with self._pool.connection() as connection:
            if (await connection.execute(_WAITS_NO_MORE, (waiting.run_number,))).rowcount:
                run = await numbered(connection, waiting.run_number)
                if why_not:
                    await fail(connection, run, why_not)
                else:
                    await release(connection, run)


async def due(connection: Connection) -> Due | None:
    """A schedule to be looked at, which nobody else looks at before the caller's transaction ends."""
    cursor = connection.cursor(row_factory=class_row(Due))
    found = await (await cursor.execute(_DUE)).fetchone()
    return found or await (await cursor.execute(_LEFT_BEHIND)).fetchone()


async def run(
    connection: Connection, found: Due, slots: Sequence[Slot], complete_at: dict[datetime, datetime]
) -> str | None:
    """Writes the runs of slots, in the caller's transaction; gives the id of the last.

    A slot in `complete_at` waits for its data up to that instant.
    """
    schedule, report, last = found.schedule, found.report, None
    for slot in slots:
        until = None if slot.left_out else complete_at.get(slot.at)
        made, _ = await begin(
            connection,
            found.project_id,
            report,
            formats=schedule.formats,
            recipients=schedule.recipients,
            schedule=found.schedule_id,
            slot_time=slot.at,
            skip_empty=schedule.skip_empty,
            waiting="" if until is None else f"waits for data up to {until:%Y-%m-%d %H:%M:%S} UTC",
            skipped=slot.left_out,
        )
        if until is not None and made.state == Run.STATE_WAITING:
            values = (made.run_number, until, schedule.wait_complete.ToTimedelta())
            await connection.execute(_WAIT, values)
        last = made.run_id
    return last


async def move(
    connection: Connection,
    found: Due,
    next_at: datetime | None,
    *,
    due_at: datetime | None,
    last_run: str | None = None,
) -> None:
    """Says when a schedule runs next and when it is looked at, in the caller's transaction."""
    values = {
        "schedule": found.schedule_number, "next_at": next_at, "due_at": due_at, "version": found.report_version,
        "last_run": last_run,
    }  # fmt: skip
    await connection.execute(_MOVE, values)


async def _report(connection: Connection, place: Place) -> None:
    if not (await connection.execute(_REPORT, place.values)).rowcount:
        name = f"{place.project.name}/reports/{place.report_id}"
        raise NotFound(f"there is no report {name}", reason="REPORT_NOT_FOUND")


async def _schedule(connection: Connection, place: Place) -> ScheduleRecord:
    cursor = connection.cursor(row_factory=class_row(ScheduleRecord))
    found = await (await cursor.execute(_READ, place.values)).fetchone()
    if found is None:
        raise _unknown(place)
    return found


async def _known_destinations(connection: Connection, place: Place, schedule: Schedule) -> None:
    known = await existing(connection, place.project.project_id)
    for i, recipient in enumerate(schedule.recipients):
        if recipient.destination.rpartition("/")[2] not in known:
            raise Invalid(
                f"schedule.recipients[{i}].destination",
                f"is {recipient.destination[:100]!r}, which is not there; create it first",
            )


def _content(schedule: Schedule) -> dict[str, Any]:
    return {
        "definition": schedule.SerializeToString(deterministic=True),
        "follows": not schedule.time_zone,
    }


def _times(schedule: Schedule) -> tuple[str, str, bool]:
    """What its slots are made of."""
    return schedule.cron, schedule.time_zone, schedule.paused


def _unknown(place: Place) -> NotFound:
    return NotFound(f"there is no schedule {place.name}", reason="SCHEDULE_NOT_FOUND")
