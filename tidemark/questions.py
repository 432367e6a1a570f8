"""How questions are written: texts and plain values come in, `tidemark.v1.Query` and its parts go out to `client.py`.

    last        30d, 12h, 90m, 45s, 2w
    instants    2026-11-01, 2026-11-01T12:30, 2026-11-01T12:30:00Z, or a datetime
    conditions  name = commit, properties.size >= 10, user_id in ann,bob, properties.path ^= docs/, context.ip?, !context.ip?
    measures    count, sum properties.amount, p95 properties.ms, uniques, rate
    interval    minute, 5m, hour, day, week, month

Pure: relative spans are resolved by the server.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import orjson
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.v1 import question_pb2 as pb

Instant = datetime | date | str
Span = timedelta | str
Condition = pb.Filter | str

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_UNITS = {
    "s": pb.Interval.UNIT_SECOND,
    "m": pb.Interval.UNIT_MINUTE,
    "h": pb.Interval.UNIT_HOUR,
    "d": pb.Interval.UNIT_DAY,
    "w": pb.Interval.UNIT_WEEK,
    "second": pb.Interval.UNIT_SECOND,
    "minute": pb.Interval.UNIT_MINUTE,
    "hour": pb.Interval.UNIT_HOUR,
    "day": pb.Interval.UNIT_DAY,
    "week": pb.Interval.UNIT_WEEK,
    "month": pb.Interval.UNIT_MONTH,
}
_INTERVAL = re.compile(r"(\d+)?\s*([a-z]+?)s?\Z")
_OPERATORS = {
    "=": pb.OPERATOR_EQUAL,
    "!=": pb.OPERATOR_NOT_EQUAL,
    "<": pb.OPERATOR_LESS,
    "<=": pb.OPERATOR_LESS_OR_EQUAL,
    ">": pb.OPERATOR_GREATER,
    ">=": pb.OPERATOR_GREATER_OR_EQUAL,
    "~": pb.OPERATOR_CONTAINS,
    "!~": pb.OPERATOR_NOT_CONTAINS,
    "^=": pb.OPERATOR_STARTS_WITH,
    "$=": pb.OPERATOR_ENDS_WITH,
    "in": pb.OPERATOR_IN,
    "not in": pb.OPERATOR_NOT_IN,
}
_CONDITION = re.compile(
    r"\s*([^\s=!<>~^$?]+)\s*(!=|<=|>=|!~|\^=|\$=|=|<|>|~|\bnot in\b|\bin\b)\s*(.*?)\s*\Z", re.DOTALL
)
_PRESENCE = re.compile(r"\s*(!?)\s*([^\s=!<>~^$?]+)\?\s*\Z")
_AGGREGATIONS = {
    "count": pb.AGGREGATION_COUNT,
    "sum": pb.AGGREGATION_SUM,
    "avg": pb.AGGREGATION_AVG,
    "min": pb.AGGREGATION_MIN,
    "max": pb.AGGREGATION_MAX,
    "rate": pb.AGGREGATION_RATE,
    "uniques": pb.AGGREGATION_UNIQUES,
    "median": pb.AGGREGATION_QUANTILE,
}
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)\Z")
_FILLS = {"": pb.FILL_UNSPECIFIED, "none": pb.FILL_NONE, "zero": pb.FILL_ZERO}
_FILLS |= {"previous": pb.FILL_PREVIOUS, "linear": pb.FILL_LINEAR}
_SOURCES = {"events": pb.SOURCE_EVENTS, "metrics": pb.SOURCE_METRICS}


def timestamp(instant: Instant) -> Timestamp:
    """An instant, to the microsecond; a text or datetime without a zone is in UTC, a date is its first instant."""
    if isinstance(instant, str):
        try:
            instant = datetime.fromisoformat(instant)
        except ValueError as error:
            raise ValueError(
                f"time: {instant!r} is no instant; write 2026-11-01 or 2026-11-01T12:30:00Z"
            ) from error
    elif not isinstance(instant, datetime):
        instant = datetime.combine(instant, time())
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    micros = (instant - EPOCH) // _MICROSECOND
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def span(value: Span) -> timedelta:
    """A length of time, as in `30d`, `12h`, `90m`, `45s`, `2w`."""
    if isinstance(value, timedelta):
        return value
    if not (match := _SPAN.match(value)):
        raise ValueError(f"last: {value!r} is no span; write 30d, 12h, 90m, 45s or 2w")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def duration(value: Span) -> Duration:
    """A length of time as protobuf."""
    message = Duration()
    message.FromTimedelta(span(value))
    return message


def time_range(
    last: Span | None = None, start: Instant | None = None, end: Instant | None = None
) -> pb.TimeRange:
    """The span asked about; the last 24 hours when nothing is given."""
    if start is None and end is not None:
        raise ValueError("end: is given without start; give both, or last")
    if start is None:
        return pb.TimeRange(last=duration(last or "24h"))
    if last is not None:
        raise ValueError("last: is given beside start; give one of the two")
    return pb.TimeRange(start=timestamp(start), end=None if end is None else timestamp(end))


def condition(text: Condition) -> pb.Filter:
    """One comparison. A value is a number, true or false where it reads as one, else a text; quotes make it a text."""
    if isinstance(text, pb.Filter):
        return text
    if match := _PRESENCE.match(text):
        operator = pb.OPERATOR_NOT_EXISTS if match[1] else pb.OPERATOR_EXISTS
        return pb.Filter(comparison=pb.Comparison(field=match[2], operator=operator))
    if not (match := _CONDITION.match(text)):
        raise ValueError(
            f"where: {text!r} is no condition; write as in 'properties.size >= 10' or 'user_id in ann,bob'"
        )
    field, operator_text, value = match.groups()
    values = value.split(",") if operator_text in ("in", "not in") else [value]
    return pb.Filter(
        comparison=pb.Comparison(
            field=field, operator=_OPERATORS[operator_text], values=[_value(it.strip()) for it in values]
        )
    )


def every(conditions: Iterable[Condition]) -> pb.Filter | None:
    """All of the conditions together."""
    filters = [condition(text) for text in conditions]
    if len(filters) > 1:
        return pb.Filter(all=pb.FilterGroup(filters=filters))
    return filters[0] if filters else None


def _measure(text: str, name: str = "", source: str = "events") -> pb.Measure:
    """One measure: an aggregation and, after a space or `:`, the property that it aggregates."""
    aggregation, _, field = text.strip().replace(":", " ", 1).partition(" ")
    quantile = _QUANTILE.match(aggregation)
    if not quantile and aggregation not in _AGGREGATIONS:
        raise ValueError(
            f"measure: {text!r} is not known; write {', '.join(_AGGREGATIONS)} or p95, and a property after it"
        )
    if source not in _SOURCES:
        raise ValueError(f"source: {source!r} is not known; write events or metrics")
    return pb.Measure(
        id=text,
        source=_SOURCES[source],
        name=name,
        aggregation=pb.AGGREGATION_QUANTILE if quantile else _AGGREGATIONS[aggregation],
        field=field.strip(),
        quantile=float(quantile[1]) / 100 if quantile else 0.5 if aggregation == "median" else 0.0,
    )


def _interval(text: str) -> pb.Interval | None:
    """The width of a bucket; None leaves it to the server."""
    if not text:
        return None
    match = _INTERVAL.match(text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"interval: {text!r} is not known; write minute, 5m, hour, 6h, day, week or month")
    return pb.Interval(unit=_UNITS[match[2]], count=int(match[1] or 1))


def _fill(text: str) -> pb.Fill:
    """What stands where nothing was measured."""
    if text not in _FILLS:
        raise ValueError(f"fill: {text!r} is not known; write none, zero, previous or linear")
    return _FILLS[text]


def events(
    name: str = "",
    *,
    where: Iterable[Condition] = (),
    last: Span | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
) -> pb.Query:
    """The events of this name that fit every condition, newest first."""
    named = [condition(f"name = {orjson.dumps(name).decode()}")] if name else []
    return pb.Query(
        time_range=time_range(last, start, end), events=pb.EventsQuestion(filter=every([*named, *where]))
    )


def series(
    name: str = "",
    *,
    measure: str | Iterable[str] = "count",
    source: str = "events",
    by: Iterable[str] = (),
    where: Iterable[Condition] = (),
    interval: str = "",
    last: Span | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    top: int = 0,
    fill: str = "",
    compare: bool = False,
    time_zone: str = "",
) -> pb.Query:
    """Measures over time of the events, or `source="metrics"`, of this name; split `by` fields, `top` of them apart."""
    question = pb.SeriesQuestion(
        measures=[
            _measure(text, name, source) for text in ([measure] if isinstance(measure, str) else measure)
        ],
        filter=every(where),
        interval=_interval(interval),
        group_by=by,
        top=top,
        fill=_fill(fill),
        compare=pb.COMPARE_PREVIOUS_PERIOD if compare else pb.COMPARE_UNSPECIFIED,
    )
    return pb.Query(time_range=time_range(last, start, end), time_zone=time_zone, series=question)


def _value(text: str) -> Value:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Value(string_value=text)
    if isinstance(value, bool):
        return Value(bool_value=value)
    return Value(number_value=value) if isinstance(value, int | float) else Value(string_value=str(value))
