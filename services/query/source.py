"""Answers questions: a `Question` and a snapshot come in, `Answered` goes out to `servicer` and `worker`.

Series and tables are read by their plan and shaped by `shape`; events page by page; windows as they were kept; questions about people are functions of one
timeline, which a bulk scan reads and `behaviour` turns into the answer.

`Source` answers single requests. It keeps answers in `cache`: one is given again where it was computed for the same question and
the same data, or is as new as the caller asked. Who asks what is being answered already waits for that answer.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from services.kit import metrics
from services.kit.calendar import Span
from services.kit.call import Project
from services.kit.errors import DeadlineExceeded
from services.query import behaviour
from services.query.behaviour.people import page
from services.query.behaviour.question import People
from services.query.cache import Cache, Kept
from services.query.cohorts.source import Cohorts
from services.query.columnar.scan import source_of
from services.query.normal import normal
from services.query.plan import Plan
from services.query.question import Events, Question, Series, Table, cohorts, read
from services.query.shape import Reading, result, table
from services.query.sql import Page
from services.query.state import Facts
from services.query.store import Snapshot, Store
from services.query.stream import Log
from services.query.trust import Origin, metadata, origin
from services.query.windows import shape as windows
from services.query.windows.question import Window
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.event_pb2 import Event

Result = (
    pb.EventsResult
    | pb.SeriesResult
    | pb.TableResult
    | pb.FunnelResult
    | pb.RetentionResult
    | pb.LifecycleResult
    | pb.SessionsResult
    | pb.PathsResult
    | pb.PeopleResult
)
Position = tuple[datetime, str]
"""For events and people: the instant and the id behind which a page begins."""


RAW = Origin()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and where it comes from."""

    result: Result
    origin: Origin = RAW
    next: Position | None = None
    """Where the next page begins; None where this is the last."""
    plan: Plan | None = None
    reading: Reading = field(default_factory=Reading)
    """Series and tables: how it was read, and what."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question of one caller."""

    query: pb.Query
    project: Project
    seconds: float
    """How long it may take."""
    size: int
    after: Position | None = None
    span: Span | None = None
    """The span of the first page, though a relative range has moved on since."""
    staleness: float = 0.0
    """How many seconds old a kept answer may be that is taken without a look at the data."""
    then: Facts | None = None
    """The state of the data that is asked about, where it is one that has passed."""


async def answer(
    question: Question, snapshot: Snapshot, now: datetime, size: int = 100, after: Position | None = None
) -> Answered:
    """The answer at the instant `now`; of events and people the page of `size` behind `after`."""
    match question:
        case Events():
            found, more = await snapshot.events(question, Page(size, after))
            return Answered(pb.EventsResult(events=found), next=_behind(found[-1].event) if more else None)
        case Series() | Table():
            planned = await snapshot.plan(question)
            reading = await snapshot.series(planned)
            shaped = (result if isinstance(question, Series) else table)(planned, reading, now)
            mirrored = pb.DATA_SOURCE_SEGMENT if reading.mirrored else None
            return Answered(shaped, origin(planned, mirrored), plan=planned, reading=reading)
        case Window():
            kept = await snapshot.window(question)
            return Answered(windows.result(kept, *await snapshot.kept(kept)), kept.origin)
        case People():
            rows = await snapshot.scan(behaviour.scan(question))
            people, behind = await asyncio.to_thread(page, question, rows, size, after)
            return Answered(people, Origin(source_of(rows)), behind)
        case _:
            rows = await snapshot.scan(behaviour.scan(question))
            told, notes = await asyncio.to_thread(behaviour.result, question, rows, now)
            return Answered(told, Origin(source_of(rows), notes=notes))


class Source:
    """Answers requests, from what is kept or from the database."""

    def __init__(self, store: Store, log: Log, cohorts: Cohorts, cache: Cache) -> None:
        self._store, self._log, self._cohorts, self._cache = store, log, cohorts, cache

    async def read(self, query: pb.Query, project: Project, then: Facts | None = None) -> Question:
        """The question of a request, with the people of its cohorts, as it was understood `then` or is now; raises `Invalid` naming
        the field below `query`."""
        now = then.at if then else datetime.now(UTC)
        people = await self._cohorts.people(cohorts(query), project.project_id, now, then=then)
        return read(query, project.time_zone, now, people=people)

    async def run(self, request: Request) -> Kept:
        """The answer to a request; its metadata lacks the call's own id and time."""
        try:
            async with asyncio.timeout(request.seconds):
                return await self._run(request)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the question took longer than {request.seconds:.3g} s: ask for less"
            ) from error

    async def _run(self, request: Request) -> Kept:
        project, then = request.project, request.then
        place = request.size, request.after
        loosely = (project, request.query.SerializeToString(deterministic=True), place)
        if request.staleness > 0 and then is None and (kept := self._cache.get(loosely, request.staleness)):
            return _again(kept)
        question = await self.read(_within(request.query, request.span), project, then)
        while True:
            async with self._store.snapshot(project.project_id, request.seconds, then=then) as snapshot:
                facts = await snapshot.facts()
                exactly = (project, facts.version, normal(question), place)
                if kept := self._cache.get(exactly):
                    # The figures are the same; how complete they are is not.
                    about = await self._metadata(question, facts, RAW)
                    return _again(kept, about)
                if (flight := self._cache.flight(exactly)) is None:
                    with self._cache.flying(exactly) as flight:
                        flight.kept = await self._computed(question, snapshot, facts, place)
                        for key in (exactly,) if then else (exactly, loosely):
                            self._cache.put(key, flight.kept)
                        metrics.QUERY_CACHE.labels("computed").inc()
                        return flight.kept
            # Without the snapshot, whose place others can use; the answer is of the same data.
            await flight.landed.wait()
            if flight.kept is not None:
                metrics.QUERY_CACHE.labels("joined").inc()
                return flight.kept

    async def _computed(
        self, question: Question, snapshot: Snapshot, facts: Facts, place: tuple[int, Position | None]
    ) -> Kept:
        answered = await answer(question, snapshot, facts.at, *place)
        about = await self._metadata(question, facts, answered.origin)
        return Kept(answered.result, about, answered.next)

    async def _metadata(self, question: Question, facts: Facts, origin: Origin) -> pb.QueryMetadata:
        return metadata(question.span, facts, await self._log.in_flight(facts), 0.0, "", origin)


def _within(query: pb.Query, span: Span | None) -> pb.Query:
    """The query about a span, or as it is."""
    if span is None:
        return query
    found = pb.Query()
    found.CopyFrom(query)
    found.time_range.Clear()
    found.time_range.start.FromDatetime(span.start)
    found.time_range.end.FromDatetime(span.end)
    return found


def put(result: Message, response: Message) -> None:
    """Puts a result into the field of a response that holds its kind."""
    field = type(result).__name__.removesuffix("Result").lower()
    getattr(response, field).CopyFrom(result)


def _again(kept: Kept, now: pb.QueryMetadata | None = None) -> Kept:
    """What was kept, saying so, and how complete it is `now`."""
    about = pb.QueryMetadata()
    about.CopyFrom(kept.metadata)
    if now is not None:
        if now.HasField("watermark"):
            about.watermark.CopyFrom(now.watermark)
        about.completeness, about.as_of = now.completeness, now.as_of
        about.ClearField("replica_behind")
        if now.HasField("replica_behind"):
            about.replica_behind.CopyFrom(now.replica_behind)
    about.source = pb.DATA_SOURCE_CACHE
    metrics.QUERY_CACHE.labels("kept").inc()
    return replace(kept, metadata=about)


def _behind(event: Event) -> Position:
    return event.occurred_at.ToDatetime(UTC), str(UUID(bytes=event.event_id))
