"""Lasting changes of a series: a steady rise or fall, or a change of level. Values come in, a `Finding` or None goes out.

Both are tested as if neighbours resemble each other, which they do: a series that wanders has no trend because of that.
"""

import math

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy import stats

from services.insights.detect import shape
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.tail import p_value
from tidemark.v1 import insight_pb2 as pb

LEAST = 20
"""Fewer values than this tell nothing of a trend."""
SMALLEST = 5
"""A level lasts at least so many buckets."""
PATHS = 999
CHANCE = 0.05
"""What is likelier than this by chance is no finding, however many series are looked at."""


def trend(values: Floats, season: int = 0, seed: int = 0, series: int = 0) -> Finding | None:
    """The lasting change of a series of evenly spaced values, or None where chance can explain it.

    Mann-Kendall's test with the variance of dependent values after Hamed and Rao (Journal of Hydrology 204, 1998), and Theil-Sen's slope;
    the largest cumulative sum for a change of level (Page, Biometrika 42, 1955), tested by a bootstrap of what is new in each value
    (Bühlmann, Bernoulli 3, 1997). The p-value counts both tests. Raises Missing.
    """
    known = shape.checked(values, LEAST)
    short, width = shape.shortened(shape.without_season(known, season))
    places = np.flatnonzero(np.isfinite(short))
    there, size = _sized(short[places])
    slope, low, high, likely = _steady(there, places)
    jump, at, chance = _level(there, seed)
    combined = min(1.0, 2 * min(likely, chance))
    if combined > CHANCE:
        return None
    line = np.median(there - slope * places) + slope * places
    levels = np.where(np.arange(len(there)) < at, np.median(there[:at]), np.median(there[at:]))
    stepped = chance <= CHANCE and (likely > CHANCE or _worse(there - line, 2) > _worse(there - levels, 3))
    drawn = np.interp(
        np.arange(len(values)), (places + 0.5) * width - 0.5, size * (levels if stepped else line)
    )
    start = int(places[at]) * width if stepped else int(places[0]) * width
    change = size * (jump if stepped else slope * float(places[-1] - places[0]))
    usual = size * float(levels[0] if stepped else line[0])
    statistics = {
        "p_value": combined,
        "slope_per_bucket": size * slope / width,
        "slope_lower": size * low / width,
        "slope_upper": size * high / width,
        "change": change,
    }
    return Finding(
        detector="trend",
        type=pb.INSIGHT_TYPE_TREND,
        series=(series,),
        start=start,
        end=len(values),
        direction=direction(change),
        p_value=combined,
        statistics=statistics | ({"change_position": float(start)} if stepped else {}),
        method=_LEVEL if stepped else _STEADY,
        effect=change,
        relative=share(change, usual),
        expected=drawn,
        marked=[start] if stepped else [],
    )


_STEADY = "Mann-Kendall test corrected for autocorrelation, slope by Theil-Sen with its interval of 95 %"
_LEVEL = "Change point by the largest cumulative sum, tested by a bootstrap that keeps autocorrelation"


def _worse(left: Floats, parameters: int) -> float:
    """How badly a shape fits, by Schwarz's criterion: a place of change is a parameter too."""
    count = len(left)
    return count * math.log(float(left @ left) / count + 1e-300) + parameters * math.log(count)


def _sized(values: Floats) -> tuple[Floats, float]:
    """Values of about one, and what to multiply them by."""
    size = float(np.abs(values).max())
    return values / size, size


def _steady(values: Floats, places: NDArray[np.intp]) -> tuple[float, float, float, float]:
    """Theil-Sen's slope, its interval, and the chance of it."""
    slope, middle, low, high = stats.theilslopes(values, places, 0.95)
    left = values - middle - slope * places
    count = len(values)
    lasts = shape.careful(left, removed=2)
    ranks = stats.rankdata(left)
    ranks = ranks - ranks.mean()
    square = float(ranks @ ranks)
    lags = np.arange(1, max(count // 4, 2))
    found = np.array([float(ranks[lag:] @ ranks[:-lag]) / square if square > 0 else 0.0 for lag in lags])
    weights = (count - lags) * (count - lags - 1.0) * (count - lags - 2.0)
    kept = np.where(np.abs(found) > 1.96 / math.sqrt(count), found, 0.0)
    ranked = 1 + 2 / (count * (count - 1.0) * (count - 2.0)) * float(weights @ kept)
    steady = 1 + 2 * float((1 - lags / count) @ lasts ** lags.astype(np.float64))
    correction = max(1.0, ranked, steady)
    tau = stats.kendalltau(places, values).statistic
    variance = 2 * (2 * count + 5) / (9.0 * count * (count - 1)) * correction
    widened = math.sqrt(correction)
    likely = 2 * float(stats.t.sf(abs(tau) / math.sqrt(variance), max(count / correction - 2, 1)))
    return float(slope), slope - widened * (slope - low), slope + widened * (high - slope), likely


def _level(values: Floats, seed: int) -> tuple[float, int, float]:
    """The largest change of level, where it is, and the chance of it."""
    count = len(values)
    contrast = _contrasts(values[None, :])[0]
    at = int(np.argmax(contrast)) + SMALLEST
    left = np.concatenate([values[:at] - values[:at].mean(), values[at:] - values[at:].mean()])
    lasts = shape.careful(left, removed=4)
    new = shape.whitened(left, lasts)
    new = (new - new.mean()) * math.sqrt(count / (count - 3))
    news = default_rng(seed).choice(new, (PATHS, count))
    drawn = _contrasts(shape.wandering(news, lasts)).max(1)
    jump = float(np.median(values[at:]) - np.median(values[:at]))
    return jump, at, p_value(drawn, float(contrast.max()))


def _contrasts(paths: Floats) -> Floats:
    """How far the means before and after each place are apart, in units of their error; shape (paths, places)."""
    count = paths.shape[1]
    before = np.arange(SMALLEST, count - SMALLEST + 1)
    sums = np.cumsum(paths, axis=1)
    bridge = sums[:, before - 1] - before / count * sums[:, -1:]
    apart: Floats = np.abs(bridge) / np.sqrt(before * (count - before) / count)
    return apart
