"""The statements themselves lie in tests/golden/sql, for people to read; `TIDEMARK_GOLDEN=write pytest` writes them anew."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.query.filter import Members
from services.query.plan import Plan, Tile, plan
from services.query.question import Events, Series, Table, read
from services.query.rank import rankings
from services.query.sql import Page, cells, events, expected, ranking, unit_of
from services.query.state import Until
from services.query.where import Statement
from tidemark.v1 import question_pb2 as q

GOLDEN = Path(__file__).parents[2] / "golden" / "sql"
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
AMOUNT = "properties.amount"
BUYERS = "projects/demo/cohorts/buyers"
PEOPLE = {BUYERS: Members(BUYERS, ("ann", "bob"), "r1")}


def compared(field: str, operator: str, *values: object) -> q.Filter:
    found = q.Comparison(field=field, operator=f"OPERATOR_{operator}")
    for value in values:
        kind = {str: "string_value", bool: "bool_value"}.get(type(value), "number_value")
        setattr(found.values.add(), kind, value)
    return q.Filter(comparison=found)


def series(
    start: datetime = DAY,
    unit: int = q.Interval.UNIT_HOUR,
    zone: str = "UTC",
    until: Until | None = None,
    **others: object,
) -> Plan:
    asked = q.Query(
        time_zone=zone, series=q.SeriesQuestion(**{"measures": [q.Measure(aggregation=1)], **others})
    )
    asked.time_range.start.FromDatetime(start)
    asked.time_range.end.FromDatetime(DAY + timedelta(days=2))
    asked.series.interval.unit = unit  # type: ignore[assignment]
    question = read(asked, "UTC", NOW, people=PEOPLE)
    assert isinstance(question, Series)
    return plan(question, until)


def table(**others: object) -> Plan:
    asked = q.Query(table=q.TableQuestion(**{"measures": [q.Measure(aggregation=1)], **others}))
    asked.time_range.start.FromDatetime(DAY)
    asked.time_range.end.FromDatetime(DAY + timedelta(days=2))
    question = read(asked, "UTC", NOW)
    assert isinstance(question, Table)
    return plan(question)


def ranked(planned: Plan) -> Statement:
    return ranking(rankings(planned)[0], 7)


def happened(*filters: q.Filter) -> Events:
    asked = q.Query(events=q.EventsQuestion())
    asked.time_range.start.FromDatetime(DAY)
    asked.time_range.end.FromDatetime(DAY + timedelta(days=2))
    if filters:
        asked.events.filter.all.filters.extend(filters)
    question = read(asked, "UTC", NOW)
    assert isinstance(question, Events)
    return question


METRICS = [
    q.Measure(id=name, source=2, name="latency", aggregation=f"AGGREGATION_{name}", quantile=0.99)
    for name in ("COUNT", "SUM", "AVG", "MIN", "MAX", "RATE", "QUANTILE")
]
RAW = [
    q.Measure(id=name, name="order", aggregation=f"AGGREGATION_{name}", quantile=0.5, field=AMOUNT)
    for name in ("SUM", "AVG", "MIN", "MAX", "QUANTILE", "UNIQUES")
]
EVERY_OPERATOR = [
    *(compared("properties.a", each, 1.5) for each in ("EQUAL", "NOT_EQUAL", "LESS", "GREATER_OR_EQUAL")),
    compared("properties.a.b", "IN", "x", 1, True),
    compared("context.page", "NOT_IN", "x"),
    *(compared("context.page", each, "x") for each in ("CONTAINS", "NOT_CONTAINS", "STARTS_WITH", "ENDS_WITH")),
    *(compared("context.page", each, "^/a.*") for each in ("MATCHES", "NOT_MATCHES")),
    *(compared("properties.a.b", each) for each in ("EXISTS", "NOT_EXISTS")),
    compared("user_id", "EXISTS"),
    compared("type", "IN", "USER_ACTION", "ERROR_EVENT"),
    compared("occurred_at", "LESS", "2026-03-02T12:00:00Z"),
    compared("session_id", "EQUAL", 5),
    q.Filter(**{"not": q.Filter(any=q.FilterGroup(filters=[compared("name", "EQUAL", "a"), compared("user_id", "CONTAINS", "b")]))}),
]  # fmt: skip
THEN = Until((3, 4), (Span(DAY + timedelta(minutes=70), DAY + timedelta(minutes=71)),))
OFF = DAY + timedelta(minutes=1, seconds=5)
ONE_NAME = compared("name", "EQUAL", "a")

STATEMENTS = {
    "count": lambda: cells(series().scans[0], 7, [()]),
    "count_of_a_name_in_days_of_kolkata": lambda: cells(
        series(
            unit=q.Interval.UNIT_DAY, zone="Asia/Kolkata", measures=[q.Measure(aggregation=1, name="a")]
        ).scans[0],
        7,
        [()],
    ),
    "uniques_from_an_instant": lambda: cells(
        series(OFF, measures=[q.Measure(aggregation=q.AGGREGATION_UNIQUES)]).scans[0], 7, [()]
    ),
    "metrics": lambda: cells(series(measures=METRICS).scans[0], 7, [()]),
    "metrics_from_an_instant_by_kind": lambda: cells(
        series(OFF, measures=METRICS, group_by=["kind"]).scans[0], 7, [("1",), ("2",)]
    ),
    "groups_of_names": lambda: ranked(series(group_by=["name"])),
    "groups_of_types_by_uniques": lambda: ranked(
        series(measures=[q.Measure(aggregation=q.AGGREGATION_UNIQUES)], group_by=["type"])
    ),
    "rows_by_property": lambda: cells(
        series(measures=RAW, group_by=["properties.geo.country", "user_id"]).scans[0],
        7,
        [("de", "ann"), ("fr", "")],
    ),
    "groups_of_rows": lambda: ranked(series(measures=RAW[1:], group_by=["properties.country"])),
    "rows_of_a_table": lambda: cells(
        table(measures=RAW, group_by=["properties.country"]).scans[0], 7, [("de",), ("fr",)]
    ),
    "groups_of_a_table_smallest_first": lambda: ranked(
        table(measures=RAW[:1], group_by=["properties.country"], ascending=True)
    ),
    "groups_of_a_table_by_a_formula": lambda: ranked(
        table(
            measures=RAW,
            formulas=[q.Formula(expression="SUM / UNIQUES")],
            group_by=["properties.country"],
            order_by="F1",
        )
    ),
    "people_of_a_cohort": lambda: cells(
        series(measures=RAW[:1], filter=q.Filter(cohort=BUYERS)).scans[0], 7, [()]
    ),
    "rows_expected_of_a_name": lambda: expected(
        Tile("events", (Span(OFF, DAY + timedelta(days=2, minutes=5)),)), q.SOURCE_EVENTS, ("order",), 7
    ),
    "rows_expected_of_rollups": lambda: expected(
        Tile("rollups_1h", (Span(DAY, DAY + timedelta(days=2)),)), q.SOURCE_METRICS, None, 7
    ),
    "rows_of_a_short_time": lambda: cells(
        series(
            DAY + timedelta(days=2, minutes=-30),
            measures=[q.Measure(aggregation=q.AGGREGATION_SUM, field=AMOUNT)],
        ).scans[0],
        7,
        [()],
    ),
    "events": lambda: events(happened(), 7, Page(101)),
    "events_of_a_name_after": lambda: events(
        happened(ONE_NAME), 7, Page(101, (DAY, "00000000-0000-7000-8000-000000000000"))
    ),
    "events_committed_since": lambda: events(
        happened(), 7, Page(100, batches=(1, 2), until=(3, 4), spans=(Span(DAY, DAY + timedelta(minutes=1)),))
    ),
    "events_of_a_state": lambda: events(happened(ONE_NAME), 7, Page(101, until=(3, 4))),
    "uniques_of_a_state": lambda: cells(
        series(until=THEN, measures=[q.Measure(aggregation=q.AGGREGATION_UNIQUES)]).scans[0], 7, [()]
    ),
    "rows_of_a_state": lambda: cells(series(until=replace(THEN, changed=None)).scans[0], 7, [()]),
    "unit_of_a_metric_in_a_state": lambda: unit_of("latency", Span(DAY, OFF), 7, (3, 4)),
    "every_operator": lambda: events(happened(*EVERY_OPERATOR), 7, Page(10)),
}


def shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list) and len(value) > 4:
        return f"[{shown(value[0])}, {shown(value[1])}, … {shown(value[-1])}] ({len(value)})"
    return f"[{', '.join(map(shown, value))}]" if isinstance(value, list) else repr(value)


def written(statement: Statement) -> str:
    parameters = "".join(f"-- {name}: {shown(value)}\n" for name, value in statement.parameters.items())
    columns = "".join(f"-- column of measure {index}: {kind}\n" for index, kind in statement.columns)
    return f"{statement.text}\n{parameters}{columns}"


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_are_as_they_were_approved(name: str) -> None:
    path, found = GOLDEN / f"{name}.sql", written(STATEMENTS[name]())
    if os.environ.get("TIDEMARK_GOLDEN") == "write":
        path.write_text(found)
    assert path.read_text() == found


def test_no_approved_statement_is_out_of_use() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == set(STATEMENTS)


WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VOCABULARY = {word for make in STATEMENTS.values() for word in WORDS.findall(make().text)}
HOSTILE = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
) | st.sampled_from(
    [
        "'",
        "';--",
        "%(p0)s",
        "%s",
        "%%",
        '"',
        "\\",
        "$1",
        "name; DROP TABLE events",
        "x' OR '1'='1",
        "properties.x'",
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_of_a_caller_is_part_of_a_statement(name: str, key: str, value: str) -> None:
    where = [compared(f"properties.{key}", "EQUAL", value), compared("user_id", "CONTAINS", value)]
    measure = q.Measure(aggregation=q.AGGREGATION_UNIQUES, name=name, field=f"context.{key}")
    try:
        found = series(measures=[measure], group_by=[f"properties.{key}"], filter=where[0])
        statements = [
            cells(found.scans[0], 7, [(value,)]),
            ranked(found),
            events(happened(*where), 7, Page(10)),
        ]
    except Invalid:
        return
    for statement in statements:
        bare = re.sub(r"%\(p\d+\)s", "", statement.text)
        assert "%" not in bare
        assert set(WORDS.findall(bare)) <= VOCABULARY | {"g0", "v0"}
        assert set(re.findall(r"%\((p\d+)\)s", statement.text)) == set(statement.parameters)
