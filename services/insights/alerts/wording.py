"""What an incident is called, with figures: a rule and what opened it come in, a title and a description go out to `worker`. Pure."""

import math

from services.insights.alerts.evaluation import Change
from services.insights.alerts.rule import Rule
from services.kit.calendar import Step
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import question_pb2
from tidemark.v1.insight_pb2 import Insight
from tidemark.v1.question_pb2 import Interval

MAX_TITLE = 300


def incident(rule: Rule, change: Change) -> pb.Incident:
    """The incident that a change opens, without what the database gives it."""
    made = pb.Incident(
        group=change.group,
        title=title(rule, change),
        description=description(rule, change),
        severity=rule.message.severity,
        state=pb.Incident.STATE_OPEN,
        value=change.value,
        latest_value=change.value,
        expected=change.expected,
    )
    made.start_time.FromDatetime(change.at)
    return made


def of_insight(insight: Insight) -> pb.Incident:
    """The incident that an insight opens; its value is the first that the finding marks, or else the last."""
    made = pb.Incident(
        insight=insight.name,
        title=insight.title,
        description=insight.description,
        severity=insight.severity,
        start_time=insight.start_time,
        value=math.nan,
        expected=math.nan,
    )
    if insight.evidence.series and (line := insight.evidence.series[0]).values:
        position = line.marked[0] if line.marked else len(line.values) - 1
        made.value = line.values[position]
        if len(line.expected) == len(line.values):
            made.expected = line.expected[position]
    return made


def title(rule: Rule, change: Change) -> str:
    """What it is, in a line."""
    named = rule.message.display_name
    subject = f"{named} ({' · '.join(each or '(none)' for each in change.group)})" if change.group else named
    return f"{subject or change.subject}: {_told(rule, change)}"[:MAX_TITLE]


def description(rule: Rule, change: Change) -> str:
    """More of it: what is watched, since when, and what the rule asks for."""
    buckets = rule.for_buckets
    return (
        f"{change.subject}, by the {_step(rule.step)}: {_told(rule, change)}. "
        f"At fault since {change.at:%Y-%m-%d %H:%M:%S} UTC"
        + (f", for {buckets} buckets in a row." if buckets > 1 else ".")
    )


def figure(value: float, unit: str = "") -> str:
    """A number for people to read, with its unit."""
    if math.isnan(value):
        return "nothing"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{text} {unit}" if unit else text


def _told(rule: Rule, change: Change) -> str:
    value = figure(change.value, change.unit)
    match rule.kind:
        case "threshold":
            low = rule.message.threshold.operator in (
                question_pb2.OPERATOR_LESS,
                question_pb2.OPERATOR_LESS_OR_EQUAL,
            )
            return (
                f"{value}, {'under' if low else 'over'} the limit of {figure(change.expected, change.unit)}"
            )
        case "change":
            ago = rule.message.change.buckets_ago or 1
            return f"{value}, {_share(change)} the {figure(change.expected, change.unit)} of {_ago(rule.step, ago)} before"
        case "anomaly":
            return f"{value}, where {figure(change.expected, change.unit)} was expected{_band(change)}"
        case _:
            return f"nothing came since {change.at:%Y-%m-%d %H:%M} UTC"


def _share(change: Change) -> str:
    word = "over" if change.value > change.expected else "under"
    if not change.expected:
        return word
    return f"{abs(change.value / change.expected - 1) * 100:.0f} % {word}"


def _band(change: Change) -> str:
    if math.isnan(change.lower) or math.isnan(change.upper):
        return ""
    return f" ({figure(change.lower)} to {figure(change.upper)})"


def _step(step: Step) -> str:
    word = Interval.Unit.Name(step.unit).removeprefix("UNIT_").lower()
    return f"{step.count} {word}s" if step.count > 1 else word


def _ago(step: Step, buckets: int) -> str:
    many = step.count * buckets
    word = Interval.Unit.Name(step.unit).removeprefix("UNIT_").lower()
    return f"{many} {word}s" if many > 1 else f"a {word}".replace("a hour", "an hour")
