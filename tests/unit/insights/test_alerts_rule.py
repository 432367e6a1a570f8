"""What a rule may be, what it asks for, and where its buckets begin."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.insights.alerts import rule as rules
from services.insights.alerts.rule import back, compiled, finished, following, read
from services.kit.calendar import Span, Step
from services.kit.errors import Invalid
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2
from tidemark.v1 import question_pb2 as q

DEMO = "projects/demo"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
COUNT = q.Measure(name="failed", aggregation=q.AGGREGATION_COUNT)


def rule(**fields) -> pb.AlertRule:
    good = {"series": q.SeriesQuestion(measures=[COUNT]), "absence": pb.AbsenceCondition()}
    if {"threshold", "change", "anomaly"} & fields.keys():
        del good["absence"]
    return pb.AlertRule(**good | fields)


def limit(operator: int, value: float) -> pb.ThresholdCondition:
    return pb.ThresholdCondition(operator=operator, value=value)  # type: ignore[arg-type]


def series(**fields) -> q.SeriesQuestion:
    return q.SeriesQuestion(**{"measures": [COUNT]} | fields)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (pb.AlertRule(series=series()), "threshold"),
        (rule(series=series(measures=[])), "series.measures"),
        (rule(series=series(measures=[COUNT, COUNT])), "series.measures"),
        (rule(series=series(compare=q.COMPARE_PREVIOUS_PERIOD)), "series.compare"),
        (rule(series=series(top=51)), "series.top"),
        (rule(series=series(interval=q.Interval(unit=99))), "series.interval.unit"),
        (rule(threshold=limit(q.OPERATOR_EQUAL, 1)), "threshold.operator"),
        (rule(threshold=limit(q.OPERATOR_LESS, math.inf)), "threshold.value"),
        (rule(change=pb.ChangeCondition()), "change.share"),
        (rule(change=pb.ChangeCondition(share=math.nan)), "change.share"),
        (rule(change=pb.ChangeCondition(share=1, buckets_ago=-1)), "change.buckets_ago"),
        (rule(change=pb.ChangeCondition(share=1, direction=7)), "change.direction"),
        (rule(change=pb.ChangeCondition(share=1, least=math.inf)), "change.least"),
        (rule(anomaly=pb.AnomalyCondition(false_alarm_rate=0.2)), "anomaly.false_alarm_rate"),
        (rule(anomaly=pb.AnomalyCondition(false_alarm_rate=math.nan)), "anomaly.false_alarm_rate"),
        (rule(for_buckets=101), "for_buckets"),
        (rule(clear_buckets=-1), "clear_buckets"),
        (rule(severity=9), "severity"),
        (rule(display_name="x" * 101), "display_name"),
        (rule(channels=["projects/other/channels/ops"]), "channels[0]"),
        (rule(channels=["ops"]), "channels[0]"),
        (rule(group_window={"seconds": 86_401}), "group_window"),
        (rule(snooze_until={"seconds": -1}), "snooze_until"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_told_by_its_field(given: pb.AlertRule, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(given, DEMO)
    assert caught.value.field == f"alert_rule.{field}"


def test_a_rule_is_kept_without_what_the_server_says_of_it() -> None:
    given = rule(name=f"{DEMO}/alertRules/a", etag="7", fault="f", channels=[f"{DEMO}/channels/ops"] * 2)
    kept = read(given, DEMO)
    assert (kept.name, kept.etag, kept.fault) == ("", "", "")
    assert kept.severity == insight_pb2.SEVERITY_HIGH
    assert list(kept.channels) == [f"{DEMO}/channels/ops"]


def test_the_question_of_absence_tells_nothing_from_zero_and_asks_for_fifty_groups() -> None:
    asked = compiled(rule(series=series(group_by=["user_id"]))).query(Span(NOON, NOON + timedelta(hours=1)))
    assert (asked.series.fill, asked.series.top) == (q.FILL_NONE, 50)
    assert asked.series.interval == q.Interval(unit=q.Interval.UNIT_MINUTE, count=1)
    assert asked.time_range.start.ToDatetime(UTC) == NOON


def test_a_rule_asks_for_as_much_past_as_its_condition_needs() -> None:
    change = compiled(rule(change=pb.ChangeCondition(share=1, buckets_ago=24)))
    assert (change.past, change.first_past) == (24, 24)
    anomaly = compiled(rule(anomaly=pb.AnomalyCondition()))
    assert (anomaly.past, anomaly.first_past) == (0, rules.LEARNT[q.Interval.UNIT_MINUTE])
    assert compiled(rule(series=series(group_by=["user_id"]))).first_past == rules.KNOWN


@pytest.mark.parametrize(
    ("step", "now", "edge"),
    [
        (Step(q.Interval.UNIT_MINUTE, 5), NOON + timedelta(seconds=299), NOON),
        (Step(q.Interval.UNIT_MINUTE, 1), NOON, NOON),
        (Step(q.Interval.UNIT_DAY, 1), NOON, datetime(2026, 3, 1, 23, tzinfo=UTC)),
        (Step(q.Interval.UNIT_WEEK, 1), NOON, datetime(2026, 3, 1, 23, tzinfo=UTC)),
        (Step(q.Interval.UNIT_MONTH, 1), NOON, datetime(2026, 2, 28, 23, tzinfo=UTC)),
    ],
)
def test_a_bucket_is_over_when_the_next_one_begins(step: Step, now: datetime, edge: datetime) -> None:
    assert finished(now, step, BERLIN) == edge
    assert finished(following(edge, step, BERLIN), step, BERLIN) == following(edge, step, BERLIN)


@pytest.mark.parametrize(
    ("step", "buckets", "edge"),
    [
        (Step(q.Interval.UNIT_MINUTE, 5), 3, NOON - timedelta(minutes=15)),
        (Step(q.Interval.UNIT_HOUR, 1), 10_000, NOON - timedelta(hours=10_000)),
        (Step(q.Interval.UNIT_MINUTE, 1), 0, NOON),
    ],
)
def test_the_past_is_counted_in_buckets(step: Step, buckets: int, edge: datetime) -> None:
    assert back(NOON, buckets, step, BERLIN) == edge


def test_days_of_23_hours_are_days() -> None:
    midnight = datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert back(midnight, 2, Step(q.Interval.UNIT_DAY, 1), BERLIN) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert back(midnight, 30_000, Step(q.Interval.UNIT_DAY, 1), BERLIN).year == 1970
