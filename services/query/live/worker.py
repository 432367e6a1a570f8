"""Keeps watched questions answered: one feed for each different question, whose answers all its followers share.

A project has one desk. When `query.stream` rings, it opens one snapshot and renews every feed that a commit may have changed;
feeds that are slow to answer get a snapshot and a pace of their own. Answers go out to the boards of `live.stream`.
"""

import asyncio
import logging
import math
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate

from services.kit import metrics
from services.kit.calendar import Span
from services.kit.call import Project
from services.kit.errors import DeadlineExceeded, Error, Exhausted, Internal
from services.kit.failure import failure
from services.kit.instant import EPOCH
from services.kit.period import LAST_END
from services.query.cohorts.source import Cohorts
from services.query.live.answer import Answer, digest
from services.query.live.board import Latest
from services.query.live.source import Asked, Round
from services.query.question import Events, Question, Series, Table, cohorts, named, read
from services.query.state import Facts
from services.query.store import Snapshot, Store
from services.query.stream import Bell, Commits, Log
from services.query.trust import metadata
from services.query.windows.question import Window
from tidemark.v1 import question_pb2 as pb

LEAST_INTERVAL = 0.25
"""Seconds between two answers of a feed; longer where reading takes more than half of it."""
TICK = 4.0
"""Seconds after which a feed looks again though nothing rang: ranges move on, and a ring may be lost."""
RETRY = 1.0
"""Seconds after which a feed that has failed is tried again."""
QUICK = 0.1
"""A feed that takes longer than so many seconds is answered by itself, so that the others need not wait for it."""
ROUND_SECONDS = 2.0
"""How long feeds that are answered together may take; they are so many as should take a quarter of it."""
PEOPLE_SECONDS = 10.0
"""How old the people of a cohort may be."""
EVER = Span(EPOCH, LAST_END)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a feed answers; followers of an equal one share it."""

    project: Project
    query: bytes
    """A `Query`, serialised so that equal ones are equal."""
    page_size: int = 100

    @property
    def digest(self) -> str:
        """Names it in cursors."""
        return digest(b"%d %b" % (self.project.project_id, self.query))


def listened(query: pb.Query, question: Question) -> Span:
    """The time in which a commit may change the answer: without end where the range moves on."""
    match question:
        case Events():
            start = question.span.start
        case Series() | Table():
            span = question.span
            start = span.earlier(span.length).start if question.compared else span.start
        case _:
            return EVER
    return Span(start, question.span.end if query.time_range.HasField("end") else LAST_END)


def pause(question: Question, seconds: float) -> float:
    """How long a feed rests that took so many seconds to answer, so that slow ones leave the database time for others."""
    if isinstance(question, Events | Series | Table | Window):
        return max(LEAST_INTERVAL - seconds, seconds)
    return max(1.0, 4 * seconds)


class Feed:
    """One watched question: its latest answer, who is told of it, and when it may be asked again."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.query = watched, pb.Query.FromString(watched.query)
        self.cohorts = cohorts(self.query)
        self.latest = Latest()
        self.followers: set[Callable[[], None]] = set()
        self.bell = Bell(watched.project.project_id, EVER)
        self.hung = ExitStack()
        self.task: asyncio.Task[None] | None = None
        """Answers it, while it is answered by itself."""
        self.seconds = math.inf
        """How long it took when it was last answered; without end while that is not known."""
        self.asked_at, self._free_at = time.monotonic(), 0.0

    @property
    def quick(self) -> bool:
        """Whether it can be answered together with others."""
        return self.seconds < QUICK

    @property
    def due_at(self) -> float:
        """When it is to be answered next."""
        if self.task is not None:
            return math.inf
        return self._free_at if self.bell.rung.is_set() else max(self._free_at, self.asked_at + TICK)

    def asked(self, question: Question, rung: bool) -> Asked:
        """What is to be answered now."""
        self.bell.span, self.bell.names = listened(self.query, question), named(question)
        return Asked(question, self.bell.span, self.watched.page_size, self.latest.answer, rung)

    def begun(self) -> bool:
        """Is being answered; tells whether something rang since it was before."""
        self.asked_at, rung = time.monotonic(), self.bell.rung.is_set()
        self.bell.rung.clear()
        return rung

    def answered(self, answer: Answer, seconds: float) -> None:
        """Has a newer answer, that took so many seconds."""
        self.seconds, self.latest = seconds, Latest(answer)
        self._free_at = self.asked_at + seconds + pause(answer.question, seconds)

    def failed(self, error: Error) -> None:
        """Could not be answered; it is tried again."""
        self.seconds, self.latest = math.inf, replace(self.latest, error=error)
        now = time.monotonic()
        self._free_at = now + max(RETRY, 4 * (now - self.asked_at))
        self.bell.rung.set()

    def left(self) -> None:
        """Was not answered though others were, as it is slow, or comes after one that is."""
        self.seconds = math.inf
        self.bell.rung.set()


def together(feeds: Iterable[Feed]) -> list[Feed]:
    """Those of `feeds` that are quick and answered in one round, who have waited longest first."""
    quick = sorted((feed for feed in feeds if feed.quick), key=lambda feed: feed.asked_at)
    spent = accumulate(feed.seconds for feed in quick)
    return [feed for feed, seconds in zip(quick, spent) if seconds <= ROUND_SECONDS / 4]


class Desk:
    """Keeps the feeds of a project answered."""

    def __init__(self, project: Project, store: Store, cohorts: Cohorts, log: Log, seconds: float) -> None:
        self.feeds: dict[Watched, Feed] = {}
        self._project, self._store, self._cohorts, self._log = project, store, cohorts, log
        self._seconds = seconds
        self.rung = asyncio.Event()

    async def run(self, commits: Commits) -> None:
        """Answers what is due, again and again until cancelled."""
        with commits.bell(Bell(self._project.project_id, EVER, None, self.rung)):
            while True:
                self.rung.clear()
                began = time.monotonic()
                due = [feed for feed in self.feeds.values() if feed.due_at <= began]
                for feed in due:
                    if not feed.quick:
                        self.begin(feed)
                if quick := together(due):
                    await self._answer(quick, min(ROUND_SECONDS, self._seconds))
                    # Half of the time is the database's for others.
                    await asyncio.sleep(time.monotonic() - began)
                next_at = min((feed.due_at for feed in self.feeds.values()), default=math.inf)
                await within(min(TICK, next_at - time.monotonic()), self.rung)

    def begin(self, feed: Feed) -> None:
        """Answers a feed by itself."""
        if feed.task is None:
            feed.task = asyncio.create_task(self._answer_alone(feed))

    async def _answer_alone(self, feed: Feed) -> None:
        try:
            await self._answer([feed], self._seconds)
        finally:
            feed.task = None
            self.rung.set()

    async def _answer(self, feeds: Sequence[Feed], seconds: float) -> None:
        """Answers `feeds` from one snapshot, and tells their followers."""
        waiting = {feed: feed.begun() for feed in feeds}
        found: list[tuple[Feed, Answer, float]] = []
        try:
            async with self._store.snapshot(self._project.project_id, seconds, patient=True) as snapshot:
                now = Round(snapshot, await snapshot.facts())
                for feed in feeds:
                    began = time.monotonic()
                    asked = feed.asked(await self._question(feed, snapshot), waiting[feed])
                    answer = await now.next(asked)
                    found.append((feed, answer, time.monotonic() - began))
                    del waiting[feed]
            await self._publish(found, now.facts)
        except Exception as error:  # noqa: BLE001 - it is theirs who follow
            self._failed(list(waiting), error)
        for tell in {tell for feed in feeds for tell in feed.followers}:
            tell()

    async def _question(self, feed: Feed, snapshot: Snapshot) -> Question:
        now, project = datetime.now(UTC), feed.watched.project
        people = await self._cohorts.people(feed.cohorts, project.project_id, now, snapshot, PEOPLE_SECONDS)
        return read(feed.query, project.time_zone, now, people=people)

    async def _publish(self, found: Sequence[tuple[Feed, Answer, float]], facts: Facts) -> None:
        in_flight = await self._log.in_flight(facts)
        for feed, answer, seconds in found:
            metrics.QUERY_REFRESHES.inc()
            about = metadata(answer.question.span, facts, in_flight, seconds, "", answer.origin)
            feed.answered(replace(answer, metadata=about), seconds)

    def _failed(self, feeds: Sequence[Feed], error: Exception) -> None:
        """The first of `feeds` could not be answered, and the others have to wait."""
        known = failure(error)
        if known is None:
            incident = uuid.uuid4().hex
            log.error("incident %s", incident, exc_info=error)
            known = Internal(f"internal error, incident {incident}", incident=incident)
        for feed in feeds:
            if feed is feeds[0] and not (feed.quick and isinstance(known, DeadlineExceeded)):
                feed.failed(known)
            else:
                feed.left()


class Feeds:
    """The feeds of this process."""

    def __init__(
        self, store: Store, cohorts: Cohorts, log: Log, commits: Commits, seconds: float, most: int
    ) -> None:
        """`most` different questions of one project are kept answered at once."""
        self._store, self._cohorts, self._log, self._commits = store, cohorts, log, commits
        self._seconds, self._most = seconds, most
        self._desks: dict[int, tuple[Desk, asyncio.Task[None]]] = {}

    def join(self, watched: Collection[Watched], tell: Callable[[], None]) -> dict[Watched, Feed]:
        """Feeds of these questions, all of one project, which tell of news; those that are not there begin."""
        if not watched:
            return {}
        project = next(iter(watched)).project
        desk, _ = self._desks.get(project.project_id) or self._opened(project)
        fresh = {each: Feed(each) for each in watched if each not in desk.feeds}
        if len(desk.feeds) + len(fresh) > self._most:
            self._close(desk)
            raise Exhausted(
                f"{self._most} different questions of this project are watched, which is the limit: end some, or watch the same",
                retry_after=TICK,
                reason="TOO_MANY_WATCHES",
            )
        for each, feed in fresh.items():
            desk.feeds[each] = feed
            feed.hung.enter_context(self._commits.bell(feed.bell))
            desk.begin(feed)
        for each in watched:
            desk.feeds[each].followers.add(tell)
        return {each: desk.feeds[each] for each in watched}

    def leave(self, feeds: Collection[Feed], tell: Callable[[], None]) -> None:
        """Tells of news no more. A feed that nobody follows ends."""
        for feed in feeds:
            feed.followers.discard(tell)
            if not feed.followers:
                desk, _ = self._desks[feed.watched.project.project_id]
                del desk.feeds[feed.watched]
                feed.hung.close()
                if feed.task is not None:
                    feed.task.cancel()
                self._close(desk)

    def refresh(self, feeds: Iterable[Feed]) -> None:
        """Looks again as soon as may be."""
        for feed in feeds:
            feed.bell.rung.set()
            desk, _ = self._desks[feed.watched.project.project_id]
            desk.rung.set()

    def _opened(self, project: Project) -> tuple[Desk, asyncio.Task[None]]:
        desk = Desk(project, self._store, self._cohorts, self._log, self._seconds)
        self._desks[project.project_id] = desk, asyncio.create_task(desk.run(self._commits))
        return self._desks[project.project_id]

    def _close(self, desk: Desk) -> None:
        """Ends a desk without feeds."""
        for project_id, (each, task) in list(self._desks.items()):
            if each is desk and not desk.feeds:
                task.cancel()
                del self._desks[project_id]


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Waits for `event`, at most so long; tells whether it came."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return False
    return True
