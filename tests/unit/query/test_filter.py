from datetime import UTC, datetime

import pytest
from google.protobuf.struct_pb2 import Value

from services.kit.errors import Invalid
from services.query.filter import All, Any, Comparison, Members, Not, both, condition, leaves, names
from tidemark.v1 import question_pb2 as q

EVENTS, METRICS = q.SOURCE_EVENTS, q.SOURCE_METRICS


def value(given: object) -> Value:
    match given:
        case bool():
            return Value(bool_value=given)
        case str():
            return Value(string_value=given)
        case None:
            return Value(null_value=0)
        case _:
            return Value(number_value=given)


def compared(field: str, operator: str, *values: object) -> q.Filter:
    return q.Filter(
        comparison=q.Comparison(
            field=field, operator=f"OPERATOR_{operator}", values=[value(each) for each in values]
        )
    )


def every(*filters: q.Filter) -> q.Filter:
    return q.Filter(all=q.FilterGroup(filters=filters))


def some(*filters: q.Filter) -> q.Filter:
    return q.Filter(any=q.FilterGroup(filters=filters))


def no(denied: q.Filter) -> q.Filter:
    return q.Filter(**{"not": denied})


def test_conditions_keep_their_form() -> None:
    found = condition(
        every(some(compared("name", "EQUAL", "a")), no(compared("user_id", "EXISTS"))), EVENTS, "f"
    )
    assert isinstance(found, All)
    assert isinstance(found.conditions[0], Any)
    assert isinstance(found.conditions[1], Not)
    assert [each.field.path for each in leaves(found) if isinstance(each, Comparison)] == ["name", "user_id"]


def values_of(asked: q.Filter, source: q.Source = EVENTS) -> tuple[object, ...]:
    found = condition(asked, source, "f")
    assert isinstance(found, Comparison)
    return found.values


def test_values_that_a_field_can_never_hold_are_left_out() -> None:
    assert values_of(compared("name", "IN", "a", 1, True)) == ("a",)
    assert values_of(compared("value", "IN", "a", 1.5, True), METRICS) == (1.5,)
    assert values_of(compared("properties.x", "IN", "a", 1, True)) == ("a", 1, True)


def test_types_are_named_with_or_without_prefix() -> None:
    assert values_of(compared("type", "IN", "USER_ACTION", "EVENT_TYPE_ERROR_EVENT")) == (1, 5)
    assert values_of(compared("kind", "EQUAL", "GAUGE"), METRICS) == (2,)


def test_times_are_instants() -> None:
    found = values_of(compared("occurred_at", "LESS", "2026-03-02T13:00:00+01:00"))
    assert found == (datetime(2026, 3, 2, 12, tzinfo=UTC),)


def deep(levels: int) -> q.Filter:
    found = compared("name", "EXISTS")
    for _ in range(levels):
        found = no(found)
    return found


C = "f.comparison"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (q.Filter(), "f"),
        (every(), "f.all.filters"),
        (some(*[compared("name", "EXISTS")] * 51), "f.any.filters"),
        (every(compared("name", "EXISTS"), compared("nope", "EXISTS")), "f.all.filters[1].comparison.field"),
        (deep(10), "f" + ".not" * 10),
        (every(*[every(*[compared("name", "EXISTS")] * 41)] * 5), "f"),
        (q.Filter(comparison=q.Comparison(field="name")), f"{C}.operator"),
        (compared("", "EXISTS"), f"{C}.field"),
        (compared("properties", "EXISTS"), f"{C}.field"),
        (compared("properties.", "EXISTS"), f"{C}.field"),
        (compared("tags.x", "EXISTS"), f"{C}.field"),
        (compared("properties.\0", "EXISTS"), f"{C}.field"),
        (compared("name", "EXISTS", "a"), f"{C}.values"),
        (compared("name", "EQUAL"), f"{C}.values"),
        (compared("name", "EQUAL", "a", "b"), f"{C}.values"),
        (compared("name", "IN"), f"{C}.values"),
        (compared("name", "IN", *["a"] * 1001), f"{C}.values"),
        (compared("name", "LESS", 1), f"{C}.operator"),
        (compared("type", "CONTAINS", "USER"), f"{C}.operator"),
        (compared("occurred_at", "CONTAINS", "2026"), f"{C}.operator"),
        (compared("properties.x", "LESS", "1"), f"{C}.values[0]"),
        (compared("properties.x", "LESS", True), f"{C}.values[0]"),
        (compared("properties.x", "CONTAINS", 1), f"{C}.values[0]"),
        (compared("properties.x", "EQUAL", float("nan")), f"{C}.values[0]"),
        (compared("properties.x", "EQUAL", None), f"{C}.values[0]"),
        (compared("properties.x", "IN", "a", "b\0"), f"{C}.values[1]"),
        (compared("type", "EQUAL", "NOPE"), f"{C}.values[0]"),
        (compared("occurred_at", "LESS", "yesterday"), f"{C}.values[0]"),
        (compared("occurred_at", "LESS", "2026-03-02T12:00:00"), f"{C}.values[0]"),
        (compared("occurred_at", "LESS", 5), f"{C}.values[0]"),
    ],
)
def test_what_is_wrong_is_named(asked: q.Filter, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        condition(asked, EVENTS, "f")
    assert caught.value.field == field


def test_names_that_limit_a_condition_are_found_at_its_top_only() -> None:
    a, b = compared("name", "EQUAL", "a"), compared("name", "IN", "b", "c")
    assert names(condition(a, EVENTS, "f")) == ("a",)
    assert names(condition(every(compared("user_id", "EXISTS"), b), EVENTS, "f")) == ("b", "c")
    assert names(condition(some(a, b), EVENTS, "f")) is None
    assert names(condition(no(a), EVENTS, "f")) is None
    assert names(condition(compared("name", "NOT_EQUAL", "a"), EVENTS, "f")) is None
    assert names(All(())) is None


def test_countless_comparisons_are_refused_without_reading_them() -> None:
    wide = q.Filter()
    for _ in range(50):
        wide.any.filters.add().comparison.field = "nope"
    for _ in range(3):
        wider = q.Filter()
        wider.all.filters.extend([wide] * 50)
        wide = wider
    with pytest.raises(Invalid, match="has more than 200 comparisons"):
        condition(wide, q.SOURCE_EVENTS, "filter")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_times_that_utc_does_not_reach_are_refused(time: str) -> None:
    asked = q.Filter()
    asked.comparison.field, asked.comparison.operator = "occurred_at", q.OPERATOR_LESS
    asked.comparison.values.add().string_value = time
    with pytest.raises(Invalid, match="write a time as in"):
        condition(asked, q.SOURCE_EVENTS, "filter")


BUYERS = "projects/demo/cohorts/buyers"
PEOPLE = {BUYERS: Members(BUYERS, ("ann", "bob"), "r1")}


def test_a_cohort_is_its_people() -> None:
    found = condition(every(q.Filter(cohort=BUYERS), compared("name", "EXISTS")), EVENTS, "f", PEOPLE)
    assert [each for each in leaves(found) if isinstance(each, Members)] == [PEOPLE[BUYERS]]
    assert names(condition(q.Filter(cohort=BUYERS), EVENTS, "f", PEOPLE)) is None


@pytest.mark.parametrize(("cohort", "source"), [("projects/demo/cohorts/nobody", EVENTS), (BUYERS, METRICS)])
def test_a_cohort_that_is_not_known_or_not_of_events_is_refused(cohort: str, source: q.Source) -> None:
    with pytest.raises(Invalid) as caught:
        condition(every(q.Filter(cohort=cohort)), source, "f", PEOPLE)
    assert caught.value.field == "f.all.filters[0].cohort"


def test_a_regular_expression_is_read_before_it_is_asked() -> None:
    assert values_of(compared("name", "MATCHES", "^a.\\d$")) == ("^a[^\\n][0-9]$",)
    with pytest.raises(Invalid) as caught:
        condition(compared("properties.x", "NOT_MATCHES", "(a"), EVENTS, "f")
    assert caught.value.field == "f.comparison.values[0]"


def test_two_conditions_hold_side_by_side() -> None:
    a, b = (condition(compared("name", "EQUAL", name), EVENTS, "f") for name in "ab")
    assert both(All(()), a) == both(a, All(())) == a
    assert both(All((a,)), b) == All((a, b))
    assert both(Any((a, b)), All(())) == Any((a, b))
