"""Follows errors and security events of projects from the moment they are durable: they come in through query, findings are published.

Who follows a project holds its task `critical`. Where it stands is committed with what was found, so that whoever goes on after a
process has died misses nothing, and tells nothing twice.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.insights.findings.feedback import Said
from services.insights.findings.insight import Draft
from services.insights.findings.store import Store as Findings
from services.insights.findings.store import publish
from services.insights.source import Query
from services.insights.watch import burst
from services.insights.watch.burst import State
from services.insights.watch.store import Claim, Store
from services.insights.watch.worker import held
from services.kit.errors import Invalid, Unavailable
from services.kit.loop import repeat
from services.kit.settings import Settings
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as questions

TASK = "critical"
TICK = 0.5
TURN_SECONDS, SHORT_TURN_SECONDS = 60.0, 2.0
"""How long a project is followed before others may have their turn: shorter where others wait."""
LEARN_SECONDS = 3600.0
"""How often it is asked what is usual."""
KEEP_SECONDS = 5.0
"""How often it is committed where the stream stands though nothing was found."""
SETTLED = timedelta(minutes=2)
"""What happened later than this ago does not make a kind of event known: it may be what is to be told."""


class Followers:
    """Follows the critical events of all projects that have any activity, for one process."""

    def __init__(
        self, work: Store, findings: Findings, query: Query, settings: Settings, draining: asyncio.Event
    ) -> None:
        self._work, self._findings, self._query = work, findings, query
        self._loops, self._draining = settings.insights_followers, draining
        self._busy = 0

    async def run(self) -> None:
        """Worker: follows until `draining`."""
        await asyncio.gather(
            *(repeat(self._step, self._draining, TICK * (1 + place)) for place in range(self._loops))
        )

    async def _step(self) -> bool:
        claim = await self._work.claim([TASK])
        if claim is None:
            return False
        self._busy += 1
        try:
            await held(self._work, claim, self._follow)
        finally:
            self._busy -= 1
        return True

    async def _follow(self, claim: Claim) -> None:
        """Follows one project for a turn, then gives it back."""
        now = time.time()
        state = State.decode(claim.state)
        if now - state.usual_at > LEARN_SECONDS:
            await self._learn(claim, state, now)
        said = await self._findings.said(claim.project.project_id)
        ends_at = time.monotonic() + (SHORT_TURN_SECONDS if self._busy >= self._loops else TURN_SECONDS)
        kept_at = time.monotonic()
        stream = self._query.watch_critical(claim.project.name, state.cursor)
        try:
            async for answer in _until(stream, ends_at, self._draining):
                drafts = burst.judged(state, answer.events, datetime.now(UTC))
                state.cursor = answer.cursor
                if drafts or time.monotonic() - kept_at > KEEP_SECONDS:
                    await self._keep(claim, state, drafts, said)
                    kept_at = time.monotonic()
        except Invalid:
            # The cursor is of another number of partitions, or damaged: begin with the last minutes.
            state.cursor = ""
        except Unavailable:
            if not self._draining.is_set():
                await self._keep(claim, state, [], said)
                raise
        async with self._work.done(claim, state.encode(), datetime.now(UTC)):
            pass

    async def _keep(self, claim: Claim, state: State, drafts: list[Draft], said: Said) -> None:
        """Commits what was found, and where the stream stands behind it."""
        zone = ZoneInfo(claim.project.time_zone)
        async with self._work.kept(claim, state.encode()) as connection:
            for draft in drafts:
                start = draft.insight.start_time.ToDatetime(tzinfo=UTC)
                p_value = draft.insight.evidence.statistics.get("p_value", 0.0)
                sure = said.charged(draft.series, draft.insight.detector, p_value) <= burst.RARE
                if sure and not said.silences(draft.series, start, zone):
                    await publish(connection, claim.project, draft)

    async def _learn(self, claim: Claim, state: State, now: float) -> None:
        """Asks how many errors are usual in a minute, and which security events there were in 30 days."""
        until = datetime.now(UTC) - SETTLED
        errors = questions.Query()
        errors.series.measures.add(aggregation=questions.AGGREGATION_COUNT)
        errors.series.interval.unit = questions.Interval.UNIT_MINUTE
        _of_type(errors.series.filter, "ERROR_EVENT")
        _span(errors, until - timedelta(days=1), until)
        answer = await self._query.run(claim.project.name, errors)
        counts = list(answer.series.series[0].values) if answer.series.series else []
        burst.usual(state, counts, now)
        kinds = questions.Query()
        kinds.table.measures.add(aggregation=questions.AGGREGATION_COUNT)
        kinds.table.group_by.append("name")
        kinds.table.top = 1000
        _of_type(kinds.table.filter, "SECURITY_EVENT")
        _span(kinds, until - timedelta(days=30), until)
        answer = await self._query.run(claim.project.name, kinds)
        for row in answer.table.rows:
            if not row.other:
                state.kinds.setdefault(row.group[0], int(until.timestamp()))


async def _until(
    stream: AsyncIterator[query_pb2.WatchCriticalResponse], ends_at: float, draining: asyncio.Event
) -> AsyncIterator[query_pb2.WatchCriticalResponse]:
    """What a stream gives until a time, or until the process drains."""
    drained = asyncio.ensure_future(draining.wait())
    upcoming: asyncio.Future[query_pb2.WatchCriticalResponse] | None = None
    try:
        while (left := ends_at - time.monotonic()) > 0:
            upcoming = upcoming or asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
            either: list[asyncio.Future[Any]] = [upcoming, drained]
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                return
            try:
                answer = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield answer
    finally:
        drained.cancel()
        if upcoming is not None:
            upcoming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await upcoming
        await stream.aclose()  # type: ignore[attr-defined]


def _of_type(condition: questions.Filter, name: str) -> None:
    condition.comparison.field = "type"
    condition.comparison.operator = questions.OPERATOR_EQUAL
    condition.comparison.values.add(string_value=name)


def _span(query: questions.Query, start: datetime, end: datetime) -> None:
    query.time_range.start.FromDatetime(start)
    query.time_range.end.FromDatetime(end)
