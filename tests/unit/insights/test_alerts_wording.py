"""What incidents are called."""

import math
from datetime import UTC, datetime

import pytest

from services.insights.alerts import wording
from services.insights.alerts.evaluation import Change
from services.insights.alerts.rule import compiled
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LESS = pb.ThresholdCondition(operator=q.OPERATOR_LESS, value=10)


@pytest.mark.parametrize(
    ("condition", "value", "expected", "title"),
    [
        ({"threshold": LESS}, 4, 10, "4 ms, under the limit of 10 ms"),
        ({"change": pb.ChangeCondition(share=0.2, buckets_ago=24)}, 150, 100, "150 ms, 50 % over the 100 ms of 24 hours before"),
        ({"change": pb.ChangeCondition(share=0.2)}, 5, 0, "5 ms, over the 0 ms of an hour before"),
        ({"anomaly": pb.AnomalyCondition()}, 12345, 100, "12,345 ms, where 100 ms was expected (80 to 120)"),
        ({"absence": pb.AbsenceCondition()}, math.nan, math.nan, "nothing came since 2026-03-02 12:00 UTC"),
    ],
)  # fmt: skip
def test_a_title_says_what_it_is_with_figures(
    condition: dict, value: float, expected: float, title: str
) -> None:
    series = q.SeriesQuestion(interval=q.Interval(unit=q.Interval.UNIT_HOUR))
    rule = compiled(pb.AlertRule(display_name="Slow", series=series, for_buckets=3, **condition))
    change = Change(("DE", ""), True, NOON, "latency · DE", "ms", value, expected, 80, 120)
    incident = wording.incident(rule, change)
    assert incident.title == f"Slow (DE · (none)): {title}"
    assert incident.description == (
        f"latency · DE, by the hour: {title}. At fault since 2026-03-02 12:00:00 UTC, for 3 buckets in a row."
    )


def test_an_insight_without_evidence_opens_an_incident_without_figures() -> None:
    incident = wording.of_insight(insight_pb2.Insight(name="projects/demo/insights/x", title="Odd"))
    assert math.isnan(incident.value)
    assert math.isnan(incident.expected)
