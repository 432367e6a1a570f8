"""Knows a person in what is kept whole: dead letters and critical events come in, whether they hold the person goes out. Pure."""

import orjson
from google.protobuf.message import DecodeError

from tidemark.v1.query_pb2 import WatchCriticalResponse


def spellings(user_id: str) -> list[bytes]:
    """The bytes by which a dead letter that holds the person is found: as they are, and as JSON writes them."""
    plain, quoted = user_id.encode(), orjson.dumps(user_id)[1:-1]
    return [plain] if plain == quoted else [plain, quoted]


def in_letter(user_id: str, content: bytes) -> bool:
    """Whether a dead letter with these bytes is about the person: an event is by its `user_id`; what cannot be read is."""
    try:
        event = orjson.loads(content)
    except orjson.JSONDecodeError:
        return True
    return not isinstance(event, dict) or event.get("user_id") == user_id


def in_message(user_id: str, message: bytes) -> bool:
    """Whether critical events hold one of the person, or cannot be read."""
    try:
        found = WatchCriticalResponse.FromString(message)
    except DecodeError:
        return True
    return any(each.event.user_id == user_id for each in found.events)
