"""What to do: each recommendation rests on something found, and the greatest sure effect is first."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.insights.why.ask import asked, chosen, pairs, table, tells, whole
from services.insights.why.recommendation import change_of, recommend
from services.kit.calendar import Span
from services.kit.errors import Invalid
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import pipeline_pb2
from tidemark.v1 import question_pb2 as q

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
LETTERS = pb.PipelineFact(
    kind=pb.PipelineFact.KIND_DEAD_LETTERS,
    text="1,204 events were set aside",
    share=0.8,
    link="/data/letters",
)
FRANCE = pb.Contribution(
    fields=["properties.country"], values=["FR"], before=300, after=60, share=0.82, lift=3.1
)


def insight(*values: float, **changes: Any) -> pb.Insight:
    """A fall of 290 an hour, unless values are given."""
    made = pb.Insight(**{"confidence": 0.9, "type": pb.INSIGHT_TYPE_ANOMALY} | changes)
    line = made.evidence.series.add(label="orders", values=values or (1000, 710), marked=[1])
    line.expected.extend([1000] * len(line.values))
    made.evidence.query.series.measures.add(name="order_placed")
    for place in range(len(line.values)):
        made.evidence.bucket_starts.add().FromDatetime(START + place * HOUR)
    made.start_time.FromDatetime(START)
    made.end_time.FromDatetime(START + len(line.values) * HOUR)
    return made


def test_nothing_found_recommends_nothing() -> None:
    dull = pb.Contribution(fields=["properties.device"], values=["phone"], share=0.7, lift=1.0)
    assert recommend(insight(), [dull], [], None, []) == []
    assert recommend(pb.Insight(), [], [pb.PipelineFact()], pb.Indicator(), [pb.Insight()]) == []


def test_a_fact_says_what_to_repair_and_what_that_brings_back() -> None:
    (first,) = recommend(insight(), [], [LETTERS], None, [])
    assert first.action == "Repair the dead letters"
    assert first.effect == pytest.approx(232)
    assert (
        first.expected_effect == "80 % of the change is explained by it; undoing it is +232 for each bucket"
    )
    assert (first.source, first.link) == ("1,204 events were set aside", "/data/letters")


def test_a_segment_says_where_to_look() -> None:
    (first,) = recommend(insight(), [FRANCE], [], None, [])
    assert first.action == "Look at properties.country = FR"
    assert first.expected_effect.startswith(
        "it makes up 82 % of the fall, 3.1 times its part: 300 before, 60 after"
    )
    assert first.link == "/data/events/order_placed"


def test_the_greatest_sure_effect_is_first_and_five_are_enough() -> None:
    many = [LETTERS, *(pb.PipelineFact(kind=each, share=0.1) for each in (2, 3, 4, 5, 6))]  # type: ignore[arg-type]
    told = recommend(insight(), [FRANCE], many, None, [])
    assert [each.action for each in told[:2]] == [
        "Repair the dead letters",
        "Look at properties.country = FR",
    ]
    assert len(told) == 5


def test_an_indicator_beyond_its_threshold_is_to_be_brought_back() -> None:
    orders = pb.Indicator(
        name="projects/demo/indicators/orders",
        good_direction=pb.DIRECTION_UP,
        threshold=800,
        value_per_unit=2,
        value_unit="EUR",
    )
    (first,) = recommend(insight(), [], [], orders, [])
    assert first.action == "Bring orders back to 800"
    assert first.expected_effect == "it is at 710, 90 beyond its threshold, worth 180 EUR for each bucket"
    assert first.effect == pytest.approx(90)


def test_an_indicator_on_the_way_to_its_threshold_has_a_day() -> None:
    errors = pb.Indicator(display_name="errors", good_direction=pb.DIRECTION_DOWN, threshold=1050)
    rising = insight(1000, 1010, type=pb.INSIGHT_TYPE_TREND)
    rising.evidence.statistics["slope_per_day"] = 10
    (first,) = recommend(rising, [], [], errors, [])
    assert first.action == "Turn errors round before 6 November 2026"
    assert "will cross its threshold 1,050 on 6 November 2026" in first.expected_effect
    rising.evidence.statistics["slope_per_day"] = -10
    assert recommend(rising, [], [], errors, []) == []


def test_a_series_that_goes_ahead_is_to_be_watched() -> None:
    both = insight(type=pb.INSIGHT_TYPE_CORRELATION)
    both.evidence.series.add(label="refunds", values=[1, 2])
    both.evidence.statistics.update({"lag_buckets": 2, "rho": 0.81})
    (first,) = recommend(both, [], [], None, [])
    assert first.action == "Watch orders: it goes before refunds"
    assert first.expected_effect == "it tells 2 h ahead; rank correlation 0.81"
    assert math.isnan(first.effect)


def test_what_was_said_before_is_told_with_how_often() -> None:
    def said(feedback: pb.Feedback, *actions: str) -> pb.Insight:
        made = pb.Insight(name="projects/demo/insights/7", feedback=feedback)
        made.start_time.FromDatetime(START)
        made.recommendations.extend(pb.Recommendation(action=action) for action in actions)
        return made

    (known,) = recommend(insight(), [], [], None, [said(pb.FEEDBACK_EXPECTED), said(pb.FEEDBACK_CONFIRMED)])
    assert known.expected_effect == "1 of 2 findings like it were said to be expected"
    assert known.confidence == pytest.approx(0.5)
    (done,) = recommend(insight(), [], [], None, [said(pb.FEEDBACK_CONFIRMED, "Repair the dead letters")])
    assert (done.action, done.link) == ("Repair the dead letters", "/insights/findings/7")


def test_the_change_is_what_is_told_or_marked() -> None:
    assert change_of(insight()) == -290
    told = insight()
    told.evidence.statistics["effect"] = -5.0
    assert change_of(told) == -5
    assert math.isnan(change_of(pb.Insight()))
    assert math.isnan(change_of(insight(1.0, math.nan)))


def request(**changes: Any) -> pb.ExplainChangeRequest:
    measure = q.Measure(name="order_placed", aggregation=q.AGGREGATION_COUNT)
    made = pb.ExplainChangeRequest(**{"measure": measure} | changes)
    if not made.HasField("after"):
        made.after.start.FromDatetime(START)
        made.after.end.FromDatetime(START + HOUR)
    return made


def test_a_request_has_a_week_before_and_ten_contributions() -> None:
    change = asked(request(), "UTC", START + WEEK)
    assert (change.before, change.top, change.free) == (Span(START - WEEK, START - WEEK + HOUR), 10, True)
    assert change.bucket == timedelta(minutes=1)
    assert change.earlier == Span(START - 2 * WEEK, START - 2 * WEEK + HOUR)
    assert change.lead == Span(START - HOUR, START)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"measure": q.Measure()}, "measure.aggregation: is empty"),
        ({"fields": ["a"] * 21}, "fields: has 21"),
        ({"fields": ["name", "name"]}, "fields: names a field twice"),
        ({"top": 101}, "top: is 101"),
        ({"top": -1}, "top: is -1"),
    ],
)
def test_a_request_at_fault_names_its_field(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        asked(request(**changes), "UTC", START + WEEK)


def test_spans_must_not_overlap() -> None:
    made = request()
    made.before.start.FromDatetime(START - HOUR)
    made.before.end.FromDatetime(START + HOUR / 2)
    with pytest.raises(Invalid, match=r"before\.end: is later than the start of `after`"):
        asked(made, "UTC", START + WEEK)


def test_a_mean_is_asked_as_its_sum_and_what_that_is_divided_by() -> None:
    measure = q.Measure(name="order_placed", aggregation=q.AGGREGATION_AVG, field="properties.amount")
    paid = q.Filter(comparison=q.Comparison(field="properties.paid", operator=q.OPERATOR_EXISTS))
    change = asked(request(measure=measure, filter=paid), "UTC", START + WEEK)
    assert change.mean
    by_country = table(change, change.after, ("properties.country",)).table
    assert [(each.id, each.aggregation) for each in by_country.measures] == [
        ("value", q.AGGREGATION_SUM),
        ("count", q.AGGREGATION_COUNT),
        ("numbers", q.AGGREGATION_COUNT),
    ]
    assert by_country.filter == paid
    *_, seen, plain = whole(change, change.before).table.measures
    assert paid in seen.filter.all.filters
    assert not plain.HasField("filter")


def test_fields_are_frequent_and_tell_events_apart_without_naming_each() -> None:
    known = pipeline_pb2.GetEventQualityResponse(sample_count=1000)
    for path, distinct in (("country", 30), ("order", 1000), ("shop", 1), ("amount", 300)):
        known.properties.add(path=path, distinct_count=distinct)
    suggested = [
        "name",
        "user_id",
        *(f"properties.{each.path}" for each in known.properties),
        "context.locale",
    ]
    change = asked(request(), "UTC", START + WEEK)
    assert chosen(change, suggested, known) == ("properties.country", "properties.amount", "context.locale")
    assert pairs(["a", "b", "c"]) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (tells(1, 0, 100), tells(40, 0, 100), tells(30, 0, 100), tells(30, 60, 100)) == (
        False,
        False,
        True,
        False,
    )
