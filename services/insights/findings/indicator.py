"""Indicators: what is asked for each kind of them, and whether one that somebody gives is well formed. Pure.

An `Indicator` of a request comes in, one with its defaults goes out to `store`; `question` makes of it what is asked again and again.
"""

import math

from services.kit import resource
from services.kit.errors import Invalid
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

Interval = questions.Interval
INTERVALS = (Interval.UNIT_MINUTE, Interval.UNIT_HOUR, Interval.UNIT_DAY, Interval.UNIT_WEEK)
MAX_SUBJECT, MAX_UNIT = 200, 20
_GOOD = {
    pb.Indicator.KIND_RETENTION: pb.DIRECTION_UP,
    pb.Indicator.KIND_ERROR_RATE: pb.DIRECTION_DOWN,
    pb.Indicator.KIND_RESPONSE_TIME: pb.DIRECTION_DOWN,
    pb.Indicator.KIND_THROUGHPUT: pb.DIRECTION_UP,
}
_AT = "indicator"


def read(given: pb.Indicator) -> pb.Indicator:
    """The indicator with what it left out; raises `Invalid` naming the field."""
    found = pb.Indicator(
        display_name=resource.display_name(given.display_name, f"{_AT}.display_name"),
        kind=given.kind,
        subject=given.subject,
        good_direction=given.good_direction,
        value_per_unit=given.value_per_unit,
        value_unit=given.value_unit,
        interval=given.interval,
    )
    if given.kind not in (*_GOOD, pb.Indicator.KIND_NAMED):
        raise Invalid(f"{_AT}.kind", f"is {given.kind}; give one of the kinds, as in KIND_THROUGHPUT")
    if len(given.subject) > MAX_SUBJECT or "\0" in given.subject:
        raise Invalid(
            f"{_AT}.subject", f"has {len(given.subject)} characters; give at most {MAX_SUBJECT} and no NUL"
        )
    _direction(given, found)
    _interval(given, found)
    if given.HasField("threshold"):
        if not math.isfinite(given.threshold):
            raise Invalid(f"{_AT}.threshold", f"is {given.threshold}; give a number")
        found.threshold = given.threshold
    if not math.isfinite(given.value_per_unit):
        raise Invalid(f"{_AT}.value_per_unit", f"is {given.value_per_unit}; give a number")
    if len(given.value_unit) > MAX_UNIT or "\0" in given.value_unit:
        raise Invalid(f"{_AT}.value_unit", f"has {len(given.value_unit)} characters; give at most {MAX_UNIT}")
    if given.kind == pb.Indicator.KIND_NAMED:
        _named(given, found)
    elif given.HasField("series"):
        raise Invalid(f"{_AT}.series", "is given though kind is not NAMED; leave it out, or give KIND_NAMED")
    if given.kind == pb.Indicator.KIND_RESPONSE_TIME and not given.subject:
        raise Invalid(f"{_AT}.subject", "is empty; name the metric that holds the response time")
    return found


def question(indicator: pb.Indicator) -> questions.Query:
    """What is asked for an indicator that was read, without a time range."""
    asked = questions.Query()
    if indicator.kind == pb.Indicator.KIND_RETENTION:
        asked.retention.start.name = asked.retention.back.name = indicator.subject
        asked.retention.period = Interval.UNIT_WEEK
        asked.retention.periods = 1
        asked.retention.entry = questions.RetentionQuestion.START_EVERY
        return asked
    series = asked.series
    match indicator.kind:
        case pb.Indicator.KIND_ERROR_RATE:
            errors = _count("A", indicator.subject, hidden=True)
            errors.filter.comparison.field = "type"
            errors.filter.comparison.operator = questions.OPERATOR_EQUAL
            errors.filter.comparison.values.add(string_value="ERROR_EVENT")
            series.measures.extend([errors, _count("B", indicator.subject, hidden=True)])
            series.formulas.add(id="share", expression="A / B * 100", unit="%")
        case pb.Indicator.KIND_RESPONSE_TIME:
            series.measures.add(
                id="A",
                source=questions.SOURCE_METRICS,
                name=indicator.subject,
                aggregation=questions.AGGREGATION_QUANTILE,
                quantile=0.95,
            )
        case pb.Indicator.KIND_THROUGHPUT:
            series.measures.append(_count("A", indicator.subject))
        case _:
            series.CopyFrom(indicator.series)
    series.interval.unit, series.interval.count = indicator.interval, 1
    return asked


def counts(indicator: pb.Indicator) -> bool:
    """Whether its values are so many for each bucket."""
    if indicator.kind != pb.Indicator.KIND_NAMED:
        return indicator.kind == pb.Indicator.KIND_THROUGHPUT
    shown = [each for each in indicator.series.measures if not each.hidden]
    additive = (questions.AGGREGATION_COUNT, questions.AGGREGATION_SUM, questions.AGGREGATION_UNIQUES)
    return bool(shown) and shown[0].aggregation in additive


def beyond(indicator: pb.Indicator, value: float) -> bool:
    """Whether a value is beyond the threshold, against the good direction."""
    if not indicator.HasField("threshold") or not math.isfinite(value):
        return False
    if indicator.good_direction == pb.DIRECTION_UP:
        return value < indicator.threshold
    return value > indicator.threshold


def _count(measure_id: str, name: str, hidden: bool = False) -> questions.Measure:
    return questions.Measure(id=measure_id, name=name, aggregation=questions.AGGREGATION_COUNT, hidden=hidden)


def _direction(given: pb.Indicator, found: pb.Indicator) -> None:
    known = _GOOD.get(given.kind)
    if known is None:
        if given.good_direction not in (pb.DIRECTION_UP, pb.DIRECTION_DOWN):
            raise Invalid(f"{_AT}.good_direction", "is empty; give DIRECTION_UP or DIRECTION_DOWN")
        return
    if given.good_direction not in (pb.DIRECTION_UNSPECIFIED, known):
        raise Invalid(
            f"{_AT}.good_direction",
            f"is {given.good_direction}; it is known of this kind, leave it out",
        )
    found.good_direction = known


def _interval(given: pb.Indicator, found: pb.Indicator) -> None:
    if given.kind == pb.Indicator.KIND_RETENTION:
        if given.interval not in (Interval.UNIT_UNSPECIFIED, Interval.UNIT_WEEK):
            raise Invalid(
                f"{_AT}.interval", f"is {given.interval}; RETENTION is told by the week, leave it out"
            )
        found.interval = Interval.UNIT_WEEK
        return
    found.interval = given.interval or Interval.UNIT_HOUR
    if found.interval not in INTERVALS:
        raise Invalid(
            f"{_AT}.interval", f"is {given.interval}; give UNIT_MINUTE, UNIT_HOUR, UNIT_DAY or UNIT_WEEK"
        )


def _named(given: pb.Indicator, found: pb.Indicator) -> None:
    at, series = f"{_AT}.series", given.series
    shown = sum(not each.hidden for each in series.measures) + len(series.formulas)
    if shown != 1:
        raise Invalid(
            f"{at}.measures", f"shows {shown} measures and formulas; give one, and hide those that it needs"
        )
    if series.group_by:
        raise Invalid(f"{at}.group_by", "is given; an indicator is one series, filter instead")
    if series.compare:
        raise Invalid(f"{at}.compare", "is given; leave it out")
    if given.subject:
        raise Invalid(f"{_AT}.subject", "is given though kind is NAMED; say it in series")
    found.series.CopyFrom(series)
