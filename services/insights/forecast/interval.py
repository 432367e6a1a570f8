"""Bands around forecasts whose coverage is kept by what was missed before: adaptive conformal prediction. Pure.

Errors of earlier forecasts, in units of what is usually missed that far ahead, give the quantiles of the band (Lei, G'Sell, Rinaldo,
Tibshirani and Wasserman 2018). Whether the band held decides how wide the next one is (Gibbs and Candes 2021, Adaptive
conformal inference under distribution shift): each end has a level of its own, which grows when the end was passed too often.
"""

import numpy as np
from numpy.typing import NDArray

from services.insights.forecast.season import Values

LEAST_ERRORS, LEAST_ORIGINS = 20, 5
"""From fewer errors, or of fewer instants, there is no band: errors of one instant are alike."""
_RATE = 0.1
"""How far a level moves for a share of misses."""
_BESIDE = 2
"""The usual error of a step is the mean over so many steps on each side."""


def bands(misses: Values, known: NDArray[np.bool_], coverage: float) -> tuple[Values, Values]:
    """How far each end of the band lies from each forecast, (origins, horizon), below and above; NaN where too little is known.

    `misses` are truth less forecast, (origins, horizon), NaN without truth, earliest first. `known` (origins, origins, horizon) tells
    by origin which of the misses were known when it was forecast.
    """
    lower, upper = np.full_like(misses, np.nan), np.full_like(misses, np.nan)
    tail = (1 - coverage) / 2
    levels = np.array([tail, tail])
    judged = np.zeros(misses.shape, np.bool_)
    for origin in range(len(misses)):
        seen = known[origin] & np.isfinite(misses)
        news = seen & ~judged & np.isfinite(lower)
        judged |= seen
        if count := int(news.sum()):
            passed = np.array([(misses < lower)[news].sum(), (misses > upper)[news].sum()]) / count
            levels = np.clip(levels + _RATE * (tail - passed), 0.0, 0.5)
        count = int(seen.sum())
        if count < LEAST_ERRORS or int(seen.any(axis=1).sum()) < LEAST_ORIGINS:
            continue
        usual = _usual(np.where(seen, misses, np.nan))
        scores = (misses / usual)[seen]
        # One more error, the next, may lie anywhere: split conformal prediction counts it as lying outside.
        ranks = np.clip(levels - (1 - levels) / count, 0.0, 1.0)
        below, above = np.quantile(scores, [ranks[0], 1 - ranks[1]])
        lower[origin] = min(below, 0.0) * usual
        upper[origin] = max(above, 0.0) * usual
    return lower, upper


def _usual(misses: Values) -> Values:
    """What is usually missed at each step ahead, (horizon,): the mean over the steps beside it, never 0."""
    size = np.abs(misses)
    total, count = np.nansum(size, axis=0), np.isfinite(size).sum(axis=0)
    kernel = np.ones(2 * min(_BESIDE, (len(total) - 1) // 2) + 1)
    near = np.convolve(count, kernel, "same")
    overall = total.sum() / max(int(count.sum()), 1)
    usual = np.where(near > 0, np.convolve(total, kernel, "same") / np.maximum(near, 1), overall)
    return np.maximum(usual, max(overall * 0.1, 1e-300))
