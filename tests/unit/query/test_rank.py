from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.kit.errors import Invalid
from services.query.plan import Plan, plan
from services.query.question import Series, Table, read
from services.query.rank import MAX_GROUPS, MAX_SKETCHED, choose, first, rankings
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAN = float("nan")
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)
OTHER = q.Measure(aggregation=q.AGGREGATION_COUNT, name="x")
UNIQUES = q.Measure(aggregation=q.AGGREGATION_UNIQUES)
SUM = q.Measure(aggregation=q.AGGREGATION_SUM, field="properties.x")
AVG = q.Measure(aggregation=q.AGGREGATION_AVG, field="properties.x")
COLUMNS = (((0, "count"),), ((1, "count"),))


def planned(question: q.Query) -> Plan:
    question.time_range.start.FromDatetime(NOON)
    question.time_range.end.FromDatetime(NOON + timedelta(hours=4))
    found = read(question, "UTC", NOON + timedelta(days=1))
    assert isinstance(found, Series | Table)
    return plan(found)


def series(*measures: q.Measure, **others: object) -> Plan:
    return planned(q.Query(series=q.SeriesQuestion(measures=measures, **{"group_by": ["name"], **others})))


def table(*measures: q.Measure, **others: object) -> Plan:
    return planned(q.Query(table=q.TableQuestion(measures=measures, **{"group_by": ["name"], **others})))


def test_groups_of_a_series_are_the_largest_of_the_first_measure_then_of_the_next() -> None:
    found = series(COUNT, OTHER, top=3)
    one, two = rankings(found)
    ranked = [
        (one, COLUMNS[0], [("a", 1), ("b", 3), ("c", None)]),
        (two, COLUMNS[1], [("b", 9), ("d", 5)]),
    ]
    assert choose(found.question, ranked) == (("b",), ("a",), ("c",))
    wider = series(COUNT, OTHER, top=5)
    assert choose(wider.question, ranked) == (("b",), ("a",), ("c",), ("d",))


def test_only_as_many_groups_are_read_as_are_shown_where_the_database_can_order_them() -> None:
    [ranking] = rankings(table(COUNT, UNIQUES, SUM, top=7, group_by=["user_id"]))
    assert (ranking.limit, ranking.whole, ranking.ascending) == (7, False, False)
    assert [index for index, _ in ranking.scan.measures] == [0]
    [ranking] = rankings(table(COUNT, AVG, order_by="B", ascending=True, group_by=["user_id"]))
    assert (ranking.whole, ranking.ascending) == (False, True)
    assert [index for index, _ in ranking.scan.measures] == [1]


@pytest.mark.parametrize(
    ("found", "limit"),
    [
        (table(COUNT, OTHER, formulas=[q.Formula(expression="B / A")], order_by="F1"), MAX_GROUPS),
        (table(COUNT, UNIQUES, order_by="B"), MAX_SKETCHED),
        (table(COUNT, OTHER, ascending=True), MAX_GROUPS),
        (table(SUM, OTHER), MAX_GROUPS),
    ],
)
def test_all_groups_are_read_where_it_cannot(found: Plan, limit: int) -> None:
    assert all(ranking.whole for ranking in rankings(found))
    assert rankings(found)[0].limit == limit


@pytest.mark.parametrize("found", [table(COUNT, OTHER, order_by="B"), table(AVG, OTHER, ascending=True)])
def test_groups_that_a_scan_does_not_know_come_last_where_they_can_only_be_last(found: Plan) -> None:
    one, two = rankings(found)
    assert isinstance(found.question, Table)
    assert one.scan.measures[0][1] == found.question.order
    assert not one.whole
    assert not two.whole


def test_a_table_is_ordered_by_a_formula_over_groups_of_several_scans() -> None:
    found = table(COUNT, OTHER, formulas=[q.Formula(expression="B / A")], order_by="F1", top=3)
    one, two = rankings(found)
    ranked = [
        (one, COLUMNS[0], [("a", 4), ("b", 2), ("c", 1)]),
        (two, COLUMNS[1], [("a", 1), ("b", 1), ("d", 9)]),
    ]
    assert choose(found.question, ranked) == (("b",), ("a",), ("c",))


def test_a_group_that_was_never_counted_comes_first_in_ascending_order() -> None:
    found = table(COUNT, OTHER, order_by="B", ascending=True, top=2)
    of_other, of_all = rankings(found)
    ranked = [
        (of_other, COLUMNS[1], [("a", 4), ("b", 2)]),
        (of_all, COLUMNS[0], [("a", 9), ("b", 9), ("c", 9)]),
    ]
    assert choose(found.question, ranked) == (("c",), ("b",))


def test_more_groups_than_can_be_ordered_are_refused_and_none_left_out_in_silence() -> None:
    found = table(COUNT, UNIQUES, order_by="B")
    [ranking] = rankings(found)
    rows = [(f"n{number}", None) for number in range(MAX_SKETCHED + 1)]
    with pytest.raises(Invalid, match="gives more than 1000 groups"):
        choose(found.question, [(ranking, ((1, "uniques"),), rows)])
    assert len(choose(found.question, [(ranking, ((1, "uniques"),), rows[1:])])) == 10


def test_groups_whose_names_would_fill_the_answer_are_refused() -> None:
    found = series(COUNT, group_by=["properties.x"], top=100)
    [ranking] = rankings(found)
    rows = [("x" * 60_000 + str(number), 1) for number in range(60)]
    with pytest.raises(Invalid, match="ask for fewer, or split by a field of shorter values"):
        choose(found.question, [(ranking, COLUMNS[0], rows)])
    fewer = series(COUNT, group_by=["properties.x"], top=10)
    assert len(choose(fewer.question, [(ranking, COLUMNS[0], rows)])) == 10


@pytest.mark.parametrize(("ascending", "expected"), [(False, [2, 0, 3, 1]), (True, [0, 3, 2, 1])])
def test_unknown_values_come_last_and_equal_ones_by_name(ascending: bool, expected: list[int]) -> None:
    groups = [("a",), ("b",), ("c",), ("d",)]
    assert first(4, groups, np.array([1.0, NAN, 5.0, 1.0]), ascending) == expected
    assert first(2, groups, np.array([1.0, NAN, 5.0, 1.0]), ascending) == expected[:2]
