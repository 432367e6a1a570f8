"""The ways to predict: a matrix and outcomes come in from `training`, what scores matrices goes back. Pure; the same seed and data give
the same scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

from services.insights.models.matrix import Column, Floats
from services.insights.models.rule import PRIOR, Rule
from services.insights.models.rule import fitted as fitted_rule
from tidemark.v1 import model_pb2 as pb

RULE, LOGISTIC, BOOSTED, MEAN = (
    pb.ALGORITHM_RULE,
    pb.ALGORITHM_LOGISTIC,
    pb.ALGORITHM_BOOSTED,
    pb.ALGORITHM_MEAN,
)
ALGORITHMS = (RULE, LOGISTIC, BOOSTED, MEAN)
STRENGTH = 0.1
"""Inverse of the penalty on coefficients of scaled features: many of them say nearly the same."""
TREES: dict[str, Any] = {
    "learning_rate": 0.05, "max_iter": 150, "max_leaf_nodes": 15, "min_samples_leaf": 20, "l2_regularization": 1.0,
    "max_features": 0.3, "early_stopping": False,
}  # fmt: skip
_THREADS = ThreadpoolController()
FARTHEST = 8.0
"""Standard deviations beyond which a value says no more."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Logistic regression over what `design` makes of a matrix."""

    logged: NDArray[np.bool_]
    """By column: whether a number is looked at by its logarithm."""
    center: Floats
    scale: Floats
    levels: tuple[int, ...]
    """How many values a category knows; -1 for a number."""
    gaps: NDArray[np.bool_]
    """By column: whether it was missing at times, so that being missing says something."""
    coefficients: Floats
    intercept: float

    def score(self, matrix: Floats) -> Floats:
        """Scores from 0 to 1, shape (rows,)."""
        return special.expit(self.design(matrix) @ self.coefficients + self.intercept)  # type: ignore[no-any-return]

    def design(self, matrix: Floats) -> Floats:
        """The features as this regression looks at them: scaled numbers, whether they are missing, a column for each level."""
        parts = []
        for i, levels in enumerate(self.levels):
            values, there = matrix[:, i], np.isfinite(matrix[:, i])
            if levels < 0:
                seen = _logged(values) if self.logged[i] else values
                scaled = (seen - self.center[i]) / self.scale[i]
                parts.append(np.clip(np.where(there, scaled, 0.0), -FARTHEST, FARTHEST))
                if self.gaps[i]:
                    parts.append(~there)
            else:
                known = np.where(there, values, -1)
                parts += [known == level for level in (*range(levels + 1), -1)]
        return np.column_stack(parts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Boosted trees over numbers; a category is the place of its level by the share of the outcome, of which trees make any split in
    two that pays (Breiman and others, 1984, 4.2.2).
    """

    ranks: tuple[Floats | None, ...]
    """By column: the place of each level of a category; None for a number."""
    trees: HistGradientBoostingClassifier

    def score(self, matrix: Floats) -> Floats:
        """Scores from 0 to 1, shape (rows,)."""
        with _THREADS.limit(limits=1):
            return self.trees.predict_proba(ranked(matrix, self.ranks))[:, 1]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that were learnt from the same rows, or those of them that were kept."""

    rule: Rule
    logistic: Logistic | None
    boosted: Boosted | None

    def scores(self, matrix: Floats) -> dict[pb.Algorithm, Floats]:
        """By algorithm, the scores of each row; all of them must be there."""
        alone: dict[pb.Algorithm, Floats] = {
            each: self.score(each, matrix) for each in (RULE, LOGISTIC, BOOSTED)
        }
        return {**alone, MEAN: (alone[LOGISTIC] + alone[BOOSTED]) / 2}

    def score(self, algorithm: pb.Algorithm, matrix: Floats) -> Floats:
        """The scores of one algorithm, from 0 to 1, shape (rows,)."""
        used = {
            RULE: (self.rule,), LOGISTIC: (self.logistic,), BOOSTED: (self.boosted,), MEAN: (self.logistic, self.boosted)
        }[algorithm]  # fmt: skip
        found = np.zeros(len(matrix))
        for each in used:
            if each is None:
                raise ValueError(f"{pb.Algorithm.Name(algorithm)} was not kept")
            found += each.score(matrix) / len(used)
        return found


def fitted(
    matrix: Floats, outcomes: Floats, columns: Sequence[Column], preferred: int | None, seed: int
) -> Candidates:
    """All candidates, of a matrix (rows, columns) and outcomes (rows,) of 0 and 1, both among them."""
    # One thread, so that sums are taken in the same order everywhere, and others keep the machine.
    with _THREADS.limit(limits=1):
        return Candidates(
            fitted_rule(matrix, outcomes, columns, preferred),
            _logistic(matrix, outcomes, columns),
            _boosted(matrix, outcomes, columns, seed),
        )


def ranked(matrix: Floats, ranks: Sequence[Floats | None]) -> Floats:
    """The matrix with the places of levels for categories."""
    found = matrix.copy(order="F")
    for i, places in enumerate(ranks):
        if places is not None:
            there = np.isfinite(found[:, i])
            found[there, i] = places[found[there, i].astype(np.int64)]
    return found


def _logistic(matrix: Floats, outcomes: Floats, columns: Sequence[Column]) -> Logistic:
    count = len(columns)
    logged = np.zeros(count, bool)
    gaps: NDArray[np.bool_] = np.any(~np.isfinite(matrix), axis=0)
    center, scale = np.zeros(count), np.ones(count)
    for i, column in enumerate(columns):
        values = matrix[np.isfinite(matrix[:, i]), i]
        if column.levels is None and len(values):
            logged[i] = _skewness(_logged(values)) < _skewness(values)
            seen = _logged(values) if logged[i] else values
            center[i], scale[i] = seen.mean(), seen.std() or 1.0
    levels = tuple(-1 if each.levels is None else len(each.levels) for each in columns)
    blank = Logistic(logged, center, scale, levels, gaps, np.zeros(0), 0.0)
    found = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-4).fit(blank.design(matrix), outcomes)
    return Logistic(logged, center, scale, levels, gaps, found.coef_[0], float(found.intercept_[0]))


def _boosted(matrix: Floats, outcomes: Floats, columns: Sequence[Column], seed: int) -> Boosted:
    base = outcomes.mean()
    ranks: list[Floats | None] = []
    for i, column in enumerate(columns):
        if column.levels is None:
            ranks.append(None)
            continue
        there, count = np.isfinite(matrix[:, i]), len(column.levels) + 1
        codes = matrix[there, i].astype(np.int64)
        share = (np.bincount(codes, outcomes[there], count) + PRIOR * base) / (
            np.bincount(codes, minlength=count) + PRIOR
        )
        ranks.append(np.argsort(np.argsort(share, kind="stable"), kind="stable").astype(np.float64))
    seen = ranked(matrix, ranks)
    # Trees cannot be learnt of a feature that nobody has; of one that all have alike they learn nothing.
    seen[:, ~np.isfinite(seen).any(axis=0)] = 0.0
    trees = HistGradientBoostingClassifier(**TREES, random_state=seed)
    return Boosted(tuple(ranks), trees.fit(seen, outcomes > 0.5))


def _logged(values: Floats) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values))  # type: ignore[no-any-return]


def _skewness(values: Floats) -> float:
    """How lopsided values are; 0 where they are all but the same."""
    spread = values.std()
    return abs(float(stats.skew(values / spread))) if spread > 1e-9 * np.abs(values).max() else 0.0
