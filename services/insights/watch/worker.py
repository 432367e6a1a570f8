"""The loops of continuous work: claims what is due from `store`, asks through `source`, has it judged, and commits what was found.

Every process runs some of these loops, and replicas run more: a task is done by whoever claims it, in the order in which tasks are due.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from services.insights.detect import anomaly
from services.insights.findings.feedback import Said
from services.insights.findings.insight import Draft, Explained
from services.insights.findings.store import Store as Findings
from services.insights.findings.store import publish
from services.insights.source import Query
from services.insights.watch import daily, expected, judge, source, store
from services.insights.watch.control import Control
from services.insights.watch.draft import advised, drafted, spans
from services.insights.watch.judge import Found, Known
from services.insights.watch.schedule import HISTORY, UNITS, due, edge
from services.insights.watch.series import SECONDS, Chosen, Line, Panel, panels
from services.insights.watch.state import State
from services.insights.watch.store import Claim, Lost, Row, Store
from services.insights.why.ask import Asked
from services.insights.why.source import explain
from services.kit import metrics
from services.kit.calendar import floor
from services.kit.errors import Error
from services.kit.instant import us_of
from services.kit.loop import repeat
from services.kit.settings import Settings
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

Interval = questions.Interval
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
    came: float
    """What the first panel's answer counts, unfinished buckets as well."""


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
        await held(self._work, claim, self._done)
        return True

    async def _keep_house(self) -> None:
        """Gives new projects their tasks, and ends insights whose time is over."""

        async def step() -> bool:
            await self._work.prepare()
            return await self._findings.expire() > 0

        await repeat(step, self._draining, HOUSEKEEPING)

    async def _done(self, claim: Claim) -> None:
        began, now = time.monotonic(), datetime.now(UTC)
        await self.look(claim, now)
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="done").inc()
        metrics.INSIGHT_LAG_SECONDS.labels(task=claim.task).set(
            max(0.0, (now - claim.due_at).total_seconds())
        )
        metrics.INSIGHT_LOOK_SECONDS.labels(task=claim.task).observe(time.monotonic() - began)

    async def look(self, claim: Claim, now: datetime) -> None:
        """Looks at the series of a project up to `now`: asks, judges, asks why, and commits."""
        project, zone = claim.project, ZoneInfo(claim.project.time_zone)
        state = State.decode(claim.state)
        if state.chosen_at is None or now - state.chosen_at > CHOOSE:
            chosen = await source.chosen(self._query, project.name, state.chosen)
            state = replace(state, chosen=chosen, chosen_at=now)
        given = [record.message() for record in await self._findings.indicators(project.project_id)]
        known = await self._work.known(project.project_id, claim.task)
        look = await self._looked(
            claim, _panels(claim.task, state.chosen, given, self._settings.insights_series), known, now
        )
        said = await self._findings.said(project.project_id)
        drafts, control = await self._drafts(claim, look, state.control, said, now)
        if claim.task == "days":
            own = await self._longer(claim, given, now)
            rate = self._settings.insights_false_discovery_rate
            drafts += await asyncio.to_thread(daily.drafts, look.lines, own, said, zone, now, rate)
            drafts += await asyncio.to_thread(expected.drafts, [*own, *look.lines], said, zone, now)
        alike = await self._findings.alike(project.project_id, drafts)
        for draft, past in zip(drafts, alike):
            advised(draft.insight, given, past)
        state = replace(state, control=control)
        due_at = due(claim.task, now, zone, finished=_finished(look, claim.task, now))
        async with self._work.done(claim, state.encode(), due_at) as connection:
            for draft in drafts:
                await publish(connection, project, draft)
            await store.put(connection, claim, look.changed, look.watched)

    async def _looked(
        self, claim: Claim, asked: Sequence[Panel], known: Mapping[str, Row], now: datetime
    ) -> Look:
        """Asks the panels and judges what came; a series that is new, or was not looked at for long, is learnt."""
        turns = asyncio.Semaphore(source.AT_ONCE)

        async def one(panel: Panel, anew: bool, since: int = 0) -> Look:
            async with turns:
                return await self._panel(claim, panel, {} if anew else known, now, since)

        whole = await one(asked[0], anew=False)
        anew = bool(known) and _loaded(claim, whole)
        if anew:
            log.info("history of %s was loaded: its series are learnt anew", claim.project.name)
            whole = await one(asked[0], anew=True)
        since = judge.began(whole.lines)
        looks = [whole, *await asyncio.gather(*(one(panel, anew, since) for panel in asked[1:]))]
        return Look(
            [each for look in looks for each in look.changed],
            [each for look in looks for each in look.watched],
            [each for look in looks for each in look.found],
            [each for look in looks for each in look.lines],
            whole.came,
        )

    async def _panel(
        self, claim: Claim, panel: Panel, known: Mapping[str, Row], now: datetime, since: int
    ) -> Look:
        keys = [watched.key for watched in panel.members.values()]
        unit = panel.query.series.interval.unit or Interval.UNIT_WEEK
        long_ago = now - HISTORY[unit]
        rows = {key: known[key] for key in keys if key in known and known[key].until > long_ago}
        everything = len(rows) < len(keys) or claim.task == "days"
        start = long_ago if everything else min(row.until for row in rows.values())
        begin = edge(start, unit, ZoneInfo(claim.project.time_zone))
        if begin + timedelta(seconds=SECONDS[unit]) > now:
            return Look([], keys, [], [], 0)
        try:
            lines, came = await source.answered(self._query, claim.project.name, panel, begin, now)
        except Error as error:
            if source.passing(error):
                raise
            # A question that cannot be asked, as that of an indicator whose window is gone, must not keep the others.
            log.warning("%s of %s is not watched: %s", ", ".join(keys), claim.project.name, error)
            return Look([], keys, [], [], 0)
        return replace(await asyncio.to_thread(_judged, lines, rows, since), watched=keys, came=came)

    async def _drafts(
        self, claim: Claim, look: Look, control: Control, said: Said, now: datetime
    ) -> tuple[list[Draft], Control]:
        """What is told of what was found: what holds against the number of series, with why it may be."""
        zone = ZoneInfo(claim.project.time_zone)
        found = _weighed(
            [found for each in look.found if (found := judge.heard(each, said, zone)) is not None]
        )
        rate = self._settings.insights_false_discovery_rate
        series = sum(map(judge.tested, look.changed))
        passed, control = control.held(found, series, now, rate)
        kept = {id(each) for each in judge.once([each.found for each in passed])}
        told = [each for each in passed if id(each.found) in kept]
        fresh = [each.found for each in told if each.found.alarm]
        reasons = await self._reasons(claim, sorted(fresh, key=lambda each: -each.reach)[:EXPLAINED])
        drafts = [
            drafted(each.found, each.q_value, reasons.get(id(each.found), Explained()), said, zone, now)
            for each in told
        ]
        return drafts, control

    async def _reasons(self, claim: Claim, found: Sequence[Found]) -> dict[int, Explained]:
        """Why what was found may be, by the identity of the finding; what cannot be explained in time is told without."""

        async def one(each: Found) -> Explained:
            measure, compared = each.watched.measure, spans(each.watched, each.start, each.end)
            if measure is None or compared is None:
                return Explained()
            series = each.watched.query.series
            before, after = compared
            asked = Asked(
                measure,
                series.filter if series.HasField("filter") else None,
                after,
                before,
                timedelta(seconds=each.watched.words.seconds),
            )
            try:
                why = await explain(self._query, claim.project.name, asked, seconds=EXPLAIN_SECONDS)
            except Error as error:
                log.warning("a finding of %s is told without reasons: %s", claim.project.name, error)
                return Explained()
            return Explained(why.cause, why.facts, why.contributions)

        answers = await asyncio.gather(*map(one, found))
        return {id(each): answer for each, answer in zip(found, answers)}

    async def _longer(self, claim: Claim, given: Sequence[pb.Indicator], now: datetime) -> list[Line]:
        """The indicators by their own buckets, for the daily look."""
        found, zone = [], ZoneInfo(claim.project.time_zone)
        for each in given:
            (panel,) = (one for one in panels(Chosen(), [each], each.interval, 1000) if _of(one, each))
            start = (
                now - HISTORY[Interval.UNIT_HOUR if each.interval == Interval.UNIT_MINUTE else each.interval]
            )
            if each.interval == Interval.UNIT_MINUTE:
                continue
            try:
                lines, _ = await source.answered(
                    self._query,
                    claim.project.name,
                    panel,
                    edge(start, each.interval, zone),
                    now,
                )
            except Error as error:
                if source.passing(error):
                    raise
                continue
            found += lines
        return found


async def held(work: Store, claim: Claim, do: Callable[[Claim], Awaitable[None]]) -> None:
    """Does a task while its lease is renewed; gives it back where it fails, and drops it where somebody else has it."""
    task = asyncio.ensure_future(do(claim))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=work.lease.total_seconds() / 3)
            if not task.done() and not await work.renew(claim):
                task.cancel()
                await asyncio.wait({task})
                raise Lost(claim.task)
        await task
    except asyncio.CancelledError:
        # The time to drain is over: others do it at once, and not when the lease is.
        await work.later(claim, timedelta(0))
        raise
    except Lost:
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="lost").inc()
        log.warning("%s of %s are done by another process", claim.task, claim.project.name)
    except Error as error:
        metrics.INSIGHT_LOOKS.labels(task=claim.task, outcome="failed").inc()
        log.warning("%s of %s are done later: %s", claim.task, claim.project.name, error)
        await work.later(claim, RETRY)
    finally:
        task.cancel()


def _panels(task: str, chosen: Chosen, given: Sequence[pb.Indicator], most: int) -> list[Panel]:
    """What is asked by a task; indicators by the week are looked at with those by the day."""
    found = panels(chosen, given, UNITS[task], most)
    if task == "days":
        weekly = [each for each in given if each.interval == Interval.UNIT_WEEK]
        found += [
            panel
            for each in weekly
            for panel in panels(Chosen(), [each], each.interval, most)
            if _of(panel, each)
        ]
    return found


def _of(panel: Panel, given: pb.Indicator) -> bool:
    """Whether a panel asks for this indicator."""
    return any(watched.indicator is given for watched in panel.members.values())


def _judged(lines: Iterable[Line], rows: Mapping[str, Row], since: int) -> Look:
    """Judges what is known, and learns what is new."""
    changed, found, kept = [], [], []
    for line in lines:
        kept.append(line)
        row = rows.get(line.watched.key)
        state = None if row is None else anomaly.State.decode(row.learnt)
        if row is None or state is None:
            if len(line.values):
                changed.append(judge.learnt(line, since))
            continue
        known = Known(line.watched, state, judge.recent(row.recent), us_of(row.until))
        after, new = judge.judged(known, line)
        if after.until > known.until:
            changed.append(after)
        found += new
    return Look(changed, [], found, kept, 0.0)


def _weighed(found: Sequence[Found]) -> list[Found]:
    """With the part of the project's events that each series usually is."""
    whole = max((each.figures[1] for each in found if each.watched.key == "events"), default=math.nan)
    return [judge.with_reach(each, whole) for each in found]


def _loaded(claim: Claim, whole: Look) -> bool:
    """Whether most of what the project has came since the last look, and for other times than those looked at."""
    return claim.seen > 0 and claim.received - claim.seen - whole.came > ELSEWHERE * claim.received


def _finished(look: Look, task: str, now: datetime) -> bool:
    """Whether the last bucket that has ended was looked at in every series that there is."""
    ended = us_of(floor(now, SECONDS[UNITS[task]]))
    return bool(look.changed) and all(known.until >= ended for known in look.changed)
