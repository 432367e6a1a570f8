"""Series that move together: a matrix of series comes in, a `Finding` for each pair goes out.

Trend, season and what lasts of each series are taken out first, because two series that only rise both have nothing to do with each other.
"""

import math
from itertools import combinations

import numpy as np
from numpy.random import Generator, default_rng
from scipy import stats

from services.insights.detect import shape
from services.insights.detect.finding import Finding, Floats
from services.insights.detect.tail import p_value
from services.insights.series import Missing
from tidemark.v1 import insight_pb2 as pb

LEAST = 40
"""Fewer buckets than this, beside twice the largest lag, tell nothing."""
CHANCE = 0.05
"""What is likelier than this by chance, all lags counted, is no finding."""
PATHS = 499
_SURE = 1 - 1e-9


def correlate(matrix: Floats, largest_lag: int, seed: int, season: int = 0) -> list[Finding]:
    """The pairs of series that move together, at once or one up to `largest_lag` buckets after the other, surest first.

    `matrix` has shape (series, buckets), NaN where there is none. Spearman's rank correlation of what is new in each series, the
    largest over all lags. Its p-value counts the lags: the normal law of independent series, and, where that is small, the
    stationary bootstrap of one of them (Politis and Romano, JASA 89, 1994); the larger of both. To be held against all pairs of
    `pairs(matrix)` by `discovery`. Series that cannot be searched are left out.
    """
    buckets = matrix.shape[1]
    lag = min(largest_lag, (buckets - LEAST) // 2)
    if lag < 0:
        return []
    rows = [row for row in range(len(matrix)) if _there(matrix[row])]
    ready = {row: _ready(matrix[row], season) for row in rows}
    found, chance = [], default_rng(seed)
    for first, second in combinations(rows, 2):
        finding = _pair(ready[first], ready[second], (first, second), lag, chance)
        if finding:
            found.append(finding)
    return sorted(found, key=lambda each: each.p_value)


def pairs(matrix: Floats) -> int:
    """How many pairs `correlate` looks at."""
    return math.comb(sum(_there(row) for row in matrix), 2)


def _there(values: Floats) -> bool:
    try:
        shape.checked(values, LEAST)
    except Missing:
        return False
    return True


def _ready(values: Floats, season: int) -> Floats:
    """Ranks of what is new in each bucket, of mean 0 and deviation 1; 0 where there is no value."""
    known = shape.checked(values, LEAST)
    known = known / np.nanmax(np.abs(known))
    there = np.isfinite(known)
    places = np.flatnonzero(there)
    slope, middle, _, _ = stats.theilslopes(shape.shortened(known[there])[0], None)
    width = shape.shortened(known[there])[1]
    left = shape.without_season(known - middle - slope / width * np.arange(len(known)), season)
    left = left - np.nanmedian(left)
    new = shape.whitened(left, shape.lasting(left))
    news = np.isfinite(new)
    ranks = np.zeros(len(new))
    ranked = stats.rankdata(new[news])
    deviation = ranked.std()
    if len(places) and deviation > 0:
        ranks[news] = (ranked - ranked.mean()) / deviation
    return ranks


def _pair(
    first: Floats, second: Floats, series: tuple[int, int], lag: int, chance: Generator
) -> Finding | None:
    size = len(first)
    rhos = _rhos(first, second[None, :], lag)[0]
    best = int(np.argmax(np.abs(rhos)))
    rho, behind, tried = float(rhos[best]), best - lag, 2 * lag + 1
    single = 2 * float(stats.norm.sf(abs(rho) * math.sqrt(size - abs(behind))))
    likely = -math.expm1(tried * math.log1p(-min(single, 1 - 1e-12)))
    if likely > CHANCE:
        return None
    drawn = np.abs(_rhos(first, _resampled(second, chance), lag)).max(1)
    likely = max(likely, p_value(np.arctanh(drawn), math.atanh(abs(rho))))
    if likely > CHANCE:
        return None
    leads = series if behind >= 0 else series[::-1]
    return Finding(
        detector="correlation",
        type=pb.INSIGHT_TYPE_CORRELATION,
        series=leads,
        start=0,
        end=size + 1,
        direction=pb.DIRECTION_UP if rho > 0 else pb.DIRECTION_DOWN,
        p_value=likely,
        statistics={
            "p_value": likely,
            "rho": rho,
            "lag_buckets": float(abs(behind)),
            "lags_tried": float(tried),
        },
        method="Spearman correlation of what is left without trend, season and autocorrelation, stationary bootstrap",
        effect=math.nan,
        relative=math.nan,
    )


def _rhos(first: Floats, seconds: Floats, lag: int) -> Floats:
    """Rank correlations for each shift of the second, from -lag to lag: positive where it comes after the first."""
    size = len(first)
    length = 1 << (2 * size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(seconds, length) * np.conj(np.fft.rfft(first, length)), length)
    shifts = np.arange(-lag, lag + 1)
    rhos: Floats = product[:, shifts % length] / (size - np.abs(shifts))
    bounded: Floats = np.clip(rhos, -_SURE, _SURE)
    return bounded


def _resampled(values: Floats, chance: Generator) -> Floats:
    """Blocks of random length of the series put together anew, shape (PATHS, buckets)."""
    size = len(values)
    stay = 1 - 1 / max(round(size ** (1 / 3)), 2)
    jumps = chance.random((PATHS, size)) > stay
    jumps[:, 0] = True
    places = np.arange(size)
    begun = np.maximum.accumulate(np.where(jumps, places, 0), axis=1)
    starts = np.take_along_axis(chance.integers(0, size, (PATHS, size)), begun, 1)
    drawn: Floats = values[(starts + places - begun) % size]
    return drawn
