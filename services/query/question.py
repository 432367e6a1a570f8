"""What is asked, validated: a `Query` comes in with the clock, `Events` or `Series` goes out to `plan`.

A relative or open range ends with the minute (or, where buckets are seconds, the second) that is under way, so that it is read
from whole rollups and stays the same until the next begins; metadata tells the span answered.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from services.query.calendar import Span, Step, ceil, edges, fitting, seconds_of
from services.query.fields import Field, Form, field
from services.query.filter import EVERYTHING, Condition, condition, names
from tidemark.v1 import question_pb2 as pb

MAX_MEASURES = 10
MAX_GROUP_BY = 3
MAX_TOP, DEFAULT_TOP = 100, 10
MAX_BUCKETS = 10_000
MAX_VALUES = 400_000
"""Values in one answer: it stays below the 4 MiB that gRPC clients take by default."""
LAST_END = datetime(2200, 1, 1, tzinfo=EPOCH.tzinfo)

_NUMERIC = {
    pb.AGGREGATION_SUM,
    pb.AGGREGATION_AVG,
    pb.AGGREGATION_MIN,
    pb.AGGREGATION_MAX,
    pb.AGGREGATION_QUANTILE,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing measured, with what limits and splits it as fields of its source."""

    id: str
    source: pb.Source
    name: str
    aggregation: pb.Aggregation
    field: Field | None
    """The value aggregated; None where rows are counted."""
    quantile: float
    filter: Condition
    groups: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """A question for the events themselves."""

    span: Span
    filter: Condition


@dataclass(frozen=True, slots=True)
class Series:
    """A question for measures over time."""

    span: Span
    step: Step
    edges: tuple[datetime, ...]
    """Where buckets begin, and the end of the last; the first and last may reach beyond the span."""
    measures: tuple[Measure, ...]
    top: int
    fill: pb.Fill
    compared: bool

    @property
    def grouped(self) -> bool:
        """Whether measures are split."""
        return bool(self.measures[0].groups)


Question = Events | Series


def read(query: pb.Query, default_zone: str, now: datetime, at: str = "query") -> Question:
    """The question of a request, at the instant `now`; raises `Invalid` naming the field below `at`."""
    zone = _zone(query.time_zone or default_zone, f"{at}.time_zone")
    match query.WhichOneof("question"):
        case "events":
            span = _span(query.time_range, now, 1, f"{at}.time_range")
            return Events(span, _filter(query.events, pb.SOURCE_EVENTS, f"{at}.events"))
        case "series":
            return _series(query.series, query.time_range, zone, now, at)
        case _:
            raise Invalid(at, "asks nothing; give it events or series")


def named(question: Question) -> frozenset[str] | None:
    """The names of the only events and metrics that can change the answer; None for all."""
    conditions = (
        [names(question.filter)]
        if isinstance(question, Events)
        else [(each.name,) if each.name else names(each.filter) for each in question.measures]
    )
    found: set[str] = set()
    for limited in conditions:
        if limited is None:
            return None
        found.update(limited)
    return frozenset(found)


def span(asked: pb.TimeRange, now: datetime, at: str) -> Span:
    """A time range in whole minutes where it is relative or open."""
    return _span(asked, now, 60, at)


def _series(
    series: pb.SeriesQuestion, within: pb.TimeRange, zone: ZoneInfo, now: datetime, at: str
) -> Series:
    step = _step(series.interval, f"{at}.series.interval") if series.HasField("interval") else None
    rough = _span(within, now, 1, f"{at}.time_range")
    step = step or fitting(rough.length)
    asked = _span(within, now, 60 if seconds_of(step) >= 60 else 1, f"{at}.time_range")
    at = f"{at}.series"
    if not 1 <= len(series.measures) <= MAX_MEASURES:
        raise Invalid(f"{at}.measures", f"has {len(series.measures)}; give 1 to {MAX_MEASURES}")
    if len(series.group_by) > MAX_GROUP_BY:
        raise Invalid(f"{at}.group_by", f"has {len(series.group_by)} fields; give at most {MAX_GROUP_BY}")
    measures = tuple(_measure(each, i, series, at) for i, each in enumerate(series.measures))
    ids = [measure.id for measure in measures]
    for i, each in enumerate(ids):
        if each in ids[:i]:
            raise Invalid(f"{at}.measures[{i}].id", f"is {each!r} as of another measure; give each its own")
    if not 0 <= series.top <= MAX_TOP:
        raise Invalid(f"{at}.top", f"is {series.top}; give 1 to {MAX_TOP}, or 0 for {DEFAULT_TOP}")
    if series.fill not in pb.Fill.values():
        raise Invalid(f"{at}.fill", f"is {series.fill}; give one of the fills, as in FILL_ZERO")
    if series.compare not in pb.Compare.values():
        raise Invalid(f"{at}.compare", f"is {series.compare}; give COMPARE_PREVIOUS_PERIOD or leave it out")
    top = series.top or DEFAULT_TOP
    found = edges(asked, step, zone, MAX_BUCKETS + 1)
    periods = 2 if series.compare else 1
    lines = len(measures) * periods * (top + 1 if series.group_by else 1)
    if found[-1] < asked.end or (len(found) - 1) * lines > MAX_VALUES:
        most = min(MAX_BUCKETS, MAX_VALUES // lines)
        raise Invalid(
            f"{at}.interval", f"gives more than {most} buckets; ask for a wider interval or a shorter range"
        )
    return Series(asked, step, found, measures, top, series.fill, bool(series.compare))


def _measure(measure: pb.Measure, index: int, series: pb.SeriesQuestion, series_at: str) -> Measure:
    at = f"{series_at}.measures[{index}]"
    if measure.source not in pb.Source.values():
        raise Invalid(f"{at}.source", f"is {measure.source}; give SOURCE_EVENTS or SOURCE_METRICS")
    source = measure.source or pb.SOURCE_EVENTS
    if not measure.aggregation or measure.aggregation not in pb.Aggregation.values():
        raise Invalid(
            f"{at}.aggregation", f"is {measure.aggregation}; give an aggregation, as in AGGREGATION_COUNT"
        )
    if len(measure.id) > 100:
        raise Invalid(f"{at}.id", f"has {len(measure.id)} characters; give at most 100")
    if "\0" in measure.name or len(measure.name) > 200:
        raise Invalid(f"{at}.name", f"has {len(measure.name)} characters; give at most 200 and no NUL")
    if source == pb.SOURCE_METRICS and not measure.name:
        raise Invalid(f"{at}.name", "is empty; a measure of metrics names its metric")
    if measure.aggregation == pb.AGGREGATION_QUANTILE and not 0 <= measure.quantile <= 1:
        raise Invalid(f"{at}.quantile", f"is {measure.quantile}; give a number from 0 to 1")
    return Measure(
        id=measure.id or chr(ord("A") + index),
        source=source,
        name=measure.name,
        aggregation=measure.aggregation,
        field=_aggregated(measure, source, at),
        quantile=measure.quantile,
        filter=_filter(series, source, series_at),
        groups=tuple(
            _group(path, source, f"{series_at}.group_by[{i}]") for i, path in enumerate(series.group_by)
        ),
    )


def _aggregated(measure: pb.Measure, source: pb.Source, at: str) -> Field | None:
    if source == pb.SOURCE_METRICS:
        if measure.field not in ("", "value"):
            raise Invalid(
                f"{at}.field", f"is {measure.field[:100]!r}; metrics aggregate their value, leave it out"
            )
        return None if measure.aggregation == pb.AGGREGATION_COUNT else field("value", source, f"{at}.field")
    name = pb.Aggregation.Name(measure.aggregation).removeprefix("AGGREGATION_")
    if measure.aggregation in (pb.AGGREGATION_COUNT, pb.AGGREGATION_RATE):
        if measure.field:
            raise Invalid(
                f"{at}.field",
                f"is {measure.field[:100]!r}; {name} counts events, leave it out or filter by EXISTS",
            )
        return None
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return field(measure.field or "user_id", source, f"{at}.field")
    if not measure.field:
        raise Invalid(f"{at}.field", f"is empty; {name} of events needs a property, as in properties.amount")
    found = field(measure.field, source, f"{at}.field")
    if measure.aggregation in _NUMERIC and found.form != Form.JSON:
        raise Invalid(
            f"{at}.field", f"is {found.path}, which is no number; {name} needs a property or context value"
        )
    return found


def _group(path: str, source: pb.Source, at: str) -> Field:
    found = field(path, source, at)
    if found.form in (Form.TIME, Form.NUMBER):
        raise Invalid(at, f"is {path}; series are split by texts, not by a {found.form.value}")
    return found


def _filter(question: pb.EventsQuestion | pb.SeriesQuestion, source: pb.Source, at: str) -> Condition:
    return condition(question.filter, source, f"{at}.filter") if question.HasField("filter") else EVERYTHING


def _step(interval: pb.Interval, at: str) -> Step:
    if not interval.unit or interval.unit not in pb.Interval.Unit.values():
        raise Invalid(f"{at}.unit", f"is {interval.unit}; give a unit, as in UNIT_HOUR")
    most = 1 if interval.unit in (pb.Interval.UNIT_WEEK, pb.Interval.UNIT_MONTH) else 10_000
    if not 0 <= interval.count <= most:
        raise Invalid(f"{at}.count", f"is {interval.count}; give at most {most}")
    return Step(interval.unit, interval.count or 1)


def _zone(name: str, at: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(at, f"is {name[:100]!r}; give an IANA name, as in Europe/Berlin") from None


def _span(asked: pb.TimeRange, now: datetime, unit: int, at: str) -> Span:
    bounded = asked.HasField("start") or asked.HasField("end")
    if asked.HasField("last"):
        if bounded:
            raise Invalid(f"{at}.last", "is given beside start or end; give one or the other")
        end = ceil(now, unit)
        return Span(end - _length(asked.last, end - EPOCH, f"{at}.last"), end)
    if not asked.HasField("start"):
        raise Invalid(f"{at}.start" if bounded else at, "is empty; give start, start and end, or last")
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


def _length(last: Duration, most: timedelta, at: str) -> timedelta:
    seconds = last.seconds + last.nanos / 1e9
    if not (math.isfinite(seconds) and 0.001 <= seconds <= most.total_seconds()):
        raise Invalid(at, f"is {seconds} s; give a length from a millisecond to the time since 1970")
    return timedelta(seconds=last.seconds, microseconds=last.nanos // 1000)
