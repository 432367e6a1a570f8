"""QueryService: each RPC reads its request, asks the pure modules what to do and `store` to do it, and builds the answer."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.kit import audit, identity, metrics, page
from services.kit.calendar import Span, ceil, floor
from services.kit.call import INSTALLATION, Project, current
from services.kit.errors import Invalid
from services.kit.instant import us_of
from services.kit.period import span
from services.kit.settings import Settings
from services.query import state, suggest
from services.query.accounts import analytics, ledger, source, store
from services.query.accounts.ledger import Account
from services.query.critical import cursor
from services.query.critical.stream import KEPT_MS, Critical
from services.query.export.source import Exports
from services.query.live.board import single
from services.query.live.cursor import decode
from services.query.live.stream import Boards, Tiles
from services.query.live.worker import LEAST_INTERVAL, Watched
from services.query.source import Request, Source, answer, put
from services.query.store import Store
from services.query.stream import Log
from services.query.trust import metadata
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import query_pb2_grpc
from tidemark.v1.question_pb2 import TimeRange

LONGEST_INTERVAL = 3600.0
MOST_STALENESS = 3600.0
"""So long after a person was erased, an answer that tells of them may be given to who does not ask for the same data."""


class Query(query_pb2_grpc.QueryServiceServicer):
    """The RPCs of QueryService."""

    def __init__(
        self,
        store: Store,
        log: Log,
        source: Source,
        exports: Exports,
        boards: Boards,
        critical: Critical,
        settings: Settings,
    ) -> None:
        self._store, self._log, self._source, self._exports = store, log, source, exports
        self._boards, self._critical, self._settings = boards, critical, settings
        self._figures = analytics.Figures()

    async def RunQuery(self, request: pb.RunQueryRequest, context: Any) -> pb.RunQueryResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, request.query.WhichOneof("question")))
        began = time.monotonic()
        with self._counted():
            asked = _asked(request, project, self._seconds())
            kept = await self._source.run(asked)
        response = pb.RunQueryResponse(metadata=kept.metadata)
        put(kept.result, response)
        response.metadata.query_id = current.get().request_id
        response.metadata.elapsed.FromTimedelta(timedelta(seconds=time.monotonic() - began))
        if kept.next is not None:
            at, name = kept.next
            span = kept.metadata.time_range
            ends = span.start.ToMicroseconds(), span.end.ToMicroseconds()
            response.next_page_token = page.token(request, us_of(at), name, *ends)
        return response

    async def Export(self, request: pb.ExportRequest, context: Any) -> AsyncIterator[pb.ExportResponse]:
        project = await identity.project(request.project)
        audit.note(_about(project, f"export {request.query.WhichOneof('question')}"))
        then = state.read(request.as_of, project.project_id)
        file = self._exports.file(request.query, request.format, project, current.get().request_id, then)
        async with aclosing(file) as messages:
            async for message in messages:
                yield message

    async def ExplainQuery(self, request: pb.ExplainQueryRequest, context: Any) -> pb.ExplainQueryResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, f"explain {request.query.WhichOneof('question')}"))
        then = state.read(request.as_of, project.project_id)
        question = await self._source.read(request.query, project, then)
        began = time.monotonic()
        async with self._store.snapshot(project.project_id, self._seconds(), then=then) as snapshot:
            facts = await snapshot.facts()
            scans, rows_read = await snapshot.explained(question, analyze=request.analyze)
            response = pb.ExplainQueryResponse(scans=scans, rows_read=rows_read)
            if request.analyze:
                answered = await answer(question, snapshot, facts.at)
                in_flight = await self._log.in_flight(facts)
                elapsed, query_id = time.monotonic() - began, current.get().request_id
                about = metadata(question.span, facts, in_flight, elapsed, query_id, answered.origin)
                response.metadata.CopyFrom(about)
        response.time_range.start.FromDatetime(question.span.start)
        response.time_range.end.FromDatetime(question.span.end)
        return response

    async def Suggest(self, request: pb.SuggestRequest, context: Any) -> pb.SuggestResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, "suggest"))
        typed = suggest.read(request)
        if (values := suggest.known(typed)) is not None:
            return pb.SuggestResponse(suggestions=[pb.Suggestion(value=value) for value in values])
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            rows = await snapshot.suggestions(typed)
        return pb.SuggestResponse(
            suggestions=[pb.Suggestion(value=value, count=count) for value, count in rows]
        )

    async def WatchQuery(
        self, request: pb.WatchQueryRequest, context: Any
    ) -> AsyncIterator[pb.WatchQueryResponse]:
        project = await identity.project(request.project)
        audit.note(_about(project, f"watch {request.query.WhichOneof('question')}"))
        query, query_id = request.query.SerializeToString(deterministic=True), current.get().request_id
        watched = Watched(project, query, page.size(request.page_size, 100, 1000))
        seen = decode(request.cursor)
        if request.cursor and {tile: each.question for tile, each in seen.items()} != {"": watched.digest}:
            raise Invalid("cursor", "belongs to another question; leave it out to begin anew")
        async with self._boards.followed(Tiles({"": watched}), seen, _interval(request)) as follower:
            while True:
                message = await follower.next()
                response = single(message, follower.shown.tiles[""], query_id)
                if response is not None:
                    yield response

    async def WatchCritical(
        self, request: pb.WatchCriticalRequest, context: Any
    ) -> AsyncIterator[pb.WatchCriticalResponse]:
        project = await identity.project(request.project)
        audit.note(_about(project, "watch critical events"))
        since_ms = request.since.ToMilliseconds()
        if not 0 <= since_ms <= KEPT_MS:
            raise Invalid("since", f"is {since_ms / 1000} s; give 0 s to an hour")
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            partitions = len((await snapshot.facts()).versions)
        if request.cursor:
            entries = cursor.decode(request.cursor, partitions)
        else:
            entries = await self._critical.beginning(partitions, since_ms)
        async with aclosing(self._critical.follow(project.project_id, entries)) as messages:
            async for message in messages:
                yield message

    async def GetLedger(self, request: pb.GetLedgerRequest, context: Any) -> pb.GetLedgerResponse:
        project = await identity.project(request.project)
        audit.note(_about(project, "ledger"))
        if "\0" in request.producer_id or len(request.producer_id) > 200:
            raise Invalid(
                "producer_id", f"has {len(request.producer_id)} characters; give at most 200 and no NUL"
            )
        size = page.size(request.page_size, 1000, 10_000)
        position = page.position(request, int, str, int, int)
        asked = (
            page.resumed(position[2:])
            if position
            else _minutes(request, ZoneInfo(project.time_zone), datetime.now(UTC))
        )
        after = (page.instant(position[0]), position[1]) if position else None
        account = Account(project.project_id, asked, request.producer_id)
        lateness = timedelta(seconds=self._settings.accepted_lateness_seconds)
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            facts = await snapshot.facts()
            account = account.since(await store.kept_since(snapshot))
            rows = await store.ledger(snapshot, account, size + 1, after)
            total, unbalanced = await store.total(snapshot, account)
            recounts = await store.recounts(snapshot, account, total, lateness)
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
            response.next_page_token = page.token(request, us_of(minute), producer, *page.ends(asked))
        return response

    async def GetPlatformAnalytics(
        self, request: pb.GetPlatformAnalyticsRequest, context: Any
    ) -> pb.GetPlatformAnalyticsResponse:
        if request.project == INSTALLATION.name:
            identity.installation()
            audit.note(_about(INSTALLATION, "platform analytics"))
            return await source.of_all(self._store, self._log, request, self._of_process(), self._seconds())
        project = await identity.project(request.project)
        audit.note(_about(project, "platform analytics"))
        if request.HasField("received_since"):
            raise Invalid("received_since", "is told of projects/-, all projects together; leave it out")
        return await source.of_project(self._store, self._log, project, self._of_process(), self._seconds())

    def _of_process(self) -> pb.QueryAnalytics:
        """What is asked of this process."""
        return analytics.query(self._figures, self._boards.watching)

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


def _asked(request: pb.RunQueryRequest, project: Project, seconds: float) -> Request:
    """What a call asks; later pages answer for the span of the first."""
    place = page.position(request, int, str, int, int)
    if place and request.query.HasField("events"):
        _require_id(place[1])
    return Request(
        request.query,
        project,
        seconds,
        page.size(request.page_size, 100, 10_000),
        after=(page.instant(place[0]), place[1]) if place else None,
        span=page.resumed(place[2:]) if place else None,
        staleness=_staleness(request),
        then=state.read(request.as_of, project.project_id),
    )


def _staleness(request: pb.RunQueryRequest) -> float:
    seconds = request.max_staleness.seconds + request.max_staleness.nanos / 1e9
    if seconds < 0:
        raise Invalid("max_staleness", f"is {seconds} s; give 0 or more")
    return min(seconds, MOST_STALENESS)


def _interval(request: pb.WatchQueryRequest) -> float:
    if not request.HasField("min_interval"):
        return LEAST_INTERVAL
    seconds = request.min_interval.seconds + request.min_interval.nanos / 1e9
    if not 0 <= seconds <= LONGEST_INTERVAL:
        raise Invalid("min_interval", f"is {seconds} s; give 0.25 s to an hour")
    return max(LEAST_INTERVAL, seconds)


def _minutes(request: pb.GetLedgerRequest, zone: ZoneInfo, now: datetime) -> Span:
    """The whole minutes that a request asks about."""
    day = TimeRange()
    day.last.FromTimedelta(timedelta(days=1))
    asked = span(request.time_range if request.HasField("time_range") else day, zone, now, "time_range")
    return Span(floor(asked.start, 60), ceil(asked.end, 60))


def _require_id(text: str) -> None:
    try:
        UUID(text)
    except ValueError as error:
        raise page.forged() from error
