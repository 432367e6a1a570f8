"""The time asked about: a `TimeRange` comes in with the clock and the zone, a `Span` goes out to questions.

A range that is relative, open or of the present unit of the calendar ends with the minute (or, where buckets are seconds, the
second) that is under way, so that it is read from whole rollups and stays the same until the next begins; metadata tells the
span answered.
"""

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.calendar import Span, Step, beginning, ceil, floor
from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from tidemark.v1 import question_pb2 as pb

LAST_END = datetime(2200, 1, 1, tzinfo=EPOCH.tzinfo)
MAX_UNITS = 5000
"""Units of the calendar that a range may hold, or lie in the past."""

_UNITS = (pb.Interval.UNIT_HOUR, pb.Interval.UNIT_DAY, pb.Interval.UNIT_WEEK, pb.Interval.UNIT_MONTH)


def span(asked: pb.TimeRange, zone: ZoneInfo, now: datetime, at: str, unit: int = 60) -> Span:
    """The span of a range, in whole `unit` seconds where it follows the clock; raises `Invalid` for a field below `at`."""
    given = [kind for kind in ("last", "calendar") if asked.HasField(kind)]
    bounded = asked.HasField("start") or asked.HasField("end")
    if len(given) + bounded > 1:
        others = "start or end" if bounded else "last"
        raise Invalid(f"{at}.{given[-1]}", f"is given beside {others}; give one or the other")
    if asked.HasField("last"):
        end = ceil(now, unit)
        return Span(end - _length(asked.last, end - EPOCH, f"{at}.last"), end)
    if asked.HasField("calendar"):
        return _calendar(asked.calendar, zone, now, unit, f"{at}.calendar")
    if not asked.HasField("start"):
        raise Invalid(
            f"{at}.start" if bounded else at, "is empty; give start, start and end, last, or calendar"
        )
    start = instant(asked.start, f"{at}.start")
    end = instant(asked.end, f"{at}.end") if asked.HasField("end") else ceil(now, unit)
    if end <= start:
        raise Invalid(f"{at}.end", f"is {end:%Y-%m-%dT%H:%M:%SZ}, not after the start; give a later end")
    return Span(start, end)


def instant(timestamp: Timestamp, at: str) -> datetime:
    """A timestamp to the microsecond, between 1970 and 2200."""
    in_range = (
        0 <= timestamp.seconds <= (LAST_END - EPOCH).total_seconds() and 0 <= timestamp.nanos < 1_000_000_000
    )
    if not in_range:
        raise Invalid(
            at, f"is {timestamp.seconds} s and {timestamp.nanos} ns since 1970; give a time from 1970 to 2200"
        )
    return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def width(interval: pb.Interval, at: str) -> Step:
    """The width of a bucket that a request gives."""
    if not interval.unit or interval.unit not in pb.Interval.Unit.values():
        raise Invalid(f"{at}.unit", f"is {interval.unit}; give a unit, as in UNIT_HOUR")
    most = 1 if interval.unit in (pb.Interval.UNIT_WEEK, pb.Interval.UNIT_MONTH) else 10_000
    if not 0 <= interval.count <= most:
        raise Invalid(f"{at}.count", f"is {interval.count}; give at most {most}")
    return Step(interval.unit, interval.count or 1)


def _calendar(asked: pb.CalendarRange, zone: ZoneInfo, now: datetime, unit: int, at: str) -> Span:
    if asked.unit not in _UNITS:
        raise Invalid(f"{at}.unit", f"is {asked.unit}; give hours, days, weeks or months, as in UNIT_DAY")
    for name, value in (("count", asked.count), ("ago", asked.ago)):
        if not 0 <= value <= MAX_UNITS:
            raise Invalid(f"{at}.{name}", f"is {value}; give 0 to {MAX_UNITS}")
    start = beginning(now, asked.unit, zone, asked.ago + (asked.count or 1) - 1)
    if start < EPOCH:
        raise Invalid(f"{at}.count", f"is {asked.count}, which reaches beyond 1970; give fewer")
    if asked.ago:
        return Span(start, beginning(now, asked.unit, zone, asked.ago - 1))
    # The present unit has an instant of it, even when it begins right now.
    least = floor(beginning(now, asked.unit, zone), unit) + timedelta(seconds=unit)
    return Span(start, max(ceil(now, unit), least))


def _length(last: Duration, most: timedelta, at: str) -> timedelta:
    seconds = last.seconds + last.nanos / 1e9
    if not (math.isfinite(seconds) and 0.001 <= seconds <= most.total_seconds()):
        raise Invalid(at, f"is {seconds} s; give a length from a millisecond to the time since 1970")
    return timedelta(seconds=last.seconds, microseconds=last.nanos // 1000)
