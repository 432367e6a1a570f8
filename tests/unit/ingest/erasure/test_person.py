import orjson
import pytest

from services.ingest.erasure.person import in_letter, in_message, spellings
from tidemark.v1.query_pb2 import WatchCriticalResponse


@pytest.mark.parametrize("user_id", ["ann", 'a"n\\n', "Änn", "a\nn"])
def test_a_letter_that_holds_the_person_is_found_by_its_bytes(user_id: str) -> None:
    content = orjson.dumps({"user_id": user_id})
    assert any(each in content for each in spellings(user_id))
    assert in_letter(user_id, content)


def test_a_letter_is_about_whom_its_event_names() -> None:
    assert not in_letter("ann", b'{"user_id": "joann", "name": "ann"}')
    assert not in_letter("ann", b'{"user_id": null, "properties": {"user_id": "ann"}}')


@pytest.mark.parametrize("content", [b"h 00\ne \xff\xfeann", b"", b"[1]", b"{"])
def test_what_cannot_be_read_may_be_about_them(content: bytes) -> None:
    assert in_letter("ann", content)


def test_a_message_holds_the_person_when_one_of_its_events_does() -> None:
    message = WatchCriticalResponse()
    message.events.add().event.user_id = "bob"
    assert not in_message("ann", message.SerializeToString())
    message.events.add().event.user_id = "ann"
    assert in_message("ann", message.SerializeToString())
    assert in_message("ann", b"\xff\xff")
