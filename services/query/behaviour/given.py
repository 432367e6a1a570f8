"""What several questions about people are made of: parts of a request come in from `question`, checked values go back; `Invalid`
names the field `at` fault.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.calendar import Span, edges
from services.kit.calendar import Step as Width
from services.kit.errors import Invalid
from services.kit.instant import EPOCH, MICROSECOND
from services.query.fields import Field, Form, field
from services.query.filter import EVERYTHING, Comparison, Condition, People, both, condition
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.question_pb2 import Interval

MAX_NAME = 200
MAX_BUCKETS = 10_000
PERIODS = (Interval.UNIT_DAY, Interval.UNIT_WEEK, Interval.UNIT_MONTH)
LONGEST = timedelta(days=32)
"""No period is longer."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that people do, and what they call it."""

    label: str
    condition: Condition


def step(asked: pb.Step, at: str, people: People) -> Step:
    """One thing that people do; any event where nothing is said of it."""
    if "\0" in asked.name or len(asked.name) > MAX_NAME:
        raise Invalid(f"{at}.name", f"has {len(asked.name)} characters; give at most {MAX_NAME} and no NUL")
    if len(asked.display_name) > MAX_NAME:
        raise Invalid(
            f"{at}.display_name", f"has {len(asked.display_name)} characters; give at most {MAX_NAME}"
        )
    label = asked.display_name or asked.name or "any event"
    name = Comparison(field("name", pb.SOURCE_EVENTS, at), pb.OPERATOR_EQUAL, (asked.name,))
    return Step(label, both(name if asked.name else EVERYTHING, limit(asked, at, people)))


def limit(
    asked: pb.Step | pb.FunnelQuestion | pb.RetentionQuestion | pb.SessionsQuestion | pb.PathsQuestion,
    at: str,
    people: People,
) -> Condition:
    """Which events count; all where nothing is said."""
    if not asked.HasField("filter"):
        return EVERYTHING
    return condition(asked.filter, pb.SOURCE_EVENTS, f"{at}.filter", people)


def split(path: str, at: str) -> Field | None:
    """The field that people are told apart by, if there is one."""
    if not path:
        return None
    found = field(path, pb.SOURCE_EVENTS, at)
    if found.form is Form.TIME:
        raise Invalid(at, f"is {path}; people are told apart by texts, not by a {found.form.value}")
    return found


def count(asked: int, default: int, most: int, at: str) -> int:
    """How many; 0 means the usual number."""
    if not 0 <= asked <= most:
        raise Invalid(at, f"is {asked}; give 1 to {most}, or 0 for {default}")
    return asked or default


def length(
    asked: pb.FunnelQuestion | pb.SessionsQuestion | pb.PathsQuestion,
    name: str,
    default: timedelta,
    most: timedelta,
    at: str,
) -> timedelta:
    """The time in the field `name`, or the usual one."""
    if not asked.HasField(name):  # type: ignore[arg-type]
        return default
    given: Duration = getattr(asked, name)
    if not 0 < given.seconds + given.nanos / 1e9 <= most.total_seconds():
        raise Invalid(f"{at}.{name}", f"is {given.seconds} s; give more than 0 and at most {most.days} days")
    return timedelta(seconds=given.seconds, microseconds=given.nanos // 1000)


def period(unit: Interval.Unit, at: str) -> Width:
    """A day, a week or a month."""
    if unit and unit not in PERIODS:
        raise Invalid(at, f"is {unit}; give UNIT_DAY, UNIT_WEEK or UNIT_MONTH")
    return Width(unit or Interval.UNIT_DAY, 1)


def periods(span: Span, width: Width, zone: ZoneInfo, at: str) -> tuple[datetime, ...]:
    """Where the periods of a range begin, and the end of the last."""
    found = edges(span, width, zone, MAX_BUCKETS + 1)
    if found[-1] < span.end:
        raise Invalid(at, f"gives more than {MAX_BUCKETS} of them; ask for longer ones or a shorter range")
    return found


def followed(within: tuple[datetime, ...], width: Width, zone: ZoneInfo, count: int) -> tuple[datetime, ...]:
    """The edges of the range, and those of so many periods after it."""
    ahead = Span(within[-1], within[-1] + count * LONGEST)
    return (*within[:-1], *edges(ahead, width, zone, MAX_BUCKETS)[: count + 1])


def place(start: Timestamp, starts: tuple[datetime, ...], at: str) -> int:
    """Which of the periods begins then."""
    us = start.seconds * 1_000_000 + start.nanos // 1000
    for place, each in enumerate(starts):
        if (each - EPOCH) // MICROSECOND == us:
            return place
    raise Invalid(at, "is not when a period of the answer begins; give one of its starts")
