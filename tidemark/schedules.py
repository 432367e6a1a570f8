"""Schedules: when reports are made, and for whom; reached as `client.schedules`, answered by `ScheduleService`.

    await client.schedules.create("weekly", "0 7 * * MON-FRI", to=["ann", To("berlin", where=["properties.city = Berlin"], links="7d")])
    async for schedule in client.schedules.all("weekly"):
        print(schedule.name, schedule.next_time.ToDatetime())
    print((await client.schedules.preview("0 7 * * MON-FRI", time_zone="Europe/Berlin")).words)

A report is told by its id or its name, a schedule by its name or as `REPORT/ID`. Schedules are the contract's own messages.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from uuid import uuid4

from tidemark.editions import format_of
from tidemark.scope import Scope
from tidemark.spelling import Condition, Instant, Span, any_range, chosen, duration, every, timestamp
from tidemark.v1 import schedule_pb2 as pb
from tidemark.v1 import schedule_pb2_grpc

CATCH_UP = {
    "last": pb.Schedule.CATCH_UP_UNSPECIFIED,
    "all": pb.Schedule.CATCH_UP_ALL,
    "none": pb.Schedule.CATCH_UP_NONE,
}
"""What becomes of slots that passed while nothing could run."""


@dataclass(frozen=True, slots=True)
class To:
    """Somebody who gets a report, and what of it."""

    destination: str
    """Its id or name."""
    where: Iterable[Condition] = ()
    """Only of these events."""
    formats: Iterable[str] = ()
    """Which of the schedule's files; all when empty."""
    links: Span | None = None
    """Links instead of files, which hold so long."""


class Schedules(Scope):
    """The schedules of the client's project; needs a key of role analyst or admin to change them."""

    _service = schedule_pb2_grpc.ScheduleServiceStub

    async def create(
        self,
        report: str,
        cron: str,
        *,
        title: str = "",
        to: Iterable[str | To] = (),
        formats: Iterable[str] = (),
        time_zone: str = "",
        catch_up: str = "last",
        catch_up_window: Span | None = None,
        skip_empty: bool = False,
        wait: Span | None = None,
        schedule_id: str = "",
    ) -> pb.Schedule:
        """Makes a schedule: by five fields of cron, for destinations by id or as `To`; nobody gets it where none are given.

        `catch_up` says which slots run that were missed: the `last`, `all` or `none`. `wait` is how long data may take to be complete.
        """
        schedule = pb.Schedule(
            display_name=title,
            cron=cron,
            time_zone=time_zone,
            catch_up=chosen("catch_up", catch_up, CATCH_UP),  # type: ignore[arg-type]
            skip_empty=skip_empty,
            formats=[format_of(each) for each in formats],
            recipients=[await self._recipient(each) for each in to],
        )
        if catch_up_window is not None:
            schedule.catch_up_window.CopyFrom(duration(catch_up_window))
        if wait is not None:
            schedule.wait_complete.CopyFrom(duration(wait))
        request = pb.CreateScheduleRequest(
            parent=await self._named("reports", report),
            schedule_id=schedule_id,
            schedule=schedule,
            request_id=str(uuid4()),
        )
        return (await self._ask(self._stub.CreateSchedule, request)).schedule  # type: ignore[no-any-return]

    async def get(self, schedule: str) -> pb.Schedule:
        """Reads a schedule."""
        request = pb.GetScheduleRequest(name=await self._place(schedule))
        return (await self._ask(self._stub.GetSchedule, request)).schedule  # type: ignore[no-any-return]

    async def all(self, report: str = "-") -> AsyncIterator[pb.Schedule]:
        """Schedules by name; of one report, or of all."""
        request = pb.ListSchedulesRequest(parent=await self._named("reports", report))
        async for page in self._pages(self._stub.ListSchedules, request):
            for schedule in page.schedules:
                yield schedule

    async def update(self, schedule: pb.Schedule) -> pb.Schedule:
        """Changes a schedule that was read, whole; fails where somebody else has changed it since, unless its etag is taken out."""
        request = pb.UpdateScheduleRequest(schedule=schedule)
        return (await self._ask(self._stub.UpdateSchedule, request)).schedule  # type: ignore[no-any-return]

    async def pause(self, schedule: str) -> pb.Schedule:
        """Makes nothing until it is resumed; slots that pass are left out."""
        return await self._paused(schedule, paused=True)

    async def resume(self, schedule: str) -> pb.Schedule:
        """Goes on with the next slot from now."""
        return await self._paused(schedule, paused=False)

    async def delete(self, schedule: str) -> None:
        """Deletes a schedule; runs that have begun go on."""
        await self._ask(self._stub.DeleteSchedule, pb.DeleteScheduleRequest(name=await self._place(schedule)))

    async def preview(
        self,
        cron: str,
        *,
        time_zone: str = "",
        begin: Instant | None = None,
        count: int = 0,
        last: Span | None = None,
        during: str | None = None,
    ) -> pb.PreviewScheduleResponse:
        """When a schedule would run, in words and slots, and the span that each would tell of where a range is given."""
        request = pb.PreviewScheduleRequest(
            parent=await self._parent(),
            cron=cron,
            time_zone=time_zone,
            slot_count=count,
            time_range=any_range(last, during=during),
        )
        if begin is not None:
            request.from_time.CopyFrom(timestamp(begin))
        return await self._ask(self._stub.PreviewSchedule, request)  # type: ignore[no-any-return]

    async def _paused(self, schedule: str, *, paused: bool) -> pb.Schedule:
        found = await self.get(schedule)
        found.paused = paused
        return await self.update(found)

    async def _recipient(self, given: str | To) -> pb.Recipient:
        to = To(given) if isinstance(given, str) else given
        return pb.Recipient(
            destination=await self._named("destinations", to.destination),
            filter=every(to.where),
            formats=[format_of(each) for each in to.formats],
            link_lifetime=None if to.links is None else duration(to.links),
        )

    async def _place(self, text: str) -> str:
        """The name of a schedule that is told by its name or as `REPORT/ID`."""
        if text.startswith("projects/"):
            return text
        report, slash, last = text.rpartition("/")
        if not slash:
            raise ValueError(f"schedule: {text!r} names no report; write REPORT/{text}")
        return f"{await self._named('reports', report)}/schedules/{last}"
