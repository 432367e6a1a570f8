"""The events that benchmarks send."""

import orjson

from benchmarks.load import properties
from tidemark.v1.event_pb2 import Event


def test_event_takes_about_200_bytes_on_the_wire() -> None:
    sizes = []
    for each in properties():
        event = Event(
            event_id=bytes(16), type=1, name="product_view", user_id="user-01234", session_id="user-01234",
            properties_json=orjson.dumps(each),
        )  # fmt: skip
        event.occurred_at.FromNanoseconds(1_790_000_000_123_456_789)
        sizes.append(event.ByteSize())
    assert 170 < sum(sizes) / len(sizes) < 230


def test_every_run_sends_the_same_properties() -> None:
    assert properties() == properties()
