"""The time in which letters were received: a `TimeRange` comes in with the clock and the zone, two instants go out. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from tidemark.v1.question_pb2 import CalendarRange, Interval, TimeRange

LAST_END = datetime(2200, 1, 1, tzinfo=UTC)
MAX_UNITS = 5000
"""Units of the calendar that a range may hold, or lie in the past."""
_UNITS = (Interval.UNIT_HOUR, Interval.UNIT_DAY, Interval.UNIT_WEEK, Interval.UNIT_MONTH)

Span = tuple[datetime, datetime]
"""From the first (included) to the last (excluded)."""


def span(asked: TimeRange, zone: ZoneInfo, now: datetime, at: str) -> Span:
    """The instants of a range; raises `Invalid` for a field below `at`."""
    given = [name for name in ("last", "calendar") if asked.HasField(name)]  # type: ignore[arg-type]
    bounded = asked.HasField("start") or asked.HasField("end")
    if len(given) + bounded > 1:
        others = "start or end" if bounded else "last"
        raise Invalid(f"{at}.{given[-1]}", f"is given beside {others}; give one or the other")
    if asked.HasField("last"):
        return now - _length(asked.last, now - EPOCH, f"{at}.last"), now
    if asked.HasField("calendar"):
        return _calendar(asked.calendar, zone, now, f"{at}.calendar")
    if not asked.HasField("start"):
        raise Invalid(
            f"{at}.start" if bounded else at, "is empty; give start, start and end, last, or calendar"
        )
    start = _instant(asked.start, f"{at}.start")
    end = _instant(asked.end, f"{at}.end") if asked.HasField("end") else LAST_END
    if end <= start:
        raise Invalid(f"{at}.end", f"is {end.isoformat()}, not after the start; give a later end")
    return start, end


def day_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """When the day of an instant begins in the zone."""
    return _midnight(instant.astimezone(zone).date(), zone)


def _calendar(asked: CalendarRange, zone: ZoneInfo, now: datetime, at: str) -> Span:
    if asked.unit not in _UNITS:
        raise Invalid(f"{at}.unit", f"is {asked.unit}; give hours, days, weeks or months, as in UNIT_DAY")
    for name, value in (("count", asked.count), ("ago", asked.ago)):
        if not 0 <= value <= MAX_UNITS:
            raise Invalid(f"{at}.{name}", f"is {value}; give 0 to {MAX_UNITS}")
    start = _beginning(now, asked.unit, zone, asked.ago + (asked.count or 1) - 1)
    return start, _beginning(now, asked.unit, zone, asked.ago - 1) if asked.ago else now


def _beginning(now: datetime, unit: Interval.Unit, zone: ZoneInfo, before: int) -> datetime:
    """When the present unit begins, or the one that is so many `before` it."""
    today = now.astimezone(zone).date()
    match unit:
        case Interval.UNIT_HOUR:
            return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=before)
        case Interval.UNIT_DAY:
            return _midnight(today - timedelta(days=before), zone)
        case Interval.UNIT_WEEK:
            return _midnight(today - timedelta(days=today.weekday(), weeks=before), zone)
        case _:
            year, month = divmod(today.year * 12 + today.month - 1 - before, 12)
            return _midnight(date(year, month + 1, 1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _instant(timestamp: Timestamp, at: str) -> datetime:
    if not (
        0 <= timestamp.seconds <= (LAST_END - EPOCH).total_seconds() and 0 <= timestamp.nanos < 1_000_000_000
    ):
        raise Invalid(
            at, f"is {timestamp.seconds} s and {timestamp.nanos} ns since 1970; give a time from 1970 to 2200"
        )
    return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def _length(last: Duration, most: timedelta, at: str) -> timedelta:
    seconds = last.seconds + last.nanos / 1e9
    if not 0.001 <= seconds <= most.total_seconds():
        raise Invalid(at, f"is {seconds} s; give a length from a millisecond to the time since 1970")
    return timedelta(seconds=last.seconds, microseconds=last.nanos // 1000)
