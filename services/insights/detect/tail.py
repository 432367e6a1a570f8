"""How rare a score is among scores of the same series: a conformal p-value, carried on beyond the largest by a tail law."""

import math

import numpy as np

from services.insights.detect.finding import Floats

SHARE = 0.1
"""The part of a sample that its tail is fitted to."""
LEAST = 100
"""A smaller sample is not carried on: nothing is rarer than one in its size."""
USUAL = (0.1, 0.15)
"""Middle and deviation of the shapes that tails have before anything is seen of one: a little heavier than exponential."""
RAREST = 1e-12
ALIKE = 1e-9
ANCHOR = 3
"""The tail begins at the third largest, so that one or two wild scores of the past do not hide the next."""


def p_value(sample: Floats, score: float, share: float = 1.0) -> float:
    """The chance of a score at least as large, when it comes from where the sample comes from.

    Within the sample this is the conformal p-value, (1 + those at least as large) / (1 + all) (Vovk, Gammerman and Shafer,
    "Algorithmic Learning in a Random World", 2005), which holds without any law. Beyond its third largest it is the tail of a
    generalized Pareto law fitted to the largest tenth by probability-weighted moments (Hosking and Wallis, Technometrics 29, 1987), as peaks over a
    threshold are in Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017. The law is never taken to
    end, and its shape is drawn towards what is USUAL, as Martins and Stedinger do with few values (Water Resources Research 36, 2000),
    and then raised by its standard error, so that it errs towards common. `share` says which part of the sample is
    independent of the rest: overlapping sums over 8 count as an eighth.
    """
    count = len(sample)
    if count == 0:
        return 1.0
    over = int(np.count_nonzero(sample >= score))
    counted = (1 + over) / (1 + count)
    if count < LEAST or over >= ANCHOR:
        return counted
    top = int(count * SHARE)
    largest = np.sort(np.partition(sample, count - top - 1)[count - top - 1 :])
    edge, anchor = largest[0], largest[-ANCHOR]
    # What differs by the last digits of a number is the same: of few different scores the edge would be its own tail.
    above = largest[largest > edge + ALIKE * abs(edge)] - edge
    if len(above) < ANCHOR:
        return counted
    shape, scale = _fitted(above, share)
    if scale <= 0:
        return counted
    beyond = _survival((score - edge) / scale, shape) / _survival((anchor - edge) / scale, shape)
    return float(min(max(ANCHOR / (1 + count) * beyond, RAREST), counted))


def _fitted(above: Floats, share: float) -> tuple[float, float]:
    """Shape and scale of a generalized Pareto law for sorted excesses."""
    count = len(above)
    places = (np.arange(1, count + 1) - 0.35) / count
    mean = above.mean()
    weighted = ((1 - places) * above).mean()
    if weighted <= 0 or mean <= 2 * weighted:
        return _careful(USUAL[0], count * share), float(mean)
    shape = float(2 - mean / (mean - 2 * weighted))
    return _careful(shape, count * share), float(2 * mean * weighted / (mean - 2 * weighted))


def _careful(shape: float, count: float) -> float:
    """The shape after what is usual, one deviation above; its error after Hosking and Wallis, whose law holds for shapes near 0."""
    near = min(max(shape, -0.4), 0.4)
    spread = (1 - near) * (1 - near + 2 * near**2) * (2 - near) ** 2 / ((1 - 2 * near) * (3 - 2 * near))
    known, usual = count / spread, USUAL[1] ** -2
    middle = (known * near + usual * USUAL[0]) / (known + usual)
    return min(max(middle + math.sqrt(1 / (known + usual)), 0.0), 0.9)


def _survival(excess: float, shape: float) -> float:
    if shape < 1e-6:
        return float(np.exp(-excess))
    return float((1 + shape * excess) ** (-1 / shape))
