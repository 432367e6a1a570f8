"""What takes longer than a bucket to see: trends, series that move together, changes of indicators and what is to be expected of them.

Once a day the series of a project, by day, and its indicators, each by its own buckets, come in; what holds against the number of
series looked at goes out as drafts. Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import correlation, discovery, finding, impact, trend
from services.insights.detect.confidence import confidence
from services.insights.findings import text
from services.insights.findings.feedback import Said
from services.insights.findings.insight import Chart, Draft, Finding, charted, made
from services.insights.findings.text import Words
from services.insights.series import Missing
from services.insights.watch.series import Line
from services.kit.instant import at
from tidemark.v1 import insight_pb2 as pb

TREND_BUCKETS = 90
CORRELATED, CORRELATED_BUCKETS, LAG = 30, 120, 7
"""Series that are compared with one another, the buckets of each, and by how many one may be behind the other."""
SMALLEST = 0.05
"""A smaller change is no news, however sure it is."""
AFTER = {60: 1440, 3600: 24, 86_400: 7, 604_800: 4}
"""Buckets that are compared with what came before: the last day, week or month."""
SEASON = {60: 1440, 3600: 24, 86_400: 7, 604_800: 0}
APART = timedelta(days=3)
SEED = 1


def drafts(
    lines: Sequence[Line], indicators: Sequence[Line], said: Said, zone: ZoneInfo, now: datetime, rate: float
) -> list[Draft]:
    """What is found in daily series and in indicators."""
    return [
        *_trends([*lines], said, zone, now, rate),
        *_correlations(lines, said, zone, now, rate),
        *_impacts(indicators, said, zone, now, rate),
    ]


def begun(line: Line) -> Line:
    """A series from its first value on: what is counted is 0 before it exists."""
    there = np.flatnonzero(np.nan_to_num(line.values))
    first = int(there[0]) if len(there) else len(line.values)
    return Line(line.watched, line.starts[first:], line.values[first:])


def _trends(lines: Sequence[Line], said: Said, zone: ZoneInfo, now: datetime, rate: float) -> list[Draft]:
    found: list[tuple[Line, finding.Finding]] = []
    looked = 0
    for whole in lines:
        line = begun(whole)
        line = Line(line.watched, line.starts[-TREND_BUCKETS:], line.values[-TREND_BUCKETS:])
        try:
            each = trend.trend(line.values, SEASON[line.watched.words.seconds], SEED)
        except Missing:
            continue
        looked += 1
        if each is not None and not abs(each.relative) < SMALLEST:
            found.append((line, each))
    q_values, kept = discovery.held(_charged(found, said), rate, looked)
    made_ = []
    for (line, each), q_value, keep in zip(found, q_values.tolist(), kept.tolist()):
        if keep:
            draft = _draft(line, each, q_value, said, now)
            _tell_trend(draft.insight, line, each, zone)
            made_.append(draft)
    return _told(made_, said, zone)


def _correlations(
    lines: Sequence[Line], said: Said, zone: ZoneInfo, now: datetime, rate: float
) -> list[Draft]:
    """Only of series none of which is a part of another: events by name, metrics, indicators."""
    apart = [each for each in lines if each.watched.key.startswith(("name/", "metric/", "indicator/"))]
    chosen = [each for each in apart if each.watched.words.seconds == 86_400][:CORRELATED]
    length = min((len(each.values) for each in chosen), default=0)
    length = min(length, CORRELATED_BUCKETS)
    if len(chosen) < 2 or not length:
        return []
    matrix = np.array([each.values[-length:] for each in chosen])
    found = correlation.correlate(matrix, LAG, SEED, 7)
    p_values = np.array([each.p_value for each in found])
    q_values, kept = discovery.held(p_values, rate, correlation.pairs(matrix), dependent=True)
    drafts = []
    for each, q_value, keep in zip(found, q_values.tolist(), kept.tolist()):
        if not keep:
            continue
        first, second = (chosen[row] for row in each.series)
        line = Line(first.watched, first.starts[-length:], first.values[-length:])
        draft = _draft(line, replace(each, start=0, end=length), q_value, said, now, second)
        _tell_correlation(draft.insight, first, second, each)
        drafts.append(draft)
    return _told(drafts, said, zone)


def _impacts(lines: Sequence[Line], said: Said, zone: ZoneInfo, now: datetime, rate: float) -> list[Draft]:
    found: list[tuple[Line, finding.Finding]] = []
    for whole in lines:
        line, seconds = begun(whole), whole.watched.words.seconds
        after = AFTER[seconds]
        try:
            each = impact.impact(line.values[:-after], line.values[-after:], SEASON[seconds], SEED)
        except Missing:
            continue
        found.append((line, each))
    q_values, kept = discovery.held(_charged(found, said), rate, len(found))
    drafts = []
    for (line, each), q_value, keep in zip(found, q_values.tolist(), kept.tolist()):
        if keep and not abs(each.relative) < SMALLEST:
            draft = _draft(line, each, q_value, said, now)
            _worth(draft.insight, line, each)
            _tell_impact(draft.insight, line, each, zone)
            drafts.append(draft)
    return _told(drafts, said, zone)


def _charged(found: Sequence[tuple[Line, finding.Finding]], said: Said) -> NDArray[np.float64]:
    """The p-values by which findings are judged."""
    return np.array([said.charged(_key(line), each.detector, each.p_value) for line, each in found])


def _key(line: Line) -> str:
    return f"{line.watched.key} by {line.watched.words.seconds}"


def _draft(
    line: Line, found: finding.Finding, q_value: float, said: Said, now: datetime, other: Line | None = None
) -> Draft:
    watched, micros = line.watched, line.starts.astype("datetime64[us]").astype(np.int64)
    end = int(micros[min(found.end, len(micros)) - 1]) + 1_000_000 * watched.words.seconds
    told = Finding(
        type=found.type,
        detector=found.detector,
        direction=found.direction,
        start=at(int(micros[found.start])),
        end=at(end),
        effect=found.effect,
        relative=found.relative,
        confidence=confidence(q_value, *said.about(found.detector)),
        statistics=found.statistics | {"q_value": q_value},
        method=found.method,
        buckets=found.end - found.start,
    )
    insight = made(told, watched.words, watched.weight, now)
    insight.indicator = watched.indicator.name if watched.indicator is not None else ""
    none = np.zeros(0)
    expected = none if found.expected is None else found.expected
    lower, upper = (none if each is None else each for each in (found.lower, found.upper))
    if len(expected) and not len(lower):
        lower = upper = expected
    charted(insight, Chart(watched.query, micros, line.values, expected, lower, upper), watched.words)
    key = _key(line)
    if other is not None:
        count = len(line.values)
        insight.evidence.series.add(
            label=other.watched.words.subject, unit=other.watched.words.unit, values=other.values[-count:]
        )
        key = f"{key} and {other.watched.key}"
    return Draft(key, insight, APART)


def _told(drafts: Sequence[Draft], said: Said, zone: ZoneInfo) -> list[Draft]:
    """Without what people have said is not to be told."""
    return [
        draft
        for draft in drafts
        if not said.silences(draft.series, at(draft.insight.start_time.ToMicroseconds()), zone)
    ]


def _worth(insight: pb.Insight, line: Line, found: finding.Finding) -> None:
    """What the change is worth over all of the buckets since, where a unit has a value."""
    given = line.watched.indicator
    if given is None or not given.value_per_unit:
        return
    names = ("cumulative", "cumulative_lower", "cumulative_upper")
    value, *ends = (found.statistics[name] * given.value_per_unit for name in names)
    insight.worth.value, insight.worth.unit = value, given.value_unit
    insight.worth.lower, insight.worth.upper = sorted(ends)


def _tell_trend(insight: pb.Insight, line: Line, found: finding.Finding, zone: ZoneInfo) -> None:
    words, start = line.watched.words, at(insight.start_time.ToMicroseconds())
    verb = "have risen" if found.effect > 0 else "have fallen"
    verb = verb if line.watched.words.subject.endswith("s") else verb.replace("have", "has")
    by = f" by {text.percent(found.relative)}" if math.isfinite(found.relative) else ""
    before, now = _ends(found.expected, found.start)
    since = text.moment(start, zone, 86_400)
    insight.title = f"{words.subject} {verb}{by} since {since}, to {words.value(now)}"
    slope = 86_400 / words.seconds * found.statistics["slope_per_bucket"]
    how = "in one step" if "change_position" in found.statistics else f"by {text.number(abs(slope))} a day"
    insight.evidence.statistics["slope_per_day"] = slope
    insight.description = " ".join(
        [
            f"{words.subject} went from {words.value(before)} to {words.value(now)}, {how}.",
            *text.reasons(insight),
        ]
    )


def _tell_correlation(insight: pb.Insight, first: Line, second: Line, found: finding.Finding) -> None:
    one, other = first.watched.words, second.watched.words
    behind = int(found.statistics["lag_buckets"])
    rho = found.statistics["rho"]
    way = "with" if rho > 0 else "against"
    when = f", {text.lasting(behind * one.seconds)} ahead of them" if behind else ""
    insight.subject = f"{one.subject} and {other.subject}"
    insight.title = f"{one.subject} move {way} {other.subject}{when} (rank correlation {text.number(rho)})"
    insight.description = " ".join(
        [
            "What is left of both without trend and season moves together: that is an association, not a cause.",
            *text.reasons(insight),
        ]
    )


def _tell_impact(insight: pb.Insight, line: Line, found: finding.Finding, zone: ZoneInfo) -> None:
    words: Words = line.watched.words
    since = text.moment(at(insight.start_time.ToMicroseconds()), zone, words.seconds)
    side = "above" if found.effect > 0 else "below"
    by = text.percent(found.relative) if math.isfinite(found.relative) else words.value(abs(found.effect))
    insight.title = f"{words.subject}: {by} {side} what was expected since {since}"
    low, high = sorted(abs(found.statistics[name]) for name in ("effect_lower", "effect_upper"))
    mean = words.value(abs(found.effect))
    ends = f"between {text.number(low)} and {text.number(high)} with 95 %"
    sentences = [f"In the mean it was {mean} {side} a forecast made before, {ends}."]
    if insight.HasField("worth"):
        worth = insight.worth
        sentences.append(
            f"That is worth {text.number(worth.value)} {worth.unit}, between {text.number(worth.lower)}"
            f" and {text.number(worth.upper)}."
        )
    insight.description = " ".join(
        [*sentences, "It is associated with that time, not caused by it.", *text.reasons(insight)]
    )


def _ends(drawn: NDArray[np.float64] | None, start: int) -> tuple[float, float]:
    """Where a trend began and ended."""
    if drawn is None or not len(drawn):
        return math.nan, math.nan
    return float(drawn[max(0, start - 1)]), float(drawn[-1])
