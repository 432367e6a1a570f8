"""Anomalies of a whole series at once: an isolation forest over local features.

Liu, Ting and Zhou, "Isolation Forest", ICDM 2008: what few random cuts set apart is strange. Of each value are looked at: itself, its
step, the mean and the deviation of the five around it, and what is left of it without season.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import IsolationForest

from services.insights.detect import shape
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.tail import p_value
from tidemark.v1 import insight_pb2 as pb

LEAST = 50
TREES = 200
AROUND = 5
CHANCE = 0.05
"""What is likelier than this in one series is no finding."""


def search(values: Floats, season: int = 0, seed: int = 0, series: int = 0) -> list[Finding]:
    """The strange stretches of a series, surest first. The p-value counts all values of the series. Raises Missing."""
    known = shape.checked(values, LEAST)
    there = np.flatnonzero(np.isfinite(known))
    flat = shape.without_season(known, season)[there]
    scores = _scores(known[there], flat, seed)
    edge = np.quantile(scores, 0.9)
    likely = np.ones(len(there))
    for row in np.flatnonzero(scores > edge):
        likely[row] = min(1.0, p_value(scores, float(scores[row])) * len(there) / AROUND)
    rows = np.flatnonzero(likely <= CHANCE)
    apart = np.flatnonzero(np.diff(rows) > AROUND) + 1
    groups = [group for group in np.split(rows, apart) if len(group)]
    seasonal = known[there] - flat
    expected = np.full(len(values), np.nan)
    expected[there] = np.median(flat) + seasonal
    found = []
    for group in groups:
        places = there[group]
        effect = float((known[places] - expected[places]).mean())
        chance = float(likely[group].min())
        found.append(
            Finding(
                detector="anomaly-batch",
                type=pb.INSIGHT_TYPE_ANOMALY,
                series=(series,),
                start=int(places[0]),
                end=int(places[-1]) + 1,
                direction=direction(effect),
                p_value=chance,
                statistics={"p_value": chance, "isolation": float(scores[group].max())},
                method="Isolation forest over value, step, local mean and deviation, and seasonal residual",
                effect=effect,
                relative=share(effect, float(expected[places].mean())),
                expected=expected,
                marked=places.tolist(),
            )
        )
    return sorted(found, key=lambda each: each.p_value)


def _scores(values: Floats, flat: Floats, seed: int) -> Floats:
    """How strange each value is, from 0 to 1."""
    size = float(np.abs(values).max())
    values, flat = values / size, flat / size
    half = AROUND // 2
    around = sliding_window_view(np.pad(values, half, mode="edge"), AROUND)
    features = np.column_stack(
        [values, np.diff(values, prepend=values[0]), around.mean(1), around.std(1), flat]
    )
    forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1).fit(features)
    scores: Floats = -forest.score_samples(features)
    return scores
