"""Writes what was found in a series: a finding comes in with what is known of its causes, a `Draft` goes out to be published. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.insights.detect.confidence import confidence
from services.insights.findings import text
from services.insights.findings.feedback import Said
from services.insights.findings.insight import (
    APART,
    Chart,
    Draft,
    Explained,
    Finding,
    charted,
    made,
)
from services.insights.watch.judge import Found
from services.insights.watch.series import Watched
from services.insights.why.recommendation import recommend
from services.kit.calendar import Span
from services.kit.instant import EPOCH
from tidemark.v1 import insight_pb2 as pb

BEFORE = 30
"""What was right before a finding is so many buckets: what it is compared with to say where it comes from."""
CERTAIN = 0.99


def drafted(
    found: Found, q_value: float, explained: Explained, said: Said, zone: ZoneInfo, now: datetime
) -> Draft:
    """What is told of a finding of the streaming detector, or of a threshold."""
    true, false = said.about(found.detector)
    crossed = found.detector == "threshold"
    finding = Finding(
        type=found.type,
        detector=found.detector,
        direction=found.direction,
        start=found.start,
        end=found.end,
        effect=found.effect,
        relative=found.relative,
        confidence=CERTAIN if crossed else confidence(q_value, true, false),
        statistics=dict(found.statistics)
        | {"q_value": q_value, "value": found.figures[0], "expected": found.figures[1]},
        method=found.method,
        buckets=found.buckets,
        explained=explained,
    )
    watched = found.watched
    insight = made(finding, watched.words, replace(watched.weight, reach=found.reach), now)
    insight.indicator = watched.indicator.name if watched.indicator is not None else ""
    rows = found.recent.figures
    chart = Chart(watched.query, found.recent.starts, rows[0], rows[1], rows[2], rows[3])
    charted(insight, chart, watched.words)
    if crossed:
        text.threshold(watched.words, insight, zone, found.figures[0], found.figures[1])
    else:
        text.anomaly(watched.words, insight, zone, found.figures, found.relative)
    return Draft(
        series=f"{watched.key} by {watched.words.seconds}",
        insight=insight,
        apart=timedelta(seconds=APART * watched.words.seconds),
        fresh=found.alarm,
    )


def advised(insight: pb.Insight, indicators: Iterable[pb.Indicator], past: Sequence[pb.Insight]) -> None:
    """Says what to do about an insight; `past` are those like it that people have said something of, newest first."""
    indicator = next((each for each in indicators if each.name == insight.indicator), None)
    insight.recommendations.extend(recommend(insight, insight.contributions, insight.facts, indicator, past))


def spans(watched: Watched, start: datetime, end: datetime) -> tuple[Span, Span] | None:
    """What is compared to say why: what was right before, and the finding; None where that would be before 1970."""
    width = timedelta(seconds=BEFORE * watched.words.seconds)
    if start - 2 * width < EPOCH:
        return None
    return Span(start - width, start), Span(start, end)
