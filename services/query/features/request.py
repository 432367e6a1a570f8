"""Which features a request asks for, once it is known to be well formed: messages come in from `servicer`, a `Wanted` goes out to
`reading` and `table`. Pure; raises `Invalid` naming the field.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration

from services.kit import period
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.query.behaviour import given
from services.query.fields import Field, Form, field
from services.query.filter import NOBODY, Condition
from services.query.question import cohorts
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1 import question_pb2

MAX_CUTS, MAX_NAMES, MAX_SUMS, MAX_FIELDS, MAX_MATCH = 100, 50, 10, 100, 3
MAX_PEOPLE, MAX_USER_ID = 1000, 200
MAX_ROWS = 2_000_000
HISTORY, LONGEST_HISTORY = timedelta(days=365), timedelta(days=3653)
LONGEST_WINDOW = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Cuts:
    """The same instants for everybody who did something within a time before them."""

    instants: tuple[datetime, ...]
    """Different ones, in order."""
    member: Condition
    within: timedelta


@dataclass(frozen=True, slots=True)
class Moments:
    """Each event that fits, in a span."""

    event: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class Did:
    """Whether they did something within a window from the point on, with the same values in the fields of `match`."""

    condition: Condition
    window: timedelta
    match: tuple[Field, ...]
    negate: bool


@dataclass(frozen=True, slots=True)
class Became:
    """Whether a field of the event is true."""

    field: Field
    negate: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows and columns."""

    points: Cuts | Moments
    history: timedelta
    event_names: tuple[str, ...]
    sum_fields: tuple[Field, ...]
    fields: tuple[Field, ...]
    outcome: Did | Became | None
    bare: bool
    """Whether `fields` are all there is."""
    users: tuple[str, ...]
    """The only people; everybody when empty."""
    most: int
    """Rows at most."""


def read(request: pb.ReadFeaturesRequest, zone: ZoneInfo, now: datetime) -> Wanted:
    """What a request asks for at the instant `now`."""
    if not 0 <= request.max_rows <= MAX_ROWS:
        raise Invalid("max_rows", f"is {request.max_rows}; give 1 to {MAX_ROWS}, or 0 for {MAX_ROWS}")
    spec = request.spec
    # Who belongs to a cohort is known as of now, and so would be what came after a point.
    if cohorts(spec):
        raise Invalid("spec", "names a cohort, whose people are those of now; repeat its conditions instead")
    history = _length(spec, "history", LONGEST_HISTORY, "spec") or HISTORY
    outcome = _outcome(spec, "spec.outcome") if spec.HasField("outcome") else None
    became = outcome.field if isinstance(outcome, Became) else None
    fields = tuple(each for each in _fields(spec.fields, MAX_FIELDS, "spec.fields") if each != became)
    if spec.without_history and not fields:
        raise Invalid(
            "spec.fields", "is empty beside without_history, so that there is no feature; give some"
        )
    sums = _fields(spec.sum_fields, MAX_SUMS, "spec.sum_fields")
    for i, each in enumerate(sums):
        if each.form is not Form.JSON:
            raise Invalid(f"spec.sum_fields[{i}]", f"is {each.path}, which is no number; give a property")
    return Wanted(
        _points(spec, history, zone, now),
        history,
        _texts(spec.event_names, MAX_NAMES, given.MAX_NAME, "spec.event_names"),
        sums,
        fields,
        outcome,
        spec.without_history,
        _texts(request.user_ids, MAX_PEOPLE, MAX_USER_ID, "user_ids"),
        request.max_rows or MAX_ROWS,
    )


def _points(spec: pb.FeatureSpec, history: timedelta, zone: ZoneInfo, now: datetime) -> Cuts | Moments:
    match spec.WhichOneof("points"):
        case "cuts":
            at = "spec.cuts"
            if not 1 <= len(spec.cuts.cuts) <= MAX_CUTS:
                raise Invalid(f"{at}.cuts", f"has {len(spec.cuts.cuts)} instants; give 1 to {MAX_CUTS}")
            instants = {period.instant(each, f"{at}.cuts[{i}]") for i, each in enumerate(spec.cuts.cuts)}
            return Cuts(
                tuple(sorted(instants)),
                given.step(spec.cuts.member, f"{at}.member", NOBODY).condition,
                _length(spec.cuts, "member_within", LONGEST_HISTORY, at) or history,
            )
        case "events":
            at = "spec.events"
            if not spec.events.HasField("event"):
                raise Invalid(f"{at}.event", "is missing; say at which events there are points")
            return Moments(
                given.step(spec.events.event, f"{at}.event", NOBODY).condition,
                period.span(spec.events.time_range, zone, now, f"{at}.time_range"),
            )
        case _:
            raise Invalid("spec.cuts", "is missing, and so is events; give one of the two")


def _outcome(spec: pb.FeatureSpec, at: str) -> Did | Became:
    asked, moments = spec.outcome, spec.HasField("events")
    window = _length(asked, "window", LONGEST_WINDOW, at)
    match = _fields(asked.match, MAX_MATCH, f"{at}.match")
    kind = asked.WhichOneof("kind")
    if kind is None:
        raise Invalid(f"{at}.did", "is missing, and so is field; say what is looked at")
    if match and not (moments and kind == "did"):
        raise Invalid(f"{at}.match", "compares what was done with the event of a point; leave it out")
    if kind == "field":
        if not moments:
            raise Invalid(f"{at}.field", "is a field of the event of a point, and cuts have none; give did")
        (found,) = _fields([asked.field], 1, f"{at}.field")
        return Became(found, asked.negate)
    if window is None:
        raise Invalid(f"{at}.window", "is missing; say how long after a point it is looked")
    return Did(given.step(asked.did, f"{at}.did", NOBODY).condition, window, match, asked.negate)


def _length(
    asked: pb.FeatureSpec | pb.CutPoints | pb.Outcome, name: str, most: timedelta, at: str
) -> timedelta | None:
    """The time in the field `name`, if it is given."""
    if not asked.HasField(name):  # type: ignore[arg-type]
        return None
    told: Duration = getattr(asked, name)
    if not 0 < told.seconds + told.nanos / 1e9 <= most.total_seconds():
        raise Invalid(f"{at}.{name}", f"is {told.seconds} s; give more than 0 and at most {most.days} days")
    # What is shorter than a microsecond is one.
    return timedelta(seconds=told.seconds, microseconds=max(told.nanos // 1000, int(told.seconds == 0)))


def _fields(paths: Iterable[str], most: int, at: str) -> tuple[Field, ...]:
    paths = tuple(paths)
    _check(paths, most, at)
    found = tuple(field(path, question_pb2.SOURCE_EVENTS, f"{at}[{i}]") for i, path in enumerate(paths))
    for i, each in enumerate(found):
        if each.form is Form.TIME or each.path == "user_id":
            raise Invalid(f"{at}[{i}]", f"is {each.path}, which every row has; give another field")
    return found


def _texts(texts: Iterable[str], most: int, longest: int, at: str) -> tuple[str, ...]:
    texts = tuple(texts)
    _check(texts, most, at)
    for i, text in enumerate(texts):
        if not 1 <= len(text) <= longest or "\0" in text:
            raise Invalid(f"{at}[{i}]", f"is {text[:50]!r}; give 1 to {longest} characters and no NUL")
    return texts


def _check(texts: tuple[str, ...], most: int, at: str) -> None:
    if len(texts) > most:
        raise Invalid(at, f"has {len(texts)}; give at most {most}")
    for i, text in enumerate(texts):
        if text in texts[:i]:
            raise Invalid(f"{at}[{i}]", f"is {text[:50]!r} again; give each once")
