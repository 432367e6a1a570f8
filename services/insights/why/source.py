"""Reads what a change is made of and what the pipeline knows about it: an `Asked` comes in, what was found goes out to insights and to
`ExplainChange`. Everything is asked of query, a few questions at a time, and all of it within a bounded time.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from services.insights.source import Query
from services.insights.why import account, ask
from services.insights.why.ask import PLAIN, SEEN, Asked
from services.insights.why.contribution import Change, contributions, leading
from services.insights.why.facts import cause, facts
from services.insights.why.observed import MINUTE, Observed, Versions
from services.insights.why.split import NUMBER, OTHER, VALUE, Fields, Table, table_of
from services.kit.calendar import Span, ceil, floor
from services.kit.errors import DeadlineExceeded, Error, Exhausted, NotFound, Unavailable
from tidemark.v1 import insight_pb2, pipeline_pb2, query_pb2, question_pb2

SECONDS = 20.0
"""How long all of it may take."""
AT_ONCE = 3
"""Query answers only so many questions at a time; others wait for their turn as well."""
_PAGE, _PAGES = 10_000, 3
"""Rows of the ledger for each span; the newest are read, and judged as of a shorter span where there are more."""
_BATCHES = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a series changed."""

    before: float
    """For each bucket in the mean; 0 where nothing was measured."""
    after: float
    contributions: list[insight_pb2.Contribution]
    facts: list[insight_pb2.PipelineFact] = field(default_factory=list)
    cause: insight_pb2.Cause = insight_pb2.CAUSE_UNSPECIFIED


@dataclass(frozen=True, slots=True)
class _Whole:
    """The series in all, for each bucket in the mean."""

    value: float
    plain: float
    seen: float
    """Which part of the plain events it saw."""
    metadata: question_pb2.QueryMetadata


async def explain(query: Query, project: str, change: Asked, *, seconds: float = SECONDS) -> Explained:
    """Why a series of a project changed; `project` is `projects/{project}`. Raises `DeadlineExceeded` after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await _Reader(query, project, change).explained()
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"the change could not be explained within {seconds:.0f} s; ask about shorter spans or fewer fields"
        ) from error


class _Reader:
    def __init__(self, query: Query, project: str, change: Asked) -> None:
        self._query, self._project, self._change = query, project, change
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def explained(self) -> Explained:
        before, after = await _all([self._whole(self._change.before), self._whole(self._change.after)])
        if not before.plain and self._change.free:
            # Nothing is a week old yet.
            self._change = replace(self._change, before=self._change.after.earlier(self._change.after.length))
            before = await self._whole(self._change.before)
        change = self._change
        if change.mean:
            # What is missing or doubled says nothing of how a mean changes.
            parts = await self._split()
            return Explained(before.value, after.value, await _told(parts, change.top))
        observed, parts = await asyncio.gather(self._observed(before, after), self._split())
        found = facts(observed)
        return Explained(
            before=before.value,
            after=after.value,
            contributions=await _told(parts, change.top),
            facts=found,
            cause=cause(found, observed.change),
        )

    async def _whole(self, during: Span) -> _Whole:
        answer = await self._run(ask.whole(self._change, during))
        place = {column.id: i for i, column in enumerate(answer.table.columns)}
        values = answer.table.total.values
        buckets = self._change.buckets(during)
        value = values[place[VALUE]] / (
            values[place[NUMBER]] or float("nan") if self._change.mean else buckets
        )
        plain, seen = values[place[PLAIN]], values[place[SEEN]]
        return _Whole(
            value=value if math.isfinite(value) else 0.0,
            plain=plain / buckets,
            seen=seen / plain if plain else 1.0,
            metadata=answer.metadata,
        )

    async def _split(self) -> Change:
        """The measure by each field, and by pairs of those that tell most."""
        fields = self._change.fields or await self._fields()
        single = await self._tables([(field,) for field in fields])
        if not self._change.fields:
            single = _telling(single)
        pairs = await self._tables(ask.pairs(await asyncio.to_thread(leading, single)))
        return Change(
            {**single.before, **pairs.before},
            {**single.after, **pairs.after},
            single.earlier,
            mean=self._change.mean,
        )

    async def _fields(self) -> tuple[str, ...]:
        measure, change = self._change.measure, self._change
        suggested = await self._taken(
            lambda: self._query.suggest(
                self._project,
                query_pb2.SuggestRequest.KIND_FIELD,
                name=measure.name,
                source=measure.source,
                limit=200,
            )
        )
        known = pipeline_pb2.GetEventQualityResponse()
        if measure.name and measure.source != question_pb2.SOURCE_METRICS:
            known = await self._taken(
                lambda: self._query.properties(self._project, measure.name, ask.range_of(change.before)),
                missing=known,
            )
        return ask.chosen(change, [each.value for each in suggested], known)

    async def _tables(self, wanted: Sequence[Fields]) -> Change:
        """The tables of each list of fields; one that query refuses is left out, such as of too many groups."""
        spans = (self._change.before, self._change.after, self._change.earlier)
        found = await _all([self._table(during, fields) for fields in wanted for during in spans])
        before, after, earlier = (
            {fields: each for fields, each in zip(wanted, found[place :: len(spans)]) if each is not None}
            for place in range(len(spans))
        )
        return Change(before, after, [earlier], mean=self._change.mean)

    async def _table(self, during: Span, fields: Fields) -> Table | None:
        try:
            answer = await self._run(ask.table(self._change, during, fields))
        except Unavailable:
            raise
        except Error:
            if self._change.fields and len(fields) == 1:
                raise
            return None
        return table_of(answer.table, self._change.buckets(during))

    async def _observed(self, before: _Whole, after: _Whole) -> Observed:
        """What the pipeline knows about the change."""
        change = self._change
        now, begins = datetime.now(UTC), floor(change.after.start, 60)
        ends = max(min(ceil(change.after.end, 60), ceil(now, 60)), begins + MINUTE)
        wanted = (
            Span(floor(change.before.start, 60), ceil(change.before.end, 60)),
            Span(floor(change.lead.start, 60), floor(change.lead.end, 60)),
            Span(begins, ends),
        )
        accounts = await _all([self._ledger(each) for each in wanted])
        spans = tuple(span for span, _, _ in accounts)
        of_before, of_after, platform = await asyncio.gather(
            self._quality(change.before),
            self._quality(change.after),
            self._taken(lambda: self._query.analytics(self._project)),
        )
        came = await _all([self._batches(change.before, last=False), self._batches(change.after, last=True)])
        watermark = after.metadata.watermark.ToDatetime(UTC) if after.metadata.HasField("watermark") else None
        settled = watermark is not None and watermark >= change.after.end
        partitions = [] if settled else list(platform.processing.partitions)
        stored = sum(row.stored for row in accounts[0][1]) / change.buckets(spans[0])
        usual = min(1.0, before.plain / stored) if stored else 1.0
        buckets, name = change.buckets(change.after), change.measure.name
        return Observed(
            before=before.value,
            after=after.value,
            events_before=before.plain,
            events_after=after.plain,
            span=change.after,
            buckets=buckets,
            event=name,
            seen_before=before.seen,
            seen_after=after.seen,
            senders=account.senders(
                (spans[0], spans[1], spans[2]),
                tuple(rows for _, rows, _ in accounts),
                (account.parts_of(came[0]), account.parts_of(came[1])),
                now,
            ),
            stored_before=stored,
            dead_part=_part(name, of_after, "dead_lettered_count", usual),
            rejected_part=_part(name, of_after, "rejected_count", usual),
            moved=_moved(name, of_before, of_after) / buckets,
            completeness=after.metadata.completeness,
            watermark=watermark,
            in_flight=0.0 if settled else float(accounts[2][2]),
            lag=max((each.lag.ToTimedelta() for each in partitions), default=timedelta()),
            paused=tuple(each.paused_because for each in partitions if each.paused_because),
            versions=await self._versions(came[0], came[1], of_after),
        )

    async def _ledger(self, during: Span) -> tuple[Span, list[query_pb2.LedgerEntry], int]:
        """The newest rows of a span, the span that they cover, and how many events are in flight now."""
        rows: list[query_pb2.LedgerEntry] = []
        token, in_flight = "", 0
        for _ in range(_PAGES):
            answer = await self._taken(
                lambda token=token: self._query.ledger(  # type: ignore[misc]
                    self._project, time_range=ask.range_of(during), page_size=_PAGE, page_token=token
                )
            )
            rows += answer.entries
            token, in_flight = answer.next_page_token, answer.total.in_flight
            if not token:
                return during, rows, in_flight
        # The oldest minute may be cut off.
        first = rows[-1].minute.ToDatetime(UTC) + MINUTE
        return Span(min(first, during.end - MINUTE), during.end), rows, in_flight

    async def _quality(self, during: Span) -> list[pipeline_pb2.EventQuality]:
        return await self._taken(
            lambda: self._query.quality(self._project, ask.range_of(during), page_size=1000)
        )

    async def _batches(self, during: Span, *, last: bool) -> list[pipeline_pb2.BatchLineage]:
        """What brought a bucket in the middle of a span, or its last one; of named events and metrics only."""
        measure = self._change.measure
        if not measure.name:
            return []
        whole_hour = during.length >= timedelta(hours=2)
        unit = question_pb2.Interval.UNIT_HOUR if whole_hour else question_pb2.Interval.UNIT_MINUTE
        width = timedelta(hours=1) if whole_hour else MINUTE
        start = floor(
            during.end - width if last else during.start + during.length / 2, width // timedelta(seconds=1)
        )
        bucket = pipeline_pb2.RollupBucket(source=measure.source, name=measure.name, width=unit)
        bucket.start.FromDatetime(start)
        answer = await self._taken(
            lambda: self._query.lineage(self._project, bucket=bucket, page_size=_BATCHES),
            missing=pipeline_pb2.GetLineageResponse(),
        )
        return list(answer.bucket.batches)

    async def _versions(
        self,
        before: Sequence[pipeline_pb2.BatchLineage],
        after: Sequence[pipeline_pb2.BatchLineage],
        quality: Iterable[pipeline_pb2.EventQuality],
    ) -> tuple[Versions, ...]:
        """The versions of what judged the events then and now, where both are known."""
        found = []
        if before and after:
            was, now = (max(each.rules_version for each in batches) for batches in (before, after))
            found.append(Versions("rules", was, now, "/data/rules"))
        name = self._change.measure.name
        current = next((each for each in quality if each.event_name == name and each.schema), None)
        if current is not None:
            answer = await self._run(ask.one_event(name, self._change.before), page_size=1)
            if answer.events.events:
                event = answer.events.events[0].event
                lineage = await self._taken(
                    lambda: self._query.lineage(self._project, event_id=event.event_id),
                    missing=pipeline_pb2.GetLineageResponse(),
                )
                was = max((each.schema_version for each in lineage.events), default=current.schema_version)
                link = f"/data/schemas/{current.schema.rpartition('/')[2]}"
                found.append(Versions("schema", was, current.schema_version, link))
        return tuple(found)

    async def _run(self, query: question_pb2.Query, page_size: int = 0) -> query_pb2.RunQueryResponse:
        return await self._taken(lambda: self._query.run(self._project, query, page_size=page_size))

    async def _taken(self, call: Callable[[], Awaitable[T]], *, missing: T | None = None) -> T:
        """What a call gives when it is its turn, here and at query; `missing` where there is nothing of that name and time."""
        async with self._turns:
            while True:
                try:
                    return await call()
                except NotFound:
                    if missing is None:
                        raise
                    return missing
                except Exhausted as error:
                    await asyncio.sleep(error.retry_after)


async def _all(calls: Iterable[Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*calls))


async def _told(change: Change, top: int) -> list[insight_pb2.Contribution]:
    """What is told of a change; in a thread, for tables of a thousand rows take a while."""
    return await asyncio.to_thread(contributions, change, top)


def _telling(change: Change) -> Change:
    """The tables of fields that tell groups apart, in either span."""

    def tells(table: Table) -> bool:
        named = len([group for group in table.rows if group != OTHER])
        events = table.whole[1]
        return ask.tells(named, table.rows.get(OTHER, (0.0, 0.0, 0.0))[1], events)

    kept = {
        fields
        for fields in change.before.keys() & change.after.keys()
        if tells(change.before[fields]) or tells(change.after[fields])
    }
    before, after, *earlier = (
        {fields: each[fields] for fields in each if fields in kept}
        for each in (change.before, change.after, *change.earlier)
    )
    return Change(before, after, earlier, mean=change.mean)


def _part(name: str, quality: Iterable[pipeline_pb2.EventQuality], count: str, usual: float) -> float:
    """Which part of a count is of one event; `usual` where nobody knows."""
    counts = {each.event_name: float(getattr(each, count)) for each in quality}
    whole = sum(counts.values())
    if not name:
        return 1.0
    return counts.get(name, 0.0) / whole if whole else usual


def _moved(
    name: str, before: Iterable[pipeline_pb2.EventQuality], after: Iterable[pipeline_pb2.EventQuality]
) -> float:
    """Events of names that there were none of before."""
    known = {each.event_name for each in before if each.count}
    return float(
        sum(each.count for each in after if each.event_name not in known and each.event_name != name)
    )
