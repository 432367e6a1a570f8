"""What a request about the quality of events or about producers says, once it is known to be well formed. Pure; raises `Invalid`
naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store.py`.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.kit.calendar import Span, ceil, floor
from services.kit.errors import Invalid
from services.kit.period import span
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1.question_pb2 import TimeRange

SAMPLE, LARGEST_SAMPLE = 2000, 10_000
MAX_TEXT = 500
_USUAL = timedelta(days=7)


def minutes(asked: TimeRange | None, zone: str, now: datetime) -> Span:
    """The whole minutes of a range; the last 7 days where there is none."""
    if asked is None:
        end = ceil(now, 60)
        return Span(end - _USUAL, end)
    found = span(asked, ZoneInfo(zone), now, "time_range")
    return Span(floor(found.start, 60), ceil(found.end, 60))


def search(text: str) -> str:
    """What the names of events must hold."""
    return _text(text, "search")


def event_name(text: str) -> str:
    """The name of the event asked about."""
    if not text:
        raise Invalid("event_name", "is empty; give the name of an event, as in order_placed")
    return _text(text, "event_name")


def sample(request: pb.GetEventQualityRequest) -> int:
    """How many events are looked at."""
    if request.sample_size < 0:
        raise Invalid("sample_size", f"is {request.sample_size}; give 1 to {LARGEST_SAMPLE}")
    return min(request.sample_size or SAMPLE, LARGEST_SAMPLE)


def _text(text: str, at: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise Invalid(at, f"has {len(text)} characters; give at most {MAX_TEXT} and no NUL")
    return text
