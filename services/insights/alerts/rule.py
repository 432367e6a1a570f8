"""What a rule is, validated: an `AlertRule` of a request comes in, one in good order goes out to `store`, and a `Rule` to `evaluation`.

Pure; raises `Invalid` naming the field. Whether the series can be asked for is for query to say.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.insights.alerts import condition
from services.kit import resource
from services.kit.calendar import Span, Step, edges, seconds_of
from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from services.kit.period import instant, width
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2, question_pb2

MAX_BUCKETS, MAX_GROUPS = 100, 50
MAX_AGO = 10_000
MAX_RATE = 0.1
LONGEST_WINDOW = timedelta(days=1)
LEARNT = {
    question_pb2.Interval.UNIT_SECOND: 1800,
    question_pb2.Interval.UNIT_MINUTE: 2880,
    question_pb2.Interval.UNIT_HOUR: 672,
    question_pb2.Interval.UNIT_DAY: 120,
    question_pb2.Interval.UNIT_WEEK: 104,
    question_pb2.Interval.UNIT_MONTH: 60,
}
"""Buckets of the past that a rule of anomalies learns from at first: two days of minutes, four weeks of hours."""
KNOWN = 100
"""Buckets of the past in which a rule looks for its groups at first."""
_COMPARED = (
    question_pb2.OPERATOR_LESS,
    question_pb2.OPERATOR_LESS_OR_EQUAL,
    question_pb2.OPERATOR_GREATER,
    question_pb2.OPERATOR_GREATER_OR_EQUAL,
)
_FROM_NOTHING = (
    question_pb2.AGGREGATION_COUNT,
    question_pb2.AGGREGATION_SUM,
    question_pb2.AGGREGATION_RATE,
    question_pb2.AGGREGATION_UNIQUES,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is looked at, with its defaults."""

    message: pb.AlertRule
    step: Step
    for_buckets: int
    clear_buckets: int
    window: timedelta

    @property
    def kind(self) -> str:
        """`threshold`, `change`, `anomaly` or `absence`."""
        return str(self.message.WhichOneof("condition"))

    @property
    def past(self) -> int:
        """Buckets that are needed before those that are judged."""
        return condition.past(self.message)

    @property
    def first_past(self) -> int:
        """The same when nothing is known of the series yet."""
        if self.kind == "anomaly":
            return LEARNT[self.step.unit]
        return max(self.past, KNOWN) if self.message.series.group_by else self.past

    @property
    def nothing(self) -> float:
        """What a bucket holds of a group of which nothing came."""
        series = self.message.series
        shown = [each for each in series.measures if not each.hidden]
        if self.kind == "absence" or series.formulas:
            return math.nan
        zero = series.fill == question_pb2.FILL_ZERO or (
            not series.fill and shown[0].aggregation in _FROM_NOTHING
        )
        return 0.0 if zero else math.nan

    @property
    def channels(self) -> list[str]:
        """The ids of its channels; all of the project when empty."""
        return [each.rpartition("/")[2] for each in self.message.channels]

    def query(self, span: Span) -> question_pb2.Query:
        """The question of its series over a span."""
        asked = question_pb2.Query(series=self.message.series)
        asked.series.interval.unit, asked.series.interval.count = self.step.unit, self.step.count
        if self.message.series.group_by:
            asked.series.top = self.message.series.top or MAX_GROUPS
        if self.kind == "absence":
            # Nothing must look like nothing, not like 0.
            asked.series.fill = question_pb2.FILL_NONE
        asked.time_range.start.FromDatetime(span.start)
        asked.time_range.end.FromDatetime(span.end)
        return asked


def read(given: pb.AlertRule, project: str, at: str = "alert_rule") -> pb.AlertRule:
    """The rule of a request with its severity, without what the server says of it; raises `Invalid`."""
    found = pb.AlertRule()
    found.CopyFrom(given)
    for output in ("name", "create_time", "update_time", "etag", "evaluate_time", "fault"):
        found.ClearField(output)
    resource.display_name(given.display_name, f"{at}.display_name")
    _series(given.series, f"{at}.series")
    _condition(given, at)
    for name in ("for_buckets", "clear_buckets"):
        if not 0 <= getattr(given, name) <= MAX_BUCKETS:
            raise Invalid(f"{at}.{name}", f"is {getattr(given, name)}; give 1 to {MAX_BUCKETS}, or 0 for 1")
    if given.severity not in insight_pb2.Severity.values():
        raise Invalid(f"{at}.severity", f"is {given.severity}; give one, as in SEVERITY_HIGH")
    found.severity = given.severity or insight_pb2.SEVERITY_HIGH
    for i, name in enumerate(given.channels):
        parent, _ = resource.parted(name, "channels", f"{at}.channels[{i}]")
        if parent != project:
            raise Invalid(f"{at}.channels[{i}]", f"is {name[:100]!r}, not of {project}")
    del found.channels[:]
    found.channels.extend(dict.fromkeys(given.channels))
    window = given.group_window
    if not 0 <= window.seconds <= LONGEST_WINDOW.total_seconds() or not 0 <= window.nanos < 1_000_000_000:
        raise Invalid(f"{at}.group_window", f"is {window.seconds} s; give 0 s to a day")
    if given.HasField("snooze_until"):
        instant(given.snooze_until, f"{at}.snooze_until")
    return found


def compiled(message: pb.AlertRule) -> Rule:
    """A rule that was read, as it is looked at."""
    series = message.series
    step = width(series.interval, "alert_rule.series.interval") if series.HasField("interval") else MINUTE
    return Rule(
        message=message,
        step=step,
        for_buckets=message.for_buckets or 1,
        clear_buckets=message.clear_buckets or 1,
        window=min(message.group_window.ToTimedelta(), LONGEST_WINDOW),
    )


MINUTE = Step(question_pb2.Interval.UNIT_MINUTE, 1)


def finished(now: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The end of the last bucket that is over."""
    length = timedelta(seconds=seconds_of(step))
    return max(edge for edge in edges(Span(now - 2 * length, now), step, zone, 8) if edge <= now)


def following(edge: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The end of the bucket that begins at `edge`."""
    length = timedelta(seconds=seconds_of(step))
    return next(each for each in edges(Span(edge, edge + 2 * length), step, zone, 8) if each > edge)


def back(edge: datetime, buckets: int, step: Step, zone: ZoneInfo) -> datetime:
    """The edge so many buckets before one; not before 1970."""
    if not buckets:
        return edge
    start = max(EPOCH, edge - (buckets + 2) * timedelta(seconds=seconds_of(step)))
    before = [each for each in edges(Span(start, edge), step, zone, 2 * buckets + 8) if each < edge]
    return max(before[-buckets:][0], EPOCH) if before else edge


def _series(series: question_pb2.SeriesQuestion, at: str) -> None:
    shown = sum(not each.hidden for each in series.measures) + len(series.formulas)
    if shown != 1:
        raise Invalid(
            f"{at}.measures", f"and formulas show {shown} figures; show one, and hide what it is made of"
        )
    if series.compare:
        raise Invalid(f"{at}.compare", "is given; leave it out, and write a condition of change")
    if not 0 <= series.top <= MAX_GROUPS:
        raise Invalid(f"{at}.top", f"is {series.top}; give 1 to {MAX_GROUPS} groups, or 0 for {MAX_GROUPS}")
    if series.HasField("interval"):
        width(series.interval, f"{at}.interval")


def _condition(rule: pb.AlertRule, at: str) -> None:
    match rule.WhichOneof("condition"):
        case "threshold":
            at = f"{at}.threshold"
            if rule.threshold.operator not in _COMPARED:
                raise Invalid(
                    f"{at}.operator",
                    f"is {rule.threshold.operator}; give OPERATOR_LESS, OPERATOR_LESS_OR_EQUAL, OPERATOR_GREATER or "
                    "OPERATOR_GREATER_OR_EQUAL",
                )
            _finite(rule.threshold.value, f"{at}.value")
        case "change":
            at = f"{at}.change"
            _finite(rule.change.share, f"{at}.share")
            if rule.change.share <= 0:
                raise Invalid(f"{at}.share", f"is {rule.change.share}; give more than 0, as in 0.2")
            _direction(rule.change.direction, f"{at}.direction")
            if not 0 <= rule.change.buckets_ago <= MAX_AGO:
                raise Invalid(
                    f"{at}.buckets_ago", f"is {rule.change.buckets_ago}; give 1 to {MAX_AGO}, or 0 for 1"
                )
            _finite(rule.change.least, f"{at}.least")
        case "anomaly":
            at = f"{at}.anomaly"
            if not 0 <= rule.anomaly.false_alarm_rate <= MAX_RATE:
                raise Invalid(
                    f"{at}.false_alarm_rate",
                    f"is {rule.anomaly.false_alarm_rate}; give at most {MAX_RATE}, or 0 for {condition.RATE}",
                )
            _direction(rule.anomaly.direction, f"{at}.direction")
        case "absence":
            return
        case _:
            raise Invalid(
                f"{at}.threshold", "is empty, and so are change, anomaly and absence; give one of them"
            )


def _finite(value: float, at: str) -> None:
    if not math.isfinite(value):
        raise Invalid(at, f"is {value}; give a number")


def _direction(direction: int, at: str) -> None:
    if direction not in insight_pb2.Direction.values():
        raise Invalid(at, f"is {direction}; give one, as in DIRECTION_UP, or leave it out for both")
