"""Anomalies of a whole series at once: an isolation forest over local features.

Liu, Ting and Zhou, "Isolation Forest", ICDM 2008: what few random cuts set apart is strange. Of each value are looked at: itself, its
step, the mean and the deviation of the five around it, and what is left of it without season.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import IsolationForest

from services.insights.detect import shape
from services.insights.detect.finding import Finding, Floats, direction, share
from services.insights.detect.tail import p_value
from tidemark.v1 import insight_pb2 as pb

LEAST = 50
TREES = 100
AROUND = 5
STRANGEST = 0.05
"""The share of values, those that the forest sets apart first, of which the chance is found out."""
SHARES = (1.0, 1.0, 1 / AROUND, 1 / AROUND, 1.0)
"""Of each feature, how much of its values is independent of the others: those of five values overlap."""
GROWTH = 1.1
"""How many times as large as the next smaller one a value of the sample counts at most."""
CHANCE = 0.05
"""What is likelier than this in one series is no finding."""


def search(values: Floats, season: int = 0, seed: int = 0, series: int = 0) -> list[Finding]:
    """The strange stretches of a series, surest first. Raises Missing.

    The forest says where to look. Its scores have no law of chance, so the p-value is that of the strangest feature among the same
    feature of other values (`tail`), times the features, times the values of the series.
    """
    known = shape.checked(values, LEAST)
    there = np.flatnonzero(np.isfinite(known))
    flat = shape.without_season(known, season)[there]
    features = _features(known[there], flat)
    forest = IsolationForest(n_estimators=TREES, random_state=seed, n_jobs=1).fit(features)
    scores = -forest.score_samples(features)
    likely = np.ones(len(there))
    for row in np.argsort(-scores)[: math.ceil(STRANGEST * len(there))].tolist():
        likely[row] = min(1.0, _chance(features, row) * len(there))
    rows = np.flatnonzero(likely <= CHANCE)
    groups = [group for group in np.split(rows, np.flatnonzero(np.diff(rows) > AROUND) + 1) if len(group)]
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


def _features(values: Floats, flat: Floats) -> Floats:
    """What is looked at of each value, shape (values, 5), each column without its median and of about one."""
    half = AROUND // 2
    size = float(np.abs(values).max())
    values, flat = values / size, flat / size
    around = sliding_window_view(np.pad(values, half, mode="edge"), AROUND)
    columns = [values, np.diff(values, prepend=values[0]), around.mean(1), around.std(1), flat]
    features = np.column_stack(columns)
    centred: Floats = features - np.median(features, axis=0)
    return centred


def _tamed(sample: Floats) -> Floats:
    """A sample whose largest values are each at most a tenth larger than the one before in size, so that several disturbances of one
    series do not make each other look common."""
    ordered = np.sort(sample)
    for place in range(len(ordered) - math.ceil(STRANGEST * len(ordered)), len(ordered)):
        ordered[place] = min(ordered[place], GROWTH * ordered[place - 1])
    return ordered


def _chance(features: Floats, row: int) -> float:
    """The chance of the strangest feature of a value, beside those of values that are not its neighbours."""
    others = np.abs(np.concatenate([features[: max(row - AROUND, 0)], features[row + AROUND + 1 :]]))
    own = np.abs(features[row]).tolist()
    ways = [p_value(_tamed(others[:, way]), own[way], SHARES[way]) for way in range(len(own))]
    return len(ways) * min(ways)
