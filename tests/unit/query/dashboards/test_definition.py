from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from services.kit.errors import Invalid
from services.query.dashboards.definition import COLUMNS, Choice, check, check_choice
from services.query.dashboards.record import built_in, parts, picked
from services.query.dashboards.store import files
from services.query.filter import Members
from tests.unit.query.dashboards.test_tiles import compared
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
EVENTS = q.Query(events=q.EventsQuestion())
VIP = "projects/demo/cohorts/vip"


def tile(**others: Any) -> pb.Tile:
    return pb.Tile(**{"id": "t", "query": EVENTS, **others})


def fault(dashboard: pb.Dashboard) -> str:
    """The field that is wrong."""
    with pytest.raises(Invalid) as caught:
        check(dashboard, "UTC", NOW, {VIP: Members(VIP, ())})
    return caught.value.field


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a" * 41}, "id"),
        ({"title": "a" * 201}, "title"),
        ({"title": "\0"}, "title"),
        ({"layout": pb.Layout(x=12)}, "layout.x"),
        ({"layout": pb.Layout(x=-1)}, "layout.x"),
        ({"layout": pb.Layout(y=1000)}, "layout.y"),
        ({"layout": pb.Layout(width=13)}, "layout.width"),
        ({"layout": pb.Layout(x=7)}, "layout.width"),
        ({"layout": pb.Layout(x=11, width=2)}, "layout.width"),
        ({"layout": pb.Layout(height=21)}, "layout.height"),
        ({"query": None}, "query"),
        ({"query": None, "text": "a" * 10_001}, "text"),
        ({"query": q.Query()}, "query"),
        ({"query": q.Query(series=q.SeriesQuestion())}, "query.series.measures"),
        ({"query": q.Query(events=EVENTS.events, time_zone="Mars")}, "query.time_zone"),
        ({"display": pb.Display(unit="a" * 51)}, "display.unit"),
        ({"display": pb.Display(decimals=11)}, "display.decimals"),
        ({"display": pb.Display(kind=99)}, "display.kind"),  # type: ignore[arg-type]
    ],
)
def test_a_tile_that_is_not_well_formed_is_named(fields: dict[str, Any], at: str) -> None:
    assert fault(pb.Dashboard(tiles=[tile(id="fine"), tile(**fields)])) == f"dashboard.tiles[1].{at}"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"display_name": "a" * 101}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"description": "a" * 1001}, "description"),
        ({"tiles": [tile(id=str(i)) for i in range(51)]}, "tiles"),
        ({"tiles": [tile(), tile()]}, "tiles[1].id"),
        ({"time_zone": "../etc"}, "time_zone"),
        ({"time_range": q.TimeRange()}, "time_range"),
        ({"filter": compared("nothing", "x")}, "filter.comparison.field"),
        ({"filter": q.Filter(cohort="projects/demo/cohorts/who")}, "filter.cohort"),
        ({"variables": [pb.Variable(id=str(i)) for i in range(11)]}, "variables"),
        ({"variables": [pb.Variable(id="a-b")]}, "variables[0].id"),
        ({"variables": [pb.Variable(id="a"), pb.Variable(id="a")]}, "variables[1].id"),
        ({"variables": [pb.Variable(id="a", field="nothing")]}, "variables[0].field"),
        ({"variables": [pb.Variable(id="a", values=["x"] * 101)]}, "variables[0].values"),
        ({"variables": [pb.Variable(id="a", values=["x", "\0"])]}, "variables[0].values[1]"),
    ],
)
def test_a_dashboard_that_is_not_well_formed_is_named(fields: dict[str, Any], at: str) -> None:
    assert fault(pb.Dashboard(**fields)) == f"dashboard.{at}"


def test_a_dashboard_has_a_largest_size() -> None:
    values = ["x" * 10_000] * 100
    variables = [pb.Variable(id=f"v{i}", values=values) for i in range(4)]
    assert fault(pb.Dashboard(variables=variables)) == "dashboard"


def test_a_refresh_is_at_most_an_hour() -> None:
    for seconds in (-1, 3601):
        dashboard = pb.Dashboard()
        dashboard.refresh.seconds = seconds
        assert fault(dashboard) == "dashboard.refresh"


def test_what_is_wrong_with_a_filter_is_named_where_it_was_written() -> None:
    filtered = q.Query(events=q.EventsQuestion(filter=compared("nothing", "x")))
    dashboard = pb.Dashboard(tiles=[tile(query=filtered)], filter=compared("properties.fine", "x"))
    assert fault(dashboard) == "dashboard.tiles[0].query.events.filter.comparison.field"


def test_a_dashboard_may_use_all_that_questions_can() -> None:
    cohort = q.Query(events=q.EventsQuestion(filter=q.Filter(cohort=VIP)))
    variable = pb.Variable(id="country", field="properties.country", values=["DE"])
    dashboard = pb.Dashboard(
        tiles=[
            tile(query=cohort),
            pb.Tile(id="note", text="hello"),
            tile(id="wide", layout=pb.Layout(width=12)),
        ],
        variables=[variable, pb.Variable(id="host", field="tags.host")],
        filter=compared("properties.country", "$country"),
    )
    check(dashboard, "UTC", NOW, {VIP: Members(VIP, ())})
    check(pb.Dashboard(), "UTC", NOW)


def test_what_a_reader_cannot_choose_is_named() -> None:
    for choice, at in (
        (Choice(time_range=q.TimeRange()), "time_range"),
        (Choice(filter=compared("nothing", "x")), "filter.comparison.field"),
        (Choice(variables={"a": [], "b": ["x"] * 101}), "variables[1].values"),
    ):
        with pytest.raises(Invalid) as caught:
            check_choice(choice, "UTC", NOW)
        assert caught.value.field == at
    check_choice(Choice(filter=compared("properties.x", "$x"), variables={"x": []}), "UTC", NOW)


@pytest.mark.parametrize("name", files())
def test_what_is_built_in_is_well_formed_and_fills_the_grid(name: str) -> None:
    dashboard = files()[name]
    check(dashboard, "UTC", NOW)
    taken: set[tuple[int, int]] = set()
    for each in dashboard.tiles:
        at = each.layout
        cells = {(x, y) for x in range(at.x, at.x + at.width) for y in range(at.y, at.y + at.height)}
        assert not cells & taken, f"{each.id} stands on another tile"
        assert each.title
        taken |= cells
    bottom = max(y for _, y in taken) + 1
    assert len(taken) == COLUMNS * bottom, "there is a hole"


def test_a_dashboard_is_stored_in_two_parts_without_what_the_server_says_of_it() -> None:
    given = pb.Dashboard(
        name="projects/other/dashboards/x", display_name="Mine", tiles=[tile()], built_in=True, etag="7"
    )
    head, tiles = parts(given)
    assert MessageToDict(pb.Dashboard.FromString(head)) == {"displayName": "Mine"}
    assert pb.Dashboard.FromString(head + tiles) == picked(given, ["display_name", "tiles"])


def test_what_is_built_in_belongs_to_each_project_and_changes_its_etag_with_its_content() -> None:
    home = files()["home"]
    one, other = built_in(home, "one"), built_in(home, "other")
    assert (one.name, other.name) == ("projects/one/dashboards/home", "projects/other/dashboards/home")
    assert one.etag == other.etag
    changed = pb.Dashboard()
    changed.CopyFrom(home)
    del changed.tiles[0]
    assert built_in(changed, "one").etag != one.etag
