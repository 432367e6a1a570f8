"""Keeps what was read and tells what must be read anew: an old `Reading` and what was touched come in, buckets go out to `worker`.

A bucket is kept as long as the same span of time is asked for; a range that has moved on shares all but its edges with the one
before, so that only those and what commits have touched are read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from services.kit.calendar import Span
from services.kit.instant import us_of
from services.query.part import Part
from services.query.plan import Plan, Scan
from services.query.question import Series
from services.query.shape import Cells, Reading
from services.query.sql import PAGE_BYTES
from tidemark.v1 import question_pb2 as pb

Arrival = tuple[int, pb.StoredEvent]
"""An event that came after the first answer, with the number of the answer that brought it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slots:
    """Buckets of a plan: of the period asked about, and of the one before."""

    now: frozenset[int] = frozenset()
    earlier: frozenset[int] = frozenset()

    def __or__(self, other: "Slots") -> "Slots":
        return Slots(self.now | other.now, self.earlier | other.earlier)

    def __bool__(self) -> bool:
        return bool(self.now or self.earlier)


def touched(plan: Plan, spans: Iterable[Span]) -> Slots:
    """The buckets that rows in `spans` belong to."""
    known = list(spans)

    def within(scans: Sequence[Scan]) -> frozenset[int]:
        buckets = enumerate(scans[0].buckets if scans else ())
        return frozenset(slot for slot, bucket in buckets if any(bucket.overlaps(span) for span in known))

    return Slots(within(plan.scans), within(plan.earlier))


def narrowed(plan: Plan, slots: Slots) -> Plan:
    """The plan that reads these buckets only."""
    return replace(plan, scans=plan.narrowed(slots.now).scans, earlier=plan.narrowed(slots.earlier).earlier)


def carried(old: Plan, reading: Reading, new: Plan) -> tuple[Reading, Slots] | None:
    """What `reading` tells of a range that has moved on, and the buckets it says nothing of; None where it is of no use."""
    before, after = old.question, new.question
    assert isinstance(before, Series)
    assert isinstance(after, Series)
    same = replace(before, span=after.span) == after
    if not same or [scan.exact for scan in old.scans] != [scan.exact for scan in new.scans]:
        return None
    cells, missing = _placed(reading.cells, old.scans, new.scans)
    earlier, missing_earlier = _placed(reading.earlier, old.earlier, new.earlier)
    return replace(reading, cells=cells, earlier=earlier), Slots(missing, missing_earlier)


def renewed(old: Reading, new: Reading, slots: Slots) -> Reading:
    """`old` with the buckets `slots` as they are in `new`."""

    def cells(before: Cells, after: Cells, gone: frozenset[int]) -> Cells:
        kept = {
            key: {slot: part for slot, part in parts.items() if slot not in gone}
            for key, parts in before.items()
        }
        for key, parts in after.items():
            kept.setdefault(key, {}).update(parts)
        return {key: parts for key, parts in kept.items() if parts}

    return Reading(
        new.groups,
        cells(old.cells, new.cells, slots.now),
        cells(old.earlier, new.earlier, slots.earlier),
        {**old.units, **new.units},
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


def _placed(cells: Cells, before: Sequence[Scan], after: Sequence[Scan]) -> tuple[Cells, frozenset[int]]:
    """`cells` in the places that their buckets have now, and the places for which there are none."""
    had = {bucket: slot for slot, bucket in enumerate(before[0].buckets if before else ())}
    wanted = {bucket: slot for slot, bucket in enumerate(after[0].buckets if after else ())}
    places: dict[int | None, int] = {had[bucket]: slot for bucket, slot in wanted.items() if bucket in had}
    moved: Cells = {}
    for key, parts in cells.items():
        kept: dict[int | None, Part] = {places[slot]: part for slot, part in parts.items() if slot in places}
        if kept:
            moved[key] = kept
    return moved, frozenset(wanted.values()) - frozenset(places.values())


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
