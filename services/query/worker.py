"""Keeps watched questions answered: one loop for each different question, whose answers all its followers share.

`servicer` joins a feed for each `WatchQuery`. A feed waits for `stream` to ring, asks the commit log what was touched, reads
those buckets anew through `store`, and publishes the answer; how a follower's last answer differs from it, `watch` tells. A
slow follower gets the latest answer, never a queue of old ones.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from services.kit import metrics
from services.kit.errors import Exhausted, Unavailable
from services.query import watch
from services.query.calendar import Span
from services.query.plan import Plan, plan
from services.query.question import LAST_END, Events, Question, Series, named, read
from services.query.shape import Reading, result
from services.query.sql import Page
from services.query.store import Snapshot, Store
from services.query.stream import Bell, Commits, Log
from services.query.trust import Facts, metadata
from services.query.watch import Answer
from tidemark.v1 import question_pb2 as pb

LEAST_INTERVAL = 0.25
"""Seconds between two answers of a feed; longer where reading takes more than half of it."""
TICK = 4.0
"""Seconds after which a feed looks again though nothing rang: ranges move on, and a ring may be lost."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a feed answers; followers of an equal one share it."""

    project_id: int
    time_zone: str
    query: bytes
    page_size: int

    def question(self, now: datetime) -> Question:
        """The question at the instant `now`."""
        return read(pb.Query.FromString(self.query), self.time_zone, now)

    def listened(self, question: Question) -> Span:
        """The time in which a commit may change the answer to `question`: without end where the range moves on."""
        asked, span = pb.Query.FromString(self.query).time_range, question.span
        compared = isinstance(question, Series) and question.compared
        start = span.earlier(span.length).start if compared else span.start
        return Span(start, span.end if asked.HasField("end") else LAST_END)


class Feed:
    """The latest answer to one question, and word when there is a newer one."""

    def __init__(self, watched: Watched, store: Store, log: Log, seconds: float) -> None:
        self._watched, self._store, self._log, self._seconds = watched, store, log, seconds
        self._answer: Answer | None = None
        self._rung, self._news, self._failed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        self.followers = 0

    async def run(self, commits: Commits) -> None:
        """Answers again and again until cancelled; a failure is what followers get then."""
        try:
            question = self._watched.question(datetime.now(UTC))
            ours = Bell(
                self._watched.project_id, self._watched.listened(question), named(question), self._rung
            )
            with commits.bell(ours) as bell:
                while True:
                    self._rung.clear()
                    began = time.monotonic()
                    question = self._watched.question(datetime.now(UTC))
                    answer = await self._next(question)
                    metrics.QUERY_REFRESHES.inc()
                    bell.span = self._watched.listened(question)
                    self._publish(answer)
                    elapsed = time.monotonic() - began
                    # A question that is slow to answer leaves the database at least as much time for others.
                    await asyncio.sleep(max(LEAST_INTERVAL, 2 * elapsed) - elapsed)
                    await _within(TICK, self._rung)
        except Exception as error:  # noqa: BLE001 - it is theirs who follow
            self.end(error)

    def end(self, error: Exception) -> None:
        """Answers no more: followers raise `error`."""
        self.failure = self.failure or error
        self._failed.set()
        self._news.set()

    def refresh(self) -> None:
        """Looks again as soon as the least interval allows."""
        self._rung.set()

    async def first(self) -> Answer:
        """The latest answer, as soon as there is one. Raises how the feed failed."""
        while self._answer is None or self.failure is not None:
            if self.failure is not None:
                raise self.failure
            await self._news.wait()
        return self._answer

    async def newer(self, known: Answer, seconds: float, after: float = 0.0) -> Answer:
        """The latest answer `after` so many seconds, once it is not `known` or so many more have gone by."""
        await _within(after, self._failed)
        if self.failure is None and self._answer is known:
            await _within(seconds, self._news)
        return await self.first()

    def _publish(self, answer: Answer) -> None:
        self._answer = answer
        self._news.set()
        self._news = asyncio.Event()

    async def _next(self, question: Question) -> Answer:
        """The answer now, made of the last one and what was touched since."""
        began, now, old = time.monotonic(), datetime.now(UTC), self._answer
        async with self._store.snapshot(self._watched.project_id, self._seconds, patient=True) as snapshot:
            facts = await snapshot.facts()
            touched = await snapshot.touched(old.facts.versions) if old is not None else []
            if isinstance(question, Events):
                answer = await self._events(question, facts, old, touched, snapshot)
            else:
                answer = await _series(question, facts, old, touched, snapshot, now)
        in_flight = await self._log.in_flight(self._watched.project_id, len(facts.versions), facts.received)
        about = metadata(question.span, facts, in_flight, time.monotonic() - began, "", answer.plan)
        return replace(answer, metadata=about)

    async def _events(
        self, question: Events, facts: Facts, old: Answer | None, touched: list[Span], snapshot: Snapshot
    ) -> Answer:
        # A client's clock may be ahead of ours: its events are shown as they come, not left out as not yet happened.
        asked = replace(question, span=self._watched.listened(question))
        size = self._watched.page_size
        if old is None:
            newest, _ = await snapshot.events(asked, Page(size))
            return Answer(facts, question.span, pb.QueryMetadata(), pb.EventsResult(events=newest))
        assert isinstance(old.result, pb.EventsResult)
        spans = tuple(span for span in touched if span.overlaps(asked.span))
        fresh: list[pb.StoredEvent] = []
        if spans:
            fresh, _ = await snapshot.events(asked, Page(size, batches=old.facts.batches, spans=spans))
        number = old.number + bool(fresh)
        arrived = watch.latest((*old.arrived, *((number, event) for event in reversed(fresh))), size)
        newest = watch.newest((*fresh, *old.result.events), question.span, size)
        return Answer(
            facts,
            question.span,
            pb.QueryMetadata(),
            pb.EventsResult(events=newest),
            arrived=arrived,
            number=number,
        )


async def _series(
    question: Series, facts: Facts, old: Answer | None, touched: list[Span], snapshot: Snapshot, now: datetime
) -> Answer:
    if old is None or old.plan is None or old.plan.question != question:
        planned = plan(question)
        reading = await snapshot.series(planned)
    else:
        planned = old.plan
        slots = watch.slots(planned, touched)
        reading = await _renewed(old.reading, slots, planned, snapshot) if slots else old.reading
    return Answer(facts, question.span, pb.QueryMetadata(), result(planned, reading, now), planned, reading)


async def _renewed(old: Reading, slots: list[int], planned: Plan, snapshot: Snapshot) -> Reading:
    """`old` with the buckets `slots` read anew; all of it where parts of buckets cannot be merged."""
    if not planned.mergeable:
        return await snapshot.series(planned)
    found = watch.renewed(old, await snapshot.series(planned.narrowed(slots), old.groups), slots)
    room = planned.question.grouped and len(found.groups) < planned.question.top
    if room and any(place is None for _, place in found.cells):
        # A group came up that there is room to show.
        return await snapshot.series(planned)
    return found


class Feeds:
    """The feeds of this process."""

    def __init__(self, store: Store, log: Log, commits: Commits, seconds: float, most: int) -> None:
        """`most` different questions of one project are kept answered at once."""
        self._store, self._log, self._commits, self._seconds = store, log, commits, seconds
        self._most = most
        self._feeds: dict[Watched, tuple[Feed, asyncio.Task[None]]] = {}
        self._closed = False

    @asynccontextmanager
    async def joined(self, watched: Watched) -> AsyncIterator[Feed]:
        """The feed of a question, begun with its first follower and ended with its last."""
        if self._closed:
            raise Unavailable("the server is shutting down: go on elsewhere with the last cursor")
        feed, task = self._feeds.get(watched) or self._begun(watched)
        feed.followers += 1
        metrics.QUERY_WATCHING.inc()
        try:
            yield feed
        finally:
            metrics.QUERY_WATCHING.dec()
            feed.followers -= 1
            if not feed.followers or feed.failure is not None:
                task.cancel()
                if self._feeds.get(watched, (None,))[0] is feed:
                    del self._feeds[watched]

    @property
    def watching(self) -> int:
        """How many follow."""
        return sum(feed.followers for feed, _ in self._feeds.values())

    async def close(self, draining: asyncio.Event) -> None:
        """Worker: at `draining`, ends every feed and with it the streams that follow it."""
        await draining.wait()
        self._closed = True
        for feed, _ in self._feeds.values():
            feed.end(Unavailable("the server is shutting down: go on elsewhere with the last cursor"))

    def _begun(self, watched: Watched) -> tuple[Feed, asyncio.Task[None]]:
        if sum(each.project_id == watched.project_id for each in self._feeds) >= self._most:
            raise Exhausted(
                f"{self._most} different questions of this project are watched, which is the limit: end some, or watch the same",
                retry_after=TICK,
                reason="TOO_MANY_WATCHES",
            )
        feed = Feed(watched, self._store, self._log, self._seconds)
        self._feeds[watched] = feed, asyncio.create_task(feed.run(self._commits))
        return self._feeds[watched]


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Waits for `event`, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
