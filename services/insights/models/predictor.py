"""What predicts: rows of features come in from the servicer and `monitor`, probabilities, intervals and reasons go out. Pure.

`training` makes it, `content` stores it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.insights.models import matrix as matrices
from services.insights.models.calibration import Calibration
from services.insights.models.candidate import Candidates
from services.insights.models.drift import Reference, drifts
from services.insights.models.expectation import Expected
from services.insights.models.matrix import Column, Floats
from tidemark.v1 import model_pb2 as pb

REASONS = 5
LEAST_CONTRIBUTION = 0.001
"""What changes a probability by less is no reason."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """A way to predict, with everything that it needs."""

    algorithm: pb.Algorithm
    columns: tuple[Column, ...]
    candidates: Candidates
    calibration: Calibration
    shown: tuple[int, ...]
    """Places of the columns that matter, most important first; reasons are made of them."""
    references: tuple[Reference, ...]
    """By column, its values in training."""
    expected: Expected
    """The loss of its test."""

    def matrix(self, table: pa.Table) -> Floats:
        """The features of a table as they were coded in training."""
        return matrices.coded(table, self.columns)

    def probabilities(self, matrix: Floats) -> Floats:
        """The calibrated probability of the outcome, shape (rows,)."""
        return self.calibration.probability(self.candidates.score(self.algorithm, matrix))

    def rule(self, matrix: Floats) -> Floats:
        """The shares that the rule gives, shape (rows,)."""
        return self.candidates.score(pb.ALGORITHM_RULE, matrix)

    def thresholds(self, rows: int) -> Floats:
        """The threshold of each of so many rows."""
        return np.full(rows, self.calibration.threshold)

    def drift(self, matrix: Floats) -> list[pb.FeatureDrift]:
        """How each feature differs from training."""
        return drifts(matrix, self.columns, self.references)

    def explained(self, matrix: Floats) -> tuple[Floats, list[list[pb.Reason]]]:
        """Probabilities as above, and by row what speaks most for and against the outcome: the change of its probability, were one
        feature as usual.
        """
        shown, count = [i for i in self.shown if self._counts(i)], len(matrix)
        # One call for all rows and features: a call costs more than its rows do.
        changed = np.tile(matrix, (1 + len(shown), 1))
        for place, i in enumerate(shown, 1):
            changed[place * count : (place + 1) * count, i] = self.columns[i].usual
        found = self.probabilities(changed).reshape(1 + len(shown), count)
        contributions = found[0] - found[1:]
        return found[0], [self._reasons(row, shown, contributions[:, i]) for i, row in enumerate(matrix)]

    def missing(self, table: pa.Table) -> Sequence[str]:
        """The features that a table has not."""
        return [each.name for each in self.columns if each.name not in table.column_names]

    def _counts(self, column: int) -> bool:
        """Whether the algorithm looks at a column."""
        return self.algorithm != pb.ALGORITHM_RULE or column == self.candidates.rule.column

    def _reasons(self, row: Floats, shown: Sequence[int], contributions: Floats) -> list[pb.Reason]:
        order: NDArray[np.int64] = np.argsort(-np.abs(contributions), kind="stable")[:REASONS]
        return [
            pb.Reason(
                feature=self.columns[shown[place]].name,
                text=self.columns[shown[place]].told(row[shown[place]]),
                contribution=float(contributions[place]),
            )
            for place in order
            if abs(contributions[place]) >= LEAST_CONTRIBUTION
        ]
