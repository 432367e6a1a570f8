"""The time that a question is about: a report's range and a question come in, the question with its span resolved goes out.

All ranges of a report are resolved at one instant, so that an edition made again asks for the same.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from services.kit.calendar import Span
from services.kit.period import span
from tidemark.v1 import question_pb2 as q

WEEK = q.TimeRange(calendar=q.CalendarRange(unit=q.Interval.UNIT_DAY, count=7, ago=1))
"""The seven days before today."""
PAST = 8
"""A forecast learns from so many times the report's range."""


def resolved(stated: q.TimeRange | None, zone: str, now: datetime, field: str = "report.time_range") -> Span:
    """The span of a range; that of the seven days before today where there is none."""
    given = stated if stated is not None and stated.ByteSize() else WEEK
    return span(given, ZoneInfo(zone), now, field)


def timed(query: q.Query, of_report: Span, zone: str, now: datetime, *, times: int = 1) -> q.Query:
    """A question with its span, the report's where it has none of its own, or so many times that."""
    found = q.Query()
    found.CopyFrom(query)
    found.time_zone = found.time_zone or zone
    if found.time_range.ByteSize():
        about = resolved(found.time_range, found.time_zone, now, "query.time_range")
    else:
        about = Span(of_report.end - times * of_report.length, of_report.end)
    found.time_range.CopyFrom(range_of(about))
    return found


def range_of(about: Span) -> q.TimeRange:
    """A span as requests have it."""
    found = q.TimeRange()
    found.start.FromDatetime(about.start)
    found.end.FromDatetime(about.end)
    return found
