"""How a client asks: questions of `questions.py` go to the query server, answers come back as records.

`client.py` is one of these; it says where the server is.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import grpc.aio

from tidemark import errors, questions, spelling
from tidemark.answers import Funnel, Lifecycle, Paths, People, Person, Retention, Sessions
from tidemark.channel import Metadata, answered
from tidemark.exporting import Exported, Form, Target, form_of
from tidemark.following import followed
from tidemark.ledger import Analytics, Ledger
from tidemark.plan import Plan, Suggestion
from tidemark.records import Answer, Change, Event, Events, Series, answer
from tidemark.spelling import Instant, Span, Step
from tidemark.tables import Table
from tidemark.v1 import query_pb2, query_pb2_grpc, question_pb2

A = TypeVar("A")
_KINDS = {
    "event": query_pb2.SuggestRequest.KIND_EVENT_NAME,
    "metric": query_pb2.SuggestRequest.KIND_METRIC_NAME,
}
_KINDS |= {"field": query_pb2.SuggestRequest.KIND_FIELD, "value": query_pb2.SuggestRequest.KIND_VALUE}


class Asking:
    """Questions, and what they are answered with."""

    project: str
    _metadata: Metadata
    _timeout: float

    @property
    def _query(self) -> query_pb2_grpc.QueryServiceStub:
        raise NotImplementedError

    async def query(
        self,
        query: question_pb2.Query,
        *,
        page_size: int = 0,
        page_token: str = "",
        max_staleness: Span | None = None,
        as_of: str = "",
    ) -> Answer:
        """The answer to any question of the contract; one up to `max_staleness` old may come out of the server's cache.

        With `metadata.as_of` of an earlier answer it comes from the data as they were then.
        """
        request = query_pb2.RunQueryRequest(
            project=self.project,
            query=query,
            page_size=page_size,
            page_token=page_token,
            max_staleness=None if max_staleness is None else spelling.duration(max_staleness),
            as_of=as_of,
        )
        return answer(await self._ask(self._query.RunQuery, request), query)

    async def series(self, name: str = "", **asked: Any) -> Series:
        """Measures over time; arguments as for `questions.series`."""
        return await self._answer(Series, questions.series(name, **asked))

    async def table(self, name: str = "", **asked: Any) -> Table:
        """Measures of groups; arguments as for `questions.table`."""
        return await self._answer(Table, questions.table(name, **asked))

    async def funnel(self, steps: Iterable[Step], **asked: Any) -> Funnel:
        """How many people go from step to step; arguments as for `questions.funnel`."""
        return await self._answer(Funnel, questions.funnel(steps, **asked))

    async def retention(self, began: Step | None = None, back: Step | None = None, **asked: Any) -> Retention:
        """How many people come back; arguments as for `questions.retention`."""
        return await self._answer(Retention, questions.retention(began, back, **asked))

    async def lifecycle(self, activity: Step | None = None, **asked: Any) -> Lifecycle:
        """Who is new, returning, resurrecting and dormant; arguments as for `questions.lifecycle`."""
        return await self._answer(Lifecycle, questions.lifecycle(activity, **asked))

    async def sessions(self, **asked: Any) -> Sessions:
        """How long people stay; arguments as for `questions.sessions`."""
        return await self._answer(Sessions, questions.sessions(**asked))

    async def paths(self, begin: Step | None = None, **asked: Any) -> Paths:
        """The ways that people take; arguments as for `questions.paths`."""
        return await self._answer(Paths, questions.paths(begin, **asked))

    async def people(
        self, of: question_pb2.Query | Step | None = None, *, page_size: int = 1000, **asked: Any
    ) -> AsyncIterator[Person]:
        """The people behind a figure, who were active last first, over all pages; arguments as for `questions.people`."""
        async for page in self._pages(questions.people(of, **asked), page_size):
            assert isinstance(page, People)
            for person in page.people:
                yield person

    async def events(self, name: str = "", *, page_size: int = 1000, **asked: Any) -> AsyncIterator[Event]:
        """Events that fit, newest first, over all pages; arguments as for `questions.events`. `export` is faster for many."""
        async for page in self._pages(questions.events(name, **asked), page_size):
            assert isinstance(page, Events)
            for event in page.events:
                yield event

    async def watch(
        self, query: question_pb2.Query, *, min_interval: Span = "0s", page_size: int = 0
    ) -> AsyncGenerator[Change, None]:
        """The answer and its changes as they are committed, for ever; goes on by itself after an interruption."""
        request = query_pb2.WatchQueryRequest(
            project=self.project,
            query=query,
            min_interval=spelling.duration(min_interval),
            page_size=page_size,
        )

        def begin(cursor: str) -> Any:
            request.cursor = cursor
            return self._query.WatchQuery(request, metadata=self._metadata)

        async with aclosing(followed(begin)) as messages:
            async for message in messages:
                yield Change.of(message, query)

    async def watch_critical(
        self, *, since: Span = "0s", on_gap: Callable[[], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Errors and security events as soon as they are durable, before they are committed, for ever; from `since` ago on.

        Goes on by itself after an interruption; an event may then come again, as its id tells. `on_gap` is called when it lasted
        so long that some may have been missed.
        """
        request = query_pb2.WatchCriticalRequest(project=self.project, since=spelling.duration(since))

        def begin(cursor: str) -> Any:
            request.cursor = cursor
            return self._query.WatchCritical(request, metadata=self._metadata)

        async with aclosing(followed(begin)) as messages:
            async for message in messages:
                if message.gap and on_gap:
                    on_gap()
                for each in message.events:
                    stored = question_pb2.StoredEvent(event=each.event, received_at=each.received_at)
                    yield Event.of(stored)

    async def export(
        self,
        query: question_pb2.Query,
        to: str | Path | BinaryIO,
        *,
        format: str = "",  # noqa: A002 - the contract's word
        on_progress: Callable[[Exported], None] | None = None,
        as_of: str = "",
    ) -> Exported:
        """Writes a whole answer to a file: arrow, csv, ndjson or parquet, guessed from the name when it is not given; `as_of` as for
        `query`.

        A file that is named is complete or absent; what is written to an open one is to be thrown away when this raises.
        """
        form: Form = form_of(format, to)
        request = query_pb2.ExportRequest(project=self.project, query=query, format=form, as_of=as_of)
        call = self._query.Export(request, metadata=self._metadata)
        progress = Exported()
        try:
            with Target(to) as target:
                async for message in call:
                    target.write(message.chunk)
                    progress = progress.after(message)
                    if on_progress is not None:
                        on_progress(progress)
                target.finish(progress)
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc(error) from error
        finally:
            call.cancel()
        return progress

    async def explain(self, query: question_pb2.Query, *, analyze: bool = False, as_of: str = "") -> Plan:
        """How a question is answered: what is read and why; with `analyze` it is answered as well. `as_of` as for `query`."""
        request = query_pb2.ExplainQueryRequest(
            project=self.project, query=query, analyze=analyze, as_of=as_of
        )
        return Plan.of(await self._ask(self._query.ExplainQuery, request))

    async def suggest(
        self,
        kind: str,
        text: str = "",
        *,
        name: str = "",
        field: str = "",
        source: str = "events",
        limit: int = 0,
    ) -> list[Suggestion]:
        """What may complete a text: the name of an `event` or a `metric`, a `field`, or a `value` of a field."""
        if kind not in _KINDS:
            raise ValueError(f"kind: {kind!r} is not known; write {', '.join(_KINDS)}")
        request = query_pb2.SuggestRequest(
            project=self.project,
            kind=_KINDS[kind],
            text=text,
            name=name,
            field=field,
            limit=limit,
            source=spelling.source(source),
        )
        found = await self._ask(self._query.Suggest, request)
        return [Suggestion(each.value, each.count) for each in found.suggestions]

    async def ledger(
        self,
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        producer_id: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Ledger:
        """The account of what was received, by producer and minute, over the last 24 hours when no time is given."""
        request = query_pb2.GetLedgerRequest(
            project=self.project,
            time_range=spelling.time_range(last, start, end, during),
            producer_id=producer_id,
            page_size=page_size,
            page_token=page_token,
        )
        return Ledger.of(await self._ask(self._query.GetLedger, request))

    async def analytics(self) -> Analytics:
        """How the platform itself is doing."""
        request = query_pb2.GetPlatformAnalyticsRequest(project=self.project)
        return Analytics.of(await self._ask(self._query.GetPlatformAnalytics, request))

    async def _answer(self, kind: type[A], query: question_pb2.Query) -> A:
        found = await self.query(query)
        assert isinstance(found, kind)
        return found

    async def _pages(self, query: question_pb2.Query, page_size: int) -> AsyncIterator[Events | People]:
        token, more = "", True
        while more:
            page = await self.query(query, page_size=page_size, page_token=token)
            assert isinstance(page, Events | People)
            yield page
            token = page.next_page_token
            more = bool(token)

    async def _ask(self, method: Callable[..., Any], request: Any) -> Any:
        return await answered(method(request, metadata=self._metadata, timeout=self._timeout))
