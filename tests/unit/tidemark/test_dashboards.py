"""Dashboards as files, and what changed on them, as records."""

from datetime import UTC, datetime, timedelta

import pytest

from tidemark.dashboards import Dashboard, DashboardChange, parsed
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as q

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def message() -> pb.Dashboard:
    tile = pb.Tile(id="t", query=q.Query(events=q.EventsQuestion()))
    found = pb.Dashboard(
        name="projects/p/dashboards/d", display_name="Größe", tiles=[tile], etag="3", built_in=True
    )
    found.time_range.last.FromTimedelta(timedelta(hours=1))
    found.create_time.FromDatetime(NOW)
    return found


def test_a_file_holds_what_people_made_and_nothing_that_the_server_says():
    dashboard = Dashboard.of(message())
    assert (dashboard.create_time, dashboard.update_time, dashboard.etag) == (NOW, None, "3")
    text = dashboard.to_json()
    assert "Größe" in text
    found = parsed(text)
    assert (found.name, found.etag, found.built_in, found.HasField("create_time")) == ("", "", False, False)
    assert (found.tiles, found.time_range) == (message().tiles, message().time_range)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"nothing": 1}', '{"tiles": [{"id": 7}]}'])
def test_what_is_no_dashboard_is_refused(text):
    with pytest.raises(ValueError, match="dashboard: is no file of one"):
        parsed(text)


def test_a_change_tells_of_each_tile_what_changed_or_what_is_wrong():
    answer = query_pb2.WatchQueryResponse(
        kind=query_pb2.WatchQueryResponse.KIND_DELTA, series=q.SeriesResult(series=[q.Series(total=3)])
    )
    wrong = pb.TileAnswer(tile_id="b")
    wrong.error.message = "ask for less"
    told = pb.WatchDashboardResponse(
        cursor="c", etag="3", tiles=[pb.TileAnswer(tile_id="a", answer=answer), wrong]
    )
    told.watermark.FromDatetime(NOW)
    change = DashboardChange.of(told)
    assert (change.cursor, change.etag, change.watermark, change.sent_at) == ("c", "3", NOW, None)
    first = change.tiles["a"].change
    assert first is not None
    assert (first.kind, first.answer.lines[0].total) == ("delta", 3)
    assert (change.tiles["b"].change, change.tiles["b"].error) == (None, "ask for less")
