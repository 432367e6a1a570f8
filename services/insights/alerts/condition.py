"""When a bucket is at fault: values come in from `evaluation`, a `Verdict` on each goes out. Pure.

One without a value is at fault by absence alone. Arrays hold some past first, as much as `past` says, and the buckets that are judged
after it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.insights.detect import anomaly
from services.insights.detect.anomaly import State
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2, question_pb2

Floats = NDArray[np.float64]

RATE = 0.001
"""Chance of a false alarm in one bucket where a rule gives none."""
_BEYOND: dict[int, Callable[[Floats, float], NDArray[np.bool_]]] = {
    question_pb2.OPERATOR_LESS: np.less,
    question_pb2.OPERATOR_LESS_OR_EQUAL: np.less_equal,
    question_pb2.OPERATOR_GREATER: np.greater,
    question_pb2.OPERATOR_GREATER_OR_EQUAL: np.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of some buckets, shape (n,) each."""

    faults: NDArray[np.bool_]
    expected: Floats
    """What was expected or allowed; NaN where that is nothing."""
    lower: Floats
    upper: Floats
    """Values beyond these are at fault; NaN where there is no such limit."""


def threshold(values: Floats, condition: pb.ThresholdCondition) -> Verdict:
    """Beyond a limit."""
    limits = np.full(len(values), condition.value)
    none = np.full(len(values), math.nan)
    low = condition.operator in (question_pb2.OPERATOR_LESS, question_pb2.OPERATOR_LESS_OR_EQUAL)
    return Verdict(
        faults=_BEYOND[condition.operator](values, condition.value),
        expected=limits,
        lower=limits if low else none,
        upper=none if low else limits,
    )


def change(values: Floats, condition: pb.ChangeCondition) -> Verdict:
    """Beyond a share of the value `buckets_ago`: the array holds so many values of the past first."""
    ago = condition.buckets_ago or 1
    now, before = values[ago:], values[:-ago]
    slack = condition.share * np.abs(before)
    lower, upper = before - slack, before + slack
    # A NaN is neither: what there is nothing to compare with has not changed.
    faults = np.zeros(len(now), np.bool_)
    if condition.direction != insight_pb2.DIRECTION_DOWN:
        faults |= now > upper
    if condition.direction != insight_pb2.DIRECTION_UP:
        faults |= now < lower
    enough = (np.abs(now) >= condition.least) | (np.abs(before) >= condition.least)
    return Verdict(
        faults=faults & enough,
        expected=before,
        lower=lower if condition.direction != insight_pb2.DIRECTION_UP else np.full_like(lower, math.nan),
        upper=upper if condition.direction != insight_pb2.DIRECTION_DOWN else np.full_like(upper, math.nan),
    )


def absence(values: Floats) -> Verdict:
    """Nothing came."""
    none = np.full(len(values), math.nan)
    return Verdict(np.isnan(values), none, none, none)


def unusual(
    values: Floats,
    starts: NDArray[np.datetime64],
    condition: pb.AnomalyCondition,
    state: State,
    *,
    side: int = 0,
) -> tuple[Verdict, int]:
    """Values that the past does not lead to expect; `state` knows the past, and learns these.

    A fault begins with a value outside the band of 99 % whose p-value is as small as the rate, and lasts as long as values stay outside
    to the same side: what is strange for the second time is no longer as rare. `side` is that of the bucket before, 1 above, -1 below
    and 0 where it was not at fault; that of the last one comes back.
    """
    seconds = starts.astype("datetime64[s]").astype(np.int64).tolist()
    rate, direction = condition.false_alarm_rate or RATE, condition.direction
    judged, faults = [], []
    for value, at in zip(values.tolist(), seconds, strict=True):
        one = anomaly.step(state, value, at)
        up = value > one.upper and direction != insight_pb2.DIRECTION_DOWN
        down = value < one.lower and direction != insight_pb2.DIRECTION_UP
        now = int(up) - int(down)
        side = now if now == side or one.p_value <= rate else 0
        judged.append(one)
        faults.append(side != 0)
    verdict = Verdict(
        faults=np.array(faults, np.bool_),
        expected=np.array([each.expected for each in judged], np.float64),
        lower=np.array([each.lower for each in judged], np.float64),
        upper=np.array([each.upper for each in judged], np.float64),
    )
    return verdict, side


def past(rule: pb.AlertRule) -> int:
    """How many buckets before those that are judged are needed each time."""
    return (rule.change.buckets_ago or 1) if rule.HasField("change") else 0
