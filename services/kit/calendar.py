"""Where buckets and units of the calendar begin: an interval, a zone and a span come in, the edges of its buckets go out.

Seconds, minutes and hours are counted in UTC. Days, weeks and months begin at midnight of the zone, so that a day may have 23
or 25 hours; where the clock skips midnight, the day begins with the first instant that exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from services.kit.instant import EPOCH
from tidemark.v1.question_pb2 import Interval

_SECONDS = {Interval.UNIT_SECOND: 1, Interval.UNIT_MINUTE: 60, Interval.UNIT_HOUR: 3600}
_MONDAY = date(1970, 1, 5).toordinal()


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` (included) to `end` (excluded), in UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def earlier(self, by: timedelta) -> "Span":
        """The span as long, so much earlier."""
        return Span(self.start - by, self.end - by)

    def overlaps(self, other: "Span") -> bool:
        """Whether both have an instant in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Step:
    """The width of a bucket: so many units."""

    unit: Interval.Unit
    count: int

    @property
    def seconds(self) -> int:
        """Its length where that is fixed; 0 for days, weeks and months."""
        return _SECONDS.get(self.unit, 0) * self.count


_LADDER = [
    Step(Interval.UNIT_MONTH, 1),
    Step(Interval.UNIT_WEEK, 1),
    Step(Interval.UNIT_DAY, 1),
    *(Step(Interval.UNIT_HOUR, count) for count in (6, 3, 1)),
    *(Step(Interval.UNIT_MINUTE, count) for count in (30, 10, 5, 1)),
    *(Step(Interval.UNIT_SECOND, count) for count in (30, 10, 5, 1)),
]
_NOMINAL = {
    Interval.UNIT_MONTH: 2_678_400,
    Interval.UNIT_WEEK: 604_800,
    Interval.UNIT_DAY: 86_400,
    **_SECONDS,
}


def seconds_of(step: Step) -> int:
    """The length of a step, of days and months the usual one."""
    return _NOMINAL[step.unit] * step.count


def fitting(length: timedelta) -> Step:
    """The widest step that cuts `length` into at least 30 buckets."""
    return next((step for step in _LADDER if length.total_seconds() >= 30 * seconds_of(step)), _LADDER[-1])


def edges(span: Span, step: Step, zone: ZoneInfo, limit: int) -> tuple[datetime, ...]:
    """The starts of the buckets that `span` touches, and the end of the last: at most `limit` of them."""
    found: list[datetime] = []
    for edge in islice(_from(span.start, step, zone), limit):
        # Zones that crossed the date line have days without an instant: two midnights at once.
        if not found or edge > found[-1]:
            found.append(edge)
        if edge >= span.end:
            break
    return tuple(found)


def beginning(instant: datetime, unit: Interval.Unit, zone: ZoneInfo, before: int = 0) -> datetime:
    """When the hour, day, week or month of `instant` begins, or the one that is so many `before` it."""
    if seconds := _SECONDS.get(unit):
        return floor(instant, seconds) - timedelta(seconds=seconds * before)
    day = _first_day(instant.astimezone(zone).date(), Step(unit, 1))
    edge = later = _midnight(day, zone)
    for _ in range(before):
        # A day that the zone left out begins when the next one does.
        while edge == later:
            day = _first_day(day - timedelta(days=1), Step(unit, 1))
            edge = _midnight(day, zone)
        later = edge
    return edge


def floor(instant: datetime, seconds: int) -> datetime:
    """The last multiple of `seconds` since 1970 that is not after `instant`."""
    return instant - (instant - EPOCH) % timedelta(seconds=seconds)


def ceil(instant: datetime, seconds: int) -> datetime:
    """The first multiple of `seconds` since 1970 that is not before `instant`."""
    return instant + (EPOCH - instant) % timedelta(seconds=seconds)


def _from(start: datetime, step: Step, zone: ZoneInfo) -> Iterator[datetime]:
    if step.seconds:
        edge, width = floor(start, step.seconds), timedelta(seconds=step.seconds)
        while True:
            yield edge
            edge += width
    day = _first_day(start.astimezone(zone).date(), step)
    while True:
        yield _midnight(day, zone)
        day = _next_day(day, step)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _first_day(day: date, step: Step) -> date:
    if step.unit == Interval.UNIT_MONTH:
        return day.replace(day=1)
    days, origin = (7, _MONDAY) if step.unit == Interval.UNIT_WEEK else (step.count, EPOCH.toordinal())
    return day - timedelta(days=(day.toordinal() - origin) % days)


def _next_day(day: date, step: Step) -> date:
    match step.unit:
        case Interval.UNIT_MONTH:
            return (day + timedelta(days=31)).replace(day=1)
        case Interval.UNIT_WEEK:
            return day + timedelta(days=7)
        case _:
            return day + timedelta(days=step.count)
