"""Answers of every kind become blocks: tables with their exact values, charts of the same numbers, and words where there is nothing."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from services.reports.build import events, people, question
from services.reports.document import Drawing, Figures, Kind, Table
from tests.unit.reports.answers import (
    COUNT,
    DAY,
    HOSTILE,
    NAN,
    PAID,
    START,
    charts,
    heads,
    line,
    rows,
    sentences,
    series,
    shown,
    stamp,
    tables,
)
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display
from tidemark.v1.event_pb2 import EVENT_TYPE_USER_ACTION, Event
from tidemark.v1.query_pb2 import RunQueryResponse
from tidemark.v1.report_pb2 import QuestionSection

CHART, TABLE, BOTH = QuestionSection.VIEW_CHART, QuestionSection.VIEW_TABLE, QuestionSection.VIEW_BOTH
ORDERS = q.SeriesQuestion(measures=[COUNT])
BY_COUNTRY = q.SeriesQuestion(measures=[COUNT, PAID], group_by=["properties.country"])
MOST = 2**63 - 1


def test_a_series_is_a_line_and_its_rows() -> None:
    blocks = question.blocks(shown(series=ORDERS), series(line([3, 0, 5, 1, 0, 2, 4])))
    [chart], table = charts(blocks), tables(blocks)["orders"]
    assert (chart.drawing, chart.series[0].values) == (Drawing.LINE, (3, 0, 5, 1, 0, 2, 4))
    assert chart.summary == "order_placed: most 5 (Wed, 7 Oct 2026), least 0 (Tue, 6 Oct 2026)."
    assert heads(table) == ["time", "order_placed"]
    assert [column.form.kind for column in table.columns] == [Kind.BUCKET, Kind.INTEGER]
    assert table.columns[0].form.bucket == "day"
    assert rows(table)[2] == ((START + 2 * DAY).astimezone(UTC), 5)


def test_what_was_not_measured_is_nothing_and_zero_has_no_sign() -> None:
    asked = q.SeriesQuestion(measures=[PAID])
    blocks = question.blocks(shown(series=asked), series(line([1.5, NAN, -0.0], total=1.5), count=3))
    assert str([row[1] for row in rows(tables(blocks)["orders"])]) == "[1.5, None, 0.0]"
    assert charts(blocks)[0].series[0].values == (1.5, None, 0.0)


def test_a_count_that_was_filled_in_is_a_number() -> None:
    blocks = question.blocks(shown(series=ORDERS), series(line([1, 1.5, 2]), count=3))
    assert tables(blocks)["orders"].columns[1].form.kind is Kind.NUMBER


def test_the_period_before_is_dashed_and_its_change_told() -> None:
    asked = q.SeriesQuestion(measures=[COUNT], compare=q.COMPARE_PREVIOUS_PERIOD)
    answer = series(line([2, 4], previous_values=[1, 2], previous_total=3), count=2)
    blocks = question.blocks(shown(series=asked), answer)
    assert [(each.title, each.dashed) for each in charts(blocks)[0].series] == [
        ("order_placed", False),
        ("order_placed, before", True),
    ]
    assert rows(tables(blocks)["orders.total"]) == [("order_placed", 6, 3, 1.0)]
    assert [row[2] for row in rows(tables(blocks)["orders"])] == [1, 2]


def test_measures_of_different_units_are_drawn_apart() -> None:
    asked = q.SeriesQuestion(measures=[COUNT, PAID])
    answer = series(line([1, 2]), line([10.5, 20], "B", unit="€"), count=2)
    assert [chart.value_form.unit for chart in charts(question.blocks(shown(series=asked), answer))] == [
        "",
        "€",
    ]


def test_many_groups_are_rows_instead_of_columns() -> None:
    lines = []
    for place in range(8):
        lines += [
            line([place, 1], group=[f"land {place}"]),
            line([place / 2, 0.5], "B", group=[f"land {place}"]),
        ]
    lines += [line([9, 9], other=True), line([4.5, 4.5], "B", other=True)]
    blocks = question.blocks(shown(series=BY_COUNTRY), series(*lines, count=2))
    table = tables(blocks)["orders"]
    assert heads(table) == ["time", "country", "events", "sum value"]
    assert table.rows.count == 18
    assert rows(table)[8][1:] == ("other", 9, 4.5)
    assert rows(table)[3][1:] == ("land 3", 3, 1.5)


def test_a_group_called_other_is_not_the_rest() -> None:
    lines = [line([1], group=[f"{place}"]) for place in range(12)]
    lines += [line([2], group=["other"]), line([3], other=True)]
    asked = q.SeriesQuestion(measures=[COUNT], group_by=["properties.country"])
    answer = series(*lines, count=1)
    found = rows(tables(question.blocks(shown(series=asked), answer))["orders"])
    assert [row[1:] for row in found][-2:] == [("other", 2), ("other", 3)]
    assert list(question.notes(answer)) == ["Groups beyond the largest are together in `other`."]


def test_a_number_is_a_figure_of_the_whole_time() -> None:
    display = Display(kind=Display.KIND_NUMBER, unit="€", decimals=2, less_is_better=True)
    blocks = question.blocks(shown(display, series=ORDERS), series(line([1, 2], total=3), count=2))
    [block] = blocks
    assert isinstance(block, Figures)
    [figure] = block.figures
    assert (figure.value, figure.form.unit, figure.form.decimals) == (3, "€", 2)
    assert figure.less_is_better
    assert rows(block.table) == [("Orders", 3.0, "€", None, None)]


@pytest.mark.parametrize(
    ("view", "display", "drawn", "written"),
    [
        (0, 0, True, True),
        (0, Display.KIND_TABLE, False, True),
        (0, Display.KIND_BAR, True, True),
        (CHART, 0, True, False),
        (TABLE, Display.KIND_BAR, False, True),
        (BOTH, 0, True, True),
    ],
)
def test_a_view_says_what_is_shown(view: int, display: int, drawn: bool, written: bool) -> None:
    wanted = shown(Display(kind=display), view, series=ORDERS)  # type: ignore[arg-type]
    blocks = question.blocks(wanted, series(line([1, 2]), count=2))
    assert bool(charts(blocks)) is drawn
    assert tables(blocks)["orders"].shown is written


def grouped(*found: q.TableRow, compare: bool = False) -> RunQueryResponse:
    columns = [q.TableColumn(id="A"), q.TableColumn(id="F1", unit="%")]
    before = [8.0, 50.0] if compare else []
    total = q.TableRow(values=[10, 55.5], previous_values=before)
    return RunQueryResponse(table=q.TableResult(columns=columns, rows=found, total=total))


GROUPS = q.TableQuestion(
    measures=[COUNT],
    formulas=[q.Formula(expression="A / A * 100", unit="%")],
    group_by=["properties.country", "properties.plan"],
)


def test_groups_are_rows_with_the_rest_and_all_together() -> None:
    answer = grouped(
        q.TableRow(group=["DE", ""], values=[7, 60]),
        q.TableRow(group=[HOSTILE, "pro"], values=[2, NAN]),
        q.TableRow(other=True, values=[1, 40]),
    )
    blocks = question.blocks(shown(table=GROUPS), answer)
    found = tables(blocks)
    assert heads(found["orders"]) == ["country", "plan", "order_placed", "A / A * 100"]
    assert rows(found["orders"]) == [
        ("DE", "(none)", 7, 60.0),
        (HOSTILE, "pro", 2, None),
        ("other", "", 1, 40.0),
    ]
    assert rows(found["orders.total"]) == [(10, 55.5)]
    assert not charts(blocks)
    assert list(question.notes(answer)) == ["Groups beyond the rows shown are together in `other`."]


def test_bars_are_of_the_columns_that_have_one_unit() -> None:
    answer = grouped(q.TableRow(group=["DE", ""], values=[7, 60]))
    [chart] = charts(question.blocks(shown(Display(kind=Display.KIND_BAR), table=GROUPS), answer))
    assert (chart.drawing, chart.labels) == (Drawing.BAR, ("DE · (none)",))
    assert [each.title for each in chart.series] == ["order_placed"]


def test_groups_are_compared_with_the_period_before() -> None:
    answer = grouped(q.TableRow(group=["DE", "x"], values=[6, 60], previous_values=[4, 0]), compare=True)
    table = tables(question.blocks(shown(table=GROUPS), answer))["orders"]
    assert rows(table) == [("DE", "x", 6, 4, 0.5, 60.0, 0.0, None)]


def step(name: str, count: int, share: float, median: int | None = None) -> q.FunnelStep:
    time = None if median is None else Duration(seconds=median)
    return q.FunnelStep(
        display_name=name, people=count, of_first=share, of_previous=share, median_time=time, mean_time=time
    )


def test_a_funnel_tells_how_many_go_all_the_way_and_how_long_it_takes() -> None:
    time = q.TimeToConvert(
        median=Duration(seconds=90), p90=Duration(seconds=7200), edges=[0, 60, 7200], people=[1, 3]
    )
    groups = [
        q.FunnelGroup(all=True, steps=[step("a", 10, 1), step("b", 4, 0.4, 90)], time_to_convert=time),
        q.FunnelGroup(group="DE", steps=[step("a", 7, 1), step("b", 1, 1 / 7)]),
        q.FunnelGroup(other=True, steps=[step("a", 3, 1), step("b", 3, 1)]),
    ]
    answer = RunQueryResponse(funnel=q.FunnelResult(groups=groups))
    blocks = question.blocks(shown(view=BOTH, funnel=q.FunnelQuestion()), answer)
    assert sentences(blocks) == [
        "40% of 10 people go all the way: half of them within 1 min 30 s, nine in ten within 2 h."
    ]
    found = tables(blocks)
    assert rows(found["orders"])[1] == ("all", "b", 4, 0.4, 0.4, 90.0, 90.0)
    assert [row[0] for row in rows(found["orders"])] == ["all", "all", "DE", "DE", "other", "other"]
    assert rows(found["orders.histogram"]) == [(0.0, 60.0, 1), (60.0, 7200.0, 3)]
    [chart] = charts(blocks)
    assert [(each.title, each.values) for each in chart.series] == [("DE", (7, 1)), ("other", (3, 3))]


def test_retention_is_a_map_of_heat_of_the_shares_that_the_table_has() -> None:
    cohorts = [
        q.RetentionRow(start=stamp(START), people=4, back=[4, 2, 1], complete=3),
        q.RetentionRow(start=stamp(START + DAY), people=0, back=[0, 0], complete=1),
    ]
    group = q.RetentionGroup(all=True, rows=cohorts, mean=[1, 0.5, 0.25])
    answer = RunQueryResponse(retention=q.RetentionResult(groups=[group]))
    blocks = question.blocks(shown(view=BOTH, retention=q.RetentionQuestion()), answer)
    found = tables(blocks)
    assert heads(found["orders"]) == ["began", "people", "day 0", "day 1", "day 2"]
    assert [row[1:] for row in rows(found["orders"])] == [(4, 1.0, 0.5, 0.25), (0, None, None, None)]
    assert [row[1:] for row in rows(found["orders.people"])] == [(4, 4, 2, 1), (0, 0, 0, None)]
    assert rows(found["orders.mean"]) == [("all", 1.0, 0.5, 0.25)]
    [chart] = charts(blocks)
    assert (chart.drawing, chart.labels) == (Drawing.HEAT, ("day 0", "day 1", "day 2"))
    assert chart.series[0].values == (1.0, 0.5, 0.25)
    assert "50%, 25%" in chart.summary
    assert list(question.notes(answer)) == ["Periods that have not ended yet may still grow."]


def test_who_is_active_stands_on_one_another_and_who_went_dormant_apart() -> None:
    starts = [stamp(START + day * DAY) for day in range(2)]
    result = q.LifecycleResult(
        starts=starts, new=[3, 1], returning=[0, 2], resurrecting=[0, 1], dormant=[0, 2]
    )
    blocks = question.blocks(shown(lifecycle=q.LifecycleQuestion()), RunQueryResponse(lifecycle=result))
    active, dormant = charts(blocks)
    assert active.stacked
    assert [each.title for each in active.series] == ["new", "returning", "resurrecting"]
    assert dormant.series[0].values == (0, 2)
    assert [row[1:] for row in rows(tables(blocks)["orders"])] == [(3, 0, 0, 0), (1, 2, 1, 2)]


def test_sessions_are_figures_a_chart_and_where_they_begin_and_end() -> None:
    result = q.SessionsResult(
        bucket_starts=[stamp(START)],
        sessions=[2],
        mean_seconds=[NAN],
        bounce_share=[0.5],
        mean_events=[1.5],
        total=q.SessionsTotal(
            sessions=2, people=1, mean=Duration(seconds=61), bounce_share=0.5, mean_events=1.5
        ),
        entries=[q.Frequency(value=HOSTILE, count=2)],
        exits=[q.Frequency(value="", count=2)],
    )
    blocks = question.blocks(shown(sessions=q.SessionsQuestion()), RunQueryResponse(sessions=result))
    found = tables(blocks)
    assert [row[:2] for row in rows(found["orders.figures"])][:3] == [
        ("Sessions", 2.0),
        ("People", 1.0),
        ("Mean length", 61.0),
    ]
    assert rows(found["orders"])[0][1:] == (2, None, 0.5, 1.5)
    assert rows(found["orders.entries"]) == [(HOSTILE, 2)]
    assert rows(found["orders.exits"]) == [("(none)", 2)]


@pytest.mark.parametrize(("backwards", "way"), [(False, ("a", "other")), (True, ("other", "a"))])
def test_paths_are_ways_in_the_order_they_are_gone(backwards: bool, way: tuple[str, str]) -> None:
    nodes = [
        q.PathNode(step=0, value="a", paths=4, ended=1),
        q.PathNode(step=1, other=True, paths=3, ended=3),
        q.PathNode(step=1, value="", paths=0),
    ]
    links = [q.PathLink(**{"from": 0, "to": 1, "paths": 3})]
    answer = RunQueryResponse(paths=q.PathsResult(nodes=nodes, links=links, paths=4))
    blocks = question.blocks(shown(view=BOTH, paths=q.PathsQuestion(backwards=backwards)), answer)
    assert rows(tables(blocks)["orders"]) == [(0, *way, 3)]
    assert rows(tables(blocks)["orders.steps"])[1:] == [(1, "other", 3, 0.75, 3), (1, "(none)", 0, 0.0, 0)]
    assert charts(blocks)[0].labels == (" › ".join(way),)


def test_people_and_events_are_given_whole() -> None:
    someone = q.Person(user_id=HOSTILE, first_seen=stamp(START), last_seen=stamp(START), events=MOST)
    [table] = people.blocks(shown(people=q.PeopleQuestion()), people.page([someone]))
    assert isinstance(table, Table)
    assert rows(table) == [(HOSTILE, START.astimezone(UTC), START.astimezone(UTC), MOST)]
    event = Event(
        event_id=bytes(range(16)),
        type=EVENT_TYPE_USER_ACTION,
        name="a",
        occurred_at=stamp(START),
        properties_json=b'{"a":1}',
    )
    page = events.page(
        [q.StoredEvent(event=event, received_at=stamp(START + timedelta(seconds=1)), late=True)]
    )
    [table] = events.blocks(shown(events=q.EventsQuestion()), page)
    assert isinstance(table, Table)
    [row] = rows(table)
    assert row[1:8] == ("a", "USER_ACTION", None, None, '{"a":1}', None, True)
    assert row[-2:] == (None, "00010203-0405-0607-0809-0a0b0c0d0e0f")


EMPTY: list[tuple[dict[str, Any], RunQueryResponse]] = [
    ({"series": ORDERS}, series(line([0, 0]), count=2)),
    ({"series": BY_COUNTRY}, series(count=2)),
    ({"table": GROUPS}, grouped()),
    ({"funnel": q.FunnelQuestion()}, RunQueryResponse(funnel=q.FunnelResult(groups=[q.FunnelGroup(steps=[step("a", 0, NAN)])]))),
    ({"retention": q.RetentionQuestion()}, RunQueryResponse(retention=q.RetentionResult())),
    ({"lifecycle": q.LifecycleQuestion()}, RunQueryResponse(lifecycle=q.LifecycleResult())),
    ({"sessions": q.SessionsQuestion()}, RunQueryResponse(sessions=q.SessionsResult())),
    ({"paths": q.PathsQuestion()}, RunQueryResponse(paths=q.PathsResult())),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "answer"), EMPTY, ids=[next(iter(kind)) for kind, _ in EMPTY])
def test_where_there_is_nothing_it_is_said_and_the_table_is_there(
    kind: dict[str, Any], answer: RunQueryResponse
) -> None:
    blocks = question.blocks(shown(**kind), answer)
    assert sentences(blocks) == ["Nothing was found in this time."]
    assert not charts(blocks)
    assert tables(blocks)["orders"].columns


def test_a_window_is_a_series_whose_late_events_are_noted() -> None:
    lines = [line([1.5, NAN], "count", group=["DE", "pro"], total=NAN, late_counts=[2, 1])]
    asked = q.WindowQuestion(window="projects/demo/windows/orders")
    answer = series(*lines, count=2)
    blocks = question.blocks(shown(window=asked), answer)
    assert heads(tables(blocks)["orders"]) == ["time", "DE · pro"]
    assert "3 events came after their windows had closed" in next(question.notes(answer))
