"""The loss that a version is expected to have, by its test: losses come in from `training`, an `Expected` stays with the predictor for
`monitor`. Pure. A loss is the squared distance of a probability from the outcome.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.models.matrix import Floats

LEAST_ROWS, SLICES = 30, 10
SURE = 1.6448536269514722
"""Standard errors below which 95 % of means lie."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The loss as it was in the test."""

    mean: float
    deviation: float
    """Between points."""
    between: float
    """Between windows, beyond what comes of their points."""
    people: int

    def excess(self, losses: Floats, people: NDArray[np.int64]) -> float:
        """By how many standard errors the mean of losses (rows,) is above, given whose they are.

        All windows are compared with the same test, whose luck would add up from window to window: that the test may have been lucky
        is allowed for beforehand, by the upper end of the interval of its mean.
        """
        most = self.mean + SURE * self.deviation / max(1, self.people) ** 0.5
        spread = (self.deviation**2 / max(1, len(np.unique(people))) + self.between**2) ** 0.5
        return float((losses.mean() - most) / max(spread, 1e-9))


def expected(
    losses: Floats, people: NDArray[np.int64], learnt: Floats, points: NDArray[np.int64]
) -> Expected:
    """What to expect by the losses of the test (rows,) and of whom they are, and the losses of training, which were not learnt from
    either, with their points.
    """
    instants = np.unique(points)
    if len(instants) <= SLICES:
        slices = [learnt[points == each] for each in instants]
    else:
        slices = np.array_split(learnt[np.argsort(points, kind="stable")], SLICES)
    means = np.array([each.mean() for each in slices if len(each) >= LEAST_ROWS])
    errors = np.array([each.var() / len(each) for each in slices if len(each) >= LEAST_ROWS])
    spread = float(means.var(ddof=1) - errors.mean()) if len(means) > 1 else 0.0
    return Expected(
        float(losses.mean()), float(losses.std()), max(0.0, spread) ** 0.5, len(np.unique(people))
    )
