"""Holds the share of false findings over everything that was looked at: p-values come in, what may be told goes out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.detect.finding import Floats

RATE = 0.1
"""The share of findings that may be false where nobody says otherwise."""


def held(
    p_values: Floats, rate: float = RATE, count: int | None = None, dependent: bool = False
) -> tuple[Floats, NDArray[np.bool_]]:
    """The q-value of each finding, and whether it may be told when a share of `rate` may be false.

    Benjamini and Hochberg (Journal of the Royal Statistical Society B 57, 1995); with `dependent`, Benjamini and Yekutieli (Annals of
    Statistics 29, 2001), for tests that may depend on each other in any way, such as pairs that share a series. `count` is how many
    tests were made where `p_values` has only those that found something.
    """
    tests = max(count or 0, len(p_values))
    if not len(p_values):
        return np.zeros(0), np.zeros(0, np.bool_)
    known = np.where(np.isfinite(p_values), np.clip(p_values, 0.0, 1.0), 1.0)
    price = float((1 / np.arange(1, tests + 1)).sum()) if dependent else 1.0
    order = np.argsort(known, kind="stable")
    stepped = known[order] * tests * price / np.arange(1, len(known) + 1)
    q_values = np.empty(len(known))
    q_values[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q_values, q_values <= rate


@dataclass(slots=True)
class Day:
    """A day of tests that come one after the other, as stored by who looks."""

    planned: int
    """How many tests a day has: series times buckets."""
    told: int = 0
    """How many findings of the day were told."""

    def limit(self, rate: float = RATE) -> float:
        """The p-value that the next finding may have at most.

        LOND: rate / planned for each test, times one more than what was found (Javanmard and Montanari, "Online Rules for Control of
        False Discovery Rate", Annals of Statistics 46, 2018). It is Benjamini and Hochberg's rule where what comes later is not known yet.
        """
        return rate * (self.told + 1) / max(self.planned, 1)

    def tells(self, p_value: float, rate: float = RATE) -> bool:
        """Whether a finding may be told; counts it if so."""
        passed = p_value <= self.limit(rate)
        self.told += passed
        return passed

    def q_value(self, p_value: float) -> float:
        """The rate at which it would just have been told."""
        return min(1.0, p_value * max(self.planned, 1) / (self.told + 1))
