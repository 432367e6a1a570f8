"""The simple rule that every model must beat: one feature, and the share of the outcome at each of its levels. Pure.

A matrix of `matrix.py` and outcomes come in from `candidate.py`; a `Rule` goes back, which is a few numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.models.matrix import Column, Floats
from services.insights.models.metric import auc

LEVELS = 10
"""How many levels a number has: groups of equal size."""
PRIOR = 10.0
"""Rows with the common share that every level is given, so that one with few rows says little (Laplace's rule of succession)."""
LOOKED_AT = 20_000
"""Rows by which the feature is chosen."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A feature and what its levels say."""

    column: int
    edges: tuple[float, ...] | None
    """Where the levels of a number begin, but the first; None for a category."""
    shares: tuple[float, ...]
    """Of the outcome, by level; the last is that of what is missing."""

    def score(self, matrix: Floats) -> Floats:
        """The share at the level of each row, shape (rows,)."""
        return np.asarray(self.shares)[_levels(matrix[:, self.column], self.edges, len(self.shares) - 1)]


def fitted(matrix: Floats, outcomes: Floats, columns: Sequence[Column], preferred: int | None = None) -> Rule:
    """The rule of the feature `preferred`, or of the one that tells the outcome best by its AUC; the first of equals."""
    if preferred is not None:
        return _rule(matrix, outcomes, columns, preferred)
    step = max(1, len(matrix) // LOOKED_AT)
    some, known = matrix[::step], outcomes[::step]
    rules = [_rule(some, known, columns, i) for i in range(len(columns))]
    best = max(range(len(columns)), key=lambda i: (round(auc(rules[i].score(some), known), 6), -i))
    return _rule(matrix, outcomes, columns, best)


def _rule(matrix: Floats, outcomes: Floats, columns: Sequence[Column], column: int) -> Rule:
    values, levels = matrix[:, column], columns[column].levels
    edges: tuple[float, ...] | None = None
    if levels is None:
        seen = values[np.isfinite(values)]
        edges = (
            tuple(map(float, np.unique(np.quantile(seen, np.arange(1, LEVELS) / LEVELS))))
            if len(seen)
            else ()
        )
        count = len(edges) + 1
    else:
        count = len(levels) + 1
    places = _levels(values, edges, count)
    base = outcomes.mean()
    had = np.bincount(places, outcomes, count + 1)
    all_ = np.bincount(places, minlength=count + 1)
    return Rule(column, edges, tuple(map(float, (had + PRIOR * base) / (all_ + PRIOR))))


def _levels(values: Floats, edges: tuple[float, ...] | None, missing: int) -> NDArray[np.int64]:
    seen = np.nan_to_num(values)
    places = seen.astype(np.int64) if edges is None else np.searchsorted(edges, seen, "right")
    return np.where(np.isfinite(values), places, missing)
