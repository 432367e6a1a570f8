"""Schedules: each slot is run once, whoever finds it and whoever is killed; what is missed, paused or waits for data is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import psycopg
import pytest

from services.admin.service import admin
from services.kit import postgres
from services.kit.call import Project
from services.kit.server import listening, opened
from services.kit.service import Resources
from services.query.service import query
from services.reports.definitions.store import Store as Reports
from services.reports.schedules import store
from services.reports.schedules.slots import Slot
from services.reports.schedules.store import Store
from services.reports.schedules.worker import Clock
from services.reports.service import reports
from services.reports.source import Sources
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, commit
from tidemark.v1 import delivery_pb2, report_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import schedule_pb2 as pb
from tidemark.v1.alert_pb2 import EmailTarget
from tidemark.v1.delivery_pb2_grpc import DeliveryServiceStub
from tidemark.v1.edition_pb2 import ListRunsRequest, Run
from tidemark.v1.edition_pb2_grpc import EditionServiceStub
from tidemark.v1.schedule_pb2_grpc import ScheduleServiceStub

DEMO = Project(1, "demo", "UTC")
WEEKLY = f"{DEMO.name}/reports/weekly"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
YEARLY = "0 0 1 1 *"
"""Has no slot of its own while a test runs: what comes is what the test lets come."""
PDF, CSV = report_pb2.REPORT_FORMAT_PDF, report_pb2.REPORT_FORMAT_CSV
PENDING, WAITING, SKIPPED, FAILED = (
    Run.STATE_PENDING,
    Run.STATE_WAITING,
    Run.STATE_SKIPPED,
    Run.STATE_FAILED,
)


@dataclass(frozen=True)
class Scheduling:
    """ScheduleService with a key, and the loop behind it."""

    resources: Resources
    channel: grpc.aio.Channel
    stub: ScheduleServiceStub
    metadata: Any
    clock: Clock

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self.stub, name)(request(**fields), metadata=self.metadata)

    async def create(
        self, cron: str = "*/5 * * * *", schedule_id: str = "often", **fields: Any
    ) -> pb.Schedule:
        """A schedule of the report `weekly`."""
        schedule = pb.Schedule(cron=cron, **fields)
        made = await self.CreateSchedule(parent=WEEKLY, schedule_id=schedule_id, schedule=schedule)
        return made.schedule

    async def read(self) -> pb.Schedule:
        """The schedule `often`, as it is now."""
        return (await self.GetSchedule(name=f"{WEEKLY}/schedules/often")).schedule

    async def come(self, ago: timedelta) -> datetime:
        """Lets the next slot of every schedule be one so long ago; gives which."""
        at = datetime.now(UTC) - ago
        at -= timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
        async with self.resources.pool.connection() as connection:
            await connection.execute("UPDATE schedules SET next_at = %s, due_at = %s", (at, at))
        return at

    async def runs(self) -> list[Run]:
        """Runs by slot, earliest first."""
        request = ListRunsRequest(parent=WEEKLY, page_size=1000)
        found = await EditionServiceStub(self.channel).ListRuns(request, metadata=self.metadata)
        return sorted(found.runs, key=lambda run: run.slot_time.ToMicroseconds())

    async def step(self) -> None:
        """Runs all that is due."""
        while await self.clock.step():
            pass


@asynccontextmanager
async def scheduling(served: Served, **changes: Any) -> AsyncIterator[Scheduling]:
    """A replica of the target reports with the report `weekly`; its loops run only when a test lets them."""
    settings = replace(
        served.resources.settings, **{"query_address": f"127.0.0.1:{served.port}", "pool_size": 8} | changes
    )
    async with opened(settings) as resources:
        service = await reports(resources)
        async with (
            listening([service], resources, 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            sources = Sources(settings, resources.pool)
            clock = Clock(resources.pool, Store(resources.pool), sources, resources.draining)
            yield Scheduling(resources, channel, ScheduleServiceStub(channel), served.key("admin"), clock)


async def report(served: Served, **fields: Any) -> None:
    """The report `weekly`."""
    section = report_pb2.Section(id="note", text=report_pb2.TextSection(text="All is well."))
    definition = report_pb2.Report(display_name="Weekly", sections=[section], **fields)
    await Reports(served.resources.pool).create_report(DEMO, "weekly", definition, None)


async def test_a_schedule_is_made_read_listed_changed_and_deleted(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        await report(served, time_zone="Europe/Berlin")
        made = await schedules.create("0 7 * * MON-FRI", "", display_name="Every day")
        assert made.name == f"{WEEKLY}/schedules/every-day"
        next_at = made.next_time.ToDatetime(UTC)
        assert next_at > datetime.now(UTC)
        assert next_at.hour in (5, 6)
        request = {
            "parent": WEEKLY,
            "schedule": pb.Schedule(display_name="Every day", cron="0 8 * * *", time_zone="UTC"),
            "request_id": "0198c0de-0000-7000-8000-000000000001",
        }
        second = (await schedules.CreateSchedule(**request)).schedule
        assert (await schedules.CreateSchedule(**request)).schedule == second
        assert second.name == f"{WEEKLY}/schedules/every-day-2"
        for parent in (WEEKLY, f"{DEMO.name}/reports/-"):
            first = await schedules.ListSchedules(parent=parent, page_size=1)
            rest = await schedules.ListSchedules(parent=parent, page_size=1, page_token=first.next_page_token)
            assert [*first.schedules, *rest.schedules] == [made, second]
            assert not rest.next_page_token

        made.paused = True
        paused = (await schedules.UpdateSchedule(schedule=made)).schedule
        assert paused.paused
        assert not paused.HasField("next_time")
        assert (await refusal(schedules.UpdateSchedule(schedule=made))).reason == "ETAG_MISMATCH"
        paused.paused = False
        assert (await schedules.UpdateSchedule(schedule=paused)).schedule.next_time == made.next_time
        await schedules.DeleteSchedule(name=made.name)
        assert (await refusal(schedules.GetSchedule(name=made.name))).reason == "SCHEDULE_NOT_FOUND"
        missing = await refusal(
            schedules.CreateSchedule(
                parent=f"{DEMO.name}/reports/none", schedule=pb.Schedule(cron="0 7 * * *")
            )
        )
        assert missing.reason == "REPORT_NOT_FOUND"
        for number in range(19):
            await schedules.create("0 7 * * *", f"more-{number}")
        assert (await refusal(schedules.create("0 7 * * *", "too-many"))).reason == "TOO_MANY_SCHEDULES"
        await Reports(served.resources.pool).delete_report(DEMO, "weekly")
        assert not (await schedules.ListSchedules(parent=f"{DEMO.name}/reports/-")).schedules


async def test_what_is_wrong_with_a_schedule_is_told_by_field(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        await report(served)
        destination = delivery_pb2.Destination(email=EmailTarget(to=["ann@example.com"]))
        await DeliveryServiceStub(schedules.channel).CreateDestination(
            delivery_pb2.CreateDestinationRequest(
                parent=DEMO.name, destination_id="ann", destination=destination
            ),
            metadata=schedules.metadata,
        )
        ann = f"{DEMO.name}/destinations/ann"
        nonsense = q.Filter(comparison=q.Comparison(field="nonsense!", operator=q.OPERATOR_EQUAL))

        def to(**fields: Any) -> list[pb.Recipient]:
            return [pb.Recipient(**{"destination": ann} | fields)]

        def duration(seconds: int) -> Any:
            made = pb.Recipient().link_lifetime
            made.FromSeconds(seconds)
            return made

        for fields, field in (
            ({"cron": "61 * * * *"}, "cron"),
            ({"time_zone": "Europe/Nowhere"}, "time_zone"),
            ({"catch_up": 9}, "catch_up"),
            ({"catch_up_window": duration(32 * 86_400)}, "catch_up_window"),
            ({"wait_complete": duration(86_401)}, "wait_complete"),
            ({"formats": [0]}, "formats[0]"),
            ({"recipients": to(destination="ann")}, "recipients[0].destination"),
            ({"recipients": to(destination="projects/other/destinations/ann")}, "recipients[0].destination"),
            ({"recipients": to(destination=f"{ann}e")}, "recipients[0].destination"),
            ({"recipients": to(formats=[CSV])}, "recipients[0].formats[0]"),
            ({"recipients": to(link_lifetime=duration(91 * 86_400))}, "recipients[0].link_lifetime"),
            ({"recipients": to(filter=nonsense)}, "recipients[0].filter.comparison.field"),
            ({"recipients": to() + to()}, "recipients[1].destination"),
            ({"recipients": to() * 51}, "recipients"),
        ):
            refused = await refusal(schedules.create(**fields))
            assert refused.violations == [f"schedule.{field}"], refused
        berlin = q.Filter(comparison=q.Comparison(field="properties.city", operator=q.OPERATOR_EQUAL))
        berlin.comparison.values.add(string_value="Berlin")
        made = await schedules.create(formats=[PDF, CSV], recipients=to(formats=[CSV], filter=berlin))
        assert made.recipients[0].formats == [CSV]


async def test_a_preview_tells_slots_and_their_time_in_words(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        asked = {"parent": DEMO.name, "cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
        request = pb.PreviewScheduleRequest(**asked, slot_count=2)
        request.from_time.FromDatetime(datetime(2026, 3, 28, 12, tzinfo=UTC))
        request.time_range.calendar.unit, request.time_range.calendar.ago = q.Interval.UNIT_DAY, 1
        found = await schedules.stub.PreviewSchedule(request, metadata=schedules.metadata)
        assert found.words == "at 02:30 every day"
        told = [
            (
                each.slot_time.ToJsonString(),
                each.time_range.start.ToJsonString(),
                each.time_range.end.ToJsonString(),
            )
            for each in found.slots
        ]
        # The clocks leave out 02:30, and the day before has 24 hours, the day itself 23.
        assert told == [
            ("2026-03-29T01:00:00Z", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"),
            ("2026-03-30T00:30:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ]
        assert len((await schedules.PreviewSchedule(**asked)).slots) == 5
        for fields, field in (
            ({"cron": "x"}, "cron"),
            ({"slot_count": 101}, "slot_count"),
            ({"time_zone": "x"}, "time_zone"),
        ):
            refused = await refusal(schedules.PreviewSchedule(**asked | fields))
            assert refused.violations == [field]


async def test_two_replicas_run_each_slot_once(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as one, scheduling(served) as other:
        await report(served)
        for number in range(6):
            await one.create(schedule_id=f"often-{number}", catch_up=pb.Schedule.CATCH_UP_ALL)
        begun = await one.come(HOUR)
        await asyncio.gather(*(each.step() for each in (one, other, one, other)))
        runs = await one.runs()
        for each in (await one.ListSchedules(parent=WEEKLY)).schedules:
            slots = [run.slot_time.ToDatetime(UTC) for run in runs if run.schedule == each.name]
            assert slots == [begun + place * 5 * MINUTE for place in range(len(slots))]
            assert each.next_time.ToDatetime(UTC) == begun + len(slots) * 5 * MINUTE
            assert len(slots) >= 12
        assert {run.state for run in runs} == {PENDING}
        assert all(run.operation for run in runs)
        # What has moved on does not run again, nor where a replica believes that it is due still.
        await one.come(HOUR)
        await asyncio.gather(one.step(), other.step())
        again = await one.runs()
        assert {run.name for run in runs} <= {run.name for run in again}
        assert len({(run.schedule, run.slot_time.ToMicroseconds()) for run in again}) == len(again)


async def test_a_replica_that_is_killed_before_it_ends_leaves_nothing(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as one, scheduling(served) as other:
        await report(served)
        made = await one.create(YEARLY)
        slot = await one.come(MINUTE)

        async def killed() -> None:
            async with one.resources.pool.connection() as connection:
                found = await store.due(connection)
                assert found is not None
                await store.run(connection, found, [Slot(slot)], {})
                # Nobody else takes it on meanwhile.
                assert not await other.clock.step()
                raise ConnectionError("killed")

        with pytest.raises(ConnectionError):
            await killed()
        assert await one.runs() == []
        assert await other.clock.step()
        [run] = await one.runs()
        assert (run.schedule, run.slot_time.ToDatetime(UTC), run.state) == (made.name, slot, PENDING)
        now = await one.read()
        assert (now.last_run, now.next_time) == (run.name, made.next_time)


async def test_missed_slots_are_caught_up_with_or_told_of(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        await report(served)
        made = await schedules.create()
        await schedules.come(HOUR)
        await schedules.step()
        *missed, last = await schedules.runs()
        assert last.state == PENDING
        assert {run.state for run in missed} == {SKIPPED}
        assert missed[0].reason == "missed: nothing ran at its time, and only the last slot is caught up with"
        assert missed[0].HasField("end_time")
        made = await schedules.read()
        made.catch_up = pb.Schedule.CATCH_UP_ALL
        made.catch_up_window.FromTimedelta(3 * HOUR)
        await schedules.UpdateSchedule(schedule=made)
        await schedules.come(3 * HOUR + 2 * MINUTE)
        # Too many at once would keep others from running: the rest comes later.
        await schedules.step()
        early = await schedules.read()
        assert early.next_time.ToDatetime(UTC) < datetime.now(UTC) - HOUR
        for _ in range(3):
            async with served.resources.pool.connection() as connection:
                await connection.execute("UPDATE schedules SET due_at = now()")
            await schedules.step()
        runs = await schedules.runs()
        assert "longer ago than the 3 hours" in runs[0].reason or runs[0].state == PENDING
        assert len([run for run in runs if run.state == PENDING]) >= 24


async def test_a_paused_schedule_leaves_slots_out_and_a_deleted_one_leaves_its_runs(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        await report(served)
        made = await schedules.create(YEARLY)
        await schedules.come(MINUTE)
        await schedules.step()
        made.ClearField("etag")
        made.paused = True
        paused = (await schedules.UpdateSchedule(schedule=made)).schedule
        await schedules.step()
        assert len(await schedules.runs()) == 1
        paused.paused = False
        resumed = (await schedules.UpdateSchedule(schedule=paused)).schedule
        assert resumed.next_time.ToDatetime(UTC) > datetime.now(UTC)
        await schedules.DeleteSchedule(name=made.name)
        [run] = await schedules.runs()
        assert run.state == PENDING


async def test_a_schedule_follows_the_zone_of_its_report(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as schedules:
        await report(served, time_zone="UTC")
        before = (await schedules.create("0 7 * * *")).next_time.ToDatetime(UTC)
        assert before.hour == 7
        found = (await Reports(served.resources.pool).report(1, "weekly")).message()
        found.time_zone = "Asia/Tokyo"
        await Reports(served.resources.pool).update_report(DEMO, "weekly", found, None)
        await schedules.step()
        assert (await schedules.read()).next_time.ToDatetime(UTC).hour == 22
        assert await schedules.runs() == []


async def test_a_run_waits_until_its_data_are_complete_or_fails_when_they_do_not_come(suite: Suite) -> None:
    async with suite(query, admin) as served, scheduling(served) as one, scheduling(served) as other:
        last_hour = q.TimeRange()
        last_hour.last.FromTimedelta(HOUR)
        await report(served, time_range=last_hour)
        made = pb.Schedule(cron=YEARLY)
        made.wait_complete.FromTimedelta(HOUR)
        await one.CreateSchedule(parent=WEEKLY, schedule_id="often", schedule=made)
        slot = await one.come(MINUTE)
        await one.step()
        [run] = await one.runs()
        assert (run.state, run.reason, run.operation) == (
            WAITING,
            f"waits for data up to {slot:%Y-%m-%d %H:%M:%S} UTC",
            "",
        )

        async def look(watermark: datetime) -> Run:
            with psycopg.connect(postgres.conninfo(served.resources.settings.database_url)) as connection:
                commit(connection, [Happened(watermark)])
            async with served.resources.pool.connection() as connection:
                await connection.execute("UPDATE waiting_runs SET due_at = now()")
            await asyncio.gather(one.clock.look(), other.clock.look())
            [*_, found] = await one.runs()
            return found

        assert (await look(slot - MINUTE)).state == WAITING
        released = await look(datetime.now(UTC) + MINUTE)
        assert (released.state, released.reason) == (PENDING, "")
        assert released.operation
        # Another slot, whose data do not come in time.
        async with served.resources.pool.connection() as connection:
            await connection.execute(
                "UPDATE schedules SET due_at = now(), next_at = now() + INTERVAL '-1 second'"
            )
            await connection.execute("UPDATE partitions SET watermark = now() - INTERVAL '1 day'")
        await one.step()
        async with served.resources.pool.connection() as connection:
            await connection.execute("UPDATE waiting_runs SET give_up_at = now()")
        failed = await look(slot - HOUR)
        assert failed.state == FAILED
        assert "were not complete up to" in failed.reason
