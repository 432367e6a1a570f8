"""A detector over the series of a question: series come in, insights without names go out. Pure; raises `Invalid` naming the field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from services.insights.detect import anomaly, correlation, discovery, finding, forest, impact, shape, trend
from services.insights.detect import season as seasons
from services.insights.detect.confidence import confidence
from services.insights.findings import text
from services.insights.findings.insight import Chart, Finding, charted, made
from services.insights.findings.severity import Weight
from services.insights.findings.text import Words
from services.insights.series import Missing, Series
from services.kit.errors import Invalid
from services.kit.instant import at
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as questions

MAX_SERIES, MAX_BUCKETS = 200, 100_000
LAG, MAX_LAG = 24, 200
MAX_RATE = 0.5
MAX_FOUND = 200
"""Insights of one answer; the surest of them."""
SEED = 1
_ADDED = (
    questions.AGGREGATION_COUNT,
    questions.AGGREGATION_SUM,
    questions.AGGREGATION_UNIQUES,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How series are searched."""

    method: str
    batch: bool
    lag: int
    at_us: int
    rate: float


@dataclass(slots=True)
class Searched:
    """What a search has found."""

    insights: list[pb.Insight] = field(default_factory=list)
    searched: int = 0
    notes: list[str] = field(default_factory=list)
    missing: tuple[str, str] | None = None
    """Why a series could not be searched, and what is missing."""


def asked(request: pb.RunDetectorRequest) -> Asked:
    """What a request asks."""
    detector = request.detector
    method = detector.WhichOneof("method")
    if method is None:
        raise Invalid(
            "detector.anomaly", "is empty, and so are trend, correlation and impact; give one of them"
        )
    if request.query.WhichOneof("question") not in ("series", "window"):
        raise Invalid("query.series", "is empty; a detector searches series")
    rate = detector.false_discovery_rate
    if not 0 <= rate <= MAX_RATE:
        raise Invalid("detector.false_discovery_rate", f"is {rate}; give a share of at most {MAX_RATE}")
    lag = detector.correlation.largest_lag
    if not 0 <= lag <= MAX_LAG:
        raise Invalid("detector.correlation.largest_lag", f"is {lag}; give at most {MAX_LAG}")
    if detector.anomaly.mode not in pb.AnomalyDetector.Mode.values():
        raise Invalid(
            "detector.anomaly.mode", f"is {detector.anomaly.mode}; give MODE_STREAMING or MODE_BATCH"
        )
    if method == "impact" and not detector.impact.HasField("at"):
        raise Invalid("detector.impact.at", "is empty; say when it happened")
    return Asked(
        method=method,
        batch=detector.anomaly.mode == pb.AnomalyDetector.MODE_BATCH,
        lag=lag or LAG,
        at_us=detector.impact.at.ToMicroseconds() if method == "impact" else 0,
        rate=rate or discovery.RATE,
    )


def bounded(series: Sequence[Series]) -> list[Series]:
    """The series, of which there are not too many."""
    buckets = sum(len(each.values) for each in series)
    if len(series) > MAX_SERIES or buckets > MAX_BUCKETS:
        raise Invalid(
            "query.series",
            f"gives {len(series)} series with {buckets} buckets in all; ask for at most {MAX_SERIES} series and"
            f" {MAX_BUCKETS} buckets",
        )
    return list(series)


def found(
    series: Sequence[Series], wanted: Asked, query: questions.Query, zone: ZoneInfo, now: datetime
) -> Searched:
    """What is found in finished buckets, surest first, held against all that was looked at."""
    result = Searched()
    if wanted.method == "correlation":
        findings, tests = _correlated(series, wanted, result)
    else:
        findings, tests = [], 0
        for row, each in enumerate(series):
            try:
                some, looked = _one(row, each, wanted)
            except Missing as missing:
                result.missing = result.missing or (missing.reason, f"{each.subject}: {missing}")
                result.notes.append(f"{each.subject} was not searched: {missing}")
                continue
            result.searched += 1
            tests += looked
            findings += some
    p_values = np.array([each.p_value for each in findings])
    q_values, kept = discovery.held(p_values, wanted.rate, tests, dependent=wanted.method == "correlation")
    for row in np.argsort(q_values, kind="stable")[:MAX_FOUND]:
        if kept[row]:
            told = _told(findings[row], float(q_values[row]), series, query, zone, now)
            for name in ("name", "state", "expire_time"):
                told.ClearField(name)
            result.insights.append(told)
    return result


def _one(row: int, each: Series, wanted: Asked) -> tuple[list[finding.Finding], int]:
    """What is found in a series, and how many tests that took."""
    values, starts = each.finished, each.starts[: each.complete]
    season = _season(each)
    match wanted.method:
        case "trend":
            some = trend.trend(values, season, SEED, row)
            return ([] if some is None else [some]), 1
        case "impact":
            after = int(np.searchsorted(starts, np.datetime64(wanted.at_us, "us")))
            return [impact.impact(values[:after], values[after:], season, SEED, row)], 1
        case _ if wanted.batch:
            return forest.search(values, season, SEED, row), 1
    shape.checked(values, anomaly.LEAST)
    return anomaly.findings(values, anomaly.score(values, starts), row), int(np.isfinite(values).sum())


def _correlated(
    series: Sequence[Series], wanted: Asked, result: Searched
) -> tuple[list[finding.Finding], int]:
    length = min((each.complete for each in series), default=0)
    matrix = np.array([each.values[:length] for each in series]).reshape(len(series), length)
    for each, values in zip(series, matrix):
        try:
            shape.checked(values, correlation.LEAST)
            result.searched += 1
        except Missing as missing:
            result.missing = result.missing or (missing.reason, f"{each.subject}: {missing}")
            result.notes.append(f"{each.subject} was not searched: {missing}")
    if result.searched == 1:
        result.notes.append("one series alone moves with no other: ask for two or more")
    season = _season(series[0]) if series else 0
    return correlation.correlate(matrix, wanted.lag, SEED, season), correlation.pairs(matrix)


def _season(each: Series) -> int:
    """The season of a series in buckets; 0 where it has none."""
    values = each.finished
    there = np.isfinite(values)
    slots = each.starts[: each.complete].astype("datetime64[s]").astype(np.int64) // max(1, each.seconds)
    return seasons.find(values[there], slots[there], each.seconds)


def _told(
    some: finding.Finding,
    q_value: float,
    series: Sequence[Series],
    query: questions.Query,
    zone: ZoneInfo,
    now: datetime,
) -> pb.Insight:
    first = series[some.series[0]]
    micros = first.starts.astype("datetime64[us]").astype(np.int64)[: first.complete]
    words = Words(first.subject, first.seconds, first.unit, _counts(first, query))
    start, end = min(some.start, len(micros) - 1), min(some.end, len(micros))
    told = Finding(
        type=some.type,
        detector=some.detector,
        direction=some.direction,
        start=at(int(micros[start])),
        end=at(int(micros[max(end, start + 1) - 1]) + 1_000_000 * first.seconds),
        effect=some.effect,
        relative=some.relative,
        confidence=confidence(q_value),
        statistics=some.statistics | {"q_value": q_value},
        method=some.method,
        buckets=end - start,
    )
    if "slope_per_bucket" in told.statistics:
        told.statistics["slope_per_day"] = told.statistics["slope_per_bucket"] * 86_400 / first.seconds
    insight = made(told, words, Weight(), now)
    values, none = first.values[: first.complete], np.zeros(0)
    expected = none if some.expected is None else some.expected[: len(values)]
    lower, upper = (expected if each is None else each[: len(values)] for each in (some.lower, some.upper))
    charted(insight, Chart(query, micros, values, expected, lower, upper), words)
    insight.evidence.query.time_range.CopyFrom(query.time_range)
    for other in some.series[1:]:
        line = series[other]
        insight.evidence.series.add(label=line.subject, unit=line.unit, values=line.values[: line.complete])
    _say(insight, some, words, zone, values, [series[row].subject for row in some.series])
    return insight


def _say(
    insight: pb.Insight,
    some: finding.Finding,
    words: Words,
    zone: ZoneInfo,
    values: finding.Floats,
    subjects: Sequence[str],
) -> None:
    since = text.moment(at(insight.start_time.ToMicroseconds()), zone, words.seconds)
    if some.type == pb.INSIGHT_TYPE_CORRELATION:
        rho, behind = some.statistics["rho"], some.statistics["lag_buckets"]
        way, ahead = "with" if rho > 0 else "against", ""
        if behind:
            ahead = f", {text.lasting(behind * words.seconds)} ahead of it"
        insight.subject = " and ".join(subjects)
        insight.title = (
            f"{subjects[0]} moves {way} {subjects[1]}{ahead} (rank correlation {text.number(rho)})"
        )
        insight.description = " ".join(text.reasons(insight))
        return
    if some.type == pb.INSIGHT_TYPE_ANOMALY:
        row = min(some.start, len(values) - 1)
        ends = [
            math.nan if each is None else float(each[row]) for each in (some.expected, some.lower, some.upper)
        ]
        text.anomaly(words, insight, zone, (float(values[row]), ends[0], ends[1], ends[2]), some.relative)
        return
    verb = {pb.DIRECTION_UP: "rose", pb.DIRECTION_DOWN: "fell"}.get(some.direction, "changed")
    by = (
        f"by {text.percent(some.relative)}"
        if math.isfinite(some.relative)
        else f"by {words.value(abs(some.effect))}"
    )
    beside = " beside a forecast from before" if some.type == pb.INSIGHT_TYPE_BUSINESS_IMPACT else ""
    insight.title = f"{words.subject} {verb} {by} since {since}{beside}"
    effect = f"The change is {words.value(abs(some.effect))}."
    insight.description = " ".join([effect, *text.reasons(insight)])


def _counts(series: Series, query: questions.Query) -> bool:
    """Whether values are so many for each bucket."""
    measures = {each.id: each.aggregation for each in query.series.measures}
    aggregations = list(measures.values())
    if series.measure_id in measures:
        return measures[series.measure_id] in _ADDED
    return len(aggregations) == 1 and aggregations[0] in _ADDED and not query.series.formulas
