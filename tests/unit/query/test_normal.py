"""One text for all questions that mean the same."""

from datetime import UTC, datetime

import pytest

from services.query.fields import field
from services.query.filter import All, Any, Comparison, Condition, Members, Not
from services.query.normal import normal
from services.query.question import read
from tidemark.v1 import question_pb2 as pb

NOW = datetime(2026, 11, 1, 12, 0, 30, tzinfo=UTC)


def where(path: str, *values: str | float | bool) -> Comparison:
    return Comparison(field(path, pb.SOURCE_EVENTS, path), pb.OPERATOR_IN, values)


A, B = where("name", "a"), where("properties.size", 1.0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (All((A, B)), All((B, A))),
        (Any((A, B, A)), Any((B, A))),
        (All((A,)), Any((A,))),
        (Not(All((A, Any((B, A))))), Not(All((Any((A, B)), A)))),
        (Members("c", ("ann",), "1"), Members("c", ("bob",), "1")),
    ],
)
def test_what_means_the_same_has_one_text(one: Condition, other: Condition) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (All((A, B)), Any((A, B))),
        (A, Not(A)),
        (where("properties.size", 1.0), where("properties.size", True)),
        (where("properties.size", 1.0), where("properties.size", "1.0")),
        (where("name", "a", "b"), where("name", "a, str:'b'")),
        (Members("c", ("ann",), "1"), Members("c", ("ann",), "2")),
    ],
)
def test_what_means_something_else_has_another_text(one: Condition, other: Condition) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(("unit", "same"), [("UNIT_HOUR", True), ("UNIT_DAY", False)])
def test_a_zone_makes_another_series_where_buckets_begin_at_its_midnights(unit: str, same: bool) -> None:
    query = pb.Query()
    query.series.measures.add(aggregation=pb.AGGREGATION_COUNT)
    query.series.interval.unit = pb.Interval.Unit.Value(unit)
    query.time_range.last.seconds = 86_400
    texts = {normal(read(query, zone, NOW)) for zone in ("UTC", "Europe/Berlin")}
    assert len(texts) == (1 if same else 2)


def test_a_relative_range_is_named_by_the_span_it_stands_for() -> None:
    query = pb.Query(events=pb.EventsQuestion())
    query.time_range.last.seconds = 3600
    fixed = pb.Query(events=pb.EventsQuestion())
    asked = read(query, "UTC", NOW)
    fixed.time_range.start.FromDatetime(asked.span.start)
    fixed.time_range.end.FromDatetime(asked.span.end)
    assert normal(asked) == normal(read(fixed, "UTC", NOW))
