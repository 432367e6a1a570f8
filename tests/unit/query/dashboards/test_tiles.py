from datetime import timedelta

import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.kit.narrow import join
from services.query.dashboards.tiles import DAY, Choice, asked, choice, known, substitute
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q

COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)
LOAD = q.Measure(aggregation=q.AGGREGATION_AVG, source=q.SOURCE_METRICS, name="load")
HOUR = q.TimeRange()
HOUR.last.FromTimedelta(timedelta(hours=1))


def compared(field: str, *values: str | float | bool, operator: q.Operator = q.OPERATOR_EQUAL) -> q.Filter:
    """A comparison with these values."""
    kinds = {str: "string_value", bool: "bool_value", float: "number_value", int: "number_value"}
    found = [Value(**{kinds[type(each)]: each}) for each in values]  # type: ignore[arg-type]
    return q.Filter(comparison=q.Comparison(field=field, operator=operator, values=found))


MINE, THEIRS = compared("properties.mine", "1"), compared("properties.theirs", "2")
BOTH = q.Filter(all=q.FilterGroup(filters=[MINE, THEIRS]))


def chosen(stated: q.Filter, **values: list[str]) -> q.Filter | None:
    """A filter once the values are chosen."""
    holder = q.EventsQuestion(filter=stated)
    substitute(holder, values)
    return holder.filter if holder.HasField("filter") else None


def question(query: q.Query, choice: Choice | None = None, **of_dashboard: object) -> q.Query:
    """What a tile that asks `query` asks on a dashboard."""
    dashboard = pb.Dashboard(tiles=[pb.Tile(text="a"), pb.Tile(id="t", query=query)], **of_dashboard)
    return asked(dashboard, choice or Choice())[1]


def test_a_tile_takes_the_time_of_its_own_then_of_the_reader_then_of_the_dashboard() -> None:
    week, month = q.TimeRange(), q.TimeRange()
    week.last.FromTimedelta(timedelta(days=7))
    month.last.FromTimedelta(timedelta(days=30))
    plain, own = q.Query(events=q.EventsQuestion()), q.Query(events=q.EventsQuestion(), time_range=HOUR)
    assert question(plain).time_range == DAY
    assert question(plain, time_range=week).time_range == week
    assert question(plain, Choice(time_range=month), time_range=week).time_range == month
    assert question(own, Choice(time_range=month), time_range=week).time_range == HOUR
    assert question(plain, time_zone="Asia/Tokyo").time_zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    "path",
    [
        "events", "series", "table", "funnel", "retention", "sessions", "paths", "lifecycle.activity", "people.did",
        "people.funnel.funnel", "people.retention.retention", "people.lifecycle.lifecycle.activity",
    ],
)  # fmt: skip
def test_the_filter_of_the_dashboard_holds_beside_that_of_the_tile(path: str) -> None:
    for own, wanted in ((None, THEIRS), (MINE, BOTH)):
        query = q.Query()
        holder = query
        for name in path.split("."):
            holder = getattr(holder, name)
        holder.SetInParent()  # type: ignore[attr-defined]
        if own is not None:
            holder.filter.CopyFrom(own)  # type: ignore[attr-defined]
        join(query, THEIRS)
        assert holder.filter == wanted  # type: ignore[attr-defined]


def test_filters_of_the_dashboard_are_about_events_only() -> None:
    mixed = question(q.Query(series=q.SeriesQuestion(measures=[COUNT, LOAD], filter=MINE)), filter=THEIRS)
    assert mixed.series.filter == MINE
    assert mixed.series.measures[0].filter == THEIRS
    assert not mixed.series.measures[1].HasField("filter")
    metrics = question(q.Query(table=q.TableQuestion(measures=[LOAD])), filter=THEIRS)
    assert not metrics.table.HasField("filter")
    cohort = q.Query(people=q.PeopleQuestion(cohort="projects/demo/cohorts/vip"))
    assert question(cohort, filter=THEIRS).people == cohort.people


def test_the_reader_filters_beside_the_dashboard() -> None:
    events = question(q.Query(events=q.EventsQuestion()), Choice(filter=THEIRS), filter=MINE).events
    assert events.filter == BOTH


def test_the_values_of_a_variable_stand_where_its_name_does() -> None:
    stated = compared("properties.country", "$country")
    assert chosen(stated, country=["DE"]) == compared("properties.country", "DE", operator=q.OPERATOR_IN)
    many = compared("properties.country", "DE", "FR", operator=q.OPERATOR_IN)
    assert chosen(stated, country=["DE", "FR"]) == many
    assert chosen(stated, other=["DE"]) == stated
    assert chosen(compared("properties.country", "$countryside"), country=["DE"]) == compared(
        "properties.country", "$countryside"
    )
    beside = compared("properties.country", "US", "$country", operator=q.OPERATOR_NOT_IN)
    wanted = compared("properties.country", "US", "DE", operator=q.OPERATOR_NOT_IN)
    assert chosen(beside, country=["DE"]) == wanted


def test_a_value_that_reads_as_a_number_or_a_boolean_is_compared_as_both() -> None:
    wanted = compared("properties.size", "5", 5.0, "true", True, "x", operator=q.OPERATOR_IN)
    assert chosen(compared("properties.size", "$size"), size=["5", "true", "x"]) == wanted
    above = compared("properties.size", "$size", operator=q.OPERATOR_GREATER)
    assert chosen(above, size=["5"]) == compared("properties.size", 5.0, operator=q.OPERATOR_GREATER)
    assert chosen(compared("properties.size", "$size"), size=["inf"]) == compared(
        "properties.size", "inf", operator=q.OPERATOR_IN
    )


def test_texts_are_looked_for_one_by_one() -> None:
    for operator, group in ((q.OPERATOR_CONTAINS, "any"), (q.OPERATOR_NOT_CONTAINS, "all")):
        found = chosen(compared("name", "$word", operator=operator), word=["a", "b"])
        singles = [compared("name", each, operator=operator) for each in ("a", "b")]
        assert found == q.Filter(**{group: q.FilterGroup(filters=singles)})  # type: ignore[arg-type]


def test_a_comparison_with_a_variable_without_values_is_left_out() -> None:
    stated = compared("properties.country", "$country")
    group = q.FilterGroup(filters=[stated])
    for each in (stated, q.Filter(all=group), q.Filter(any=group), q.Filter(**{"not": stated})):
        assert chosen(each, country=[]) is None
    left = chosen(q.Filter(all=q.FilterGroup(filters=[stated, MINE])), country=[])
    assert left == q.Filter(all=q.FilterGroup(filters=[MINE]))


def test_the_reader_chooses_values_over_those_that_are_saved() -> None:
    stated = compared("properties.country", "$country")
    saved = {"filter": stated, "variables": [pb.Variable(id="country", values=["DE"])]}
    events = q.Query(events=q.EventsQuestion())
    in_germany = compared("properties.country", "DE", operator=q.OPERATOR_IN)
    assert question(events, **saved).events.filter == in_germany
    request = pb.WatchDashboardRequest(variables=[pb.VariableValues(id="country")])
    assert not question(events, choice(request), **saved).events.HasField("filter")
    with pytest.raises(Invalid, match=r"variables\[0\].id: is 'city'"):
        question(events, Choice(variables={"city": ["Rome"]}), **saved)
    kept = known(Choice(variables={"city": ["Rome"], "country": ["FR"]}), pb.Dashboard(**saved))  # type: ignore[arg-type]
    assert kept.variables == {"country": ["FR"]}


def test_variables_stand_in_the_filters_of_tiles_too() -> None:
    measure = q.Measure(aggregation=q.AGGREGATION_COUNT, filter=compared("properties.plan", "$plan"))
    query = q.Query(series=q.SeriesQuestion(measures=[measure]))
    found = question(query, variables=[pb.Variable(id="plan", values=["free"])])
    assert found.series.measures[0].filter == compared("properties.plan", "free", operator=q.OPERATOR_IN)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_value_becomes_anything_but_a_value(values: list[str]) -> None:
    found = chosen(compared("properties.x", "$x"), x=values)
    if not values:
        assert found is None
        return
    assert found is not None
    comparison = found.comparison
    assert (comparison.field, comparison.operator) == ("properties.x", q.OPERATOR_IN)
    texts = [each.string_value for each in comparison.values if each.WhichOneof("kind") == "string_value"]
    assert texts == values
