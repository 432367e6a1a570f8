"""Scores as probabilities: scores of people that were not learnt from come in, and what makes probabilities of scores goes out. Pure.

A logistic curve over the log odds of the score (Platt, 1999) keeps the order of people and cannot follow noise, as steps can. How
sure a probability is, is read off the people with the most similar ones: of how many of them the outcome was true, with Wilson's
interval (1927; recommended by Brown, Cai and DasGupta, 2001).
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from services.insights.models.matrix import Floats

LEAST, MOST = 1e-6, 1 - 1e-6
GROUPS, LEAST_GROUP = 20, 30
"""How many groups of similar people there are at most, and how many rows one has at least."""
NINETY = 1.6448536269514722
"""What 90 % of a normal distribution lies within."""
UNSURE_SHARE = 0.2
"""The share of people nearest to the threshold of whom nothing is said."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes probabilities, outcomes and abstentions of scores."""

    slope: float
    intercept: float
    threshold: float
    margin: float
    """Nothing is said of a probability that is nearer to the threshold."""
    centers: tuple[float, ...]
    """Mean probability of each group of similar people."""
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def probability(self, scores: Floats) -> Floats:
        """Calibrated probabilities of scores from 0 to 1."""
        return special.expit(self.slope * _odds(scores) + self.intercept)  # type: ignore[no-any-return]

    def interval(self, probabilities: Floats) -> tuple[Floats, Floats]:
        """Within which the probabilities lie with 90 %; the probability itself is always within."""
        lower = np.interp(probabilities, self.centers, self.lower)
        upper = np.interp(probabilities, self.centers, self.upper)
        return np.minimum(lower, probabilities), np.maximum(upper, probabilities)


def calibrated(scores: Floats, outcomes: Floats) -> Calibration:
    """The calibration by scores and outcomes of shape (rows,), with both outcomes among them. The threshold is the one with the best
    accuracy, the nearest to a half of equals.
    """
    slope, intercept = _curve(_odds(scores), outcomes)
    probabilities = special.expit(slope * _odds(scores) + intercept)
    threshold = _threshold(probabilities, outcomes)
    margin = float(np.quantile(np.abs(probabilities - threshold), UNSURE_SHARE))
    order = np.argsort(probabilities, kind="stable")
    groups = np.array_split(order, int(np.clip(len(scores) // LEAST_GROUP, 1, GROUPS)))
    centers = [float(probabilities[each].mean()) for each in groups]
    intervals = [_wilson(float(outcomes[each].sum()), len(each)) for each in groups]
    lower, upper = zip(*intervals, strict=True)
    return Calibration(slope, intercept, threshold, margin, tuple(centers), lower, upper)


def _odds(scores: Floats) -> Floats:
    return special.logit(np.clip(scores, LEAST, MOST))  # type: ignore[no-any-return]


def _curve(odds: Floats, outcomes: Floats) -> tuple[float, float]:
    """Slope and intercept by maximum likelihood, with Platt's smoothed targets; the slope is never negative."""
    had = outcomes.sum()
    targets = np.where(outcomes > 0.5, (had + 1) / (had + 2), 1 / (len(outcomes) - had + 2))

    def loss(given: Floats) -> tuple[float, Floats]:
        margins = given[0] * odds + given[1]
        error = special.expit(margins) - targets
        value = np.logaddexp(0, margins) - targets * margins
        return float(value.mean()), np.array([(error * odds).mean(), error.mean()])

    found = optimize.minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.01, 10.0), (-20, 20)]
    )
    return float(found.x[0]), float(found.x[1])


def _threshold(probabilities: Floats, outcomes: Floats) -> float:
    order = np.argsort(probabilities, kind="stable")
    placed, had = probabilities[order], outcomes[order]
    # Said right when all from a place on are said to have it.
    right = np.concatenate(([0.0], np.cumsum(1 - had))) + (
        had.sum() - np.concatenate(([0.0], np.cumsum(had)))
    )
    cuts = np.concatenate(([0.0], (placed[1:] + placed[:-1]) / 2, [1.0]))
    possible = np.concatenate(([True], placed[1:] > placed[:-1], [True])) & (
        right == right[_different(placed)].max()
    )
    best = cuts[possible]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _different(placed: Floats) -> Floats:
    """Places between different scores, and both ends."""
    return np.concatenate(([True], placed[1:] > placed[:-1], [True]))  # type: ignore[return-value]


def _wilson(had: float, count: int) -> tuple[float, float]:
    share, square = had / count, NINETY**2
    center = (share + square / (2 * count)) / (1 + square / count)
    half = NINETY * np.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return float(center - half), float(center + half)
