"""How parts of questions are spelt: words of the calendar, joined conditions, cohorts, measures with names, steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark import spelling
from tidemark.v1 import question_pb2 as pb

DAY, WEEK, MONTH = pb.Interval.UNIT_DAY, pb.Interval.UNIT_WEEK, pb.Interval.UNIT_MONTH


@pytest.mark.parametrize(
    ("text", "unit", "count", "ago"),
    [
        ("today", DAY, 1, 0),
        ("yesterday", DAY, 1, 1),
        ("this week", WEEK, 1, 0),
        ("last week", WEEK, 1, 1),
        ("last 4 weeks", WEEK, 4, 1),
        ("this month", MONTH, 1, 0),
        ("last 1 month", MONTH, 1, 1),
        ("last 12 hours", pb.Interval.UNIT_HOUR, 12, 1),
    ],
)
def test_words_of_the_calendar(text: str, unit: pb.Interval.Unit, count: int, ago: int) -> None:
    assert spelling.time_range(during=text).calendar == pb.CalendarRange(unit=unit, count=count, ago=ago)


@pytest.mark.parametrize("text", ["", "tomorrow", "this 2 weeks", "last", "last few days", "last year"])
def test_an_unknown_word_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"during: .* is not known; write today"):
        spelling.time_range(during=text)


def test_two_ways_of_giving_the_time_contradict() -> None:
    with pytest.raises(ValueError, match=r"during: is given beside last"):
        spelling.time_range("1d", during="today")


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("properties.path =~ \\.md$", pb.OPERATOR_MATCHES, "\\.md$"),
        ("properties.path !=~ ^docs/", pb.OPERATOR_NOT_MATCHES, "^docs/"),
        ("properties.path=~a|b", pb.OPERATOR_MATCHES, "a|b"),
        ("properties.path = ~home", pb.OPERATOR_EQUAL, "~home"),
        ("properties.path !~ home", pb.OPERATOR_NOT_CONTAINS, "home"),
    ],
)
def test_regular_expressions(text: str, operator: pb.Operator, value: str) -> None:
    comparison = spelling.condition(text).comparison
    assert (comparison.field, comparison.operator) == ("properties.path", operator)
    assert comparison.values[0].string_value == value


def said(condition: pb.Filter) -> str:
    """A condition with parentheses."""
    kind = condition.WhichOneof("node")
    if kind == "comparison":
        values = ",".join(
            str(value.string_value or value.number_value) for value in condition.comparison.values
        )
        return f"{condition.comparison.field}:{values}"
    if kind == "cohort":
        return f"<{condition.cohort}>"
    if kind == "not":
        return f"not {said(getattr(condition, 'not'))}"
    inner = (said(each) for each in getattr(condition, str(kind)).filters)
    return f"({f' {kind} '.join(inner)})"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a = 1 and b = 2", "(a:1.0 all b:2.0)"),
        ("a = 1 or b = 2 and c = 3", "(a:1.0 any (b:2.0 all c:3.0))"),
        ("a = salt and pepper", "a:salt and pepper"),
        ('a = "x and b = 2" and c = 3', "(a:x and b = 2 all c:3.0)"),
        ("a in x,y and b?", "(a:x,y all b:)"),
        ("!a? or b ~ c", "(a: any b:c)"),
        ('a in "x,y",z', "a:x,y,z"),
        ("in cohort projects/shop/cohorts/vip", "<projects/shop/cohorts/vip>"),
        ("not in cohort projects/shop/cohorts/vip and a = b", "(not <projects/shop/cohorts/vip> all a:b)"),
        ("a = 1 and in cohort projects/s/cohorts/v", "(a:1.0 all <projects/s/cohorts/v>)"),
        ("a = b\nand c = d", "(a:b all c:d)"),
    ],
)
def test_conditions_are_joined(text: str, meant: str) -> None:
    assert said(spelling.condition(text)) == meant


@pytest.mark.parametrize("text", ["in cohort", "a = 1 and b = 2 and", "vip in"])
def test_what_only_looks_joined_is_a_value_or_refused(text: str) -> None:
    try:
        read = spelling.condition(text)
    except ValueError as error:
        assert "is no condition" in str(error)  # noqa: PT017 - both ends are fine
    else:
        assert read.WhichOneof("node") in ("comparison", "all")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "count of signup",
            pb.Measure(id="count of signup", name="signup", aggregation=pb.AGGREGATION_COUNT),
        ),
        (
            "buyers = uniques of order",
            pb.Measure(id="buyers", name="order", aggregation=pb.AGGREGATION_UNIQUES),
        ),
        (
            "total=sum properties.amount of order placed",
            pb.Measure(
                id="total", name="order placed", aggregation=pb.AGGREGATION_SUM, field="properties.amount"
            ),
        ),
        (
            "p95 properties.ms of request where properties.status >= 500",
            pb.Measure(
                id="p95 properties.ms of request where properties.status >= 500",
                name="request",
                aggregation=pb.AGGREGATION_QUANTILE,
                field="properties.ms",
                quantile=0.95,
                filter=spelling.condition("properties.status >= 500"),
            ),
        ),
        ("count", pb.Measure(id="count", name="usual", aggregation=pb.AGGREGATION_COUNT)),
        (
            'count of "a of b"',
            pb.Measure(id='count of "a of b"', name="a of b", aggregation=pb.AGGREGATION_COUNT),
        ),
    ],
)
def test_measures_have_names_events_and_conditions(text: str, found: pb.Measure) -> None:
    found.source = pb.SOURCE_EVENTS
    assert spelling.measure(text, "usual") == found


@pytest.mark.parametrize("text", ["", "mode", "buyers = mode", "of signup", "p100 properties.x"])
def test_a_bad_measure_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"measure: .* is not known; write count"):
        spelling.measure(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("signup", pb.Step(name="signup")),
        ("*", pb.Step()),
        ("order placed as Bought", pb.Step(name="order placed", display_name="Bought")),
        (
            "order where properties.amount > 10 and user_id = ann as Bought a lot",
            pb.Step(
                name="order",
                filter=spelling.condition("properties.amount > 10 and user_id = ann"),
                display_name="Bought a lot",
            ),
        ),
        (
            '"known as" where name ~ "x as y"',
            pb.Step(name="known as", filter=spelling.condition('name ~ "x as y"')),
        ),
        ("* where properties.url ^= /docs", pb.Step(filter=spelling.condition("properties.url ^= /docs"))),
    ],
)
def test_steps(text: str, found: pb.Step) -> None:
    assert spelling.step(text) == found


def test_a_step_without_a_name_is_refused() -> None:
    for text in ("", " where a = b"):
        with pytest.raises(ValueError, match=r"step: .* has no name"):
            spelling.step(text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    for read in (spelling.condition, spelling.measure, spelling.step, spelling.calendar, spelling.interval):
        try:
            read(text)
        except ValueError as error:
            assert str(error).split(":")[0] in ("where", "measure", "step", "during", "interval")  # noqa: PT017
