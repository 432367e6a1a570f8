"""What a predictor looks at: a predictor and rows that it was tested on come in from `training`, importances go out. Pure."""

import numpy as np

from services.insights.models.matrix import Floats
from services.insights.models.metric import auc
from services.insights.models.predictor import Predictor
from tidemark.v1.model_pb2 import ALGORITHM_RULE, FeatureImportance

LOOKED_AT = 1000
SHUFFLES, SHOWN = 8, 30
INTERVAL = (2.5, 97.5)


def importance(predictor: Predictor, matrix: Floats, outcomes: Floats, seed: int) -> list[FeatureImportance]:
    """How much AUC is lost when the values of a feature are shuffled (Breiman, 2001), the greatest first, of the 30 that lose most at a
    first look. Matrix (rows, columns), outcomes (rows,) of 0 and 1.
    """
    random = np.random.default_rng(seed)
    if len(matrix) > LOOKED_AT:
        some = np.sort(random.choice(len(matrix), LOOKED_AT, replace=False))
        matrix, outcomes = matrix[some], outcomes[some]
    whole = auc(predictor.probabilities(matrix), outcomes)
    if not np.isfinite(whole):
        return []

    def lost(column: int) -> float:
        shuffled = matrix.copy(order="F")
        shuffled[:, column] = random.permutation(matrix[:, column])
        return whole - auc(predictor.probabilities(shuffled), outcomes)

    looked_at = range(len(predictor.columns))
    if predictor.algorithm == ALGORITHM_RULE:
        looked_at = range(predictor.candidates.rule.column, predictor.candidates.rule.column + 1)
    first = {column: lost(column) for column in looked_at}
    found = []
    for column in sorted(first, key=lambda each: -first[each])[:SHOWN]:
        losses = np.array([first[column], *(lost(column) for _ in range(SHUFFLES - 1))])
        lower, upper = np.percentile(losses, INTERVAL)
        found.append(
            FeatureImportance(
                feature=predictor.columns[column].name,
                description=predictor.columns[column].text,
                importance=float(losses.mean()),
                lower=float(lower),
                upper=float(upper),
            )
        )
    return sorted(found, key=lambda each: -each.importance)
