"""How a version does since it serves: rows whose outcomes have become known come in from `worker`, `HealthWindow`s and judgements go
out. Pure.

The loss of a prediction is its squared distance from the outcome. Windows are compared with the test by how many standard errors the mean
loss is above, where an error is made of people and of how windows have differed in training; these add up as Page (1954) and Hinkley
(1971) have it, so that chance levels out and a growing error does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from services.insights.models.matrix import Rows
from services.insights.models.metric import INTERVAL, measured, resampled
from services.insights.models.predictor import Predictor
from services.insights.models.target import Plan
from services.kit.instant import EPOCH
from tidemark.v1 import model_pb2 as pb

ALLOWED, ALARM = 0.5, 3.0
"""Standard errors that a window may be worse without adding to the sum, and the sum that is no chance."""
CHANCES = 3
"""Windows in which a challenger may prove better before another takes its place."""
LEAST_ROWS = 30
MOST_WINDOWS, AT_ONCE = 50, 4
"""How many windows are ever caught up with, and how many of them in one go."""


@dataclass(frozen=True, slots=True)
class Window:
    """Points of a span of time whose outcomes are known."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """A window as it was found."""

    window: pb.HealthWindow
    excess: float
    """Standard errors of the mean loss above the test's; 0 where there were too few rows to say."""
    drift: list[pb.FeatureDrift]
    better: bool
    """Whether the shadow is better beyond chance."""


def windows(
    model: pb.Model, plan: Plan, version: pb.ModelVersion, horizon: datetime, last: datetime | None
) -> list[Window]:
    """The windows after the test, or after the one that ended `last`, whose outcomes are known by `horizon`; the newest 50."""
    tested = version.test_start.ToDatetime(EPOCH.tzinfo), version.test_end.ToDatetime(EPOCH.tzinfo)
    length = model.validation.step.ToTimedelta() or plan.window or tested[1] - tested[0]
    begin = last or tested[1]
    if last is None and plan.spec.HasField("cuts"):
        # A test ends with its last cut, whose outcomes take a window.
        begin = tested[1] - timedelta(microseconds=1) + length
    # What a cut lacks to be known is its window; a span of events lasts as well.
    takes = plan.window if plan.spec.HasField("cuts") else length + plan.window
    count = int((horizon - takes - begin) / length) + 1 if horizon - takes >= begin else 0
    starts = (begin + i * length for i in range(max(0, count - MOST_WINDOWS), count))
    return [Window(each, each + length) for each in starts]


def learnt_before(version: pb.ModelVersion, window: Window) -> bool:
    """Whether a version knows nothing of a window."""
    return version.test_end.ToDatetime(EPOCH.tzinfo) <= window.start


def looked(
    window: Window,
    rows: Rows,
    serving: Predictor,
    shadow: Predictor | None,
    sums: float,
    seed: int,
) -> Looked:
    """How a version and the one in its shadow did in a window, after windows whose excess has added up to `sums`."""
    known = rows.take(np.isfinite(rows.outcomes))
    found = pb.HealthWindow()
    found.start.FromDatetime(window.start)
    found.end.FromDatetime(window.end)
    matrix = serving.matrix(known.table)
    drift = serving.drift(matrix)
    found.drifted_share = sum(each.drifted for each in drift) / len(drift) if drift else 0.0
    if len(known) < LEAST_ROWS:
        found.metrics.count = len(known)
        return Looked(found, 0.0, drift, better=False)
    mine, outcomes, people = serving.probabilities(matrix), known.outcomes, known.people
    rule = serving.rule(matrix)
    found.metrics.CopyFrom(measured(mine, rule, outcomes, people, serving.thresholds(len(mine)), seed))
    excess = serving.expected.excess((mine - outcomes) ** 2, people)
    found.loss_alarm = added(sums, excess) > ALARM
    better = False
    if shadow is not None:
        others = shadow.matrix(known.table)
        theirs = shadow.probabilities(others)
        thresholds = shadow.thresholds(len(theirs))
        found.shadow.CopyFrom(measured(theirs, shadow.rule(others), outcomes, people, thresholds, seed))
        gains = (mine - outcomes) ** 2 - (theirs - outcomes) ** 2
        means = [float(np.average(gains, weights=each)) for each in resampled(people, seed)]
        better = float(np.percentile(means, INTERVAL[0])) > 0
    return Looked(found, excess, drift, better)


def added(sums: float, excess: float) -> float:
    """The sum after another window."""
    return max(0.0, sums + excess - ALLOWED)


def summed(excesses: Sequence[float]) -> float:
    """The sum after windows, oldest first."""
    found = 0.0
    for each in excesses:
        found = added(found, each)
    return found


def alarming(window: pb.HealthWindow) -> bool:
    """Whether a version should be trained anew: features have drifted and the error has grown."""
    return window.loss_alarm and window.drifted_share > 0


def wanting(
    found: Sequence[pb.HealthWindow], past: Sequence[pb.HealthWindow], shadow: pb.ModelVersion | None
) -> bool:
    """Whether another version is to be trained: there is an alarm, and no challenger that may yet prove better."""
    if not any(map(alarming, found)):
        return False
    compared = sum(each.HasField("shadow") for each in (*found, *past))
    return shadow is None or compared >= CHANCES


def summary(latest: pb.HealthWindow | None, drift: Sequence[pb.FeatureDrift]) -> str:
    """What is wrong, or that nothing is."""
    drifted = [each.feature for each in drift if each.drifted]
    names = ", ".join(drifted[:3]) + (f" and {len(drifted) - 3} more" if len(drifted) > 3 else "")
    if latest is None:
        if drifted:
            return f"{names} drifted since training; no outcomes are known yet that would tell whether it matters."
        return "No outcomes are known yet since the test; features are as they were in training."
    if alarming(latest):
        return f"The error has grown beyond chance and features have drifted ({names or 'see windows'}): train anew."
    if latest.loss_alarm:
        return "The error has grown beyond chance although no feature has drifted: what people do means something else now."
    if drifted:
        return f"{names} drifted since training; the error has not grown."
    return "The error is as it was in the test, and features are as they were in training."
