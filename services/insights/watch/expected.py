"""What is to be expected: series that a forecast sees leave what is usual, or cross a threshold. Pure.

Lines come in from the daily look, drafts go out. What is told is the chance that it comes so, by the band of the forecast, which was
measured on the series' own past.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from services.insights.findings import text
from services.insights.findings.feedback import Said
from services.insights.findings.insight import Chart, Draft, Finding, charted, made
from services.insights.forecast import past, pool, season
from services.insights.series import Missing
from services.insights.watch.daily import APART, begun
from services.insights.watch.series import Line
from services.kit.instant import at
from tidemark.v1 import insight_pb2 as pb

HORIZON = {60: 120, 3600: 24, 86_400: 7, 604_800: 4}
LEARNT, MOST = 400, 12
"""Buckets that are learnt from, and series that are forecast."""
COVERAGE = 0.9
LIKELY = 0.9
"""What is less likely is not told."""
USUAL = 90
"""Buckets that say what is usual."""
_SPREAD = 2 * float(stats.norm.ppf((1 + COVERAGE) / 2))


def drafts(lines: Sequence[Line], said: Said, zone: ZoneInfo, now: datetime) -> list[Draft]:
    """What is to be expected of these series, the first `MOST` of them; those that are too short are left out."""
    found = []
    for whole in lines[:MOST]:
        line = begun(whole)
        words = line.watched.words
        values = line.values[-LEARNT:]
        try:
            known = past.of(words.subject, values, len(values))
        except Missing:
            continue
        seasons = season.find([known.values], season.usual(words.seconds))
        forecast = pool.forecast(known.values, seasons, HORIZON[words.seconds])
        if not len(forecast.lower):
            continue
        draft = drafted(line, known.values, forecast, zone, now)
        if draft is None:
            continue
        start = at(draft.insight.start_time.ToMicroseconds())
        if (
            not said.silences(draft.series, start, zone)
            and said.charged(draft.series, "prediction", 1 - draft.insight.confidence) <= 1 - LIKELY
        ):
            found.append(draft)
    return found


def drafted(
    line: Line, known: NDArray[np.float64], forecast: pool.Forecast, zone: ZoneInfo, now: datetime
) -> Draft | None:
    """What is told of a series with a band, or None where it stays within the usual, or on the same side of its threshold."""
    words, given = line.watched.words, line.watched.indicator
    usual = known[-USUAL:]
    if given is not None and given.HasField("threshold"):
        up = given.good_direction == pb.DIRECTION_DOWN
        limit = given.threshold
        if (known[-1] > limit) if up else (known[-1] < limit):
            return None
    else:
        up = bool(forecast.values.mean() > np.median(usual))
        limit = float(usual.max() if up else usual.min())
    chances = _beyond(forecast, limit, up)
    row = int(np.argmax(chances))
    if chances[row] < LIKELY:
        return None
    micros = line.starts.astype("datetime64[us]").astype(np.int64)
    step = 1_000_000 * words.seconds
    starts = micros[-1] + step * np.arange(1, len(forecast.values) + 1)
    expected, median = float(forecast.values[row]), float(np.median(usual))
    told = Finding(
        type=pb.INSIGHT_TYPE_PREDICTION,
        detector="prediction",
        direction=pb.DIRECTION_UP if up else pb.DIRECTION_DOWN,
        start=at(int(starts[row])),
        end=at(int(starts[-1]) + step),
        effect=expected - median,
        relative=(expected - median) / abs(median) if median else math.nan,
        confidence=min(0.99, float(chances[row])),
        statistics={"limit": limit, "forecast": expected, "chance": float(chances[row])}
        | ({"wape": forecast.error.wape} if forecast.error else {}),
        method=f"A forecast with a band of {text.percent(COVERAGE)} measured on the series' own past.",
    )
    insight = made(told, words, line.watched.weight, now)
    insight.indicator = given.name if given is not None else ""
    blank = np.full(len(micros[-USUAL:]), np.nan)
    future = np.full(len(starts), np.nan)
    chart = Chart(
        line.watched.query,
        np.append(micros[-USUAL:], starts),
        np.append(line.values[-USUAL:], future),
        *(np.append(blank, each) for each in (forecast.values, forecast.lower, forecast.upper)),
    )
    charted(insight, chart, words)
    _tell(insight, line, expected, limit, given is not None and given.HasField("threshold"), zone)
    return Draft(f"{line.watched.key} by {words.seconds}", insight, APART)


def _beyond(forecast: pool.Forecast, limit: float, up: bool) -> NDArray[np.float64]:
    """The chance of each bucket to lie beyond a limit, as if errors were normal with the width of the band."""
    width = np.maximum((forecast.upper - forecast.lower) / _SPREAD, 1e-12)
    away = (forecast.values - limit) / width
    found: NDArray[np.float64] = stats.norm.cdf(away if up else -away)
    return np.nan_to_num(found)


def _tell(
    insight: pb.Insight, line: Line, expected: float, limit: float, threshold: bool, zone: ZoneInfo
) -> None:
    words = line.watched.words
    when = text.moment(at(insight.start_time.ToMicroseconds()), zone, words.seconds)
    verb = "rise above" if insight.direction == pb.DIRECTION_UP else "fall below"
    what = "its threshold of" if threshold else "all of its usual range, which ends at"
    insight.title = (
        f"{words.subject} will probably {verb} {words.value(limit)}: {words.value(expected)} expected"
        f" {'on' if words.seconds >= 86_400 else 'at'} {when}"
    )
    insight.description = " ".join(
        [
            f"A forecast expects {words.value(expected)}, which would {verb} {what} {words.value(limit)}.",
            *text.reasons(insight),
        ]
    )
