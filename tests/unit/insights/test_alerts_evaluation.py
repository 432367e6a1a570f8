"""What finished buckets make of a rule: groups that come and go, what is finished, and what previews show of it."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.insights.alerts import preview
from services.insights.alerts.evaluation import FORGOTTEN, evaluated, ready, settled
from services.insights.alerts.rule import Rule, compiled
from services.insights.alerts.standing import Place, Standing
from services.insights.series import Series
from services.kit.instant import us_of
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAN = math.nan


def rule(*group_by: str, aggregation: int = q.AGGREGATION_COUNT, **fields) -> Rule:
    measure = q.Measure(id="A", name="failed", aggregation=aggregation, field=fields.pop("field", ""))
    series = q.SeriesQuestion(measures=[measure], group_by=group_by)
    if not {"change", "anomaly", "absence"} & fields.keys():
        fields.setdefault("threshold", pb.ThresholdCondition(operator=q.OPERATOR_GREATER, value=2))
    return compiled(pb.AlertRule(display_name="Errors", series=series, **fields))


def starts(count: int) -> np.ndarray:
    return np.datetime64(us_of(NOON), "us") + np.arange(count) * np.timedelta64(60, "s")


def line(*values: float, group: tuple[str, ...] = (), other: bool = False) -> Series:
    subject = " · ".join(["failed", *group])
    return Series(
        subject, "A", group, other, "", starts(len(values)), np.array(values, float), 60, len(values)
    )


def look(asked: Rule, before: Standing, *lines: Series, count: int = 0, **known):
    count = count or len(lines[0].values)
    return evaluated(asked, before, lines, starts(count), range(count), NOON + count * MINUTE, **known)


def told(found) -> list[tuple]:
    return [(each.group, each.opened, (each.at - NOON) // MINUTE) for each in found.changes]


def test_each_group_walks_by_itself_and_others_are_not_looked_at() -> None:
    lines = line(9, 0, group=("a",)), line(0, 9, group=("b",)), line(9, 9, other=True)
    found = look(rule("properties.host"), Standing(), *lines)
    assert told(found) == [(("a",), True, 0), (("a",), False, 1), (("b",), True, 1)]
    assert found.latest == {("a",): 9, ("b",): 9}
    assert found.standing.until == NOON + 2 * MINUTE


def test_a_look_leaves_what_it_was_given_as_it_was() -> None:
    before = Standing(NOON, {(): Place()})
    look(rule(), before, line(9))
    assert before.places[()] == Place()


@pytest.mark.parametrize(
    ("aggregation", "field"), [(q.AGGREGATION_COUNT, ""), (q.AGGREGATION_AVG, "properties.ms")]
)
def test_a_group_of_which_nothing_comes_has_what_nothing_is(aggregation: int, field: str) -> None:
    low = pb.ThresholdCondition(operator=q.OPERATOR_LESS, value=2)
    asked = rule("properties.host", aggregation=aggregation, field=field, threshold=low)
    found = look(asked, Standing(NOON, {("a",): Place()}), count=2)
    # Nothing is a count of 0, and no mean at all.
    assert told(found) == ([(("a",), True, 0)] if aggregation == q.AGGREGATION_COUNT else [])


def test_a_group_that_may_be_beyond_the_top_is_not_called_absent() -> None:
    asked = rule("properties.host", absence=pb.AbsenceCondition())
    known = Standing(NOON, {("a",): Place(), ("b",): Place()})
    shown = line(1, group=("b",))
    assert told(look(asked, known, shown, line(5, other=True))) == []
    assert told(look(asked, known, shown)) == [(("a",), True, 0)]


def test_a_silent_group_is_forgotten_unless_its_incident_goes_on() -> None:
    asked = rule("properties.host", absence=pb.AbsenceCondition())
    known = Standing(NOON, {("a",): Place(open=True, silent=FORGOTTEN + 1)})
    assert look(asked, known, count=1, going_on={("a",)}).standing.places.keys() == {("a",)}
    assert not look(asked, known, count=1).standing.places


def test_a_change_looks_at_what_was_before_the_buckets_judged() -> None:
    asked = rule(change=pb.ChangeCondition(share=0.5, buckets_ago=2))
    found = evaluated(asked, Standing(), [line(10, 20, 11, 40)], starts(4), range(2, 4), NOON + 4 * MINUTE)
    assert told(found) == [((), True, 3)]
    assert found.changes[0].expected == 20


def test_an_anomaly_is_found_by_what_was_learnt_and_the_model_goes_on() -> None:
    past = np.random.default_rng(3).normal(50, 2, 400).tolist()
    asked = rule(anomaly=pb.AnomalyCondition(false_alarm_rate=0.005))
    series = line(*past, 50, 400)
    whole = evaluated(asked, Standing(), [series], starts(402), range(400, 402), NOON)
    assert told(whole) == [((), True, 401)]
    first = evaluated(asked, Standing(), [series], starts(402), range(400, 401), NOON)
    kept = Standing.decode(first.standing.encode())
    second = evaluated(asked, kept, [series], starts(402), range(401, 402), NOON)
    assert told(second) == told(whole)


@pytest.mark.parametrize("asked", [rule(), rule("properties.host"), rule(absence=pb.AbsenceCondition())])
def test_no_buckets_and_no_lines_are_no_news(asked: Rule) -> None:
    found = evaluated(asked, Standing(), [], starts(0), range(0), NOON)
    assert (found.changes, found.traces) == ([], [])


def test_buckets_are_finished_by_the_watermark_or_after_a_moment_without_anything_in_flight() -> None:
    about = q.QueryMetadata(completeness=NAN)
    assert settled(about, NOON).year == 1970
    about.watermark.FromDatetime(NOON - MINUTE)
    assert settled(about, NOON) == NOON - MINUTE
    about.completeness = 0.5
    assert settled(about, NOON) == NOON - MINUTE
    about.completeness = 1.0
    assert settled(about, NOON) == NOON - timedelta(seconds=15)


def test_only_finished_buckets_are_judged() -> None:
    end = NOON + 4 * MINUTE
    asked = starts(4), NOON + MINUTE, end
    assert ready(*asked, end) == (range(1, 4), end)
    assert ready(*asked, NOON + 2 * MINUTE + timedelta(seconds=1)) == (range(1, 2), NOON + 2 * MINUTE)
    assert ready(*asked, NOON) == (range(1, 1), NOON + MINUTE)


def test_a_preview_holds_incidents_in_order_and_the_series_they_rest_on() -> None:
    asked = rule("properties.host", severity=3)
    lines = line(0, 9, 8, 0, group=("a",)), line(7, 0, 0, 0, group=("b",))
    found = look(asked, Standing(), *lines)
    shown = preview.shown(asked, found, starts(4), range(4))
    assert [list(each.group) for each in shown.incidents] == [["b"], ["a"]]
    assert (shown.incidents[1].value, shown.incidents[1].latest_value) == (9, 8)
    assert shown.incidents[1].end_time.ToDatetime(UTC) == NOON + 3 * MINUTE
    assert (shown.bucket_count, shown.fault_count) == (8, 3)
    assert [list(each.marked) for each in shown.evidence] == [[1, 2], [0]]
