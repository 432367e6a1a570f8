from dataclasses import replace
from datetime import timedelta

import pytest

from services.kit.errors import NotFound, Unavailable
from services.query.live.answer import DELTA, HEARTBEAT, SNAPSHOT
from services.query.live.board import Latest, State, change, lacking, single, watermark
from tests.unit.query.live.answers import NOON, answered, counted, events, happened
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import WatchDashboardResponse


def test_only_tiles_that_changed_are_told() -> None:
    one, two, three = Latest(counted(1)), Latest(counted(2)), Latest(counted(3))
    old, new = State({"a": one, "b": two}), State({"a": one, "b": three, "c": two, "d": Latest()})
    found, state = lacking(old, new)
    assert [(tile.tile_id, tile.answer.kind) for tile in found] == [("b", DELTA), ("c", SNAPSHOT)]
    assert state is new
    assert lacking(state, new) == ([], new)


def test_what_is_too_much_for_one_message_comes_in_the_next() -> None:
    event = happened(1, 1)
    event.event.properties_json = b"x" * 2_000_000
    listed = answered(events().question, q.EventsResult(events=[event]))
    new = State({tile_id: Latest(listed) for tile_id in "abc"})
    state, told = State({}), list[list[str]]()
    while state is not new:
        found, state = lacking(state, new)
        told.append([tile.tile_id for tile in found])
    assert told == [["a"], ["b"], ["c"]]


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
    tiles, _ = lacking(State({}), State({"": Latest(answer)}))
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

    assert watermark(State({"a": at(3), "b": at(1), "c": Latest()})) == NOON + timedelta(minutes=1)
    assert watermark(State({"a": at(3), "b": at(None)})) is None
    assert watermark(State({})) is None
