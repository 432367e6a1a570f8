"""Rows as the messages they came as, and what differs between two."""

from services.ingest import validate
from services.ingest.trial import messages, paths_that_differ
from tests.ingesting import NOW_US, event, event_batch
from tidemark.v1.event_pb2 import Event


def test_a_row_is_the_event_that_it_came_as() -> None:
    came = [
        event(
            1, user_id="ada", session_id="s", properties_json=b'{"a":1}', context_json=b'{"b":[2]}', at_us=5
        ),
        event(2),
    ]
    assert messages(validate.events(event_batch(*came), NOW_US).rows) == came


def differing(before: dict[str, bytes | str], after: dict[str, bytes | str]) -> list[str]:
    return paths_that_differ(Event(**before), Event(**after))  # type: ignore[arg-type]


def test_fields_that_differ_are_named_by_their_paths() -> None:
    assert differing({}, {}) == []
    assert differing({"name": "a", "user_id": "u"}, {"name": "b", "session_id": "s"}) == [
        "name",
        "user_id",
        "session_id",
    ]
    assert differing(
        {"properties_json": b'{"same":1,"gone":null,"a":{"b":{"c":1,"d":2}},"t":1}'},
        {
            "properties_json": b'{"same":1,"a":{"b":{"c":1,"d":3}},"t":true,"new":0}',
            "context_json": b'{"x":1}',
        },
    ) == ["properties.gone", "properties.a.b.d", "properties.t", "properties.new", "context.x"]
