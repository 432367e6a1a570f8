"""Answers as people and programs read them, and watched answers as they change."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tidemark.commands import ask
from tidemark.commands.ask import merged, trust, written
from tidemark.records import Change, Event, Events, EventType, Line, Metadata, Series

START = datetime(2026, 11, 1, tzinfo=UTC)
METADATA = Metadata("q1", START, 0.999, "rollup", 0.033, 0.012, "v1", START, None)


def at(minute):
    return START + timedelta(minutes=minute)


def series(minutes, values, total=0.0, group=()):
    return Series(
        tuple(at(minute) for minute in minutes),
        (Line("count", group, False, tuple(values), total),),
        METADATA,
    )


def event(number):
    return Event(UUID(int=number), EventType.USER_ACTION, "e", START, "", "", {}, {}, None, None, None, False)


def change(kind, answer, start=START):
    return Change(kind, "cursor", replace(METADATA, start=start), answer)


def test_a_delta_replaces_the_buckets_it_holds():
    state = merged(series([0, 1], [1.0, 2.0]), change("delta", series([1, 2], [5.0, 6.0], 12.0)), 10)
    assert state.starts == (at(0), at(1), at(2))
    assert state.lines[0].values == (1.0, 5.0, 6.0)
    assert state.lines[0].total == 12.0


def test_buckets_before_the_moving_range_are_forgotten():
    state = merged(series([0, 1], [1.0, 2.0]), change("delta", series([2], [3.0]), start=at(1)), 10)
    assert state.starts == (at(1), at(2))


def test_a_new_group_of_a_delta_is_a_new_line():
    state = merged(series([0], [1.0], group=("a",)), change("delta", series([1], [2.0], group=("b",))), 10)
    assert [line.group for line in state.lines] == [("a",), ("b",)]
    assert math.isnan(state.lines[1].values[0])


def test_a_snapshot_replaces_everything_and_a_heartbeat_nothing():
    old, new = series([0], [1.0]), series([5], [9.0])
    assert merged(old, change("snapshot", new), 10) is new
    assert merged(old, change("heartbeat", None), 10) is old


def test_new_events_come_first_and_the_oldest_leave():
    state = merged(Events([event(1), event(2)]), change("delta", Events([event(3)], METADATA)), 2)
    assert [it.event_id.int for it in state.events] == [3, 1]


def test_trust_is_one_line():
    (line,) = trust(METADATA)
    assert line == "complete to 2026-11-01 00:00:00 (99.9%), from rollup, error ≤ 3.3%, 12 ms, query q1"


def test_trust_tells_of_a_replica():
    (line,) = trust(replace(METADATA, replica_behind=0.25))
    assert "from rollup of a replica up to 0.2 s behind, error" in line


def test_csv_cells_that_look_like_formulas_are_quoted():
    assert written([{"a": "=1+1", "b": -5, "c": "x,y"}], "csv") == ["a,b,c", '\'=1+1,-5,"x,y"']


def test_json_is_one_object_a_line():
    assert written([{"a": START, "b": math.nan}], "json") == ['{"a":"2026-11-01T00:00:00Z","b":null}']


@pytest.mark.parametrize("form", ["csv", "json"])
def test_no_rows_are_no_lines(form):
    assert written([], form) == []


def test_json_holds_properties_as_objects_and_csv_as_text():
    found = [replace(event(1), properties={"a": 1})]
    assert ask._event_rows(found, "json")[0]["properties"] == {"a": 1}
    assert ask._event_rows(found, "csv")[0]["properties"] == '{"a":1}'
