"""The loops of continuous work: claims what is due from `store`, asks through `source`, has it judged, and commits what was found.

Every process runs some of these loops, and replicas run more: a task is done by whoever claims it, in the order in which tasks are due.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from services.insights.detect import anomaly
from services.insights.findings.insight import Draft
from services.insights.findings.store import Store as Findings
from services.insights.findings.store import publish
from services.insights.source import Query
from services.insights.watch import daily, judge, source, store
from services.insights.watch.control import Control
from services.insights.watch.draft import drafted
from services.insights.watch.judge import Found, Known
from services.insights.watch.series import SECONDS, Chosen, Line, Panel, panels
from services.insights.watch.state import State
from services.insights.watch.store import LEASE, Claim, Lost, Row, Store
from services.insights.why.source import explanation
from services.insights.worker import repeat
from services.kit import metrics
from services.kit.calendar import beginning, floor
from services.kit.errors import Error
from services.kit.settings import Settings
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

Interval = questions.Interval
UNITS = {"minutes": Interval.UNIT_MINUTE, "hours": Interval.UNIT_HOUR, "days": Interval.UNIT_DAY}
HISTORY = {
    Interval.UNIT_MINUTE: timedelta(days=2),
    Interval.UNIT_HOUR: timedelta(days=56),
    Interval.UNIT_DAY: timedelta(days=400),
    Interval.UNIT_WEEK: timedelta(days=728),
}
"""What a series is learnt from; also the longest gap that is caught up with bucket by bucket, beyond which it is learnt anew."""
AFTER = {
    "minutes": timedelta(seconds=3),
    "hours": timedelta(seconds=90),
    "days": timedelta(minutes=30),
}
"""How long after the end of a bucket it is looked at."""
CHOOSE = timedelta(minutes=10)
"""How often it is looked which events and metrics a project has."""
ELSEWHERE = 0.5
"""Where more than this share of all that a project has came for other times than the buckets looked at, history was loaded."""
LOOPS, TICK, HOUSEKEEPING = 3, 1.0, 10.0
EXPLAIN_SECONDS, EXPLAINED = 10.0, 5
"""How long is asked why at most, and for how many findings of one look; the others are told without."""
RETRY = timedelta(seconds=5)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the series of a project has found, and what is known after it."""

    changed: list[Known]
    watched: list[str]
    found: list[Found]
    lines: list[Line]
    tested: int


class Watcher:
    """Looks at the series of all projects, for one process."""

    def __init__(
        self, work: Store, findings: Findings, query: Query, settings: Settings, draining: asyncio.Event
    ) -> None:
        self._work, self._findings, self._query, self._settings = work, findings, query, settings
        self._draining = draining

    async def run(self) -> None:
        """Worker: looks until `draining`."""
        loops = [repeat(partial(self.step, tuple(UNITS)), self._draining, TICK) for _ in range(LOOPS)]
        await asyncio.gather(self._keep_house(), *loops)

    async def step(self, tasks: Sequence[str]) -> bool:
        """Does one task that is due; whether there was one."""
        claim = await self._work.claim(tasks)
        if claim is None:
            return False
        await held(self._work, claim, self._look)
        return True

    async def _keep_house(self) -> None:
        """Gives new projects their tasks, and ends insights whose time is over."""

        async def step() -> bool:
            await self._work.prepare()
            return await self._findings.expire() > 0

        await repeat(step, self._draining, HOUSEKEEPING)

    async def _look(self, claim: Claim) -> None:
        """Looks at the series of a project: asks, judges, asks why, and commits."""
        now, began = datetime.now(UTC), time.monotonic()
        project, zone = claim.project, ZoneInfo(claim.project.time_zone)
        state = State.decode(claim.state)
        if state.chosen_at is None or now - state.chosen_at > CHOOSE:
            chosen = await source.chosen(self._query, project.name, state.chosen)
            state = replace(state, chosen=chosen, chosen_at=now)
        given = [record.message() for record in await self._findings.indicators(project.project_id)]
        known = await self._work.known(project.project_id, claim.task)
        look = await self._looked(claim, _panels(claim.task, state.chosen, given, self._settings.insights_series), known, now)
        said = await self._findings.said(project.project_id)
        drafts, control = await self._drafts(claim, look, state.control, said, now)
        if claim.task == "days":
            drafts += await asyncio.to_thread(daily.drafts, look.lines, said, zone, now)
        state = replace(state, control=control)
        due_at = _next(claim.task, now, zone)
        async with self._work.done(claim, state.encode(), due_at) as connection:
            for draft in drafts:
                await publish(connection, project, draft)
            await store.put(connection, claim, look.changed, look.watched)
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="done").inc()
        metrics.INSIGHT_LAG_SECONDS.labels(task=claim.task).set(max(0.0, (now - claim.due_at).total_seconds()))
        metrics.INSIGHT_LOOK_SECONDS.labels(task=claim.task).observe(time.monotonic() - began)

    async def _looked(
        self, claim: Claim, asked: Sequence[Panel], known: Mapping[str, Row], now: datetime
    ) -> Look:
        """Asks the panels and judges what came; a series that is new, or was not looked at for long, is learnt."""
        turns = asyncio.Semaphore(source.AT_ONCE)

        async def one(panel: Panel, anew: bool) -> Look:
            async with turns:
                return await self._panel(claim, panel, {} if anew else known, now)

        whole = await one(asked[0], anew=False)
        anew = bool(known) and _loaded(claim, whole)
        if anew:
            log.info("history of %s was loaded: its series are learnt anew", claim.project.name)
            whole = await one(asked[0], anew=True)
        looks = [whole, *await asyncio.gather(*(one(panel, anew) for panel in asked[1:]))]
        return Look(
            [each for look in looks for each in look.changed],
            [each for look in looks for each in look.watched],
            [each for look in looks for each in look.found],
            [each for look in looks for each in look.lines],
            sum(look.tested for look in looks),
        )

    async def _panel(self, claim: Claim, panel: Panel, known: Mapping[str, Row], now: datetime) -> Look:
        keys = [watched.key for watched in panel.members.values()]
        unit = panel.query.series.interval.unit or Interval.UNIT_WEEK
        long_ago = now - HISTORY[unit]
        rows = {key: known[key] for key in keys if key in known and known[key].until > long_ago}
        everything = len(rows) < len(keys) or claim.task == "days"
        start = long_ago if everything else min(row.until for row in rows.values())
        zone = ZoneInfo(claim.project.time_zone)
        seconds = SECONDS[unit]
        edge = floor(start, seconds) if seconds <= 3600 else beginning(start, unit, zone)
        if edge + timedelta(seconds=seconds) > now:
            return Look([], keys, [], [], 0)
        try:
            lines, _ = await source.answered(self._query, claim.project.name, panel, edge, now)
        except Error as error:
            if source.passing(error):
                raise
            # A question that cannot be asked, as that of an indicator whose window is gone, must not keep the others.
            log.warning("%s of %s is not watched: %s", ", ".join(keys), claim.project.name, error)
            return Look([], keys, [], [], 0)
        return await asyncio.to_thread(_judged, lines, rows, keys)

    async def _drafts(
        self, claim: Claim, look: Look, control: Control, said: judge.Said, now: datetime
    ) -> tuple[list[Draft], Control]:
        """What is told of what was found: what holds against the number of series, with why it may be."""
        zone = ZoneInfo(claim.project.time_zone)
        found = _weighed([each for each in look.found if not judge.silenced(each, said, zone)])
        held_, control = control.held(found, look.tested, now, self._settings.insights_false_discovery_rate)
        fresh = [each.found for each in held_ if each.found.alarm]
        reasons = await self._reasons(claim, sorted(fresh, key=lambda each: -each.reach)[:EXPLAINED])
        drafts = [
            drafted(each.found, each.q_value, reasons.get(id(each.found)), said, zone, now) for each in held_
        ]
        return drafts, control

    async def _reasons(self, claim: Claim, found: Sequence[Found]) -> dict[int, pb.ExplainChangeResponse]:
        """Why what was found may be, by the identity of the finding; what takes too long is told without."""

        async def one(each: Found) -> pb.ExplainChangeResponse | None:
            measure = each.watched.measure
            if measure is None:
                return None
            try:
                async with asyncio.timeout(EXPLAIN_SECONDS):
                    return await explanation(
                        self._query, claim.project, measure, each.watched.query.series.filter, each.start, each.end
                    )
            except (TimeoutError, Error) as error:
                log.warning("a finding of %s is told without reasons: %r", claim.project.name, error)
                return None

        answers = await asyncio.gather(*map(one, found))
        return {id(each): answer for each, answer in zip(found, answers) if answer is not None}


async def held(work: Store, claim: Claim, do: Callable[[Claim], Awaitable[None]]) -> None:
    """Does a task while its lease is renewed; gives it back where it fails, and drops it where somebody else has it."""
    task = asyncio.ensure_future(do(claim))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LEASE.total_seconds() / 3)
            if not task.done() and not await work.renew(claim):
                task.cancel()
                await asyncio.wait({task})
                raise Lost(claim.task)
        await task
    except Lost:
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="lost").inc()
        log.warning("%s of %s are done by another process", claim.task, claim.project.name)
    except Error as error:
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="failed").inc()
        log.warning("%s of %s are done later: %s", claim.task, claim.project.name, error)
        await work.later(claim, RETRY)
    finally:
        task.cancel()
