"""What is read of a window, and what is made of its rows."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR, quantiles, uniques
from services.query.windows import plan, sql
from services.query.windows.plan import Reading
from services.query.windows.question import Window, read
from services.query.windows.shape import result
from tests.windowing import ALL, aggregate, hopping, sessions, tumbling
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import window_pb2 as pb

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AN_HOUR = Span(NOON, NOON + timedelta(hours=1))
NAME = "projects/demo/windows/orders"


def asked(span: Span, **fields: Any) -> Window:
    return read(q.WindowQuestion(window=NAME, **fields), span, ZoneInfo("Europe/Berlin"), "query.window")


def reading(window: pb.Window, span: Span = AN_HOUR, **fields: Any) -> Reading:
    return plan.read(asked(span, **fields), 7, window)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"window": "orders"}, "query.window.window"),
        ({"aggregates": ["a", "a"]}, "query.window.aggregates[1]"),
        ({"aggregates": list("abcdefghijk")}, "query.window.aggregates"),
        ({"key": list("abcd")}, "query.window.key"),
        ({"key": ["a\0"]}, "query.window.key[0]"),
        ({"top": -1}, "query.window.top"),
        ({"top": 101}, "query.window.top"),
    ],
)
def test_a_question_that_cannot_be_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(
            q.WindowQuestion(**{"window": NAME} | fields),
            AN_HOUR,
            ZoneInfo("UTC"),
            "query.window",
        )
    assert caught.value.field == field


def test_values_stand_where_windows_begin() -> None:
    span = Span(NOON + timedelta(seconds=1), AN_HOUR.end)
    assert reading(tumbling(seconds=600), span).starts[0] == NOON + timedelta(minutes=10)
    assert len(reading(tumbling(seconds=600), span).starts) == 5
    assert len(reading(hopping(seconds=600, every=60), span).starts) == 59
    assert reading(tumbling(seconds=86_400)).starts == ()


def test_sessions_are_counted_in_buckets_of_a_minute_or_wider() -> None:
    assert len(reading(sessions()).starts) == 60
    assert len(reading(sessions(), Span(NOON, NOON + timedelta(minutes=2))).starts) == 2
    days = reading(sessions(), Span(NOON, NOON + timedelta(days=40))).starts
    assert [each.astimezone(ZoneInfo("Europe/Berlin")).hour for each in days] == [0] * 41


def test_too_many_windows_are_refused() -> None:
    with pytest.raises(Invalid, match="shorter range"):
        reading(tumbling(seconds=1), Span(NOON, NOON + timedelta(days=1)))
    with pytest.raises(Invalid, match="and 396 are shown at most"):
        reading(tumbling(*ALL, *others(3), key=["user_id"]), Span(NOON, NOON + timedelta(days=1)), top=100)


def others(count: int) -> list[pb.WindowAggregate]:
    return [pb.WindowAggregate(id=f"n{i}", aggregation=q.AGGREGATION_COUNT) for i in range(count)]


def test_the_error_of_the_sketches_that_are_shown_is_told() -> None:
    window = tumbling(aggregate("COUNT"), aggregate("UNIQUES"), aggregate("QUANTILE", "properties.n"))
    assert reading(window).origin.error_bound == max(UNIQUES_ERROR, QUANTILE_ERROR)
    assert reading(window, aggregates=["quantile"]).origin.error_bound == QUANTILE_ERROR
    assert reading(window, aggregates=["count"]).origin.error_bound == 0


@pytest.mark.parametrize(
    ("aggregation", "order"),
    [
        ("COUNT", "sum(count)"),
        ("SUM", "sum(numbers[1])"),
        ("AVG", "sum(numbers[1]) / nullif(sum(counts[1]), 0)"),
        ("MIN", "min(numbers[1])"),
        ("MAX", "max(numbers[1])"),
        ("UNIQUES", "sum(count)"),
    ],
)
def test_keys_are_ordered_by_the_first_aggregate(aggregation: str, order: str) -> None:
    field = "" if aggregation in ("COUNT", "UNIQUES") else "properties.n"
    statement = sql.keys(reading(tumbling(aggregate(aggregation, field), key=["user_id"])))
    assert f"ORDER BY {order} DESC NULLS LAST, key" in statement.text


def test_rows_become_lines_with_the_rest_last() -> None:
    window = tumbling(*ALL, seconds=1800, key=["user_id"])
    numbers = quantiles(np.array([1.0, 2.0, 4.0])).serialize()

    def row(slot: int, place: int | None, late: int) -> tuple[Any, ...]:
        figures = [(0, None, None), (3, 7.0, None), (3, 7.0, None), (3, 1.0, None), (3, 4.0, None)]
        sketches = [(3, None, [uniques("abc").serialize_compact()] * 2), (3, None, [numbers])]
        return slot, place, 3, late, *(each for figure in (*figures, *sketches) for each in figure)

    answer = result(reading(window), [("ann",)], [row(0, 0, 2), row(1, None, 0), row(0, None, 1)])
    assert len(answer.bucket_starts) == 2
    first, rest = answer.series[0], answer.series[1]
    assert (list(first.group), first.other, list(first.values), first.total) == (["ann"], False, [3, 0], 3)
    assert (list(rest.group), rest.other, list(rest.values), rest.total) == ([], True, [3, 3], 6)
    assert (list(first.late_counts), list(rest.late_counts)) == ([2, 0], [1, 0])
    by_id = {line.measure_id: line for line in answer.series if not line.other}
    assert [by_id[each].values[0] for each in ("sum", "min", "max", "uniques", "quantile")] == [7, 1, 4, 3, 2]
    assert by_id["avg"].total == pytest.approx(7 / 3)
    assert (by_id["sum"].values[1], math.isnan(by_id["min"].values[1])) == (0, True)


def test_windows_that_overlap_have_no_total() -> None:
    answer = result(reading(hopping(seconds=7200, every=1800)), [()], [(0, 0, 1, 0, 0, None, None)])
    assert math.isnan(answer.series[0].total)
    assert list(answer.series[0].values) == [1, 0]


def test_a_window_without_results_counts_nothing() -> None:
    answer = result(reading(tumbling(*ALL[:4], seconds=1800)), [()], [])
    assert [list(line.values) == [0, 0] for line in answer.series] == [True, True, False, False]
    assert [line.total for line in answer.series[:2]] == [0, 0]
