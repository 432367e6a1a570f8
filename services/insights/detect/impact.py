"""What came after an instant, beside what a forecast from before it expected: an effect with its interval. Never a cause.

The idea is that of Brodersen et al., "Inferring causal impact using Bayesian structural time-series models", Annals of Applied
Statistics 9, 2015, with a plainer forecast, and a band that is never narrower than what such forecasts missed before the instant.
"""

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from services.insights.detect import season as seasons
from services.insights.detect import shape
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.tail import p_value
from services.insights.series import Missing
from tidemark.v1 import insight_pb2 as pb

LEAST = 20
"""Fewer values before the instant than this lead to no forecast."""
PATHS = 999
ORIGINS = 30
"""At most so many earlier forecasts are checked against what came."""
RECENT = 200
"""The level is that of so many last buckets, or of two seasons where those are longer."""


def impact(before: Floats, after: Floats, season: int = 0, seed: int = 0, series: int = 0) -> Finding:
    """The change that came with an instant, whatever its p-value. Positions are those of `before` and `after` put together.

    `effect` is the mean change for each bucket after the instant; `statistics` has its interval of 95 % and the same summed over
    the buckets. `expected`, `lower` and `upper` (95 %) are NaN before the instant. Raises Missing.
    """
    try:
        known = shape.checked(before, LEAST)
    except Missing as missing:
        if missing.reason != "SERIES_CONSTANT":
            raise
        known = np.where(np.isfinite(before), before, np.nan)
    came = np.where(np.isfinite(after), np.clip(after, -shape.HUGE, shape.HUGE), np.nan)
    there = np.isfinite(came)
    if not there.any():
        raise Missing("SERIES_EMPTY", "there is no value after the instant; choose an earlier one")
    if there.sum() < 1 or len(known) < len(came):
        raise Missing(
            "SERIES_TOO_SHORT",
            f"there are {len(known)} buckets before the instant and {len(came)} after it; as many are needed before",
        )
    size = max(float(np.nanmax(np.abs(known))), float(np.nanmax(np.abs(came)))) or 1.0
    known, came = known / size, came / size
    expected, paths = _forecast(known, len(came), season, seed)
    off = _off(known, there, season, seed)
    paths *= _widening(off, paths[:, there].mean(1))
    change = float((came - expected)[there].mean())
    means = paths[:, there].mean(1)
    low, high = change - np.quantile(means, 0.975), change - np.quantile(means, 0.025)
    chance = p_value(np.abs(means), abs(change))
    band = np.quantile(paths, (0.025, 0.975), axis=0)
    usual = float(expected[there].mean())
    blank, count = np.full(len(before), np.nan), int(there.sum())
    return Finding(
        detector="impact",
        type=pb.INSIGHT_TYPE_BUSINESS_IMPACT,
        series=(series,),
        start=len(before),
        end=len(before) + len(after),
        direction=direction(change),
        p_value=chance,
        statistics={
            "p_value": chance,
            "effect": size * change,
            "effect_lower": float(size * low),
            "effect_upper": float(size * high),
            "cumulative": size * change * count,
            "cumulative_lower": float(size * low * count),
            "cumulative_upper": float(size * high * count),
            "change_share": share(change, usual),
        },
        method="Beside a forecast from before: season, level and autocorrelation, band from its errors before the instant",
        effect=size * change,
        relative=share(change, usual),
        expected=np.append(blank, size * expected),
        lower=np.append(blank, size * (expected + band[0])),
        upper=np.append(blank, size * (expected + band[1])),
        marked=[len(before)],
    )


def _forecast(known: Floats, length: int, season: int, seed: int) -> tuple[Floats, Floats]:
    """What is expected of the next buckets, and how far off paths of chance are, shape (PATHS, length)."""
    slots = np.arange(len(known))
    there = np.isfinite(known)
    left, drawn = known, np.zeros(length)
    if 2 <= season <= there.sum() // 2:
        profile = seasons.profile(known[there], slots[there], season)
        left = known - seasons.at(profile, slots, season)
        drawn = seasons.at(profile, len(known) + np.arange(length), season)
    left = left[-max(RECENT, 2 * season) :]
    level = float(np.nanmedian(left))
    left = left - level
    lasts = shape.lasting(left)
    news = shape.whitened(left, lasts)
    news = news[np.isfinite(news)]
    chance, count = default_rng(seed), max(int(np.isfinite(left).sum()), 1)
    if not len(news):
        news = np.zeros(1)
    news = (news - news.mean()) * np.sqrt(count / max(count - 2, 1))
    # Paths go on from the last value; how well the level is known is drawn too.
    fresh = chance.choice(news, (PATHS, length))
    paths = shape.wandering(np.concatenate([np.zeros((PATHS, 1)), fresh], axis=1), lasts)[:, 1:]
    deviation = float(np.nanstd(left)) * np.sqrt((1 + lasts) / (1 - lasts) / count)
    paths = paths + chance.normal(0.0, 1.0, (PATHS, 1)) * deviation
    last = left[-1] if np.isfinite(left[-1]) else 0.0
    expected: Floats = level + drawn + float(last) * lasts ** np.arange(1.0, length + 1)
    return expected, paths


def _off(known: Floats, there: NDArray[np.bool_], season: int, seed: int) -> Floats:
    """How far the mean of earlier forecasts was off, over the error they stated; as many as fit."""
    length = len(there)
    first = max(LEAST, 2 * season, length)
    origins = np.unique(np.linspace(first, len(known) - length, ORIGINS).astype(int))
    found = []
    for origin in origins[origins >= first]:
        came = known[origin : origin + length]
        seen = there & np.isfinite(came)
        if not seen.any() or np.isfinite(known[:origin]).sum() < LEAST:
            continue
        expected, paths = _forecast(known[:origin], length, season, seed)
        stated = float(np.quantile(np.abs(paths[:, seen].mean(1)), 0.9))
        missed = abs(float((came - expected)[seen].mean()))
        found.append(missed / stated if stated > 0 else (0.0 if missed == 0 else np.inf))
    return np.array(found)


def _widening(off: Floats, means: Floats) -> float:
    """What to widen the band by, so that nine in ten earlier forecasts would have been in theirs."""
    known = off[np.isfinite(off)]
    if len(known) < 5 or not means.any():
        return 1.0
    rank = min(int(np.ceil(0.9 * (len(known) + 1))), len(known)) - 1
    return max(1.0, float(np.sort(known)[rank]))
