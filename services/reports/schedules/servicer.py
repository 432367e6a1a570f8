"""ScheduleService: each method reads the request, asks the store, and builds the answer."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from services.kit import audit, page, resource
from services.kit.call import Project
from services.kit.errors import Invalid, NotFound
from services.kit.identity import project
from services.kit.period import instant
from services.reports.build.span import range_of, resolved
from services.reports.definitions.store import Store as Reports
from services.reports.schedules import cron
from services.reports.schedules import request as read
from services.reports.schedules.record import zone_name
from services.reports.schedules.store import Place, Store
from services.reports.source import Sources
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import schedule_pb2 as pb
from tidemark.v1 import schedule_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000
SHOWN, MOST_SHOWN = 5, 100
"""Slots of a preview."""


class Schedules(schedule_pb2_grpc.ScheduleServiceServicer):
    """The RPCs of ScheduleService."""

    def __init__(self, store: Store, reports: Reports, sources: Sources) -> None:
        self._store, self._reports, self._sources = store, reports, sources

    async def CreateSchedule(
        self, request: pb.CreateScheduleRequest, context: Any
    ) -> pb.CreateScheduleResponse:
        """Makes a schedule."""
        name, report_id = read.report_of(request.parent)
        parent = await project(name, "parent")
        audit.note(request.parent)
        schedule_id = resource.new_id(request.schedule_id, "schedule_id") if request.schedule_id else ""
        schedule = read.schedule(request.schedule, parent.name)
        again = resource.request_id(request.request_id)
        await self._require_filters(parent, schedule)
        next_at, version = await self._next(parent, report_id, schedule)
        place = Place(parent, report_id, schedule_id)
        made = await self._store.create(place, schedule, next_at, version, again)
        audit.note(made.name)
        return pb.CreateScheduleResponse(schedule=made.message())

    async def GetSchedule(self, request: pb.GetScheduleRequest, context: Any) -> pb.GetScheduleResponse:
        """Reads a schedule."""
        place = await _place(request.name, "name")
        return pb.GetScheduleResponse(schedule=(await self._store.schedule(place)).message())

    async def ListSchedules(self, request: pb.ListSchedulesRequest, context: Any) -> pb.ListSchedulesResponse:
        """Lists schedules by name."""
        name, report_id = read.report_of(request.parent, any_report=True)
        place = Place(await project(name, "parent"), report_id)
        audit.note(request.parent)
        if report_id != read.ANY:
            await self._reports.report(place.project.project_id, report_id)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        after = page.position(request, str, str) or ("", "")
        rows = await self._store.schedules(place, (after[0], after[1]), limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListSchedulesResponse(
            schedules=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, last.report_id, last.schedule_id) if last else "",
        )

    async def UpdateSchedule(
        self, request: pb.UpdateScheduleRequest, context: Any
    ) -> pb.UpdateScheduleResponse:
        """Changes a schedule, whole."""
        place = await _place(request.schedule.name, "schedule.name")
        schedule = read.schedule(request.schedule, place.project.name)
        revision = resource.revision(request.schedule.etag, "schedule.etag")
        await self._require_filters(place.project, schedule)
        next_at, version = await self._next(place.project, place.report_id, schedule)
        changed = await self._store.update(place, schedule, next_at, version, revision)
        return pb.UpdateScheduleResponse(schedule=changed.message())

    async def DeleteSchedule(
        self, request: pb.DeleteScheduleRequest, context: Any
    ) -> pb.DeleteScheduleResponse:
        """Deletes a schedule."""
        await self._store.delete(await _place(request.name, "name"))
        return pb.DeleteScheduleResponse()

    async def PreviewSchedule(
        self, request: pb.PreviewScheduleRequest, context: Any
    ) -> pb.PreviewScheduleResponse:
        """Says when a schedule would run."""
        if not request.parent:
            raise Invalid("parent", "is empty; write projects/{project}")
        parent = await project(request.parent, "parent")
        text = cron.read(request.cron, "cron")
        zone = read.zone(request.time_zone or parent.time_zone, "time_zone")
        begin = (
            instant(request.from_time, "from_time") if request.HasField("from_time") else datetime.now(UTC)
        )
        if not 0 <= request.slot_count <= MOST_SHOWN:
            raise Invalid("slot_count", f"is {request.slot_count}; give 1 to {MOST_SHOWN}, or 0 for {SHOWN}")
        answer = pb.PreviewScheduleResponse(words=cron.words(text))
        for at in islice(cron.slots(text, zone, begin), request.slot_count or SHOWN):
            slot = answer.slots.add(
                time_range=range_of(resolved(request.time_range, zone.key, at, "time_range"))
            )
            slot.slot_time.FromDatetime(at)
        return answer

    async def _next(
        self, parent: Project, report_id: str, schedule: pb.Schedule
    ) -> tuple[datetime | None, int]:
        """The next slot from now, none while it is paused, and the version of the report that it was found by."""
        found = await self._reports.report(parent.project_id, report_id)
        report = found.message()
        zone = read.zone(zone_name(schedule, report, parent.time_zone), "schedule.time_zone")
        next_at = None if schedule.paused else cron.following(schedule.cron, zone, datetime.now(UTC))
        return next_at, report.version

    async def _require_filters(self, parent: Project, schedule: pb.Schedule) -> None:
        """Raises `Invalid` where query does not understand a recipient's filter."""
        for i, recipient in enumerate(schedule.recipients):
            if not recipient.HasField("filter"):
                continue
            query = q.Query(events=q.EventsQuestion(filter=recipient.filter))
            query.time_range.last.FromSeconds(60)
            at = f"schedule.recipients[{i}].filter"
            try:
                await self._sources.explain(parent.name, query)
            except Invalid as error:
                field = error.field.replace("query.events.filter", at, 1)
                raise Invalid(field, error.description, reason=error.reason) from error
            except NotFound as error:
                raise Invalid(at, str(error), reason=error.reason) from error


async def _place(name: str, field: str) -> Place:
    """The schedule that is named."""
    parent, report_id, schedule_id = read.named(name, field)
    audit.note(name)
    return Place(await project(parent, field), report_id, schedule_id)
