"""Rollups and rows give the same answers: every question is put to both on a real database."""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import psycopg
import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.postgres import conninfo, pool
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR
from services.kit.turns import Turns
from services.query.formula import Formula
from services.query.plan import RAW, Plan, Scan, Tile, plan
from services.query.question import Series, Table, read
from services.query.shape import Reading, result, table
from services.query.store import Store
from tests.conftest import Servers, cloned
from tests.integration.history import Happened, Point, commit
from tidemark.v1 import question_pb2 as q

BEGIN = datetime(2026, 3, 27, 5, 17, 3, 250_000, tzinfo=UTC)
"""Berlin loses an hour two days later."""
DAYS = 4
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]
LATER = BEGIN + timedelta(days=365)


def rows() -> list[Happened | Point]:
    """Days of events and points, most of them around the full hour, some exactly on it."""
    random = Random(7)
    found: list[Happened | Point] = []
    for i in range(3000):
        at = BEGIN + timedelta(seconds=random.uniform(0, DAYS * 86_400))
        if i % 5 == 0:
            at = at.replace(minute=0, second=0, microsecond=0)
        if at < BEGIN:
            at = BEGIN
        partition = random.randrange(3)
        found.append(
            Happened(
                at,
                random.choice("abcd"),
                f"u{random.randrange(400)}",
                type=random.choice([1, 2]),
                partition=partition,
            )
        )
        found.append(
            Point(at, round(random.gauss(50, 20), 3), name=random.choice(["cpu", "io"]), partition=partition)
        )
    return found


ROWS = rows()
COMMITS = [ROWS[first::3] for first in range(3)]
"""Each brings rows to buckets that those before have filled, so that two thirds of the rows come late."""


class Both:
    """A store on a database that holds `ROWS`."""

    def __init__(self, store: Store, runner: asyncio.Runner) -> None:
        self._store, self._runner = store, runner

    def answer(self, planned: Plan) -> q.SeriesResult:
        """The answer to the plan of a series, long after all of it."""
        return result(planned, self._runner.run(self._read(planned)), LATER)

    def table(self, planned: Plan) -> q.TableResult:
        """As `answer`, for a table."""
        return table(planned, self._runner.run(self._read(planned)), LATER)

    async def _read(self, planned: Plan) -> Reading:
        async with self._store.snapshot(1, 30.0) as snapshot:
            return await snapshot.series(planned)


@pytest.fixture(scope="module")
def both(servers: Servers, template: str) -> Iterator[Both]:
    with cloned(servers, template) as url, asyncio.Runner() as runner:
        with psycopg.connect(conninfo(url)) as connection:
            for each in COMMITS:
                commit(connection, each)
        opened = pool(url, 1)
        yield Both(Store(runner.run(opened.__aenter__()), Turns(1, 1)), runner)
        runner.run(opened.__aexit__(None, None, None))


def raw(planned: Plan) -> Plan:
    """The same question read from rows alone."""

    def exact(scan: Scan) -> Scan:
        spans = [bucket for bucket in scan.buckets if bucket.start < bucket.end]
        tile = Tile(RAW[scan.source], (replace(spans[0], end=spans[-1].end),))
        return replace(scan, tiles=(tile,), exact=True)

    return replace(
        planned, scans=tuple(map(exact, planned.scans)), earlier=tuple(map(exact, planned.earlier))
    )


MEASURES = [
    q.Measure(id="count", aggregation=q.AGGREGATION_COUNT),
    q.Measure(id="rate", aggregation=q.AGGREGATION_RATE, name="a"),
    q.Measure(id="uniques", aggregation=q.AGGREGATION_UNIQUES),
    *(
        q.Measure(
            id=name.lower(),
            source=q.SOURCE_METRICS,
            name="cpu",
            aggregation=f"AGGREGATION_{name}",
            quantile=0.9,
        )
        for name in ("COUNT", "SUM", "AVG", "MIN", "MAX", "RATE", "QUANTILE")
    ),
]
for measure in MEASURES[3:]:
    measure.id += "_metric"
ACTIONS = q.Filter(
    comparison=q.Comparison(
        field="type", operator=q.OPERATOR_EQUAL, values=[Value(string_value="USER_ACTION")]
    )
)
MEASURES.append(q.Measure(id="actions", aggregation=q.AGGREGATION_COUNT, filter=ACTIONS))


@st.composite
def spans(draw: st.DrawFn) -> q.Query:
    """A query about a span that begins and ends anywhere."""
    aligned = draw(st.sampled_from([0.001, 1, 60, 3600, 86_400]))
    start = BEGIN.timestamp() + draw(st.integers(-86_400_000, DAYS * 86_400_000)) / 1000
    length = draw(st.integers(1, 6 * 86_400_000)) / 1000
    start, end = start // aligned * aligned, (start + length) // aligned * aligned + aligned
    asked = q.Query(time_zone=draw(st.sampled_from(ZONES)))
    asked.time_range.start.FromMilliseconds(round(start * 1000))
    asked.time_range.end.FromMilliseconds(round(end * 1000))
    return asked


MEASURED = st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique_by=lambda m: m.id)


@st.composite
def questions(draw: st.DrawFn) -> q.Query:
    """A series of some measures, in any zone."""
    unit, count = draw(
        st.sampled_from(
            [
                (q.Interval.UNIT_MINUTE, 15),
                (q.Interval.UNIT_MINUTE, 45),
                (q.Interval.UNIT_HOUR, 1),
                (q.Interval.UNIT_HOUR, 36),
            ]
            + [(unit, 1) for unit in (q.Interval.UNIT_DAY, q.Interval.UNIT_WEEK, q.Interval.UNIT_MONTH)]
        )
    )
    asked = draw(spans())
    asked.series.interval.CopyFrom(q.Interval(unit=unit, count=count))
    asked.series.measures.extend(draw(MEASURED))
    asked.series.group_by.extend(draw(st.sampled_from([[], ["name"]])))
    asked.series.top = draw(st.integers(1, 5))
    asked.series.compare = draw(st.sampled_from([q.COMPARE_UNSPECIFIED, q.COMPARE_PREVIOUS_PERIOD]))
    return asked


@st.composite
def tables(draw: st.DrawFn) -> q.Query:
    """A table of some measures, ordered by any of them or by a formula."""
    asked = draw(spans())
    asked.table.measures.extend(draw(MEASURED))
    asked.table.group_by.extend(draw(st.sampled_from([[], ["name"], ["name", "type"]])))
    if any(each.source == q.SOURCE_METRICS for each in asked.table.measures):
        del asked.table.group_by[1:]
    ids = [each.id for each in asked.table.measures]
    asked.table.formulas.add(expression=f"{ids[0]} / {ids[-1]} + 1")
    asked.table.order_by = draw(st.sampled_from(["", "F1", *ids]))
    asked.table.ascending = draw(st.booleans())
    asked.table.top = draw(st.integers(1, 5))
    asked.table.compare = draw(st.sampled_from([q.COMPARE_UNSPECIFIED, q.COMPARE_PREVIOUS_PERIOD]))
    return asked


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(questions())
def test_rollups_and_rows_give_the_same_answer(both: Both, asked: q.Query) -> None:
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    planned = plan(question)
    by_rollups, by_rows = both.answer(planned), both.answer(raw(planned))
    assert list(by_rollups.bucket_starts) == list(by_rows.bucket_starts)
    assert [(s.measure_id, *s.group) for s in by_rollups.series] == [
        (s.measure_id, *s.group) for s in by_rows.series
    ]
    for one, other in zip(by_rollups.series, by_rows.series):
        for kind in ("values", "previous_values"):
            for found, true in zip(getattr(one, kind), getattr(other, kind), strict=True):
                assert close(one.measure_id, found, true), (one.measure_id, kind)
        assert close(one.measure_id, one.total, other.total)
        assert close(one.measure_id, one.previous_total, other.previous_total)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tables())
def test_a_table_of_rollups_and_of_rows_is_the_same(both: Both, asked: q.Query) -> None:
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Table)
    planned = plan(question)
    by_rollups, by_rows = both.table(planned), both.table(raw(planned))
    order = question.order.id
    if isinstance(question.order, Formula) or order in SKETCHED:
        # An error of a sketch may put another group first: what is told of a group is the same all the same.
        wider = replace(question, top=100)
        planned = plan(wider)
        by_rollups, by_rows = both.table(planned), both.table(raw(planned))
    else:
        assert [list(row.group) for row in by_rollups.rows] == [list(row.group) for row in by_rows.rows]
    ids = [column.id for column in by_rows.columns if column.id != "F1"]
    truth = {(tuple(row.group), row.other): row for row in by_rows.rows}
    assert {(tuple(row.group), row.other) for row in by_rollups.rows} == truth.keys()
    for found in (*by_rollups.rows, by_rollups.total):
        true = truth[tuple(found.group), found.other] if found is not by_rollups.total else by_rows.total
        for id_, one, other in zip(ids, found.values, true.values):
            assert close(id_, one, other), (id_, found)
        for id_, one, other in zip(ids, found.previous_values, true.previous_values):
            assert close(id_, one, other), (id_, found)
        first, last = true.values[0], true.values[len(ids) - 1]
        if not {ids[0], ids[-1]} & SKETCHED:
            expected = first / last + 1 if last else math.nan
            assert close("F1", found.values[-1], expected)


SKETCHED = {"uniques", "quantile_metric"}


def close(measure: str, found: float, true: float) -> bool:
    """Equal; from a sketch, within what it may be wrong."""
    if math.isnan(true) or math.isnan(found):
        return math.isnan(found) == math.isnan(true)
    if measure == "uniques":
        return abs(found - true) <= 2 * UNIQUES_ERROR * true + 0.5
    if measure == "quantile_metric":
        return rank(true) - 0.3 <= rank(found) <= rank(true) + 0.3
    return math.isclose(found, true, rel_tol=1e-9, abs_tol=1e-9)


VALUES = sorted(row.value for row in ROWS if isinstance(row, Point) and row.name == "cpu")


def rank(value: float) -> float:
    return sum(1 for each in VALUES if each <= value) / len(VALUES)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(questions())
def test_rows_count_what_a_loop_counts(both: Both, asked: q.Query) -> None:
    del asked.series.measures[:], asked.series.group_by[:]
    asked.series.measures.append(MEASURES[0])
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    found = both.answer(plan(question)).series[0]
    at = [row.at for row in ROWS if isinstance(row, Happened)]
    for value, (start, end) in zip(found.values, pairwise(question.edges), strict=True):
        first, last = max(start, question.span.start), min(end, question.span.end)
        assert value == sum(first <= each < last for each in at)
    assert found.total == sum(question.span.start <= each < question.span.end for each in at)


def test_a_quantile_from_rollups_keeps_its_rank_error(both: Both) -> None:
    [quantile] = (measure for measure in MEASURES if measure.id == "quantile_metric")
    asked = q.Query(series=q.SeriesQuestion(measures=[quantile]))
    asked.time_range.start.FromDatetime(BEGIN - timedelta(days=1))
    asked.time_range.end.FromDatetime(BEGIN + timedelta(days=DAYS + 1))
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    assert abs(rank(both.answer(plan(question)).series[0].total) - 0.9) <= 2 * QUANTILE_ERROR


def test_a_day_of_a_zone_that_loses_an_hour_has_23(both: Both) -> None:
    asked = q.Query(
        series=q.SeriesQuestion(measures=[MEASURES[0]], interval=q.Interval(unit=q.Interval.UNIT_DAY))
    )
    berlin = ZoneInfo("Europe/Berlin")
    asked.time_range.start.FromDatetime(datetime(2026, 3, 29, tzinfo=berlin))
    asked.time_range.end.FromDatetime(datetime(2026, 3, 30, tzinfo=berlin))
    asked.time_zone = "Europe/Berlin"
    question = read(asked, "UTC", LATER)
    assert isinstance(question, Series)
    assert question.edges[1] - question.edges[0] == timedelta(hours=23)
    assert {tile.table for scan in plan(question).scans for tile in scan.tiles} == {"rollups_1h"}
