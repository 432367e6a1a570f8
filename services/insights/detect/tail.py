"""How rare a score is among scores of the same series: a conformal p-value, carried on beyond the largest by a tail law."""

import numpy as np

from services.insights.detect.finding import Floats

SHARE = 0.1
"""The part of a sample that its tail is fitted to."""
LEAST = 100
"""A smaller sample is not carried on: nothing is rarer than one in its size."""
RAREST = 1e-12


def p_value(sample: Floats, score: float, share: float = 1.0) -> float:
    """The chance of a score at least as large, when it comes from where the sample comes from.

    Within the sample this is the conformal p-value, (1 + those at least as large) / (1 + all) (Vovk, Gammerman and Shafer,
    "Algorithmic Learning in a Random World", 2005), which holds without any law. Beyond its 90th percentile it is the tail of a
    generalized Pareto law fitted by probability-weighted moments (Hosking and Wallis, Technometrics 29, 1987), as peaks over a
    threshold are in Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017. The law is never taken to
    end, and its shape is raised by its standard error, so that it errs towards common. `share` says which part of the sample is
    independent of the rest: overlapping sums over 8 count as an eighth.
    """
    count = len(sample)
    if count == 0:
        return 1.0
    over = int(np.count_nonzero(sample >= score))
    counted = (1 + over) / (1 + count)
    if count < LEAST or counted > SHARE:
        return counted
    top = int(count * SHARE)
    edge = np.partition(sample, count - top - 1)[count - top - 1]
    above = np.sort(sample[sample > edge]) - edge
    if len(above) < 2 or score <= edge:
        return counted
    shape, scale = _fitted(above, share)
    if scale <= 0:
        return counted
    tail = len(above) / count * _survival((score - edge) / scale, shape)
    return float(min(max(tail, RAREST), 1.0))


def _fitted(above: Floats, share: float) -> tuple[float, float]:
    """Shape and scale of a generalized Pareto law for sorted excesses."""
    count = len(above)
    places = (np.arange(1, count + 1) - 0.35) / count
    mean = above.mean()
    weighted = ((1 - places) * above).mean()
    if weighted <= 0 or mean <= 2 * weighted:
        return (count * share) ** -0.5, float(mean)
    shape = 2 - mean / (mean - 2 * weighted)
    scale = 2 * mean * weighted / (mean - 2 * weighted)
    return float(min(max(shape + (count * share) ** -0.5, 0.0), 0.9)), float(scale)


def _survival(excess: float, shape: float) -> float:
    if shape < 1e-6:
        return float(np.exp(-excess))
    return float((1 + shape * excess) ** (-1 / shape))
