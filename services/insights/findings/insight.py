"""What is found, as an insight: findings come in with what is known of their causes, messages of the contract go out to `store`. Pure.

Findings of the same series, detector and direction that follow one another are one insight; `followed` makes it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.insights.findings import severity, text
from services.insights.findings.severity import Weight
from services.insights.findings.text import Words
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

LIVES = timedelta(days=7)
"""How long an insight is told after it was found last."""
APART = 6
"""Findings that lie at most so many buckets apart follow one another."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draft:
    """An insight that is to be told, or to lengthen one that is told."""

    series: str
    """Names the series within the project; with detector and direction, what it is merged by."""
    insight: pb.Insight
    apart: timedelta
    """How far behind the last finding it may begin to follow it."""
    fresh: bool = True
    """Whether it is told where it follows nothing; else it only lengthens."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a series may have changed, and what to do about it."""

    cause: pb.Cause = pb.CAUSE_UNSPECIFIED
    facts: Sequence[pb.PipelineFact] = ()
    contributions: Sequence[pb.Contribution] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """The series of an insight, as evidence."""

    query: questions.Query
    starts: NDArray[np.int64]
    """When buckets begin, in microseconds since 1970."""
    values: Floats
    expected: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in figures."""

    type: pb.InsightType
    detector: str
    direction: pb.Direction
    start: datetime
    end: datetime
    effect: float
    relative: float
    confidence: float
    statistics: dict[str, float]
    method: str
    buckets: int = 1
    explained: Explained = field(default_factory=Explained)


def made(finding: Finding, words: Words, weight: Weight, now: datetime) -> pb.Insight:
    """The insight of a finding, without words and evidence of values."""
    insight = pb.Insight(
        type=finding.type,
        detector=finding.detector,
        direction=finding.direction,
        subject=words.subject,
        confidence=finding.confidence,
        state=pb.Insight.STATE_OPEN,
        occurrence_count=1,
        cause=finding.explained.cause,
        facts=finding.explained.facts,
        contributions=finding.explained.contributions,
    )
    insight.start_time.FromDatetime(finding.start)
    insight.end_time.FromDatetime(finding.end)
    insight.create_time.FromDatetime(now)
    insight.update_time.FromDatetime(now)
    insight.expire_time.FromDatetime(now + LIVES)
    insight.evidence.method = finding.method
    insight.evidence.completeness = 1.0
    for name, value in finding.statistics.items():
        if math.isfinite(value):
            insight.evidence.statistics[name] = value
    insight.evidence.statistics["buckets"] = finding.buckets
    if math.isfinite(finding.relative):
        insight.evidence.statistics["change_share"] = finding.relative
    if math.isfinite(finding.effect):
        insight.evidence.statistics["effect"] = finding.effect
    insight.severity = severity.severity(insight, finding.relative, finding.effect, finding.buckets, weight)
    insight.priority = severity.priority(insight, finding.relative, finding.effect, weight)
    return insight


def charted(insight: pb.Insight, chart: Chart, words: Words) -> None:
    """Gives an insight the series that it rests on, with the buckets of its span marked."""
    evidence = insight.evidence
    evidence.query.CopyFrom(chart.query)
    if not len(chart.starts):
        return
    start, end = insight.start_time.ToMicroseconds(), insight.end_time.ToMicroseconds()
    evidence.query.time_range.start.FromMicroseconds(int(chart.starts[0]))
    evidence.query.time_range.end.FromMicroseconds(int(chart.starts[-1]) + 1_000_000 * words.seconds)
    for each in chart.starts.tolist():
        evidence.bucket_starts.add().FromMicroseconds(each)
    line = evidence.series.add(label=words.subject, unit=words.unit, values=chart.values)
    if len(chart.expected):
        line.expected.extend(chart.expected)
        line.lower.extend(chart.lower)
        line.upper.extend(chart.upper)
    line.marked.extend(np.flatnonzero((chart.starts >= start) & (chart.starts < end)).tolist())


def followed(before: pb.Insight, new: pb.Insight, fresh: bool, zone: ZoneInfo) -> pb.Insight:
    """The insight of `before` once it was found again, or has gone on where what is new is not `fresh`."""
    bigger = abs(_statistic(new, "effect")) > abs(_statistic(before, "effect")) and fresh
    made = pb.Insight()
    made.CopyFrom(new if bigger else before)
    for name in ("name", "state", "feedback", "feedback_by", "incident", "indicator"):
        setattr(made, name, getattr(before, name))
    made.occurrence_count = before.occurrence_count + fresh
    if before.start_time.ToMicroseconds() <= new.start_time.ToMicroseconds():
        made.start_time.CopyFrom(before.start_time)
    made.end_time.CopyFrom(max(before.end_time, new.end_time, key=lambda at: at.ToMicroseconds()))
    made.create_time.CopyFrom(before.create_time)
    made.update_time.CopyFrom(new.update_time)
    made.expire_time.CopyFrom(new.expire_time if fresh else before.expire_time)
    made.severity = max(before.severity, new.severity) if fresh else before.severity
    made.confidence = max(before.confidence, new.confidence if fresh else 0.0)
    made.priority = max(before.priority, new.priority if fresh else 0.0)
    for name in ("facts", "contributions", "recommendations"):
        if not getattr(made, name):
            getattr(made, name).extend(getattr(before, name))
    made.cause = made.cause or before.cause
    made.evidence.statistics["buckets"] = _statistic(before, "buckets") + _statistic(new, "buckets")
    _evidence(made, new)
    _course(made, zone)
    return made


def split(insight: pb.Insight) -> tuple[bytes, bytes]:
    """What lists read, and the values of the evidence."""
    head, values = pb.Insight(), pb.Evidence()
    head.CopyFrom(insight)
    values.bucket_starts.extend(insight.evidence.bucket_starts)
    values.series.extend(insight.evidence.series)
    head.evidence.ClearField("bucket_starts")
    head.evidence.ClearField("series")
    return head.SerializeToString(deterministic=True), values.SerializeToString(deterministic=True)


def _evidence(made: pb.Insight, new: pb.Insight) -> None:
    """The newer chart, in which all of the span is marked as far as it reaches."""
    if not new.evidence.series:
        return
    query = new.evidence.query
    for name in ("bucket_starts", "series"):
        made.evidence.ClearField(name)
        getattr(made.evidence, name).extend(getattr(new.evidence, name))
    made.evidence.query.CopyFrom(query)
    start, end = made.start_time.ToMicroseconds(), made.end_time.ToMicroseconds()
    starts = [each.ToMicroseconds() for each in made.evidence.bucket_starts]
    for line in made.evidence.series:
        del line.marked[:]
        line.marked.extend(row for row, at in enumerate(starts) if start <= at < end)


def _course(made: pb.Insight, zone: ZoneInfo) -> None:
    """A last paragraph of the description says how it has gone on."""
    start, end = (each.ToDatetime(tzinfo=UTC) for each in (made.start_time, made.end_time))
    times = "once" if made.occurrence_count == 1 else f"{made.occurrence_count} times"
    base = made.description.partition("\n")[0]
    lasted = text.lasting((end - start).total_seconds())
    made.description = (
        f"{base}\nIt was found {times} and has lasted {lasted}, from {text.moment(start, zone)}"
        f" to {text.moment(end, zone)}."
    )


def _statistic(insight: pb.Insight, name: str) -> float:
    return insight.evidence.statistics.get(name, 0.0)
