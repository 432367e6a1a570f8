"""Segments and the hypertable give the same answers: every question is put to both, over rows of every kind, on a real database."""

import math
from datetime import timedelta

import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.query.columnar.scan import Column, Flag, Scan, Text
from services.query.columnar.segment import FAN_IN
from services.query.fields import field
from services.query.filter import EVERYTHING, condition
from services.query.question import Series, Table, read
from tests.integration.mirroring import BEGIN, DAYS, LATER, NUMBERS, TEXTS, Stage, stage
from tidemark.v1 import question_pb2 as q

__all__ = ["stage"]

PATHS = [
    "user_id", "session_id", "name", "type", "properties.a", "properties.a.b", "properties.a.0", "properties.a.0.c", "properties.a.-1",
    "properties.a.b.c", "properties.k", "properties.deep", "properties.deep.b", "properties.deep.0.b", "properties.Größe",
    "properties.q\"'$1", "properties.never", "properties.x12", "properties.x33", "context.k", "context.a.b",
]  # fmt: skip


OPERATORS = {
    "one": [q.OPERATOR_EQUAL, q.OPERATOR_NOT_EQUAL, q.OPERATOR_IN, q.OPERATOR_NOT_IN],
    "texts": [q.OPERATOR_CONTAINS, q.OPERATOR_NOT_CONTAINS, q.OPERATOR_STARTS_WITH, q.OPERATOR_ENDS_WITH, q.OPERATOR_MATCHES,
        q.OPERATOR_NOT_MATCHES],
    "order": [q.OPERATOR_LESS, q.OPERATOR_LESS_OR_EQUAL, q.OPERATOR_GREATER, q.OPERATOR_GREATER_OR_EQUAL],
    "none": [q.OPERATOR_EXISTS, q.OPERATOR_NOT_EXISTS],
}  # fmt: skip
VALUES = [
    *(Value(string_value=each) for each in [*TEXTS, "u1", "a", "s1"]),
    *(Value(number_value=float(each)) for each in NUMBERS if abs(float(each)) < 1e300),
    Value(bool_value=True),
    Value(bool_value=False),
]


@st.composite
def comparisons(draw: st.DrawFn) -> q.Filter:
    """A comparison of some field that may be made."""
    path = draw(st.sampled_from(PATHS))
    nested = path.startswith(("properties", "context"))
    kinds = ["one", "none", *(["texts"] if path != "type" else []), *(["order"] if nested else [])]
    kind = draw(st.sampled_from(kinds))
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if path == "type":
        values = [] if kind == "none" else [Value(string_value="USER_ACTION")]
    elif kind == "none":
        values = []
    elif kind == "texts":
        plain = [
            each
            for each in TEXTS
            if not (operator in (q.OPERATOR_MATCHES, q.OPERATOR_NOT_MATCHES) and "\\" in each)
        ]
        values = [Value(string_value=draw(st.sampled_from([*plain, "är", "ÄR", "^a", "1.5"])))]
    elif kind == "order":
        values = [draw(st.sampled_from([each for each in VALUES if each.HasField("number_value")]))]
    else:
        several = operator in (q.OPERATOR_IN, q.OPERATOR_NOT_IN)
        values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3 if several else 1))
    return q.Filter(comparison=q.Comparison(field=path, operator=operator, values=values))


filters = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: q.Filter(all=q.FilterGroup(filters=found))),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: q.Filter(any=q.FilterGroup(filters=found))),
        inner.map(lambda found: q.Filter(**{"not": found})),
    ),
    max_leaves=4,
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span that begins and ends anywhere."""
    start = BEGIN + timedelta(seconds=draw(st.integers(-86_400, DAYS * 86_400)))
    return Span(start, start + timedelta(seconds=draw(st.integers(1, 6 * 86_400))))


@st.composite
def questions(draw: st.DrawFn) -> Series | Table:
    """A series or a table that only rows can answer."""
    aggregation = draw(
        st.sampled_from([name for name in dict(q.Aggregation.items()) if not name.endswith("UNSPECIFIED")])
    )
    plain = aggregation in ("AGGREGATION_COUNT", "AGGREGATION_RATE")
    measure = q.Measure(
        aggregation=aggregation,
        name=draw(st.sampled_from(["", "", "a"])),
        field="" if plain else draw(st.sampled_from(
            PATHS if aggregation == "AGGREGATION_UNIQUES" else [each for each in PATHS if "." in each]
        )),
        quantile=draw(st.sampled_from([0.0, 0.5, 0.9])),
    )  # fmt: skip
    measures = [measure, q.Measure(aggregation=q.AGGREGATION_COUNT)]
    groups = draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))
    span = draw(spans())
    query = q.Query(time_zone="Europe/Berlin")
    query.time_range.start.FromDatetime(span.start)
    query.time_range.end.FromDatetime(span.end)
    found = q.SeriesQuestion(measures=measures, group_by=groups, top=draw(st.integers(1, 5)))
    found.filter.CopyFrom(draw(filters))
    if draw(st.booleans()):
        found.interval.unit = draw(
            st.sampled_from([q.Interval.UNIT_HOUR, q.Interval.UNIT_DAY, q.Interval.UNIT_MONTH])
        )
        query.series.CopyFrom(found)
    else:
        query.table.measures.extend(found.measures)
        query.table.group_by.extend(groups)
        query.table.filter.CopyFrom(found.filter)
        query.table.top = found.top
    question = read(query, "UTC", LATER)
    assert isinstance(question, Series | Table)
    return question


def grown(stage: Stage) -> Stage:
    """Segments of several months and sizes, merged ones among them, late rows in a tail."""
    for number in range(FAN_IN + 1):
        stage.happen(40)
        stage.mirror(merges=1 if number == FAN_IN - 1 else 0)
    stage.happen(25)
    stage.happen(10, days=1, since=BEGIN - timedelta(days=20))
    return stage


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-300) or (math.isnan(one) and math.isnan(other))


def assert_same(found: q.SeriesResult | q.TableResult, expected: q.SeriesResult | q.TableResult) -> None:
    """That two answers are the same but for the order in which doubles were added up."""
    if isinstance(expected, q.TableResult):
        assert isinstance(found, q.TableResult)
        pairs = list(zip([*found.rows, found.total], [*expected.rows, expected.total], strict=True))
    else:
        assert isinstance(found, q.SeriesResult)
        pairs = list(zip(found.series, expected.series, strict=True))
    for one, other in pairs:
        assert list(one.group) == list(other.group)
        assert one.other == other.other
        assert all(map(same, one.values, other.values)), (one, other)
        if isinstance(one, q.Series):
            assert same(one.total, other.total), (one, other)


@pytest.mark.parametrize("stage", [False, True], ids=["calm", "wild"], indirect=True)
def test_series_and_tables_from_segments_equal_those_from_rows(stage: Stage) -> None:
    grown(stage)
    mirrored = 0

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(questions())
    def ask(question: Series | Table) -> None:
        nonlocal mirrored
        found, from_segments = stage.answered(stage.mixed, question)
        mirrored += from_segments
        assert_same(found, stage.answered(stage.plain, question)[0])

    ask()
    assert mirrored > 30


@st.composite
def scans(draw: st.DrawFn) -> Scan:
    """A bulk scan."""
    stated = [condition(draw(filters), q.SOURCE_EVENTS, "filter") for _ in range(2)]
    columns: list[Column] = [Flag("flag", stated[1])]
    columns += [
        Text(path, field(path, q.SOURCE_EVENTS, "field"))
        for path in draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))
    ]
    return Scan(
        draw(spans()), draw(st.sampled_from([EVERYTHING, stated[0]])), tuple(columns), draw(st.booleans())
    )


@pytest.mark.parametrize("stage", [False, True], ids=["calm", "wild"], indirect=True)
def test_bulk_scans_of_segments_equal_those_of_rows(stage: Stage) -> None:
    grown(stage)
    mirrored = 0

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(scans())
    def ask(scan: Scan) -> None:
        nonlocal mirrored
        found, expected = stage.scanned(stage.mixed, scan), stage.scanned(stage.plain, scan)
        mirrored += found.schema.metadata[b"source"] == b"DATA_SOURCE_SEGMENT"
        assert expected.schema.metadata[b"source"] == b"DATA_SOURCE_RAW"
        assert found.to_pylist() == expected.to_pylist()
        found.validate(full=True)

    ask()
    assert mirrored > 30
