"""Answers and what has changed between two of them: results come in from `source`, messages go out to `board` and `cursor`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
from google.protobuf.message import Message

from services.query.live.renewal import Arrival, newest
from services.query.plan import Plan
from services.query.question import Question
from services.query.shape import Reading
from services.query.state import Facts
from services.query.trust import Origin
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.query_pb2 import WatchQueryResponse

SNAPSHOT, DELTA, HEARTBEAT = (
    WatchQueryResponse.KIND_SNAPSHOT,
    WatchQueryResponse.KIND_DELTA,
    WatchQueryResponse.KIND_HEARTBEAT,
)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """An answer at one state of the data."""

    number: int
    """Grows from answer to answer; stays as it is while nothing but the facts does."""
    question: Question
    facts: Facts
    result: Message
    """Of events the newest; of everything else all of it."""
    lines: str
    """Digest of the lines of a series: buckets of other lines are no change to them but another answer."""
    content: str
    """Digest of the result; of events none."""
    origin: Origin
    metadata: pb.QueryMetadata = field(default_factory=pb.QueryMetadata)
    plan: Plan | None = None
    """Series: how it was read."""
    reading: Reading = field(default_factory=Reading)
    whole: Facts | None = None
    """Series: the data of which all of it was last read, and its groups chosen."""
    whole_took: timedelta = timedelta()
    """How long that took."""
    arrived: tuple[Arrival, ...] = ()
    """Events that came after the first answer, latest last."""
    changes: dict[int, WatchQueryResponse | None] = field(default_factory=dict, repr=False)
    """By the number of an older answer, what has changed since: found once for all who follow."""


def lines(result: Message) -> str:
    """The digest of the lines of a result that its `Answer` holds."""
    if not isinstance(result, pb.SeriesResult):
        return ""
    return digest(orjson.dumps([(line.measure_id, list(line.group), line.other) for line in result.series]))


def content(result: Message) -> str:
    """The digest of a result that its `Answer` holds."""
    return "" if isinstance(result, pb.EventsResult) else digest(result.SerializeToString(deterministic=True))


def digest(data: bytes) -> str:
    """A short name for some bytes."""
    return hashlib.sha256(data).hexdigest()[:12]


def snapshot(answer: Answer) -> WatchQueryResponse:
    """All of an answer."""
    return message(SNAPSHOT, answer, answer.result)


def heartbeat(answer: Answer) -> WatchQueryResponse:
    """An answer in which nothing changed."""
    return message(HEARTBEAT, answer, None)


def delta(old: Answer, new: Answer) -> WatchQueryResponse | None:
    """What is in `new` and not in `old`; None when that is nothing."""
    if old.number not in new.changes:
        new.changes[old.number] = None if old.number == new.number else _delta(old, new)
    return new.changes[old.number]


def changed(old: pb.SeriesResult, new: pb.SeriesResult) -> list[int]:
    """The buckets of `new` that are not as in `old`, which has the same lines."""
    before = {(start.seconds, start.nanos): i for i, start in enumerate(old.bucket_starts)}
    known = [before.get((start.seconds, start.nanos)) for start in new.bucket_starts]
    found = {slot for slot, at in enumerate(known) if at is None}
    for a, b in zip(old.series, new.series):
        pairs = (
            (a.values, b.values),
            (a.previous_values, b.previous_values),
            (a.late_counts, b.late_counts),
        )
        for was, now in pairs:
            past, present = list(was), list(now)
            if not past or not present:
                found |= set(range(len(known))) if past or present else set()
                continue
            for slot, at in enumerate(known):
                if at is not None and not _same(past[at], present[slot]):
                    found.add(slot)
    return sorted(found)


def part(result: pb.SeriesResult, slots: Sequence[int]) -> pb.SeriesResult:
    """The buckets `slots` of a result."""
    found = pb.SeriesResult(bucket_starts=[result.bucket_starts[slot] for slot in slots])
    for line in result.series:
        kept = found.series.add(
            measure_id=line.measure_id, group=line.group, other=line.other, kind=line.kind, unit=line.unit,
            total=line.total, previous_total=line.previous_total,
        )  # fmt: skip
        kept.values.extend(line.values[slot] for slot in slots)
        if line.previous_values:
            kept.previous_values.extend(line.previous_values[slot] for slot in slots)
        if line.late_counts:
            kept.late_counts.extend(line.late_counts[slot] for slot in slots)
    return found


def message(kind: WatchQueryResponse.Kind, answer: Answer, result: Message | None) -> WatchQueryResponse:
    """A message about `answer` that holds `result`, in the field of its kind."""
    response = WatchQueryResponse(kind=kind, metadata=answer.metadata)
    if result is not None:
        field = type(result).__name__.removesuffix("Result").lower()
        getattr(response, field).CopyFrom(result)
    return response


def _delta(old: Answer, new: Answer) -> WatchQueryResponse | None:
    if isinstance(new.result, pb.EventsResult):
        events = [event for number, event in new.arrived if number > old.number]
        found = newest(events, new.question.span, len(events))
        return message(DELTA, new, pb.EventsResult(events=found)) if found else None
    if old.content == new.content:
        return None
    if not isinstance(new.result, pb.SeriesResult) or not isinstance(old.result, pb.SeriesResult):
        return snapshot(new)
    if old.lines != new.lines:
        return snapshot(new)
    differing = changed(old.result, new.result)
    if not differing and _totals(old.result) == _totals(new.result):
        return None
    return message(DELTA, new, part(new.result, differing))


def _totals(result: pb.SeriesResult) -> list[str]:
    # As texts, so that what stays unknown is no change.
    return [f"{line.total} {line.previous_total}" for line in result.series]


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
