from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from services.kit.calendar import Span
from services.kit.errors import Invalid, NotFound
from services.query.live.answer import DELTA, HEARTBEAT, SNAPSHOT
from services.query.live.board import Latest, State
from services.query.live.cursor import KEPT, Seen, awaited, decode, encode, resumed, seen
from tests.unit.query.live.answers import FACTS, HOUR, NOON, answered, counted, events, happened, planned
from tidemark.v1 import question_pb2 as q

QUESTIONS = {"one": "1" * 12, "two": "2" * 12, "three": "3" * 12}


def shown(tile_id: str = "one", *counts: int) -> Seen:
    return seen(counted(*(counts or (1, 2))), QUESTIONS[tile_id])


def test_a_cursor_survives_the_wire() -> None:
    one, later = counted(1, 2), replace(counted(1, 2, 3), facts=replace(FACTS, versions=(7, 8)))
    state = State({"one": Latest(one), "two": Latest(later), "three": Latest()})
    assert decode(encode(state, QUESTIONS)) == {
        "one": seen(one, QUESTIONS["one"]),
        "two": seen(later, QUESTIONS["two"]),
    }
    assert decode("") == {}


@pytest.mark.parametrize(
    "text", ["?", "AAAA", "W10x", "bnVsbA", "WzEsMiwzLDQsNSw2XQ", "é", "W1sxLDIsMyw0XV0", "eyJhIjoxfQ"]
)
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        decode(text)


def test_a_cursor_leads_on_only_where_the_commit_log_reaches_back() -> None:
    given, answer = shown(), counted(1, 2)
    question = QUESTIONS["one"]

    def leads_to(**facts: object) -> bool:
        return given.leads_to(replace(answer, facts=replace(FACTS, **facts)), question)  # type: ignore[arg-type]

    assert leads_to()
    assert leads_to(versions=(5, 2))
    assert not leads_to(versions=(0, 2))
    assert not leads_to(versions=(1,), batches=(3,))
    assert not leads_to(at=NOON + KEPT)
    assert not given.leads_to(answer, QUESTIONS["two"])
    assert given.ahead(replace(FACTS, versions=(0, 9)))


def test_a_resumed_watch_gets_what_was_touched_and_what_began() -> None:
    given, new = shown("one", 1, 2, 3), counted(1, 5, 3)
    assert resumed(given, new, [Span(NOON + HOUR, NOON + HOUR + timedelta(minutes=1))], []).kind == DELTA
    assert resumed(given, new, [], []).kind == HEARTBEAT
    assert resumed(replace(given, lines="other"), new, [], []).kind == SNAPSHOT
    assert resumed(given, counted(1, 2, 3), [Span(NOON, NOON + HOUR)], []).kind == HEARTBEAT
    moved = replace(new, facts=replace(FACTS, at=NOON + 2 * HOUR))
    began = resumed(given, moved, [], [])
    assert [t.ToDatetime(UTC) for t in began.series.bucket_starts] == [NOON, NOON + HOUR]


def test_a_resumed_watch_of_events_gets_those_it_has_missed() -> None:
    given = seen(events(), QUESTIONS["one"])
    assert resumed(given, events(), [], []).kind == HEARTBEAT
    assert [e.event.event_id[0] for e in resumed(given, events(), [], [happened(1, 7)]).events.events] == [7]


def test_a_resumed_watch_of_anything_else_gets_it_whole_when_it_differs() -> None:
    question = planned().question
    old, new = (answered(question, q.TableResult(rows=[q.TableRow(values=[each])])) for each in (1, 2))
    assert resumed(seen(old, "?"), old, [], []).kind == HEARTBEAT
    assert resumed(seen(old, "?"), new, [], []).kind == SNAPSHOT


def test_tiles_that_stand_further_back_than_their_reader_are_waited_for() -> None:
    given, behind = {"one": shown()}, replace(counted(1, 2), facts=replace(FACTS, versions=(0, 2)))
    assert awaited(given, {"one": Latest(behind)})
    assert awaited(given, {"one": Latest()})
    assert not awaited(given, {"one": Latest(error=NotFound())})
    assert not awaited(given, {"one": Latest(counted(1, 2)), "two": Latest()})
