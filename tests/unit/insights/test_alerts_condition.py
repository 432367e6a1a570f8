"""When a bucket is at fault, for each condition, and for values that are missing, constant, negative or huge."""

import math

import numpy as np
import pytest

from services.insights.alerts import condition
from services.insights.detect import anomaly
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2, question_pb2

NAN = math.nan


def values(*given: float) -> np.ndarray:
    return np.array(given, np.float64)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (question_pb2.OPERATOR_LESS, [True, False, False, False]),
        (question_pb2.OPERATOR_LESS_OR_EQUAL, [True, True, False, False]),
        (question_pb2.OPERATOR_GREATER, [False, False, True, False]),
        (question_pb2.OPERATOR_GREATER_OR_EQUAL, [False, True, True, False]),
    ],
)
def test_a_value_beyond_a_limit_is_at_fault_and_none_is_not(operator: int, expected: list[bool]) -> None:
    verdict = condition.threshold(
        values(-1, 0, 1e308, NAN), pb.ThresholdCondition(operator=operator, value=0)
    )
    assert verdict.faults.tolist() == expected
    low = operator in (question_pb2.OPERATOR_LESS, question_pb2.OPERATOR_LESS_OR_EQUAL)
    assert math.isnan(verdict.upper[0]) == low
    assert math.isnan(verdict.lower[0]) != low


def test_a_change_is_measured_against_the_bucket_so_long_before() -> None:
    asked = pb.ChangeCondition(share=0.2, buckets_ago=2)
    verdict = condition.change(values(100, 100, 120, 121, 95, 60), asked)
    assert verdict.faults.tolist() == [False, True, True, True]
    assert verdict.expected.tolist() == [100, 100, 120, 121]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (insight_pb2.DIRECTION_UNSPECIFIED, [True, True]),
        (insight_pb2.DIRECTION_UP, [True, False]),
        (insight_pb2.DIRECTION_DOWN, [False, True]),
    ],
)
def test_a_change_may_be_limited_to_one_direction(direction: int, expected: list[bool]) -> None:
    verdict = condition.change(values(10, 20, 10), pb.ChangeCondition(share=0.1, direction=direction))
    assert verdict.faults.tolist() == expected


def test_a_change_from_nothing_counts_and_small_values_do_not() -> None:
    assert condition.change(values(0, 5), pb.ChangeCondition(share=0.5)).faults.tolist() == [True]
    assert condition.change(values(0, 5), pb.ChangeCondition(share=0.5, least=10)).faults.tolist() == [False]
    assert condition.change(values(-100, -150), pb.ChangeCondition(share=0.2)).faults.tolist() == [True]


def test_a_change_from_or_to_a_missing_value_is_no_fault() -> None:
    verdict = condition.change(values(NAN, 5, NAN, NAN), pb.ChangeCondition(share=0.1))
    assert verdict.faults.tolist() == [False, False, False]


def test_only_absence_takes_a_missing_value_for_a_fault() -> None:
    assert condition.absence(values(0, NAN, 3)).faults.tolist() == [False, True, False]


def unusual(past: np.ndarray, judged: np.ndarray, **asked: float) -> condition.Verdict:
    starts = np.datetime64("2026-01-01", "us") + np.arange(len(past) + len(judged)) * np.timedelta64(60, "s")
    state = anomaly.learn(past, starts[: len(past)])
    return condition.unusual(judged, starts[len(past) :], pb.AnomalyCondition(**asked), state)[0]


def test_a_value_that_the_past_does_not_lead_to_expect_is_at_fault() -> None:
    past = np.random.default_rng(1).normal(100, 5, 1000)
    verdict = unusual(past, values(101, 300, 300, 99, NAN))
    assert verdict.faults.tolist() == [False, True, True, False, False]
    assert not unusual(past, values(300), direction=insight_pb2.DIRECTION_DOWN).faults.any()


@pytest.mark.parametrize("past", [values(), values(1, 2, 3), np.full(20, NAN)])
def test_of_too_little_past_nothing_is_unusual(past: np.ndarray) -> None:
    verdict = unusual(past, values(5, -1e300, NAN))
    assert not verdict.faults.any()
