"""How conditions of alert rules are spelt."""

import pytest

from tidemark import questions
from tidemark.alerts import rule_of
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2, question_pb2

SERIES = questions.series("failed", interval="minute")


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ("> 20", {"threshold": pb.ThresholdCondition(operator=question_pb2.OPERATOR_GREATER, value=20)}),
        (">=-1.5", {"threshold": pb.ThresholdCondition(operator=question_pb2.OPERATOR_GREATER_OR_EQUAL, value=-1.5)}),
        ("< 1e3", {"threshold": pb.ThresholdCondition(operator=question_pb2.OPERATOR_LESS, value=1000)}),
        ("<= 5", {"threshold": pb.ThresholdCondition(operator=question_pb2.OPERATOR_LESS_OR_EQUAL, value=5)}),
        ("change 20%", {"change": pb.ChangeCondition(share=0.2, buckets_ago=24, least=3)}),
        ("up 50 %", {"change": pb.ChangeCondition(share=0.5, direction=insight_pb2.DIRECTION_UP, buckets_ago=24, least=3)}),
        ("down 5%", {"change": pb.ChangeCondition(share=0.05, direction=insight_pb2.DIRECTION_DOWN, buckets_ago=24, least=3)}),
        ("unusual", {"anomaly": pb.AnomalyCondition(false_alarm_rate=0.01)}),
        ("unusual down", {"anomaly": pb.AnomalyCondition(false_alarm_rate=0.01, direction=insight_pb2.DIRECTION_DOWN)}),
        (" absent ", {"absence": pb.AbsenceCondition()}),
    ],
)  # fmt: skip
def test_a_condition_is_read_as_it_is_said(when: str, condition: dict) -> None:
    rule = rule_of("Errors", SERIES, when, buckets_ago=24, least=3, false_alarm_rate=0.01)
    assert rule == pb.AlertRule(display_name="Errors", series=SERIES.series, **condition)


@pytest.mark.parametrize("when", ["", "20", "> ", "= 20", "up", "up 20", "unusual sideways", "present"])
def test_what_is_no_condition_is_told_what_would_be(when: str) -> None:
    with pytest.raises(ValueError, match=r"when: .* is no condition"):
        rule_of("Errors", SERIES, when)
