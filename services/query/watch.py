"""Answers that stay up to date: two answers come in, what changed goes out to `servicer`; and the cursor to go on from."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

import orjson

from services.kit import opaque
from services.kit.errors import Invalid
from services.kit.instant import MICROSECOND, at, us_of
from services.query.calendar import Span
from services.query.plan import Plan
from services.query.shape import Reading
from services.query.sql import PAGE_BYTES
from services.query.trust import Facts
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.query_pb2 import WatchQueryRequest, WatchQueryResponse

KEPT = timedelta(minutes=55)
"""A cursor older than this begins anew: the commit log is kept for an hour."""

SNAPSHOT, DELTA, HEARTBEAT = (
    WatchQueryResponse.KIND_SNAPSHOT,
    WatchQueryResponse.KIND_DELTA,
    WatchQueryResponse.KIND_HEARTBEAT,
)

T = TypeVar("T")
Arrival = tuple[int, pb.StoredEvent]
"""An event that came after the first answer, with the number of the answer that brought it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer at one state of the data."""

    facts: Facts
    span: Span
    metadata: pb.QueryMetadata
    result: pb.SeriesResult | pb.EventsResult
    """Series: all of it. Events: the newest."""
    plan: Plan | None = None
    """Series: how it was read."""
    reading: Reading = field(default_factory=Reading)
    arrived: tuple[Arrival, ...] = ()
    """Latest last."""
    number: int = 0
    """Counts the answers of one feed."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a watch was interrupted: the state of the data, and what was shown of it."""

    versions: tuple[int, ...]
    batches: tuple[int, ...]
    at: datetime
    start: datetime
    """Where the range began."""
    lines: str
    """Digest of the lines of the series shown."""

    def follows(self, facts: Facts) -> bool:
        """Whether what was committed since can still be told."""
        return (
            len(self.versions) == len(self.batches) == len(facts.versions)
            and all(old <= new for old, new in zip(self.versions, facts.versions))
            and facts.at - self.at < KEPT
        )

    def ahead(self, facts: Facts) -> bool:
        """Whether some of what was shown was committed after `facts`."""
        return any(old > new for old, new in zip(self.versions, facts.versions))


def encode(cursor: Cursor, request: WatchQueryRequest, project_id: int) -> str:
    """The cursor as callers see it, bound to their question."""
    instants = us_of(cursor.at), us_of(cursor.start)
    content = [_question(request, project_id), cursor.versions, cursor.batches, *instants, cursor.lines]
    return opaque.sealed(orjson.dumps(content))


def decode(request: WatchQueryRequest, project_id: int) -> Cursor | None:
    """The cursor of a request, if there is one; raises `Invalid` for one that was given to another question."""
    if not request.cursor:
        return None
    try:
        question, versions, batches, seen, start, shown = orjson.loads(opaque.opened(request.cursor))
        cursor = Cursor(_counts(versions), _counts(batches), at(seen), at(start), str(shown))
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid("cursor", "is not one that this server gave; leave it out to begin anew") from error
    if question != _question(request, project_id):
        raise Invalid("cursor", "belongs to another question; leave it out to begin anew")
    return cursor


def cursor(answer: Answer) -> Cursor:
    """Where a reader that has `answer` goes on."""
    facts = answer.facts
    return Cursor(facts.versions, facts.batches, facts.at, answer.span.start, lines(answer.result))


def lines(result: pb.SeriesResult | pb.EventsResult) -> str:
    """Digest of which lines a result holds; buckets of other lines are no change to them but another answer."""
    if isinstance(result, pb.EventsResult):
        return ""
    return hashlib.sha256(
        orjson.dumps([(s.measure_id, list(s.group), s.other) for s in result.series])
    ).hexdigest()[:16]


def slots(plan: Plan, touched: Iterable[Span]) -> list[int]:
    """The buckets that rows in `touched` belong to, in this period or in the one before."""
    spans = list(touched)
    periods = [scans[0].buckets for scans in (plan.scans, plan.earlier) if scans]
    return [
        slot
        for slot, buckets in enumerate(zip(*periods))
        if any(bucket.overlaps(span) for bucket in buckets for span in spans)
    ]


def renewed(old: Reading, new: Reading, slots: Sequence[int]) -> Reading:
    """`old` with the buckets `slots` as they are in `new`."""
    gone = set(slots)

    def cells(before: dict, after: dict) -> dict:  # type: ignore[type-arg]
        kept = {
            key: {slot: part for slot, part in parts.items() if slot not in gone}
            for key, parts in before.items()
        }
        for key, parts in after.items():
            kept.setdefault(key, {}).update(parts)
        return {key: parts for key, parts in kept.items() if parts}

    return Reading(
        new.groups, cells(old.cells, new.cells), cells(old.earlier, new.earlier), {**old.units, **new.units}
    )


def changed(old: pb.SeriesResult, new: pb.SeriesResult) -> pb.SeriesResult | None:
    """The buckets of `new` that are not as in `old`; None when its lines are others, so that all of it is needed."""
    if lines(old) != lines(new):
        return None
    before = {start.ToNanoseconds(): i for i, start in enumerate(old.bucket_starts)}
    differing = []
    for slot, start in enumerate(new.bucket_starts):
        known = before.get(start.ToNanoseconds())
        if known is None or any(
            not _same(a.values, known, b.values, slot)
            or not _same(a.previous_values, known, b.previous_values, slot)
            for a, b in zip(old.series, new.series)
        ):
            differing.append(slot)
    return part(new, differing)


def part(result: pb.SeriesResult, slots: Sequence[int]) -> pb.SeriesResult:
    """The buckets `slots` of a result."""
    found = pb.SeriesResult(bucket_starts=[result.bucket_starts[slot] for slot in slots])
    for line in result.series:
        kept = found.series.add()
        kept.CopyFrom(line)
        del kept.values[:], kept.previous_values[:]
        kept.values.extend(line.values[slot] for slot in slots)
        if line.previous_values:
            kept.previous_values.extend(line.previous_values[slot] for slot in slots)
    return found


def _same(old: Sequence[float], at: int, new: Sequence[float], slot: int) -> bool:
    if not old or not new:
        return len(old) == len(new)
    a, b = old[at], new[slot]
    return a == b or (a != a and b != b)


def _question(request: WatchQueryRequest, project_id: int) -> str:
    text = request.query.SerializeToString(deterministic=True)
    return hashlib.sha256(str(project_id).encode() + b"\0" + text).hexdigest()[:16]


def _counts(values: Iterable[object]) -> tuple[int, ...]:
    found = tuple(value for value in values if isinstance(value, int) and 0 <= value < 2**62)
    if len(found) != len(tuple(values)):
        raise ValueError(values)
    return found


def newest(events: Iterable[pb.StoredEvent], span: Span, size: int) -> list[pb.StoredEvent]:
    """The newest of `events` in `span`, newest first, at most `size` and what fits into one answer."""
    start = us_of(span.start)
    placed = sorted(
        ((each.event.occurred_at.ToMicroseconds(), each.event.event_id, each) for each in events),
        key=lambda place: place[:2],
        reverse=True,
    )
    return _fitting(
        (event for happened, _, event in placed if happened >= start), size, lambda event: event.ByteSize()
    )


def latest(arrived: Sequence[Arrival], size: int) -> tuple[Arrival, ...]:
    """The last of `arrived`, at most `size` and what fits into one answer."""
    return tuple(reversed(_fitting(reversed(arrived), size, lambda arrival: arrival[1].ByteSize())))


def _fitting(things: Iterable[T], size: int, weigh: Callable[[T], int]) -> list[T]:
    """The first of `things`: at most `size`, and no more once they weigh `PAGE_BYTES`."""
    found: list[T] = []
    weight = 0
    for each in islice(things, size):
        if weight >= PAGE_BYTES:
            break
        found.append(each)
        weight += weigh(each)
    return found


def snapshot(answer: Answer) -> WatchQueryResponse:
    """All of an answer."""
    return _response(SNAPSHOT, answer, answer.result)


def heartbeat(answer: Answer) -> WatchQueryResponse:
    """An answer in which nothing changed."""
    return _response(HEARTBEAT, answer, None)


def delta(old: Answer, new: Answer) -> WatchQueryResponse | None:
    """What is in `new` and not in `old`; None when that is nothing."""
    if isinstance(old.result, pb.EventsResult):
        events = [event for number, event in new.arrived if number > old.number]
        return (
            _response(DELTA, new, pb.EventsResult(events=newest(events, new.span, len(events))))
            if events
            else None
        )
    assert isinstance(new.result, pb.SeriesResult)
    found = changed(old.result, new.result)
    if found is None:
        return snapshot(new)
    return _response(DELTA, new, found) if found.bucket_starts else None


def resumed(
    cursor: Cursor, new: Answer, touched: Iterable[Span], fresh: Sequence[pb.StoredEvent]
) -> WatchQueryResponse:
    """What a reader that stopped at `cursor` lacks: events `fresh`, or the buckets `touched` since and those begun since."""
    if isinstance(new.result, pb.EventsResult):
        return _response(DELTA, new, pb.EventsResult(events=fresh)) if fresh else heartbeat(new)
    assert new.plan is not None
    if cursor.lines != lines(new.result):
        return snapshot(new)
    # What is under way depends on the clock; the first bucket shrinks when the range moves on.
    passing = [Span(cursor.at, new.facts.at)]
    if new.span.start != cursor.start:
        passing.append(Span(new.span.start, new.span.start + MICROSECOND))
    found = part(new.result, slots(new.plan, [*touched, *passing]))
    return _response(DELTA, new, found) if found.bucket_starts else heartbeat(new)


def _response(
    kind: WatchQueryResponse.Kind, answer: Answer, result: pb.SeriesResult | pb.EventsResult | None
) -> WatchQueryResponse:
    response = WatchQueryResponse(kind=kind, metadata=answer.metadata)
    if isinstance(result, pb.SeriesResult):
        response.series.CopyFrom(result)
    elif result is not None:
        response.events.CopyFrom(result)
    return response
