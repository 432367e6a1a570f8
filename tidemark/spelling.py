"""How the parts of questions are spelt: texts come in, messages of the contract go out to `questions.py`.

    last        30d, 12h, 90m, 45s, 2w
    during      today, yesterday, this week, last month, last 4 weeks
    instants    2026-11-01, 2026-11-01T12:30, 2026-11-01T12:30:00Z, or a datetime
    conditions  name = commit, properties.size >= 10, user_id in ann,bob, properties.path ^= docs/, properties.path =~ \\.md$,
                context.ip?, !context.ip?, in cohort projects/shop/cohorts/vip, type = ERROR_EVENT or properties.status >= 500
    measures    count, sum properties.amount, p95 properties.ms, uniques, rate, count of order_placed,
                buyers = uniques of order_placed where properties.amount > 100
    steps       signup, order_placed where properties.amount > 10 and properties.country = DE, order_placed as Bought
    interval    minute, 5m, hour, day, week, month

Conditions are joined by `and` and `or`; `and` binds closer. A value that holds such a word and a condition stands in quotes.
Pure: relative spans are resolved by the server.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

import orjson
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.v1 import question_pb2 as pb

Instant = datetime | date | str
Span = timedelta | str
Condition = pb.Filter | str
Measure = pb.Measure | str
Step = pb.Step | str

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_WORDS = {
    "second": pb.Interval.UNIT_SECOND,
    "minute": pb.Interval.UNIT_MINUTE,
    "hour": pb.Interval.UNIT_HOUR,
    "day": pb.Interval.UNIT_DAY,
    "week": pb.Interval.UNIT_WEEK,
    "month": pb.Interval.UNIT_MONTH,
}
_UNITS = {
    "s": pb.Interval.UNIT_SECOND,
    "m": pb.Interval.UNIT_MINUTE,
    "h": pb.Interval.UNIT_HOUR,
    "d": pb.Interval.UNIT_DAY,
    "w": pb.Interval.UNIT_WEEK,
    **_WORDS,
}
_INTERVAL = re.compile(r"(\d+)?\s*([a-z]+?)s?\Z")
_CALENDAR = re.compile(r"(this|last)(?:\s+(\d+))?\s+(hour|day|week|month)s?\Z")
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
    "=~": pb.OPERATOR_MATCHES,
    "!=~": pb.OPERATOR_NOT_MATCHES,
    "in": pb.OPERATOR_IN,
    "not in": pb.OPERATOR_NOT_IN,
}
_LISTS = {"in", "not in"}
_FIELD = r"[^\s=!<>~^$?\"]+"
_OPERATOR = r"!=~|!=|<=|>=|!~|=~|\^=|\$=|=|<|>|~|\bnot in\b|\bin\b"
_COMPARISON = re.compile(rf"\s*({_FIELD})\s*({_OPERATOR})\s*(.*?)\s*\Z", re.DOTALL)
_PRESENCE = re.compile(rf"\s*(!?)\s*({_FIELD})\?\s*\Z")
_COHORT = re.compile(r"\s*(not )?\s*in cohort\s+(\S+)\s*\Z")
_BEGINS = rf"(?=(?:not )?in cohort\s|{_FIELD}\s*(?:{_OPERATOR})|!?\s*{_FIELD}\?(?:\s|\Z))"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_AND, _OR = (re.compile(rf"\s+{word}\s+{_BEGINS}") for word in ("and", "or"))
_COMMA = re.compile(",")
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
_SOURCES = {"events": pb.SOURCE_EVENTS, "metrics": pb.SOURCE_METRICS}
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)\Z")
_MEASURE = re.compile(
    r"\s*(?:(?P<id>\w+)\s*=\s*)?(?P<aggregation>[\w.]+)(?:[\s:]+(?!of\s)(?P<field>\S+))?(?:\s+of\s+(?P<name>.+?))?\s*\Z",
    re.DOTALL,
)
_WHERE = re.compile(r"\s+where\s+")
_AS = re.compile(r"\s+as\s+")


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
    last: Span | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    during: str | None = None,
) -> pb.TimeRange:
    """The span asked about; the last 24 hours when nothing is given."""
    if during is not None:
        if (last, start, end) != (None, None, None):
            raise ValueError("during: is given beside last, start or end; give one of them")
        return pb.TimeRange(calendar=calendar(during))
    if start is None and end is not None:
        raise ValueError("end: is given without start; give both, or last")
    if start is None:
        return pb.TimeRange(last=duration(last or "24h"))
    if last is not None:
        raise ValueError("last: is given beside start; give one of the two")
    return pb.TimeRange(start=timestamp(start), end=None if end is None else timestamp(end))


def any_range(
    last: Span | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    during: str | None = None,
) -> pb.TimeRange | None:
    """As `time_range`, but None where nothing is given: what the server then takes is in the contract."""
    given = (last, start, end, during)
    return None if all(each is None for each in given) else time_range(*given)


def calendar(text: str) -> pb.CalendarRange:
    """Whole days, weeks or months: this one up to now, or the last ones before it."""
    said = {"today": "this day", "yesterday": "last day"}.get(text, text)
    if not (match := _CALENDAR.match(said)) or (match[1] == "this" and match[2]):
        raise ValueError(
            f"during: {text!r} is not known; write today, yesterday, this week, last month or last 4 weeks"
        )
    return pb.CalendarRange(unit=_WORDS[match[3]], count=int(match[2] or 1), ago=int(match[1] == "last"))


def condition(text: Condition) -> pb.Filter:
    """Comparisons, joined by `and` and `or`. A value is a number, true or false where it reads as one, else a text; quotes make
    it a text.
    """
    if isinstance(text, pb.Filter):
        return text
    if len(either := _parts(_OR, text)) > 1:
        return pb.Filter(any=pb.FilterGroup(filters=map(condition, either)))
    if len(joined := _parts(_AND, text)) > 1:
        return pb.Filter(all=pb.FilterGroup(filters=map(condition, joined)))
    return _single(text)


def every(conditions: Iterable[Condition]) -> pb.Filter | None:
    """All of the conditions together."""
    filters = [condition(text) for text in ([conditions] if isinstance(conditions, str) else conditions)]
    if len(filters) > 1:
        return pb.Filter(all=pb.FilterGroup(filters=filters))
    return filters[0] if filters else None


def measure(text: Measure, name: str = "", source: pb.Source = pb.SOURCE_EVENTS) -> pb.Measure:
    """One measure: an aggregation and the property that it aggregates, `of` which events or metric, `where` what holds."""
    if isinstance(text, pb.Measure):
        return text
    what, limits = _cut(_WHERE, text)
    match = _MEASURE.match(what)
    aggregation = match["aggregation"] if match else ""
    quantile = _QUANTILE.match(aggregation)
    if not match or (not quantile and aggregation not in _AGGREGATIONS):
        raise ValueError(
            f"measure: {text!r} is not known; write {', '.join(_AGGREGATIONS)} or p95, and a property after it"
        )
    return pb.Measure(
        id=match["id"] or text,
        source=source,
        name=_unquoted(match["name"] or name),
        aggregation=pb.AGGREGATION_QUANTILE if quantile else _AGGREGATIONS[aggregation],
        field=match["field"] or "",
        quantile=float(quantile[1]) / 100 if quantile else 0.5 if aggregation == "median" else 0.0,
        filter=condition(limits) if limits else None,
    )


def step(text: Step) -> pb.Step:
    """Something done: the name of an event, or `*` for any; `where` what holds of it; `as` what people call it."""
    if isinstance(text, pb.Step):
        return text
    rest, title = _cut(_AS, text)
    name, limits = _cut(_WHERE, rest)
    if not name.strip():
        raise ValueError(f"step: {text!r} has no name; write as in 'signup', or '*' for any event")
    return pb.Step(
        name="" if name.strip() == "*" else _unquoted(name.strip()),
        filter=condition(limits) if limits else None,
        display_name=_unquoted(title.strip()),
    )


def interval(text: str) -> pb.Interval | None:
    """The width of a bucket; None leaves it to the server."""
    if not text:
        return None
    match = _INTERVAL.match(text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"interval: {text!r} is not known; write minute, 5m, hour, 6h, day, week or month")
    return pb.Interval(unit=_UNITS[match[2]], count=int(match[1] or 1))


def period(text: str) -> pb.Interval.Unit:
    """A day, a week or a month."""
    if text not in ("day", "week", "month"):
        raise ValueError(f"period: {text!r} is not known; write day, week or month")
    return _WORDS[text]


def chosen(field: str, text: str, choices: Mapping[str, int]) -> int:
    """What a word stands for; raises `ValueError` naming the words that there are."""
    if text not in choices:
        raise ValueError(f"{field}: {text!r} is not known; write {', '.join(filter(None, choices))}")
    return choices[text]


def source(text: str) -> pb.Source:
    """What is read: events or metrics."""
    if text not in _SOURCES:
        raise ValueError(f"source: {text!r} is not known; write events or metrics")
    return _SOURCES[text]


def _single(text: str) -> pb.Filter:
    if match := _COHORT.match(text):
        within = pb.Filter(cohort=match[2])
        return pb.Filter(**{"not": within}) if match[1] else within  # type: ignore[arg-type]
    if match := _PRESENCE.match(text):
        operator = pb.OPERATOR_NOT_EXISTS if match[1] else pb.OPERATOR_EXISTS
        return pb.Filter(comparison=pb.Comparison(field=match[2], operator=operator))
    if not (match := _COMPARISON.match(text)):
        raise ValueError(
            f"where: {text!r} is no condition; write as in 'properties.size >= 10' or 'user_id in ann,bob'"
        )
    field, operator_text, value = match.groups()
    values = _parts(_COMMA, value) if operator_text in _LISTS else [value]
    return pb.Filter(
        comparison=pb.Comparison(
            field=field, operator=_OPERATORS[operator_text], values=[_value(each.strip()) for each in values]
        )
    )


def _joints(joint: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Where `joint` stands outside quotes."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    return [
        match
        for match in joint.finditer(text)
        if not any(start < match.start() < end for start, end in quoted)
    ]


def _parts(joint: re.Pattern[str], text: str) -> list[str]:
    """What stands between the joints."""
    found, begin = [], 0
    for match in _joints(joint, text):
        found.append(text[begin : match.start()])
        begin = match.end()
    return [*found, text[begin:]]


def _cut(joint: re.Pattern[str], text: str) -> tuple[str, str]:
    """What stands before the first joint, and what after it."""
    for match in _joints(joint, text):
        return text[: match.start()], text[match.end() :]
    return text, ""


def _value(text: str) -> Value:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Value(string_value=text)
    if isinstance(value, bool):
        return Value(bool_value=value)
    return Value(number_value=value) if isinstance(value, int | float) else Value(string_value=str(value))


def _unquoted(text: str) -> str:
    return str(orjson.loads(text)) if _QUOTED.fullmatch(text) else text
