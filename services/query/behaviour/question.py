"""What is asked about people, validated: a question of a request comes in from `services.query.question`, one of the dataclasses
below goes out to `scan`, which says what rows it takes, and to the module of its kind, which makes the answer of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.kit import period
from services.kit.calendar import Span, edges, fitting
from services.kit.errors import Invalid
from services.kit.instant import MICROSECOND
from services.query.behaviour import given
from services.query.behaviour.given import Step
from services.query.fields import Field
from services.query.filter import Condition, Members, names
from services.query.filter import People as Cohorts
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.question_pb2 import Interval, LifecyclePeople, RetentionPeople, RetentionQuestion

MAX_STEPS = 10
MAX_WINDOW, DEFAULT_WINDOW = timedelta(days=366), timedelta(days=14)
MAX_GAP, DEFAULT_GAP = timedelta(days=1), timedelta(minutes=30)
MAX_GROUPS, DEFAULT_GROUPS = 25, 5
MAX_PERIODS = 60
DEFAULT_PERIODS = {Interval.UNIT_DAY: 8, Interval.UNIT_WEEK: 8, Interval.UNIT_MONTH: 6}
MAX_CELLS = 400_000
"""Figures in one answer: it stays below the 4 MiB that gRPC clients take by default."""
MAX_DEPTH, DEFAULT_DEPTH = 10, 4
MAX_NODES, DEFAULT_NODES = 20, 6
MAX_FREQUENCIES, DEFAULT_FREQUENCIES = 100, 10


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many people do one step after the other."""

    span: Span
    steps: tuple[Step, ...]
    window: timedelta
    filter: Condition
    group: Field | None
    top: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How many of the people who began in a period come back in later ones."""

    span: Span
    edges: tuple[datetime, ...]
    """Where periods begin, those that are followed beyond the range too, and the end of the last."""
    rows: int
    """How many of them are periods of the range."""
    periods: int
    """How many are followed after each."""
    start: Condition
    back: Condition
    unbounded: bool
    every: bool
    filter: Condition
    group: Field | None
    top: int


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Who is new, returning, resurrecting and dormant. Periods are whole, also where the range begins or ends within one."""

    span: Span
    edges: tuple[datetime, ...]
    """Where the period before the range begins, then those of the range, and the end of the last."""
    activity: Condition


@dataclass(frozen=True, slots=True)
class Sessions:
    """What people do in one go."""

    span: Span
    edges: tuple[datetime, ...]
    gap: timedelta
    filter: Condition
    top: int


@dataclass(frozen=True, slots=True)
class Paths:
    """The ways that people take from an event, or to it."""

    span: Span
    start: Condition
    backwards: bool
    depth: int
    top: int
    field: Field
    filter: Condition
    gap: timedelta


@dataclass(frozen=True, slots=True)
class Did:
    """Those with such an event."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Came:
    """Those who came to a step of a funnel, or were lost there; of one group only, unless that is None."""

    funnel: Funnel
    step: int
    lost: bool
    group: str | None


@dataclass(frozen=True, slots=True)
class Returned:
    """Those of a cell of a retention table, or those who are missing in it."""

    retention: Retention
    row: int
    offset: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Lived:
    """Those of a state of a lifecycle in a period, counted from 0."""

    lifecycle: Lifecycle
    period: int
    state: pb.LifecycleState


@dataclass(frozen=True, slots=True)
class People:
    """Who the people behind a figure are."""

    span: Span
    group: Did | Came | Returned | Lived | Members


Behaviour = Funnel | Retention | Lifecycle | Sessions | Paths | People


def read(query: pb.Query, span: Span, zone: ZoneInfo, now: datetime, at: str, people: Cohorts) -> Behaviour:
    """The question about people of a request, over `span`; raises `Invalid` naming the field below `at`."""
    match query.WhichOneof("question"):
        case "funnel":
            return _funnel(query.funnel, span, f"{at}.funnel", people)
        case "retention":
            return _retention(query.retention, span, zone, now, f"{at}.retention", people)
        case "lifecycle":
            return _lifecycle(query.lifecycle, span, zone, f"{at}.lifecycle", people)
        case "sessions":
            return _sessions(query.sessions, span, zone, f"{at}.sessions", people)
        case "paths":
            return _paths(query.paths, span, f"{at}.paths", people)
        case "people":
            return People(span, _group(query.people, span, zone, now, f"{at}.people", people))
        case _:
            raise Invalid(
                at,
                "asks nothing about people; give it funnel, retention, lifecycle, sessions, paths or people",
            )


def named(question: Behaviour) -> frozenset[str] | None:
    """The names of the only events that can change the answer; None for all."""
    match question:
        case Funnel(steps=steps, filter=limit):
            return _named(limit, *(step.condition for step in steps))
        case Retention(start=start, back=back, filter=limit):
            return _named(limit, start, back)
        case Lifecycle(activity=activity):
            return _named(activity)
        case Paths(filter=limit):
            return _named(limit)
        case _:
            # A session, and what is told of each of the people, are made of all their events.
            return None


def _named(limit: Condition, *parts: Condition) -> frozenset[str] | None:
    """The names that `limit` lets pass; failing that, those of the parts together."""
    if (found := names(limit)) is not None:
        return frozenset(found)
    each = [names(part) for part in parts]
    known = [found for found in each if found is not None]
    return frozenset().union(*known) if each and len(known) == len(each) else None


def _funnel(asked: pb.FunnelQuestion, span: Span, at: str, people: Cohorts) -> Funnel:
    if not 2 <= len(asked.steps) <= MAX_STEPS:
        raise Invalid(f"{at}.steps", f"has {len(asked.steps)}; give 2 to {MAX_STEPS}")
    return Funnel(
        span=span,
        steps=tuple(given.step(each, f"{at}.steps[{i}]", people) for i, each in enumerate(asked.steps)),
        window=given.length(asked, "window", DEFAULT_WINDOW, MAX_WINDOW, at),
        filter=given.limit(asked, at, people),
        group=given.split(asked.group_by, f"{at}.group_by"),
        top=given.count(asked.top, DEFAULT_GROUPS, MAX_GROUPS, f"{at}.top"),
    )


def _retention(
    asked: RetentionQuestion, span: Span, zone: ZoneInfo, now: datetime, at: str, people: Cohorts
) -> Retention:
    for name, kinds in (("mode", RetentionQuestion.Mode), ("entry", RetentionQuestion.Start)):
        if getattr(asked, name) not in kinds.values():
            raise Invalid(f"{at}.{name}", f"is {getattr(asked, name)}; give one of {', '.join(kinds.keys())}")
    width = given.period(asked.period, f"{at}.period")
    periods = given.count(asked.periods, DEFAULT_PERIODS[width.unit], MAX_PERIODS, f"{at}.periods")
    group = given.split(asked.group_by, f"{at}.group_by")
    top = given.count(asked.top, DEFAULT_GROUPS, MAX_GROUPS, f"{at}.top")
    within = given.periods(span, width, zone, f"{at}.period")
    rows = len(within) - 1
    if (most := MAX_CELLS // ((periods + 1) * (top + 2 if group else 1))) < rows:
        raise Invalid(
            f"{at}.period", f"gives {rows} rows, more than the {most} of an answer; ask for longer periods"
        )
    unbounded = asked.mode == RetentionQuestion.MODE_ON_OR_AFTER
    followed = given.followed(within, width, zone, periods)
    if unbounded and followed[-1] < now:
        # Who comes back after the last period that is shown was not lost in it.
        followed = (*followed[:-1], *edges(Span(followed[-1], now), width, zone, 2**31))
    return Retention(
        span=span,
        edges=followed,
        rows=rows,
        periods=periods,
        start=given.step(asked.start, f"{at}.start", people).condition,
        back=given.step(asked.back, f"{at}.back", people).condition,
        unbounded=unbounded,
        every=asked.entry == RetentionQuestion.START_EVERY,
        filter=given.limit(asked, at, people),
        group=group,
        top=top,
    )


def _lifecycle(
    asked: pb.LifecycleQuestion, span: Span, zone: ZoneInfo, at: str, people: Cohorts
) -> Lifecycle:
    width = given.period(asked.period, f"{at}.period")
    within = given.periods(span, width, zone, f"{at}.period")
    before = edges(Span(within[0] - MICROSECOND, within[0]), width, zone, 2)[0]
    return Lifecycle(span, (before, *within), given.step(asked.activity, f"{at}.activity", people).condition)


def _sessions(asked: pb.SessionsQuestion, span: Span, zone: ZoneInfo, at: str, people: Cohorts) -> Sessions:
    width = (
        period.width(asked.interval, f"{at}.interval") if asked.HasField("interval") else fitting(span.length)
    )
    return Sessions(
        span=span,
        edges=given.periods(span, width, zone, f"{at}.interval"),
        gap=given.length(asked, "gap", DEFAULT_GAP, MAX_GAP, at),
        filter=given.limit(asked, at, people),
        top=given.count(asked.top, DEFAULT_FREQUENCIES, MAX_FREQUENCIES, f"{at}.top"),
    )


def _paths(asked: pb.PathsQuestion, span: Span, at: str, people: Cohorts) -> Paths:
    by = given.split(asked.step_by or "name", f"{at}.step_by")
    assert by is not None
    return Paths(
        span=span,
        start=given.step(asked.start, f"{at}.start", people).condition,
        backwards=asked.backwards,
        depth=given.count(asked.depth, DEFAULT_DEPTH, MAX_DEPTH, f"{at}.depth"),
        top=given.count(asked.top, DEFAULT_NODES, MAX_NODES, f"{at}.top"),
        field=by,
        filter=given.limit(asked, at, people),
        gap=given.length(asked, "gap", DEFAULT_GAP, MAX_GAP, at),
    )


def _group(
    asked: pb.PeopleQuestion, span: Span, zone: ZoneInfo, now: datetime, at: str, people: Cohorts
) -> Did | Came | Returned | Lived | Members:
    match asked.WhichOneof("group"):
        case "did":
            return Did(given.step(asked.did, f"{at}.did", people).condition)
        case "funnel":
            return _came(asked.funnel, span, f"{at}.funnel", people)
        case "retention":
            return _returned(asked.retention, span, zone, now, f"{at}.retention", people)
        case "lifecycle":
            return _lived(asked.lifecycle, span, zone, f"{at}.lifecycle", people)
        case "cohort":
            if asked.cohort not in people:
                raise Invalid(f"{at}.cohort", f"is {asked.cohort[:200]!r}, which is no cohort of the project")
            return people[asked.cohort]
        case _:
            raise Invalid(at, "asks for nobody; give it did, funnel, retention, lifecycle or cohort")


def _came(asked: pb.FunnelPeople, span: Span, at: str, people: Cohorts) -> Came:
    funnel = _funnel(asked.funnel, span, f"{at}.funnel", people)
    if not asked.lost <= asked.step < len(funnel.steps):
        raise Invalid(f"{at}.step", f"is {asked.step}; give {int(asked.lost)} to {len(funnel.steps) - 1}")
    if asked.HasField("group") and funnel.group is None:
        raise Invalid(f"{at}.group", "is given, but the funnel is not split; give it group_by")
    return Came(funnel, asked.step, asked.lost, asked.group if asked.HasField("group") else None)


def _returned(
    asked: RetentionPeople, span: Span, zone: ZoneInfo, now: datetime, at: str, people: Cohorts
) -> Returned:
    retention = _retention(asked.retention, span, zone, now, f"{at}.retention", people)
    row = given.place(asked.start, retention.edges[: retention.rows], f"{at}.start")
    if not asked.lost <= asked.offset <= retention.periods:
        raise Invalid(f"{at}.offset", f"is {asked.offset}; give {int(asked.lost)} to {retention.periods}")
    return Returned(retention, row, asked.offset, asked.lost)


def _lived(asked: LifecyclePeople, span: Span, zone: ZoneInfo, at: str, people: Cohorts) -> Lived:
    lifecycle = _lifecycle(asked.lifecycle, span, zone, f"{at}.lifecycle", people)
    if not asked.state or asked.state not in pb.LifecycleState.values():
        raise Invalid(f"{at}.state", f"is {asked.state}; give a state, as in LIFECYCLE_STATE_NEW")
    return Lived(lifecycle, given.place(asked.start, lifecycle.edges[1:-1], f"{at}.start"), asked.state)
