"""The loop that looks at alert rules: every replica takes on some that are due, and writes what it has found in one transaction.

A look that a killed process has left behind is made again by whoever comes first. It begins where the last one that was written has
ended, so that nothing is missed and nothing is opened twice.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from services.insights.alerts.evaluation import Evaluation, Starts, evaluated, ready, settled
from services.insights.alerts.record import Look
from services.insights.alerts.rule import Rule, back, compiled, finished, following
from services.insights.alerts.source import asked
from services.insights.alerts.standing import Standing
from services.insights.alerts.store import Store
from services.insights.series import Series
from services.insights.source import Query
from services.kit import metrics
from services.kit.calendar import Span
from services.kit.errors import Error
from services.kit.instant import at
from services.kit.loop import pause
from tidemark.v1.alert_pb2 import AlertRule

TICK_SECONDS, BACKOFF_SECONDS = 1.0, 5.0
SLOTS = 8
"""Rules that one process looks at at once."""
LEASE, LOOK_SECONDS = timedelta(seconds=30), 25.0
"""How long others leave a rule alone that somebody looks at, and how long that may take."""
AFTER = timedelta(seconds=2)
"""How long after the end of a bucket it is looked at: what was sent in it has been committed by then."""
AGAIN = timedelta(seconds=3)
"""When a bucket is looked at again whose data are still coming."""
LATER = timedelta(seconds=30)
"""When a rule is tried again that could not be looked at."""
CATCH_UP = 1000
"""Buckets that are looked at after the fact, as when no replica ran; what is older is let go."""
log = logging.getLogger(__name__)


class Watch:
    """What one process looks at."""

    def __init__(self, store: Store, query: Query, draining: asyncio.Event) -> None:
        self._store, self._query, self._draining = store, query, draining
        self._looking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Worker: looks until draining, and finishes what it has begun; outlives the absence of PostgreSQL and of query."""
        while not self._draining.is_set():
            rest = TICK_SECONDS
            try:
                for look in await self._store.claim(SLOTS - len(self._looking), LEASE):
                    metrics.ALERT_LAG_SECONDS.set(look.waited)
                    self._looking.add(asyncio.create_task(self._look(look)))
            except psycopg.Error as error:
                log.warning("alert rules wait for the database: %s", " ".join(str(error).split()))
                rest = BACKOFF_SECONDS
            await pause(self._draining, rest)
            self._looking = {each for each in self._looking if not each.done()}
        if self._looking:
            await asyncio.wait(self._looking)

    async def _look(self, look: Look) -> None:
        now = datetime.now(UTC)
        try:
            try:
                await self.look(look, now)
            except psycopg.Error:
                raise
            except Exception:
                # One rule that cannot be judged must not keep the others from it.
                log.exception("alert rule %d cannot be looked at", look.rule_number)
                metrics.ALERT_EVALUATIONS.labels("failed").inc()
                fault = "it could not be judged; the log of insights tells why"
                await self._store.postpone(look, now + LATER, fault, looked=False)
        except psycopg.Error as error:
            # Whoever takes it on when the lease is over begins where this look has begun.
            log.warning("a look at %s is lost: %s", look.rule_id, " ".join(str(error).split()))
            metrics.ALERT_EVALUATIONS.labels("failed").inc()

    async def look(self, look: Look, now: datetime) -> None:
        """Judges the buckets that have finished since the last look."""
        rule, zone = compiled(AlertRule.FromString(look.definition)), ZoneInfo(look.time_zone)
        before = Standing.decode(look.state)
        end = finished(now, rule.step, zone)
        due_at = following(end, rule.step, zone) + AFTER
        # A rule looks at what has happened since it was made, however late its first look is, and at what it takes to open at once.
        start = min(back(end, rule.for_buckets, rule.step, zone), finished(look.updated_at, rule.step, zone))
        start = max(start, back(end, CATCH_UP, rule.step, zone))
        past = rule.first_past
        if before.until is not None:
            start = max(before.until, back(end, CATCH_UP, rule.step, zone))
            past = rule.past
        if start >= end:
            await self._store.postpone(look, due_at, "", looked=True)
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                about, lines, starts = await asked(
                    self._query, look.project, rule, Span(start, end), past, zone
                )
        except (Error, TimeoutError) as error:
            fault = str(error) or f"its series takes longer than {LOOK_SECONDS:g} s: ask for less"
            await self._store.postpone(look, now + LATER, fault, looked=False)
            metrics.ALERT_EVALUATIONS.labels("failed").inc()
            return
        judged, until = ready(starts, start, end, settled(about, now))
        if not judged:
            waiting = f"waits for data of {start:%Y-%m-%d %H:%M} UTC: the pipeline is behind"
            late = now > end + LATER
            await self._store.postpone(look, now + AGAIN, waiting if late else "", looked=False)
            metrics.ALERT_EVALUATIONS.labels("waiting").inc()
            return
        found = await asyncio.to_thread(_evaluated, rule, before, lines, starts, judged, until, now, look)
        await self._store.finish(look, found, due_at if until == end else now + AGAIN)
        metrics.ALERT_EVALUATIONS.labels("done").inc()


def _evaluated(
    rule: Rule,
    before: Standing,
    lines: Sequence[Series],
    starts: Starts,
    judged: range,
    until: datetime,
    now: datetime,
    look: Look,
) -> Evaluation:
    snoozed = rule.message.snooze_until
    return evaluated(
        rule,
        before,
        lines,
        starts,
        judged,
        until,
        may_open=at(snoozed.ToMicroseconds()) <= now,
        going_on={tuple(each) for each in look.going_on},
    )
