"""Keeps what was read and tells what must be read anew: an old `Reading` and what was touched come in, buckets go out to `worker`.

A bucket is kept as long as the same span of time is asked for; a range that has moved on shares all but its edges with the one
before, so that only those and what commits have touched are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from services.kit.instant import us_of
from services.query.calendar import Span
from services.query.plan import Plan
from services.query.question import Series
from services.query.shape import Cells, Reading
from services.query.sql import PAGE_BYTES
from tidemark.v1 import question_pb2 as pb

Arrival = tuple[int, pb.StoredEvent]
"""An event that came after the first answer, with the number of the answer that brought it."""

T = TypeVar("T")


def slots(plan: Plan, touched: Iterable[Span]) -> list[int]:
    """The buckets that rows in `touched` belong to, in this period or in the one before."""
    spans = list(touched)
    return [
        slot
        for slot, buckets in enumerate(_buckets(plan))
        if any(bucket.overlaps(span) for bucket in buckets for span in spans)
    ]


def carried(old: Plan, reading: Reading, new: Plan) -> tuple[Reading, list[int]] | None:
    """What `reading` tells of a range that has moved on, and the buckets it says nothing of; None where it is of no use."""
    before, after = old.question, new.question
    assert isinstance(before, Series)
    assert isinstance(after, Series)
    same = replace(before, span=after.span, edges=after.edges) == after
    if not same or [scan.exact for scan in old.scans] != [scan.exact for scan in new.scans]:
        return None
    had = {buckets: slot for slot, buckets in enumerate(_buckets(old))}
    wanted = {buckets: slot for slot, buckets in enumerate(_buckets(new))}
    places = {had[buckets]: slot for buckets, slot in wanted.items() if buckets in had}
    kept = replace(reading, cells=_placed(reading.cells, places), earlier=_placed(reading.earlier, places))
    return kept, [slot for buckets, slot in wanted.items() if buckets not in had]


def renewed(old: Reading, new: Reading, slots: Sequence[int]) -> Reading:
    """`old` with the buckets `slots` as they are in `new`."""
    gone = set(slots)

    def cells(before: Cells, after: Cells) -> Cells:
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


def inhabited(reading: Reading) -> Reading:
    """A reading without the groups of which nothing is left in the range."""
    alive = sorted({place for _, place in (*reading.cells, *reading.earlier) if place is not None})
    if len(alive) == len(reading.groups):
        return reading
    places = {old: new for new, old in enumerate(alive)}

    def cells(before: Cells) -> Cells:
        return {(index, None if at is None else places[at]): parts for (index, at), parts in before.items()}

    groups = tuple(reading.groups[place] for place in alive)
    return replace(reading, groups=groups, cells=cells(reading.cells), earlier=cells(reading.earlier))


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


def _buckets(plan: Plan) -> Iterator[tuple[Span, ...]]:
    """For each slot: its bucket and, with a comparison, that of the period before."""
    return zip(*(scans[0].buckets for scans in (plan.scans, plan.earlier) if scans))


def _placed(cells: Cells, places: Mapping[int, int]) -> Cells:
    """`cells` with their buckets at new places; those without one are left out."""
    moved: Cells = {}
    for key, parts in cells.items():
        for slot, part in parts.items():
            if slot is not None and slot in places:
                moved.setdefault(key, {})[places[slot]] = part
    return moved


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
