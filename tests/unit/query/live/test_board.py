from dataclasses import replace
from datetime import timedelta

import pytest

from services.kit.errors import NotFound, Unavailable
from services.query.live.answer import DELTA, HEARTBEAT, SNAPSHOT
from services.query.live.board import Latest, State, change, changed_tiles, single, watermark
from tests.unit.query.live.answers import NOON, counted
from tidemark.v1.dashboard_pb2 import WatchDashboardResponse


def test_only_tiles_that_changed_are_told() -> None:
    one, two, three = Latest(counted(1)), Latest(counted(2)), Latest(counted(3))
    old, new = State(1, {"a": one, "b": two}), State(2, {"a": one, "b": three, "c": two, "d": Latest()})
    assert [(tile.tile_id, tile.answer.kind) for tile in changed_tiles(old, new)] == [
        ("b", DELTA),
        ("c", SNAPSHOT),
    ]


def test_an_error_is_told_once_and_taken_back() -> None:
    well, away = Latest(counted(1)), Unavailable("the database is away")
    ill = replace(well, error=away)
    told = change("a", well, ill)
    assert told is not None
    assert told.error.message == "the database is away"
    assert change("a", ill, replace(ill, error=Unavailable("the database is away"))) is None
    cured = change("a", ill, well)
    assert cured is not None
    assert (cured.HasField("error"), cured.answer.kind) == (False, HEARTBEAT)


def test_a_tile_without_an_answer_tells_why() -> None:
    told = change("a", Latest(), Latest(error=NotFound("there is no cohort")))
    assert told is not None
    assert (told.HasField("answer"), told.error.message) == (False, "there is no cohort")


def test_the_only_tile_of_a_board_is_an_answer_of_its_own() -> None:
    answer = counted(1)
    tiles = changed_tiles(State(1, {}), State(2, {"": Latest(answer)}))
    message = WatchDashboardResponse(cursor="here", tiles=tiles)
    found = single(message, Latest(answer), "q1")
    assert found is not None
    assert (found.kind, found.cursor, found.metadata.query_id) == (SNAPSHOT, "here", "q1")
    assert message.tiles[0].answer.cursor == ""
    beat = single(WatchDashboardResponse(), Latest(answer), "q1")
    assert beat is not None
    assert beat.kind == HEARTBEAT
    assert single(WatchDashboardResponse(), Latest(), "q1") is None
    with pytest.raises(NotFound):
        single(message, Latest(answer, NotFound()), "q1")


def test_a_board_is_complete_as_far_as_its_tiles_are() -> None:
    def at(minutes: int | None) -> Latest:
        answer = counted(1)
        mark = None if minutes is None else NOON + timedelta(minutes=minutes)
        return Latest(replace(answer, facts=replace(answer.facts, watermark=mark)))

    assert watermark(State(1, {"a": at(3), "b": at(1), "c": Latest()})) == NOON + timedelta(minutes=1)
    assert watermark(State(1, {"a": at(3), "b": at(None)})) is None
    assert watermark(State(1, {})) is None
