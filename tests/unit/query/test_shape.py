import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit import sketch
from services.query.measure import Measure
from services.query.part import Part, merged, total, value
from services.query.plan import Plan, plan
from services.query.question import Series, Table, read
from services.query.shape import Cells, Reading, filled, gather, result, table
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
NAN = math.nan
COUNT = q.Measure(aggregation=q.AGGREGATION_COUNT)


def planned(*measures: q.Measure, hours: int = 4, **others: object) -> Plan:
    asked = q.Query(series=q.SeriesQuestion(measures=measures, **others))
    asked.time_range.start.FromDatetime(NOON)
    asked.time_range.end.FromDatetime(NOON + timedelta(hours=hours))
    asked.series.interval.unit = q.Interval.UNIT_HOUR
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    return plan(question)


def tabled(*measures: q.Measure, **others: object) -> Plan:
    asked = q.Query(table=q.TableQuestion(measures=measures, **others))
    asked.time_range.start.FromDatetime(NOON)
    asked.time_range.end.FromDatetime(NOON + timedelta(hours=4))
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Table)
    return plan(question)


def measured(aggregation: q.Aggregation, source: q.Source = q.SOURCE_METRICS) -> Measure:
    field = "properties.x" if source == q.SOURCE_EVENTS and aggregation not in (1, 6) else ""
    asked = q.Measure(aggregation=aggregation, source=source, name="m", field=field, quantile=0.5)
    return planned(asked).question.measures[0]


FLOATS = st.floats(-1e6, 1e6)
PARTS = st.lists(FLOATS, max_size=20).map(np.array)


def part(values: np.ndarray) -> Part:
    if not len(values):
        return Part()
    users = sketch.uniques(str(each) for each in values)
    total, low, high = math.fsum(values), float(values.min()), float(values.max())
    return Part(len(values), total, low, high, None, users, sketch.quantiles(values.astype(np.float64)))


@given(st.lists(PARTS, max_size=6))
def test_merged_parts_are_the_part_of_all_values(pieces: list[np.ndarray]) -> None:
    everything = np.concatenate([*pieces, np.array([])])
    whole, together = part(everything), merged([part(piece) for piece in pieces])
    for aggregation in range(1, 9):
        kind = measured(aggregation)  # type: ignore[arg-type]
        a, b = value(kind, together, 10.0), value(kind, whole, 10.0)
        assert math.isnan(a) == math.isnan(b)
        assert math.isnan(a) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)


def test_a_rate_of_events_counts_and_a_rate_of_metrics_adds() -> None:
    assert value(measured(q.AGGREGATION_RATE, q.SOURCE_EVENTS), Part(count=30), 10.0) == 3
    assert value(measured(q.AGGREGATION_RATE), Part(sum=50.0), 10.0) == 5
    assert math.isnan(value(measured(q.AGGREGATION_RATE), Part(sum=50.0), 0.0))


def test_loose_values_join_the_sketch() -> None:
    found = Part()
    found.put("uniques", [sketch.uniques(["a", "b"]).serialize_compact()])
    found.put("users", ["b", "c"])
    assert found.uniques is not None
    assert round(found.uniques.get_estimate()) == 3
    found.put("quantiles", [sketch.quantiles(np.array([1.0, 2.0])).serialize()])
    found.put("numbers", [3.0])
    assert found.quantiles is not None
    assert found.quantiles.get_quantile(0.5) == 2


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (q.FILL_NONE, [NAN, 1, NAN, NAN, 4, NAN]),
        (q.FILL_ZERO, [0, 1, 0, 0, 4, 0]),
        (q.FILL_PREVIOUS, [NAN, 1, 1, 1, 4, 4]),
        (q.FILL_LINEAR, [NAN, 1, 2, 3, 4, NAN]),
    ],
)
def test_gaps_are_filled_as_asked(fill: q.Fill, expected: list[float]) -> None:
    found = filled([NAN, 1, NAN, NAN, 4, NAN], fill, q.AGGREGATION_AVG)
    assert np.allclose(found, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("aggregation", "zero"), [(1, True), (2, True), (3, False), (4, False), (6, True), (7, True), (8, False)]
)
def test_by_default_what_is_counted_is_zero_and_what_is_measured_is_unknown(
    aggregation: q.Aggregation, zero: bool
) -> None:
    assert np.array_equal(
        filled([NAN, 1], q.FILL_UNSPECIFIED, aggregation), [0 if zero else NAN, 1], equal_nan=True
    )


@given(st.lists(st.floats(-1e6, 1e6) | st.just(NAN), max_size=30), st.sampled_from([1, 2, 3, 4]))
def test_filling_keeps_what_was_measured(values: list[float], fill: q.Fill) -> None:
    found = filled(values, fill, q.AGGREGATION_AVG)
    assert len(found) == len(values)
    assert all(a == b for a, b in zip(found, values) if not math.isnan(b))


def test_a_bucket_under_way_is_divided_by_the_seconds_that_have_passed() -> None:
    rate = planned(q.Measure(aggregation=q.AGGREGATION_RATE))
    reading = Reading(cells={(0, 0): {0: Part(count=3600), 1: Part(count=60)}})
    [found] = result(rate, reading, NOON + timedelta(hours=1, minutes=1)).series
    assert list(found.values) == [1, 1, 0, 0]
    assert found.total == 1


def test_places_are_groups_and_the_rest_comes_last() -> None:
    cells: Cells = {}
    gather(cells, ((0, "count"),), [(0, 1, 5), (3, None, 2), (0, 0, 7), (1, 0, 1)])
    found = result(
        planned(COUNT, group_by=["type", "name"]), Reading((("1", "a"), ("2", "b")), cells), LATER
    ).series
    assert [(list(s.group), s.other, list(s.values), s.total) for s in found] == [
        (["USER_ACTION", "a"], False, [7, 1, 0, 0], 8),
        (["SYSTEM_EVENT", "b"], False, [5, 0, 0, 0], 5),
        ([], True, [0, 0, 0, 2], 2),
    ]


def test_exact_values_bring_their_own_total() -> None:
    exact = q.Measure(aggregation=q.AGGREGATION_UNIQUES, field="session_id")
    cells: Cells = {}
    gather(cells, ((0, "exact"),), [(0, 0, 5.0), (1, 0, 5.0), (None, 0, 7.0)])
    [found] = result(planned(exact), Reading(cells=cells), LATER).series
    assert (list(found.values), found.total) == ([5, 5, 0, 0], 7)


def test_kind_and_unit_of_a_metric_stand_beside_its_values() -> None:
    found = planned(q.Measure(aggregation=2, source=2, name="m"))
    [line] = result(found, Reading(units={"m": (4, "ms")}), LATER).series
    assert (line.kind, line.unit) == (4, "ms")


AVG = q.Measure(id="avg", aggregation=q.AGGREGATION_AVG, source=q.SOURCE_METRICS, name="m")


def test_what_was_counted_of_nothing_is_zero_in_total() -> None:
    assert total(measured(q.AGGREGATION_SUM), None, 10.0) == 0
    assert math.isnan(total(measured(q.AGGREGATION_AVG), Part(), 10.0))


def test_formulas_stand_behind_the_measures_that_are_shown_bucket_by_bucket() -> None:
    hidden = q.Measure(aggregation=q.AGGREGATION_COUNT, name="b", hidden=True)
    share = q.Formula(expression="B / A * 100", unit="%")
    cells: Cells = {}
    gather(cells, ((0, "count"),), [(0, 0, 4), (1, 0, 5), (0, None, 8)])
    gather(cells, ((1, "count"),), [(0, 0, 1), (2, 0, 3), (0, None, 2)])
    planned_ = planned(COUNT, hidden, formulas=[share], group_by=["name"], compare=1)
    count, count_of_others, found, of_others = result(
        planned_, Reading((("x",),), cells, {(0, 0): {0: Part(count=2)}}), LATER
    ).series
    assert (count.measure_id, found.measure_id, list(found.group), found.unit) == ("A", "F1", ["x"], "%")
    assert np.array_equal(found.values, [25, 0, NAN, NAN], equal_nan=True)
    assert found.total == pytest.approx(4 / 9 * 100)
    assert np.array_equal(found.previous_values, [0, NAN, NAN, NAN], equal_nan=True)
    assert found.previous_total == 0
    assert (of_others.other, of_others.values[0], of_others.total) == (True, 25, 25)
    assert count_of_others.total == 8


def test_a_formula_over_what_is_unknown_is_unknown() -> None:
    found = result(planned(AVG, formulas=[q.Formula(expression="avg + 1")]), Reading(), LATER).series[1]
    assert np.isnan([*found.values, found.total]).all()


def test_a_table_has_its_rows_in_order_then_the_rest_and_everything_in_total() -> None:
    cells: Cells = {}
    gather(cells, ((0, "count"),), [(0, 0, 5), (0, 1, 8), (0, None, 4)])
    gather(cells, ((1, "count"),), [(0, 1, 2), (0, None, 3)])
    share = q.Formula(id="share", expression="B / A", unit="%")
    planned_ = tabled(COUNT, q.Measure(aggregation=1, name="b"), formulas=[share], group_by=["type", "name"])
    found = table(planned_, Reading((("1", "a"), ("2", "b")), cells), LATER)
    assert [(column.id, column.unit) for column in found.columns] == [("A", ""), ("B", ""), ("share", "%")]
    assert [(list(row.group), row.other, list(row.values)) for row in found.rows] == [
        (["SYSTEM_EVENT", "b"], False, [8, 2, 0.25]),
        (["USER_ACTION", "a"], False, [5, 0, 0]),
        ([], True, [4, 3, 0.75]),
    ]
    assert list(found.total.values) == [17, 5, 5 / 17]


def test_a_table_that_is_not_split_is_one_row() -> None:
    found = table(tabled(COUNT, AVG), Reading(units={"m": (4, "ms")}), LATER)
    [row] = found.rows
    assert row.values[0] == found.total.values[0] == 0
    assert math.isnan(row.values[1])
    assert (found.columns[1].kind, found.columns[1].unit) == (4, "ms")


def test_the_total_of_exact_values_is_that_of_all_groups_and_no_sum() -> None:
    exact = q.Measure(aggregation=q.AGGREGATION_UNIQUES, field="session_id")
    cells: Cells = {}
    gather(cells, ((0, "exact"),), [(0, 0, 5.0), (0, None, 4.0), (None, None, 7.0)])
    found = table(tabled(exact, group_by=["name"]), Reading((("x",),), cells), LATER)
    assert [list(row.values) for row in found.rows] == [[5], [4]]
    assert list(found.total.values) == [7]


def test_rows_of_a_table_have_their_value_of_the_period_before() -> None:
    reading = Reading((("x",),), {(0, 0): {0: Part(count=3)}}, {(0, 0): {0: Part(count=2)}})
    found = table(tabled(COUNT, group_by=["name"], compare=1), reading, LATER)
    assert [(list(row.values), list(row.previous_values)) for row in found.rows] == [([3], [2])]
    assert list(found.total.previous_values) == [2]
