"""What stands out of a change: a `Split` comes in, how much each of its groups tells goes out to `contribution`. Pure.

For each group two descriptions of the change are weighed. In one, all groups changed by the same factor; in the other, this group
changed by itself and all others by one factor, which is likelier the nearer it is to 1. What the second explains better, less what it
costs to name the group, the more the rarer it is, is the group's gain, in natural units of information: a description of least length (Rissanen, Automatica
1978) of one step. A group whose part of a change is big only because it is big gains nothing, since the others changed with it, and
neither does one that varies as much at all times. Bhagwan et al., "Adtributor" (NSDI 2014) weigh the same two things, explanatory
power and surprise, without noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.insights.why.split import Floats, Split

Codes = npt.NDArray[np.int64]


_USUAL_SPREAD = 0.1
"""Relative deviation of a group where no past tells another."""
_EXPECTED_SPREAD, _LEAST_DRIFT = 0.03, 0.03
_DISPERSIONS = np.array([1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0])
_SPREADS = np.array([0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5])
_FREEDOM = 4.0
"""Degrees of freedom of Student's distribution."""
_OWN_WEIGHT = 0.25
"""What a group's own deviation in the past counts beside that of groups of its size."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How much groups deviate from one span to the next when nothing happens."""

    dispersion: float
    """Variance of a total, as a multiple of what independent events would give; at least 1."""
    spread: float
    """Relative deviation on top of that, the same for groups of every size."""
    drift: float
    """Relative deviation of the whole."""


def noise(splits: Sequence[Split]) -> Noise:
    """What the past of all splits of a measure says; a cautious guess where there is none.

    Of a grid, what makes the deviations of all groups likeliest under Student's distribution, so that a wild group counts little, with the
    spread expected around a few per cent.
    """
    parts = [part for part in map(_deviations, splits) if part is not None]
    if not parts:
        return Noise(1.0, _USUAL_SPREAD, _USUAL_SPREAD)
    squares, floors, sizes = (np.concatenate(each) for each in zip(*(part[:3] for part in parts)))
    drift = max(_LEAST_DRIFT, float(np.median([part[3] for part in parts])))
    told = (sizes > 0) & (floors > 0)
    squares, floors, sizes = squares[told], floors[told], sizes[told]
    dispersions, spreads = np.meshgrid(_DISPERSIONS, _SPREADS, indexing="ij")
    variance = dispersions[..., None] * floors + (spreads[..., None] * sizes) ** 2
    likelihood = -0.5 * np.log(variance) - (_FREEDOM + 1) / 2 * np.log1p(squares / (_FREEDOM * variance))
    belief = likelihood.sum(axis=-1) - np.log(spreads / _EXPECTED_SPREAD) ** 2 / 2
    best = np.unravel_index(int(belief.argmax()), belief.shape)
    return Noise(float(dispersions[best]), float(spreads[best]), drift)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What sets of groups tell by being singled out; both of shape (sets,)."""

    gains: Floats
    """Below 0 where the change is better told without it."""
    excess: Floats
    """The logarithm of the set's own factor over that of all others."""


def told(split: Split, usual: Noise, sets: Codes | None = None) -> Told:
    """What each set of groups tells, by the number of its set for each group; each group by itself when left out.

    The costs of both descriptions are half the sum of squared deviations from what they expect, each over its variance, and that of the
    factor itself, of a Cauchy distribution around 1 as wide as the whole drifts. Of splits by the same groups gains can be compared.
    """
    size = len(split.expected)
    places = np.arange(size) if sets is None else sets
    if not size or places.max() < 1:
        return Told(np.full(1, -np.inf), np.zeros(1))
    weight = 1 / variances(split, usual)
    e, a = split.expected, split.after
    aa, ae, ee = (np.bincount(places, weight * each) for each in (a * a, a * e, e * e))
    factor, own, others = (
        _ratio(*each) for each in ((ae.sum(), ee.sum()), (ae, ee), (ae.sum() - ae, ee.sum() - ee))
    )
    alike = aa.sum() - 2 * factor * ae.sum() + factor**2 * ee.sum()
    rest = (aa.sum() - aa) - 2 * others * (ae.sum() - ae) + others**2 * (ee.sum() - ee)
    within = np.where(np.bincount(places) > 1, aa - 2 * own * ae + own**2 * ee, 0.0)
    # How sure the factor of the others is: of little else than the set itself it says nothing.
    doubt = 1 / np.maximum(ee.sum() - ee, 1e-300)
    heed = usual.drift**2 / (usual.drift**2 + doubt)
    plain = heed * (_strange(factor, usual.drift) - _strange(others, usual.drift))
    seen = np.bincount(places, np.abs(e) + np.abs(a))
    naming = np.log(max(float(seen.sum()), 1e-300) / np.maximum(seen, 1e-300))
    gains = (alike - np.maximum(rest, 0.0) - np.maximum(within, 0.0)) / 2 + plain - naming
    # What is new has grown beyond any factor.
    excess = np.where(ee > 0, np.log(np.maximum(own, 1e-9) / np.maximum(others, 1e-9)), np.sign(ae + aa))
    return Told(gains, excess)


def variances(split: Split, usual: Noise) -> Floats:
    """Variance of `after` around what is expected of it, shape (groups,)."""
    floor = _floor(split)
    pooled = usual.dispersion * floor + (usual.spread * split.expected) ** 2
    for past in split.earlier:
        own = _residual(split.expected, past) ** 2 / 2
        pooled = pooled + _OWN_WEIGHT * np.maximum(own - pooled, 0.0) / len(split.earlier)
    # Twice: what is expected is itself a total of such a span.
    return np.asarray(2 * pooled, dtype=np.float64)


def _floor(split: Split) -> Floats:
    """Variance of totals of independent events, shape (groups,): the square of one event's value for each of them."""
    count = split.before_count
    each = float(np.abs(split.expected).sum() / count.sum()) if count.sum() else 1.0
    value = np.divide(np.abs(split.expected), count, out=np.full(len(count), each), where=count > 0)
    return np.asarray(np.maximum(np.abs(split.expected) * value, (each or 1.0) ** 2), dtype=np.float64)


def _deviations(split: Split) -> tuple[Floats, Floats, Floats, float] | None:
    """Squares of what groups deviated by in the past, for one span of the two; their floors and sizes; and how far the whole drifted."""
    found = []
    for past in split.earlier:
        if past.sum() > 0 and split.expected.sum() > 0 and len(past) > 1:
            drift = abs(float(np.log(max(_common(split.expected, past), 1e-3))))
            # One factor was taken out of them all.
            square = _residual(split.expected, past) ** 2 / 2 * (len(past) / (len(past) - 1))
            found.append((square, _floor(split), np.abs(split.expected), drift))
    if not found:
        return None
    squares, floors, sizes, drifts = zip(*found)
    return np.concatenate(squares), np.concatenate(floors), np.concatenate(sizes), float(np.median(drifts))


def _residual(expected: Floats, past: Floats) -> Floats:
    """What groups deviated by, beyond what most of them did."""
    return expected - past * _common(expected, past)


def _common(expected: Floats, past: Floats) -> float:
    """The factor of half of the past: the median over groups by their size, so that one wild group does not move it."""
    there = past > 0
    if not there.any():
        return 1.0
    ratios, sizes = expected[there] / past[there], past[there]
    order = np.argsort(ratios)
    place = np.searchsorted(np.cumsum(sizes[order]), sizes.sum() / 2)
    return float(ratios[order][min(place, len(order) - 1)])


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.maximum(np.divide(above, below, out=np.ones(np.shape(below)), where=below > 1e-300), 0.0)


def _strange(factor: Floats, drift: float) -> Floats:
    """What it costs to say a factor."""
    return np.log1p((np.log(np.maximum(factor, 1e-3)) / drift) ** 2)
