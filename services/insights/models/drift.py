"""Whether features are as they were in training: matrices of `matrix.py` come in from `training` and `monitor`, `FeatureDrift`s go out.
Pure.

Of training only shares are kept, by groups of equal size: enough for both measures, and nothing of anybody. A feature has drifted
where it is too different to be chance and different enough to matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from services.insights.models.matrix import Column, Floats
from tidemark.v1.model_pb2 import FeatureDrift

GROUPS = 10
LEAST_PSI, RATE = 0.2, 0.05
LEAST_ROWS = 50
_LEAST_SHARE = 1e-4
"""In place of an empty group, whose logarithm there is not."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The values of a feature in training."""

    edges: tuple[float, ...] | None
    """Where the groups of a number begin, but the first; None for a category."""
    shares: tuple[float, ...]
    """By group of those that were there."""
    missing: float
    """Share that was not there."""
    count: int
    """How many rows there were."""


def reference(values: Floats, column: Column) -> Reference:
    """What is kept of a column of a matrix, shape (rows,)."""
    seen = values[np.isfinite(values)]
    edges: tuple[float, ...] | None = None
    if column.levels is None:
        found = np.unique(np.quantile(seen, np.arange(1, GROUPS) / GROUPS)) if len(seen) else ()
        edges = tuple(map(float, found))
    counts = _counted(seen, edges, len(column.levels or ()) + 1)
    missing = 1 - len(seen) / len(values) if len(values) else 0.0
    return Reference(edges, tuple(map(float, counts / max(1, len(seen)))), missing, len(values))


def drifts(matrix: Floats, columns: Sequence[Column], references: Sequence[Reference]) -> list[FeatureDrift]:
    """How each feature of a matrix (rows, columns) differs from training, most drifted first; nothing of fewer than 50 rows."""
    if len(matrix) < LEAST_ROWS:
        return []
    found, p_values = [], []
    for i, (column, known) in enumerate(zip(columns, references, strict=True)):
        values = matrix[:, i]
        seen = values[np.isfinite(values)]
        counts = _counted(seen, known.edges, len(known.shares))
        missing = 1 - len(seen) / len(values)
        found.append(
            FeatureDrift(
                feature=column.name,
                psi=_psi(counts, len(values), missing, known),
                missing_share=missing,
                train_missing_share=known.missing,
            )
        )
        p_values.append(min(1.0, 2 * min(_p_value(counts, known), _p_missing(missing, len(values), known))))
    q_values = stats.false_discovery_control(p_values) if p_values else []
    for each, q_value in zip(found, q_values, strict=True):
        each.q_value = float(q_value)
        each.drifted = each.psi > LEAST_PSI and each.q_value < RATE
    return sorted(found, key=lambda each: (not each.drifted, -each.psi))


def _counted(seen: Floats, edges: tuple[float, ...] | None, groups: int) -> Floats:
    if edges is None:
        return np.bincount(seen.astype(np.int64), minlength=groups).astype(np.float64)
    places = np.searchsorted(edges, seen, "right")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.float64)


def _psi(counts: Floats, rows: int, missing: float, known: Reference) -> float:
    """The population stability index (Siddiqi, 2006), what is missing being a group of its own."""
    now = np.append(counts / rows, missing)
    was = np.append(np.asarray(known.shares) * (1 - known.missing), known.missing)
    now, was = np.maximum(now, _LEAST_SHARE), np.maximum(was, _LEAST_SHARE)
    return float(((now - was) * np.log(now / was)).sum())


def _p_value(counts: Floats, known: Reference) -> float:
    """Numbers: Kolmogorov and Smirnov's distance at the bounds of groups, which is at most the whole one, by its limit distribution.
    Categories: chi-squared of two samples.
    """
    seen, was = counts.sum(), round(known.count * (1 - known.missing))
    if not seen or not was:
        return 1.0
    if known.edges is not None:
        distance = np.abs(np.cumsum(counts / seen) - np.cumsum(known.shares)).max()
        return float(special.kolmogorov(distance * np.sqrt(seen * was / (seen + was))))
    table = np.array([counts, np.asarray(known.shares) * was])
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def _p_missing(missing: float, rows: int, known: Reference) -> float:
    """Whether as much is missing as was: z test of two shares."""
    share = (missing * rows + known.missing * known.count) / (rows + known.count)
    spread = np.sqrt(share * (1 - share) * (1 / rows + 1 / known.count)) if known.count else 0.0
    return float(2 * stats.norm.sf(abs(missing - known.missing) / spread)) if spread else 1.0
