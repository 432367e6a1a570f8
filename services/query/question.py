"""What is asked, validated: a `Query` comes in with the clock and the people of its cohorts, a question goes out to `source`.

Events, series and tables are read here, what is asked of windows by `windows` and about people by `behaviour`. Every question has a `span`.
"""

from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import datetime
from itertools import pairwise, starmap
from zoneinfo import ZoneInfo

from google.protobuf.message import Message

from services.kit.calendar import Span, Step, edges, fitting, seconds_of
from services.kit.errors import Invalid
from services.kit.period import span, width
from services.query import formula, measure
from services.query.behaviour import question as behaviour
from services.query.behaviour.question import Behaviour
from services.query.filter import NOBODY, Condition, People, names
from services.query.formula import Formula
from services.query.measure import Measure
from services.query.windows import question as windows
from services.query.windows.question import Window
from tidemark.v1 import question_pb2 as pb

MAX_GROUP_BY, MAX_COLUMNS = 3, 5
MAX_TOP, MAX_ROWS, DEFAULT_TOP = 100, 1000, 10
MAX_BUCKETS = 10_000
MAX_MESSAGES = 20_000
"""Messages of a request that are looked at for cohorts; none that is valid has as many."""
MAX_VALUES = 400_000
"""Values in one answer: it stays below the 4 MiB that gRPC clients take by default."""


@dataclass(frozen=True, slots=True)
class Events:
    """A question for the events themselves."""

    span: Span
    filter: Condition


@dataclass(frozen=True, slots=True)
class _Measured:
    """What series and tables have in common."""

    span: Span
    measures: tuple[Measure, ...]
    formulas: tuple[Formula, ...]
    top: int
    compared: bool

    @property
    def grouped(self) -> bool:
        """Whether measures are split."""
        return bool(self.measures[0].groups)

    @property
    def shown(self) -> int:
        """How many figures a group has in the answer."""
        return sum(not each.hidden for each in self.measures) + len(self.formulas)


@dataclass(frozen=True, slots=True)
class Series(_Measured):
    """A question for measures over time. Groups are ordered by the first measure."""

    step: Step
    zone: str
    """Whose midnights buckets begin at; empty where they are as wide everywhere."""
    edges: tuple[datetime, ...] = made_by(compare=False)
    """Where buckets begin, and the end of the last; the first and last may reach beyond the span. Span, step and zone tell them."""
    fill: pb.Fill

    @property
    def buckets(self) -> tuple[Span, ...]:
        """What each bucket counts: as far as it lies in the span."""
        within = self.edges[1:-1]
        return tuple(starmap(Span, pairwise((self.span.start, *within, self.span.end))))


@dataclass(frozen=True, slots=True)
class Table(_Measured):
    """A question for measures of groups over the whole span."""

    order: Measure | Formula
    """What groups are ordered by."""
    ascending: bool

    @property
    def buckets(self) -> tuple[Span, ...]:
        """A table counts in one bucket."""
        return (self.span,)


Measured = Series | Table
Question = Events | Series | Table | Window | Behaviour


def read(
    query: pb.Query, default_zone: str, now: datetime, at: str = "query", people: People = NOBODY
) -> Question:
    """The question of a request, at the instant `now`; raises `Invalid` naming the field below `at`."""
    zone = _zone(query.time_zone or default_zone, f"{at}.time_zone")
    match query.WhichOneof("question"):
        case "events":
            asked = span(query.time_range, zone, now, f"{at}.time_range", 1)
            return Events(asked, measure.stated(query.events, pb.SOURCE_EVENTS, people, f"{at}.events"))
        case "series":
            return _series(query.series, query.time_range, zone, now, at, people)
        case "table":
            asked = span(query.time_range, zone, now, f"{at}.time_range")
            return _table(query.table, asked, f"{at}.table", people)
        case "window":
            asked = span(query.time_range, zone, now, f"{at}.time_range")
            return windows.read(query.window, asked, zone, f"{at}.window")
        case None:
            raise Invalid(at, "asks nothing; give it a question, as in events or series")
        case _:
            asked = span(query.time_range, zone, now, f"{at}.time_range")
            return behaviour.read(query, asked, zone, now, at, people)


def named(question: Question) -> frozenset[str] | None:
    """The names of the only events and metrics that can change the answer; None for all."""
    match question:
        case Events():
            conditions = [names(question.filter)]
        case Series() | Table():
            conditions = [(each.name,) if each.name else names(each.filter) for each in question.measures]
        case Window():
            return None
        case _:
            return behaviour.named(question)
    found: set[str] = set()
    for limited in conditions:
        if limited is None:
            return None
        found.update(limited)
    return frozenset(found)


def cohorts(query: Message) -> frozenset[str]:
    """The full names of the cohorts in a request, wherever they are; raises `Invalid` when it is endless."""
    found: set[str] = set()
    waiting = [query]
    for _ in range(MAX_MESSAGES):
        if not waiting:
            return frozenset(found)
        for field, value in waiting.pop().ListFields():
            if field.name == "cohort" and isinstance(value, str):
                found.add(value)
            elif field.message_type is not None and field.name != "values":
                waiting.extend(value if field.is_repeated else [value])
    raise Invalid("query", f"holds more than {MAX_MESSAGES} parts; ask for less at once")


def _series(
    series: pb.SeriesQuestion, within: pb.TimeRange, zone: ZoneInfo, now: datetime, at: str, people: People
) -> Series:
    step = width(series.interval, f"{at}.series.interval") if series.HasField("interval") else None
    step = step or fitting(span(within, zone, now, f"{at}.time_range", 1).length)
    asked = span(within, zone, now, f"{at}.time_range", 60 if seconds_of(step) >= 60 else 1)
    at = f"{at}.series"
    measures = measure.read(series, MAX_GROUP_BY, people, at)
    if series.fill not in pb.Fill.values():
        raise Invalid(f"{at}.fill", f"is {series.fill}; give one of the fills, as in FILL_ZERO")
    found = Series(
        span=asked,
        measures=measures,
        formulas=formula.read(series.formulas, [each.id for each in measures], f"{at}.formulas"),
        top=_top(series, MAX_TOP, at),
        compared=_compared(series, at),
        step=step,
        zone="" if step.seconds else zone.key,
        edges=edges(asked, step, zone, MAX_BUCKETS + 1),
        fill=series.fill,
    )
    lines = found.shown * (1 + found.compared) * (found.top + 1 if found.grouped else 1)
    if found.edges[-1] < asked.end or (len(found.edges) - 1) * lines > MAX_VALUES:
        most = min(MAX_BUCKETS, MAX_VALUES // lines)
        raise Invalid(
            f"{at}.interval", f"gives more than {most} buckets; ask for a wider interval or a shorter range"
        )
    return found


def _table(table: pb.TableQuestion, asked: Span, at: str, people: People) -> Table:
    measures = measure.read(table, MAX_COLUMNS, people, at)
    formulas = formula.read(table.formulas, [each.id for each in measures], f"{at}.formulas")
    figures: dict[str, Measure | Formula] = {each.id: each for each in measures}
    figures |= {each.id: each for each in formulas}
    if table.order_by and table.order_by not in figures:
        known = ", ".join(figures)
        raise Invalid(
            f"{at}.order_by",
            f"is {table.order_by[:100]!r}, which is no measure or formula; give one of {known:.500}",
        )
    return Table(
        span=asked,
        measures=measures,
        formulas=formulas,
        top=_top(table, MAX_ROWS, at),
        compared=_compared(table, at),
        order=figures[table.order_by] if table.order_by else measures[0],
        ascending=table.ascending,
    )


def _top(question: pb.SeriesQuestion | pb.TableQuestion, most: int, at: str) -> int:
    if not 0 <= question.top <= most:
        raise Invalid(f"{at}.top", f"is {question.top}; give 1 to {most}, or 0 for {DEFAULT_TOP}")
    return question.top or DEFAULT_TOP


def _compared(question: pb.SeriesQuestion | pb.TableQuestion, at: str) -> bool:
    if question.compare not in pb.Compare.values():
        raise Invalid(f"{at}.compare", f"is {question.compare}; give COMPARE_PREVIOUS_PERIOD or leave it out")
    return bool(question.compare)


def _zone(name: str, at: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(at, f"is {name[:100]!r}; give an IANA name, as in Europe/Berlin") from None
