"""What is asked about a change: a measure with its spans comes in, questions for query go out to `source`. Pure.

What is asked of people comes from `ExplainChangeRequest`; raises `Invalid` naming its field.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.insights.why.split import COUNT, NUMBER, VALUE, Fields
from services.kit.calendar import Span, fitting, seconds_of
from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from services.kit.period import span
from tidemark.v1 import insight_pb2, pipeline_pb2
from tidemark.v1 import question_pb2 as pb

PLAIN, SEEN = "plain", "seen"
"""Ids of the count of everything with the measure's name, and of what of it the measure sees: by its filter and the field that it reads."""
MAX_FIELDS, TOP, MAX_TOP = 20, 10, 100
GROUPS = 1000
"""Values of a field that are looked at."""
_CHOSEN = 8
_FEWEST_OF_ONE = 3
"""A field with more values than a third of the events identifies them."""
_WEEK = timedelta(days=7)
_SUMMED = (pb.AGGREGATION_SUM, pb.AGGREGATION_AVG)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change to be explained."""

    measure: pb.Measure
    filter: pb.Filter | None
    after: Span
    before: Span
    bucket: timedelta
    fields: tuple[str, ...] = ()
    """To be looked at; chosen when empty."""
    top: int = TOP
    free: bool = False
    """Whether `before` was chosen, and may give way to the time right before the change where there was nothing then."""

    @property
    def mean(self) -> bool:
        """Whether the measure is a mean, which is told by its sum and what that is divided by."""
        return self.measure.aggregation == pb.AGGREGATION_AVG

    @property
    def earlier(self) -> Span:
        """A span as far before `before` as that is before `after`, for what is usual."""
        return self.before.earlier(self.after.start - self.before.start)

    @property
    def lead(self) -> Span:
        """The time right up to the change: at least an hour, at most a day."""
        length = min(max(self.after.length, timedelta(hours=1)), timedelta(days=1))
        return Span(self.after.start - length, self.after.start)

    def buckets(self, during: Span) -> float:
        """How many buckets a span holds."""
        return during.length / self.bucket


def asked(request: insight_pb2.ExplainChangeRequest, zone: str, now: datetime) -> Asked:
    """What a request asks; raises `Invalid` naming the field."""
    if not request.HasField("measure") or not request.measure.aggregation:
        raise Invalid("measure.aggregation", "is empty; say what is measured, as in AGGREGATION_COUNT")
    if not request.HasField("after"):
        raise Invalid("after", "is empty; say when it had changed")
    if len(request.fields) > MAX_FIELDS:
        raise Invalid("fields", f"has {len(request.fields)}; give at most {MAX_FIELDS}")
    if len(set(request.fields)) < len(request.fields):
        raise Invalid("fields", "names a field twice; give each once")
    if not 0 <= request.top <= MAX_TOP:
        raise Invalid("top", f"is {request.top}; give at most {MAX_TOP}")
    after = span(request.after, ZoneInfo(zone), now, "after")
    if request.HasField("before"):
        before = span(request.before, ZoneInfo(zone), now, "before")
    else:
        before = week_before(after)
    if before.end > after.start:
        raise Invalid("before.end", "is later than the start of `after`; give a span that ends before it")
    if before.start - (after.start - before.start) < EPOCH:
        raise Invalid("before.start", "is too long ago; give a span nearer to `after`")
    return Asked(
        measure=request.measure,
        filter=request.filter if request.HasField("filter") else None,
        after=after,
        before=before,
        bucket=timedelta(seconds=seconds_of(fitting(after.length))),
        fields=tuple(request.fields),
        top=request.top or TOP,
        free=not request.HasField("before"),
    )


def week_before(after: Span) -> Span:
    """The span as long, as many whole weeks earlier as it lasts."""
    return after.earlier(-(-after.length // _WEEK) * _WEEK)


def table(change: Asked, during: Span, fields: Fields) -> pb.Query:
    """The measure by the values of some fields, during one of the spans."""
    question = pb.TableQuestion(measures=_measures(change), group_by=fields, top=GROUPS)
    if change.filter is not None:
        question.filter.CopyFrom(change.filter)
    return pb.Query(time_range=range_of(during), table=question)


def whole(change: Asked, during: Span) -> pb.Query:
    """The measure in all, how much of its name there was whatever the filter, and how much of that it saw."""
    measures = [*_measures(change), _there(change.measure, SEEN)]
    if change.filter is not None:
        for measure in measures:
            limits = [change.filter, *([measure.filter] if measure.HasField("filter") else [])]
            measure.filter.CopyFrom(pb.Filter(all=pb.FilterGroup(filters=limits)))
    measures.append(
        pb.Measure(
            id=PLAIN,
            source=change.measure.source,
            name=change.measure.name,
            aggregation=pb.AGGREGATION_COUNT,
        )
    )
    return pb.Query(time_range=range_of(during), table=pb.TableQuestion(measures=measures))


def one_event(name: str, during: Span) -> pb.Query:
    """The newest event of a name."""
    named = pb.Comparison(field="name", operator=pb.OPERATOR_EQUAL)
    named.values.add(string_value=name)
    return pb.Query(time_range=range_of(during), events=pb.EventsQuestion(filter=pb.Filter(comparison=named)))


def range_of(during: Span) -> pb.TimeRange:
    """A span as questions have it."""
    asked = pb.TimeRange()
    asked.start.FromDatetime(during.start)
    asked.end.FromDatetime(during.end)
    return asked


def chosen(
    change: Asked, suggested: Iterable[str], known: pipeline_pb2.GetEventQualityResponse
) -> tuple[str, ...]:
    """The fields to look at: those of JSON columns that are most frequent, but for constants and for what identifies single events, as far
    as the properties of a sample are `known`.
    """
    distinct = {f"properties.{each.path}": each.distinct_count for each in known.properties}
    most = known.sample_count / _FEWEST_OF_ONE
    own = [] if change.measure.name else ["name"]
    found = [
        path
        for path in suggested
        if path.startswith(("properties.", "context.", "tags."))
        and path != change.measure.field
        and 1 < distinct.get(path, 2) <= max(most, 2.0)
    ]
    return tuple((own + found)[:_CHOSEN])


def tells(values: int, other: float, events: float) -> bool:
    """Whether a field tells groups apart: it has some values, fewer than a third of the events, and most events are in those shown."""
    return 1 < values <= max(events / _FEWEST_OF_ONE, 2) and other <= events / 2


def pairs(fields: Sequence[str]) -> list[Fields]:
    """All pairs of fields."""
    return [(one, other) for i, one in enumerate(fields) for other in fields[i + 1 :]]


def _measures(change: Asked) -> list[pb.Measure]:
    """The measure, or what it is made of."""
    measure = change.measure
    value, count = _like(measure, VALUE, pb.AGGREGATION_COUNT), _like(measure, COUNT, pb.AGGREGATION_COUNT)
    rate_of_metric = measure.aggregation == pb.AGGREGATION_RATE and measure.source == pb.SOURCE_METRICS
    if measure.aggregation in _SUMMED or rate_of_metric:
        value.aggregation = pb.AGGREGATION_SUM
        value.field = measure.field
    if not change.mean:
        return [value, count]
    return [value, count, _there(measure, NUMBER)]


def _there(measure: pb.Measure, id_: str) -> pb.Measure:
    """The count of what has the field that a measure reads."""
    made = _like(measure, id_, pb.AGGREGATION_COUNT)
    if measure.field and measure.source != pb.SOURCE_METRICS:
        there = pb.Filter(comparison=pb.Comparison(field=measure.field, operator=pb.OPERATOR_EXISTS))
        limits = [there, *([measure.filter] if measure.HasField("filter") else [])]
        made.filter.CopyFrom(pb.Filter(all=pb.FilterGroup(filters=limits)))
    return made


def _like(measure: pb.Measure, id_: str, aggregation: pb.Aggregation) -> pb.Measure:
    made = pb.Measure(id=id_, source=measure.source, name=measure.name, aggregation=aggregation)
    if measure.HasField("filter"):
        made.filter.CopyFrom(measure.filter)
    return made
