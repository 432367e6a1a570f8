"""QueryService: each RPC reads its request, asks the pure modules what to do and `store` to do it, and builds the answer."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psutil

import tidemark
from services.kit import audit, identity, metrics, page
from services.kit.call import Project, current
from services.kit.errors import Invalid
from services.kit.instant import at, us_of
from services.kit.settings import Settings
from services.query import analytics, ledger, watch
from services.query.calendar import Span, ceil, floor
from services.query.ledger import Account
from services.query.plan import plan
from services.query.question import LAST_END, Events, Series, read, span
from services.query.shape import result
from services.query.sql import Page
from services.query.store import Store
from services.query.stream import Log
from services.query.trust import metadata
from services.query.worker import LEAST_INTERVAL, TICK, Feeds, Watched
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import query_pb2_grpc
from tidemark.v1.question_pb2 import EventsResult, StoredEvent, TimeRange

LONGEST_INTERVAL = 3600.0


class Query(query_pb2_grpc.QueryServiceServicer):
    """The RPCs of QueryService."""

    def __init__(self, store: Store, log: Log, feeds: Feeds, settings: Settings) -> None:
        self._store, self._log, self._feeds, self._settings = store, log, feeds, settings
        self._figures = analytics.Figures()

    async def RunQuery(self, request: pb.RunQueryRequest, context: Any) -> pb.RunQueryResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, request.query.WhichOneof("question")))
        with self._counted():
            question = read(request.query, project.time_zone, datetime.now(UTC))
            if isinstance(question, Events):
                return await self._run_events(request, question, project)
            return await self._run_series(question, project)

    async def WatchQuery(
        self, request: pb.WatchQueryRequest, context: Any
    ) -> AsyncIterator[pb.WatchQueryResponse]:
        project = await identity.project(request.project)
        audit.note(_about(project, f"watch {request.query.WhichOneof('question')}"))
        watched = Watched(
            project.project_id,
            project.time_zone,
            request.query.SerializeToString(deterministic=True),
            page.size(request.page_size, 100, 1000),
        )
        watched.question(datetime.now(UTC))  # refuses here what is malformed, not in the feed
        interval, query_id = _interval(request), current.get().request_id
        cursor = watch.decode(request, project.project_id)
        async with self._feeds.joined(watched) as feed:
            shown = await feed.first()
            if cursor is not None and cursor.ahead(shown.facts):
                # Another server gave it; this feed has not yet looked.
                feed.refresh()
                shown = await feed.newer(shown, TICK)
            response: pb.WatchQueryResponse | None = await self._first(shown, cursor, watched)
            sent_at = asked_at = time.monotonic()
            while True:
                if response is not None:
                    response.cursor = watch.encode(watch.cursor(shown), request, project.project_id)
                    response.metadata.query_id = query_id
                    yield response
                    sent_at = time.monotonic()
                    if response.kind != watch.HEARTBEAT:
                        asked_at = sent_at
                rest = max(0.0, asked_at + interval - time.monotonic())
                answer = await feed.newer(shown, TICK, after=min(rest, TICK))
                response = watch.delta(shown, answer) if rest <= TICK else None
                if response is not None or rest <= TICK:
                    shown = answer
                if response is None and time.monotonic() - sent_at >= TICK:
                    response = watch.heartbeat(shown)

    async def GetLedger(self, request: pb.GetLedgerRequest, context: Any) -> pb.GetLedgerResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, "ledger"))
        if "\0" in request.producer_id or len(request.producer_id) > 200:
            raise Invalid(
                "producer_id", f"has {len(request.producer_id)} characters; give at most 200 and no NUL"
            )
        size = page.size(request.page_size, 1000, 10_000)
        position = page.position(request, int, str, int, int)
        asked = _resumed(position[2:]) if position else _minutes(request, datetime.now(UTC))
        after = (_instant(position[0]), position[1]) if position else None
        account = Account(project.project_id, asked, request.producer_id)
        lateness = timedelta(seconds=self._settings.accepted_lateness_seconds)
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            facts = await snapshot.facts()
            rows = await snapshot.ledger(account, size + 1, after)
            total, unbalanced = await snapshot.total(account)
            recounts = await snapshot.recounts(account, total, lateness)
        # Read after the snapshot: all that the log had taken in by then, and the snapshot does not hold. The log counts by
        # project, so that the total of one producer tells what is committed alone.
        in_flight = 0
        if not request.producer_id:
            in_flight = max(
                0, await self._log.received(project.project_id, len(facts.versions)) - facts.received
            )
        response = pb.GetLedgerResponse(
            entries=[ledger.entry(amounts, 0, producer, minute) for producer, minute, amounts in rows[:size]],
            total=ledger.entry(total, in_flight),
            balanced=ledger.balanced([amounts for *_, amounts in rows], unbalanced, total, recounts),
        )
        if len(rows) > size:
            producer, minute, _ = rows[size - 1]
            response.next_page_token = page.token(request, us_of(minute), producer, *_ends(asked))
        return response

    async def GetPlatformAnalytics(
        self, request: pb.GetPlatformAnalyticsRequest, context: Any
    ) -> pb.GetPlatformAnalyticsResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, "platform analytics"))
        now = datetime.now(UTC)
        day = Span(floor(now - timedelta(days=1), 60), ceil(now, 60))
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            facts = await snapshot.facts()
            stored, latencies = await snapshot.progress()
            partitions = await snapshot.partitions()
            total, _ = await snapshot.total(Account(project.project_id, day))
            size, postgresql, timescaledb = await snapshot.server()
        received = await self._log.received(project.project_id, len(partitions))
        appended = await self._log.appended(len(partitions))
        last_day = ledger.entry(total, max(0, received - facts.received))
        versions = (tidemark.__version__, postgresql, timescaledb, await self._log.version())
        log_bytes = await self._log.memory(len(partitions))
        response = pb.GetPlatformAnalyticsResponse(
            processing=analytics.processing(stored, last_day, latencies, partitions, appended),
            query=analytics.query(self._figures, self._feeds.watching),
            system=analytics.system(size, log_bytes, _process(), versions),
        )
        response.measured_at.FromDatetime(facts.at)
        return response

    async def _run_events(
        self, request: pb.RunQueryRequest, question: Events, project: Project
    ) -> pb.RunQueryResponse:
        began, size = time.monotonic(), page.size(request.page_size, 100, 10_000)
        after = None
        if position := page.position(request, int, str, int, int):
            # Later pages answer for the span of the first, though a relative range has moved on since.
            question = Events(_resumed(position[2:]), question.filter)
            after = (_instant(position[0]), _uuid(position[1]))
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            facts = await snapshot.facts()
            found, more = await snapshot.events(question, Page(size, after))
        in_flight = await self._log.in_flight(project.project_id, len(facts.versions), facts.received)
        response = pb.RunQueryResponse(
            metadata=metadata(
                question.span, facts, in_flight, time.monotonic() - began, current.get().request_id
            ),
            events=EventsResult(events=found),
        )
        if more:
            last = found[-1].event
            place = last.occurred_at.ToMicroseconds(), last.event_id.hex()
            response.next_page_token = page.token(request, *place, *_ends(question.span))
        return response

    async def _run_series(self, question: Series, project: Project) -> pb.RunQueryResponse:
        began, planned = time.monotonic(), plan(question)
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            facts = await snapshot.facts()
            reading = await snapshot.series(planned)
        in_flight = await self._log.in_flight(project.project_id, len(facts.versions), facts.received)
        return pb.RunQueryResponse(
            series=result(planned, reading, facts.at),
            metadata=metadata(
                question.span, facts, in_flight, time.monotonic() - began, current.get().request_id, planned
            ),
        )

    async def _first(
        self, answer: watch.Answer, cursor: watch.Cursor | None, watched: Watched
    ) -> pb.WatchQueryResponse:
        """What a new follower gets: all of the answer, or what its cursor lacks of it."""
        if cursor is None or not cursor.follows(answer.facts):
            return watch.snapshot(answer)
        async with self._store.snapshot(
            watched.project_id, self._settings.query_seconds, patient=True
        ) as snapshot:
            touched = await snapshot.touched(cursor.versions)
            fresh: list[StoredEvent] = []
            question = watched.question(datetime.now(UTC))
            if isinstance(question, Events) and touched:
                until = answer.facts.batches
                since = Page(watched.page_size, batches=cursor.batches, until=until, spans=tuple(touched))
                fresh, _ = await snapshot.events(Events(watched.listened(question), question.filter), since)
        return watch.resumed(cursor, answer, touched, fresh)

    def _seconds(self) -> float:
        """The time that is left for a question."""
        remaining = current.get().context.time_remaining()
        return min(
            self._settings.query_seconds, remaining if remaining is not None else self._settings.query_seconds
        )

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Counts a question and the time it takes."""
        began = time.monotonic()
        try:
            yield
        except Exception:
            self._figures.failed += 1
            metrics.QUERY_QUESTIONS.labels("failed").inc()
            raise
        seconds = time.monotonic() - began
        self._figures.answer(seconds)
        metrics.QUERY_QUESTIONS.labels("answered").inc()
        metrics.QUERY_SECONDS.observe(seconds)


def _about(project: Project, what: str | None) -> str:
    return f"{project.name} {what or 'nothing'}"


def _interval(request: pb.WatchQueryRequest) -> float:
    if not request.HasField("min_interval"):
        return LEAST_INTERVAL
    seconds = request.min_interval.seconds + request.min_interval.nanos / 1e9
    if not 0 <= seconds <= LONGEST_INTERVAL:
        raise Invalid("min_interval", f"is {seconds} s; give 0.25 s to an hour")
    return max(LEAST_INTERVAL, seconds)


def _minutes(request: pb.GetLedgerRequest, now: datetime) -> Span:
    """The whole minutes that a request asks about."""
    day = TimeRange()
    day.last.FromTimedelta(timedelta(days=1))
    asked = span(request.time_range if request.HasField("time_range") else day, now, "time_range")
    return Span(floor(asked.start, 60), ceil(asked.end, 60))


def _ends(span: Span) -> tuple[int, int]:
    return us_of(span.start), us_of(span.end)


def _resumed(ends: list[int]) -> Span:
    start, end = map(_instant, ends)
    if start >= end:
        raise _forged()
    return Span(start, end)


def _instant(us: int) -> datetime:
    """An instant of a token, which anybody can write: none but those that a range may reach."""
    if not 0 <= us <= us_of(LAST_END + timedelta(minutes=1)):
        raise _forged()
    return at(us)


def _uuid(text: str) -> str:
    try:
        return str(UUID(hex=text))
    except ValueError:
        raise _forged() from None


def _forged() -> Invalid:
    return Invalid("page_token", "is not a token that this server gave; begin at the first page")


def _process() -> analytics.Process:
    process = psutil.Process()
    times = process.cpu_times()
    age = time.time() - process.create_time()
    return analytics.Process(times.user + times.system, age, process.memory_info().rss)
