"""How well scores tell outcomes: scores and outcomes come in from `training` and `monitor`, `ModelMetrics` go out. Pure.

Intervals are percentiles of a bootstrap (Efron, 1979) over people, for what one person does at several points is not independent.
All candidates are resampled together, so that the interval of a lead is that of a difference on the same people.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.insights.models.matrix import Floats
from tidemark.v1.model_pb2 import CalibrationBin, ModelMetrics

TIMES = 400
"""Samples of a bootstrap; fewer where that would take more than `WORK` rows."""
LEAST_TIMES, WORK = 100, 40_000_000
SURE_SHARE, TOP_SHARE = 0.8, 0.1
INTERVAL = (2.5, 97.5)
BINS = 10


def auc(scores: Floats, outcomes: Floats, weights: Floats | None = None) -> float:
    """The probability that a row with the outcome has the greater score, ties counting half (Hanley and McNeil, 1982); NaN without
    rows of both kinds. All of shape (rows,); outcomes are 0 or 1.
    """
    return Ranking(scores, outcomes).auc(np.ones(len(scores)) if weights is None else weights)


class Ranking:
    """Rows in the order of their scores, to take AUCs with many weights."""

    def __init__(self, scores: Floats, outcomes: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        placed = scores[self._order]
        self._had = outcomes[self._order]
        self._starts = np.flatnonzero(np.concatenate(([True], placed[1:] != placed[:-1])))[: len(placed)]

    def auc(self, weights: Floats) -> float:
        """The AUC of rows that count `weights` times."""
        if not len(self._order):
            return float("nan")
        weights = weights[self._order]
        had = np.add.reduceat(weights * self._had, self._starts)
        had_not = np.add.reduceat(weights * (1 - self._had), self._starts)
        below = np.cumsum(had_not) - had_not
        pairs = had.sum() * had_not.sum()
        return float((had * (below + had_not / 2)).sum() / pairs) if pairs else float("nan")


def resampled(people: NDArray[np.int64], seed: int, times: int = TIMES) -> Iterator[Floats]:
    """How often each row is in a sample of as many people as there are, drawn with replacement."""
    count = int(people.max()) + 1 if len(people) else 0
    times = min(times, max(LEAST_TIMES, WORK // max(1, len(people))))
    random = np.random.default_rng(seed)
    for _ in range(times if count else 0):
        yield np.bincount(random.integers(0, count, count), minlength=count).astype(np.float64)[people]


def measured(
    scores: Floats,
    rule: Floats,
    outcomes: Floats,
    people: NDArray[np.int64],
    thresholds: Floats,
    seed: int,
) -> ModelMetrics:
    """How well probabilities do beside those of the rule, all of shape (rows,). What cannot be said, as the AUC where all outcomes
    are the same, is NaN.
    """
    said = scores >= thresholds
    right = (said == (outcomes > 0.5)).astype(np.float64)
    ranking, rules = Ranking(scores, outcomes), Ranking(rule, outcomes)
    every = np.ones(len(scores))
    samples = []
    for weights in resampled(people, seed):
        mine, other = ranking.auc(weights), rules.auc(weights)
        samples.append((np.average(right, weights=weights), mine, mine - other))
    table = np.array(samples) if samples else np.full((1, 3), np.nan)
    lower, upper = (_percentile(table, share) for share in INTERVAL)
    share = float(outcomes.mean()) if len(outcomes) else float("nan")
    sure = np.argsort(-np.abs(scores - thresholds), kind="stable")[: max(1, round(SURE_SHARE * len(scores)))]
    top = np.argsort(-scores, kind="stable")[: max(1, round(TOP_SHARE * len(scores)))]
    return ModelMetrics(
        count=len(scores),
        positive_share=share,
        majority_accuracy=max(share, 1 - share),
        accuracy=_mean(right),
        accuracy_lower=lower[0],
        accuracy_upper=upper[0],
        balanced_accuracy=(_mean(right[outcomes > 0.5]) + _mean(right[outcomes <= 0.5])) / 2,
        auc=ranking.auc(every),
        auc_lower=lower[1],
        auc_upper=upper[1],
        brier=_mean((scores - outcomes) ** 2),
        lift_at_10=_mean(outcomes[top]) / share if share else float("nan"),
        accuracy_at_80=_mean(right[sure]),
        rule_auc=rules.auc(every),
        lead_lower=lower[2],
        lead_upper=upper[2],
    )


def calibration_bins(scores: Floats, outcomes: Floats) -> list[CalibrationBin]:
    """Ten groups of equal size, from the least to the most probable; fewer where there are fewer rows."""
    groups = np.array_split(np.argsort(scores, kind="stable"), min(BINS, len(scores)) or 1)
    return [
        CalibrationBin(
            predicted=float(scores[each].mean()), observed=float(outcomes[each].mean()), count=len(each)
        )
        for each in groups
        if len(each)
    ]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _percentile(table: Floats, share: float) -> list[float]:
    """Of each column, over the samples in which it could be told."""
    columns = (column[np.isfinite(column)] for column in table.T)
    return [float(np.percentile(each, share)) if len(each) else float("nan") for each in columns]
