from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.behaviour.question import Funnel
from services.query.filter import Members, leaves
from services.query.formula import Formula
from services.query.question import MAX_MESSAGES, MAX_VALUES, Events, Series, Table, cohorts, named, read
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 2, 12, 34, 56, 789_000, tzinfo=UTC)
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)


def series(**others: object) -> q.Query:
    found = q.Query(series=q.SeriesQuestion(**{"measures": [COUNT], **others}))
    found.time_range.last.FromTimedelta(timedelta(hours=1))
    return found


def table(**others: object) -> q.Query:
    found = q.Query(table=q.TableQuestion(**{"measures": [COUNT], **others}))
    found.time_range.last.FromTimedelta(timedelta(hours=1))
    return found


def readable(query: q.Query) -> Series:
    found = read(query, "UTC", NOW)
    assert isinstance(found, Series)
    return found


def fault(query: q.Query) -> str:
    with pytest.raises(Invalid) as caught:
        read(query, "UTC", NOW)
    return caught.value.field


def test_a_relative_range_ends_with_the_minute_under_way_and_is_as_long_as_asked() -> None:
    found = readable(series(interval=q.Interval(unit=q.Interval.UNIT_MINUTE)))
    assert found.span.end == datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
    assert found.span.length == timedelta(hours=1)
    assert len(found.edges) == 61


def test_a_relative_range_in_seconds_ends_with_the_second_under_way() -> None:
    query = series(interval=q.Interval(unit=q.Interval.UNIT_SECOND))
    query.time_range.last.FromTimedelta(timedelta(seconds=30))
    assert readable(query).span.end == datetime(2026, 3, 2, 12, 34, 57, tzinfo=UTC)


def test_a_range_given_by_its_ends_is_kept_to_the_microsecond() -> None:
    query = series()
    query.time_range.Clear()
    query.time_range.start.FromDatetime(NOW - timedelta(hours=2))
    query.time_range.end.FromDatetime(NOW - timedelta(hours=1))
    assert readable(query).span.start == NOW - timedelta(hours=2)
    assert readable(query).span.end == NOW - timedelta(hours=1)


def test_measures_are_named_by_letters_and_the_top_is_ten() -> None:
    found = readable(
        series(measures=[COUNT, q.Measure(aggregation=q.AGGREGATION_UNIQUES)], group_by=["name"])
    )
    assert [measure.id for measure in found.measures] == ["A", "B"]
    assert found.top == 10
    assert found.measures[1].field is not None
    assert found.measures[1].field.path == "user_id"


def test_days_begin_in_the_zone_of_the_question_else_of_the_project() -> None:
    query = series(interval=q.Interval(unit=q.Interval.UNIT_DAY))
    found = read(query, "Asia/Kolkata", NOW)
    assert isinstance(found, Series)
    assert found.edges[0] == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    query.time_zone = "UTC"
    found = read(query, "Asia/Kolkata", NOW)
    assert isinstance(found, Series)
    assert found.edges[0] == datetime(2026, 3, 2, tzinfo=UTC)


def test_events_are_read_with_their_filter() -> None:
    query = q.Query(events=q.EventsQuestion())
    query.time_range.last.FromTimedelta(timedelta(minutes=5))
    assert isinstance(read(query, "UTC", NOW), Events)


def measure(**fields: object) -> q.Query:
    return series(measures=[COUNT, q.Measure(id="m", **fields)])


SUM, UNIQUES, QUANTILE = q.AGGREGATION_SUM, q.AGGREGATION_UNIQUES, q.AGGREGATION_QUANTILE
EVENTS, METRICS = q.SOURCE_EVENTS, q.SOURCE_METRICS


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (series(measures=[]), "query.series.measures"),
        (series(measures=[COUNT] * 11), "query.series.measures"),
        (measure(), "query.series.measures[1].aggregation"),
        (measure(aggregation=99), "query.series.measures[1].aggregation"),
        (measure(aggregation=1, source=9), "query.series.measures[1].source"),
        (measure(aggregation=1, source=METRICS), "query.series.measures[1].name"),
        (measure(aggregation=1, name="x" * 201), "query.series.measures[1].name"),
        (measure(aggregation=1, name="\0"), "query.series.measures[1].name"),
        (measure(aggregation=1, field="name"), "query.series.measures[1].field"),
        (measure(aggregation=SUM), "query.series.measures[1].field"),
        (measure(aggregation=SUM, field="user_id"), "query.series.measures[1].field"),
        (measure(aggregation=SUM, field="user"), "query.series.measures[1].field"),
        (
            measure(aggregation=SUM, source=METRICS, name="m", field="tags.x"),
            "query.series.measures[1].field",
        ),
        (
            measure(aggregation=QUANTILE, field="properties.x", quantile=1.1),
            "query.series.measures[1].quantile",
        ),
        (
            measure(aggregation=QUANTILE, field="properties.x", quantile=float("nan")),
            "query.series.measures[1].quantile",
        ),
        (series(measures=[COUNT, q.Measure(id="A", aggregation=1)]), "query.series.measures[1].id"),
        (series(group_by=["name"] * 4), "query.series.group_by"),
        (series(group_by=["name", "tags.x"]), "query.series.group_by[1]"),
        (series(group_by=["occurred_at"]), "query.series.group_by[0]"),
        (series(top=101), "query.series.top"),
        (series(top=-1), "query.series.top"),
        (series(fill=9), "query.series.fill"),
        (series(compare=9), "query.series.compare"),
        (series(measures=[q.Measure(aggregation=1, hidden=True)]), "query.series.measures"),
        (series(formulas=[q.Formula(expression="A +")]), "query.series.formulas[0].expression"),
        (series(formulas=[q.Formula(id="A", expression="A")]), "query.series.formulas[0].id"),
        (
            measure(aggregation=1, filter=q.Filter(comparison=q.Comparison(field="x"))),
            "query.series.measures[1].filter.comparison.field",
        ),
        (table(group_by=["name"] * 6), "query.table.group_by"),
        (table(top=1001), "query.table.top"),
        (table(order_by="B"), "query.table.order_by"),
        (table(compare=9), "query.table.compare"),
        (series(interval=q.Interval()), "query.series.interval.unit"),
        (series(interval=q.Interval(unit=q.Interval.UNIT_WEEK, count=2)), "query.series.interval.count"),
        (series(interval=q.Interval(unit=q.Interval.UNIT_HOUR, count=-1)), "query.series.interval.count"),
        (q.Query(time_zone="Mars/Olympus"), "query.time_zone"),
        (q.Query(time_zone="../../etc/passwd"), "query.time_zone"),
        (q.Query(time_zone="America"), "query.time_zone"),
        (q.Query(), "query"),
    ],
)
def test_what_is_wrong_is_named(query: q.Query, field: str) -> None:
    assert fault(query) == field


def test_an_answer_too_large_to_send_is_refused_before_it_is_read() -> None:
    query = series(
        group_by=["name"], top=100, measures=[q.Measure(id=str(i), aggregation=1) for i in range(10)]
    )
    query.series.interval.unit = q.Interval.UNIT_SECOND
    assert fault(query) == "query.series.interval"
    query.series.interval.unit = q.Interval.UNIT_MINUTE
    assert len(readable(query).edges) * 10 * 101 < MAX_VALUES


@given(st.binary(max_size=200))
def test_no_request_that_can_be_parsed_is_more_than_invalid(data: bytes) -> None:
    with suppress(DecodeError, Invalid):
        read(q.Query.FromString(data), "UTC", NOW)


def test_a_question_is_changed_by_the_names_it_asks_for_alone() -> None:
    one, two = (q.Measure(aggregation=q.AGGREGATION_COUNT, name=name) for name in ("signup", "login"))
    assert named(readable(series(measures=[one, two]))) == {"signup", "login"}
    assert named(readable(series(measures=[one, COUNT]))) is None
    everything = q.Query(events=q.EventsQuestion())
    everything.time_range.last.FromTimedelta(timedelta(hours=1))
    assert named(read(everything, "UTC", NOW)) is None


def test_a_table_is_ordered_by_its_first_measure_unless_it_says_otherwise() -> None:
    found = read(table(), "UTC", NOW)
    assert isinstance(found, Table)
    assert (found.order, found.ascending, found.top) == (found.measures[0], False, 10)
    assert found.buckets == (found.span,)
    found = read(table(formulas=[q.Formula(expression="A * 2")], order_by="F1", ascending=True), "UTC", NOW)
    assert isinstance(found, Table)
    assert isinstance(found.order, Formula)
    assert found.ascending


def test_hidden_measures_are_not_among_what_is_shown() -> None:
    hidden = q.Measure(aggregation=q.AGGREGATION_COUNT, name="signup", hidden=True)
    found = readable(series(measures=[COUNT, hidden], formulas=[q.Formula(expression="B / A")]))
    assert found.shown == 2
    assert [measure.hidden for measure in found.measures] == [False, True]


def test_the_filter_of_a_measure_holds_beside_that_of_the_question() -> None:
    one, other = (
        q.Filter(comparison=q.Comparison(field=field, operator=q.OPERATOR_EXISTS))
        for field in ("user_id", "session_id")
    )
    filtered = q.Measure(aggregation=q.AGGREGATION_COUNT, filter=other)
    first, second = readable(series(measures=[COUNT, filtered], filter=one)).measures
    assert [leaf.field.path for leaf in leaves(first.filter)] == ["user_id"]
    assert [leaf.field.path for leaf in leaves(second.filter)] == ["user_id", "session_id"]


BUYERS, SELLERS = "projects/demo/cohorts/buyers", "projects/demo/cohorts/sellers"


def test_cohorts_are_found_wherever_a_request_names_them() -> None:
    nested = q.Filter(all=q.FilterGroup(filters=[q.Filter(**{"not": q.Filter(cohort=BUYERS)})]))
    assert cohorts(series(filter=nested)) == {BUYERS}
    assert cohorts(series(measures=[q.Measure(aggregation=1, filter=q.Filter(cohort=SELLERS))])) == {SELLERS}
    assert cohorts(q.Query(people=q.PeopleQuestion(cohort=BUYERS))) == {BUYERS}
    steps = [q.Step(filter=q.Filter(cohort=each)) for each in (BUYERS, SELLERS)]
    assert cohorts(q.Query(funnel=q.FunnelQuestion(steps=steps))) == {BUYERS, SELLERS}
    assert cohorts(series()) == frozenset()


def test_a_request_without_end_is_not_searched_to_it() -> None:
    wide = q.Query()
    for _ in range(MAX_MESSAGES):
        wide.series.filter.any.filters.add()
    with pytest.raises(Invalid, match="ask for less at once"):
        cohorts(wide)


def test_the_people_of_a_cohort_are_those_given() -> None:
    asked = series(filter=q.Filter(cohort=BUYERS))
    buyers = Members(BUYERS, ("ann",), "r1")
    found = read(asked, "UTC", NOW, people={BUYERS: buyers})
    assert isinstance(found, Series)
    assert found.measures[0].filter == buyers
    assert fault(asked) == "query.series.filter.cohort"


def test_a_question_about_people_is_read_with_its_own_kind() -> None:
    asked = q.Query(funnel=q.FunnelQuestion(steps=[q.Step(name="a"), q.Step(name="b")]))
    asked.time_range.last.FromTimedelta(timedelta(hours=1))
    found = read(asked, "UTC", NOW)
    assert isinstance(found, Funnel)
    assert found.span.end == datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
    assert named(found) == {"a", "b"}
