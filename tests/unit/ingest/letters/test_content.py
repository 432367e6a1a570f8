from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import deadletter
from services.ingest.columns import EVENTS, POINTS
from services.ingest.deadletter import Reason
from services.ingest.letters import content
from services.ingest.letters.content import Unreadable
from tests.ingesting import event, point
from tests.unit.ingest.letters.lettering import content_of

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
objects = st.one_of(
    st.none(),
    st.dictionaries(texts, values, max_size=4).map(lambda each: orjson.dumps(each).decode()),
    st.sampled_from(
        ['{"a":1e-20000}', '{ "a" : 12345678901234567890.10 , "b":[ ] }', "{}", '{"a":"\\u00e9\\"}{"}']
    ),
)
instants = st.integers(0, 4_102_444_800_000_000)
events = st.fixed_dictionaries(
    {
        "event_id": st.binary(min_size=16, max_size=16),
        "type": st.integers(1, 6),
        "name": texts.filter(bool),
        "occurred_at": instants,
        "user_id": st.one_of(st.none(), texts.filter(bool)),
        "session_id": st.one_of(st.none(), texts.filter(bool)),
        "properties": objects,
        "context": objects,
    }
)
points = st.fixed_dictionaries(
    {
        "name": texts.filter(bool),
        "kind": st.integers(1, 5),
        "value": st.floats(allow_nan=False, allow_infinity=False),
        "observed_at": instants,
        "unit": st.one_of(st.none(), texts.filter(bool)),
        "tags": objects,
    }
)


def contents(kind: str, rows: pa.RecordBatch) -> list[bytes]:
    """What the writer keeps of rows."""
    why = [Reason("POISON", "", "")] * rows.num_rows
    return [each.content for each in deadletter.of_rows(kind, rows, [0] * len(why), why)]


@given(st.lists(events, max_size=4))
def test_an_event_comes_back_exactly_as_it_came(rows: list[dict[str, Any]]) -> None:
    came = pa.RecordBatch.from_pylist(rows, schema=EVENTS)
    assert content.events(map(content.event, contents("events", came))) == came


@given(st.lists(points, max_size=4))
def test_a_point_comes_back_exactly_as_it_came(rows: list[dict[str, Any]]) -> None:
    came = pa.RecordBatch.from_pylist(rows, schema=POINTS)
    assert content.points(map(content.point, contents("points", came))) == came


def test_a_number_that_no_double_holds_stays_what_it_was() -> None:
    came = event(properties_json=b'{"a":1e-20000,"b":0.10000000000000000000001}')
    assert content.event(content_of(came))["properties"] == came.properties_json.decode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"event_id":',
        b'{"event_id" "x"}',
        b'{"event_id":"no id"}',
        b"h 0123abcd{}\ne \xff",
        b'{"a":' * 100_000,
        b"[" * 100_000,
        content_of(event()).replace(b"EVENT_TYPE_USER_ACTION", b"SOMETHING"),
        content_of(event()).replace(b'"EVENT_TYPE_USER_ACTION"', b"7"),
        content_of(event()).replace(b'"clicked"', b"[]"),
        content_of(event(properties_json=b"{}")).replace(b"{}", b'"{}"'),
        content_of(point()),
    ],
)
def test_what_is_no_event_is_told_from_one(text: bytes) -> None:
    with pytest.raises(Unreadable):
        content.event(text)


@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_no_damage_is_worse_than_unreadable(junk: bytes, place: int) -> None:
    whole = content_of(event(user_id="ada", properties_json=b'{"a":{"b":1}}'))
    place %= len(whole)
    for damaged in (whole[:place] + junk + whole[place:], whole[:place] + junk + whole[place + len(junk) :]):
        try:
            content.event(damaged)
        except Unreadable:
            continue
