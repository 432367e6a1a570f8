"""How bad a finding is, and what comes first. Pure.

A finding has points, and its severity is what they add up to:

| points | for |
| --- | --- |
| 0, 1, 2, 3 | a change below 20 %, from 20 %, from 50 %, from 90 % or to three times what was usual |
| 1 | the whole project, its people, or an indicator, rather than a part of it |
| 1 | a series of errors or security events that rises, or an indicator that goes the wrong way |
| 1 | a confidence of at least 0.9 |
| 1 | at least 6 buckets |

Up to 2 is LOW, up to 4 MEDIUM, 5 HIGH, more CRITICAL. A change for the better is LOW, a correlation too; a trend and a prediction are
at most HIGH, for nothing has happened yet that somebody must look at now. An indicator beyond its threshold, and a data incident that
loses data, are at least HIGH.
"""

import math
from dataclasses import dataclass

from tidemark.v1 import insight_pb2 as pb

LOSSES = {
    pb.PipelineFact.KIND_DEAD_LETTERS,
    pb.PipelineFact.KIND_REJECTED,
    pb.PipelineFact.KIND_SILENT_PRODUCER,
}
"""Facts that tell of data that is lost, or never came."""
LONG = 6
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Weight:
    """What a series is in its project."""

    reach: float = 1.0
    """Which part of it, from 0 to 1."""
    whole: bool = False
    """Whether it is about all of the project, or named by people as what matters."""
    bad: int = pb.DIRECTION_UNSPECIFIED
    """Which direction is bad; both where unknown."""


def size(relative: float, effect: float) -> float:
    """How big a change is, from 0 to 1: what it is of the usual; a change from nothing is as big as can be."""
    if math.isfinite(relative):
        return min(1.0, abs(relative))
    return 1.0 if math.isfinite(effect) and effect else 0.0


def severity(
    insight: pb.Insight, relative: float, effect: float, buckets: int, weight: Weight
) -> pb.Severity:
    """The severity of an insight, by the table above; its type, direction, confidence, cause and facts are read."""
    found = _points(insight, relative, effect, buckets, weight)
    if weight.bad and insight.direction not in (pb.DIRECTION_UNSPECIFIED, weight.bad):
        found = pb.SEVERITY_LOW
    if insight.type == pb.INSIGHT_TYPE_CORRELATION:
        found = pb.SEVERITY_LOW
    if insight.type in (pb.INSIGHT_TYPE_TREND, pb.INSIGHT_TYPE_PREDICTION):
        found = min(found, pb.SEVERITY_HIGH)
    if insight.detector == "threshold":
        found = max(found, pb.SEVERITY_HIGH)
    if insight.cause == pb.CAUSE_DATA_INCIDENT and any(fact.kind in LOSSES for fact in insight.facts):
        found = max(found, pb.SEVERITY_HIGH)
    return found


def priority(insight: pb.Insight, relative: float, effect: float, weight: Weight) -> float:
    """Expected impact times confidence, from 0 to 100: how big the change is, of how much of the project, and how bad."""
    reach = 1.0 if weight.whole else 0.25 + 0.75 * min(1.0, max(0.0, weight.reach))
    grave = (0.4, 0.4, 0.6, 0.8, 1.0)[insight.severity]
    return 100 * insight.confidence * grave * reach * (0.4 + 0.6 * size(relative, effect))


def _points(insight: pb.Insight, relative: float, effect: float, buckets: int, weight: Weight) -> pb.Severity:
    change = size(relative, effect)
    if math.isfinite(relative) and relative < 2 and insight.direction == pb.DIRECTION_UP:
        change = min(change, 0.89)
    points = sum(change >= least for least in (0.2, 0.5, 0.9))
    points += weight.whole + (insight.confidence >= SURE) + (buckets >= LONG)
    points += bool(weight.bad) and insight.direction == weight.bad
    limits = ((6, pb.SEVERITY_CRITICAL), (5, pb.SEVERITY_HIGH), (3, pb.SEVERITY_MEDIUM))
    return next((found for least, found in limits if points >= least), pb.SEVERITY_LOW)
