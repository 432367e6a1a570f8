"""The loops of schedules: every replica takes on what is due, one schedule in one transaction, and looks after runs that wait for data.

A schedule is held while the runs of its slots are written and it moves on: whoever is killed meanwhile leaves nothing, and the next one
begins where it has begun.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from itertools import takewhile

from services.kit import metrics
from services.kit.errors import Error
from services.kit.instant import at
from services.kit.loop import repeat
from services.kit.service import Pool
from services.reports.build.span import resolved
from services.reports.schedules import cron, store
from services.reports.schedules.record import Due, Waiting
from services.reports.schedules.slots import LONGEST_WINDOW, WINDOW, Slot, judged
from services.reports.schedules.store import Store
from services.reports.source import Sources
from tidemark.v1 import question_pb2 as q

TICK_SECONDS = 1.0
AT_ONCE = 20
"""Runs that one schedule begins at once; the rest of those it catches up with comes `LATER`, when these have had their turn."""
LATER = timedelta(seconds=30)
"""When a schedule is looked at again that could not be run, or has more to catch up with."""
AGAIN = timedelta(seconds=5)
"""How often it is looked whether data are complete."""
WAITING = 50
"""Runs that one look is about."""
log = logging.getLogger(__name__)


class Clock:
    """What one process runs."""

    def __init__(self, pool: Pool, store: Store, sources: Sources, draining: asyncio.Event) -> None:
        self._pool, self._store, self._sources, self._draining = pool, store, sources, draining

    async def run(self) -> None:
        """Worker: runs what is due until draining; outlives the absence of PostgreSQL."""
        await repeat(self.step, self._draining, TICK_SECONDS)

    async def wait(self) -> None:
        """Worker: looks after runs that wait until draining; outlives the absence of PostgreSQL and of query."""
        await repeat(self.look, self._draining, TICK_SECONDS)

    async def step(self) -> bool:
        """Runs one schedule that is due; whether there was one."""
        async with self._pool.connection() as connection:
            found = await store.due(connection)
            if found is None:
                return False
            try:
                slots, next_at = planned(found)
                begun, next_at = _at_once(slots, next_at)
                complete_at = _complete(found, begun)
            except Exception:
                # One that cannot be run must not keep the others from it.
                log.exception("%s cannot be run", found.name)
                await store.move(connection, found, found.next_at, due_at=found.now + LATER)
                return True
            last_run = await store.run(connection, found, begun, complete_at)
            more = len(begun) < len(slots)
            due_at = found.now + LATER if more else next_at
            await store.move(connection, found, next_at, due_at=due_at, last_run=last_run)
        for slot in begun:
            metrics.SCHEDULE_SLOTS.labels("left_out" if slot.left_out else "run").inc()
        if begun:
            metrics.SCHEDULE_LAG_SECONDS.set((found.now - found.next_at).total_seconds())
        return True

    async def look(self) -> bool:
        """Lets runs go on whose data are complete, and those fail that have waited for long enough; whether there was one."""
        waiting = await self._store.waiting(WAITING, AGAIN)
        watermarks = {
            project: await self._watermark(project) for project in {each.project for each in waiting}
        }
        went_on = False
        for each in waiting:
            watermark = watermarks[each.project]
            if watermark is not None and watermark >= each.complete_at:
                await self._store.go_on(each)
            elif each.now >= each.give_up_at:
                await self._store.go_on(each, _too_late(each, watermark))
            else:
                continue
            went_on = True
        return went_on

    async def _watermark(self, project: str) -> datetime | None:
        """The event time up to which the project's data are believed complete."""
        query = q.Query(series=q.SeriesQuestion(measures=[q.Measure(aggregation=q.AGGREGATION_COUNT)]))
        query.time_range.last.FromSeconds(60)
        try:
            about = (await self._sources.run(project, query)).metadata
        except Error as error:
            log.warning("nobody knows how complete the data of %s are: %s", project, error)
            return None
        return at(about.watermark.ToMicroseconds()) if about.HasField("watermark") else None


def planned(found: Due) -> tuple[list[Slot], datetime | None]:
    """What becomes of the slots that have come, and the next one that has not."""
    schedule, zone = found.schedule, found.zone()
    if found.report_version != found.found_version and found.next_at > found.now:
        # The report may be of another zone by now; nothing has come by the clock that was good until then.
        return [], cron.following(schedule.cron, zone, found.now)
    first = max(found.next_at, found.now - LONGEST_WINDOW)
    slots = cron.slots(schedule.cron, zone, first)
    earlier = [found.next_at] if first == found.next_at else []
    come = [*earlier, *takewhile(lambda slot: slot <= found.now, slots)]
    window = schedule.catch_up_window.ToTimedelta() if schedule.HasField("catch_up_window") else WINDOW
    return judged(come, schedule.catch_up, window, found.now), cron.following(schedule.cron, zone, found.now)


def _at_once(slots: list[Slot], next_at: datetime | None) -> tuple[list[Slot], datetime | None]:
    """The slots that are written now, and the first that is not."""
    running = 0
    for place, slot in enumerate(slots):
        running += not slot.left_out
        if running > AT_ONCE:
            return slots[:place], slot.at
    return slots, next_at


def _complete(found: Due, slots: list[Slot]) -> dict[datetime, datetime]:
    """Up to when the data of each slot are to be there, where the schedule waits for that."""
    if not found.schedule.wait_complete.ToTimedelta():
        return {}
    report = found.report
    zone = report.time_zone or found.project_zone
    return {slot.at: resolved(report.time_range, zone, slot.at).end for slot in slots if not slot.left_out}


def _too_late(waiting: Waiting, watermark: datetime | None) -> str:
    reached = (
        "nothing is known to be complete"
        if watermark is None
        else f"they are up to {watermark:%Y-%m-%d %H:%M:%S} UTC"
    )
    return f"the data were not complete up to {waiting.complete_at:%Y-%m-%d %H:%M:%S} UTC in time: {reached}"
