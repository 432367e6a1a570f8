"""Values of messages as JSON, and JSON as texts: `google.protobuf.Value` comes in from the rules, JSON goes out to the actions. Pure."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from services.ingest.rules import exact
from services.ingest.rules.path import Json
from services.kit.errors import Invalid

_EXACT = 1 << 53


def value_of(message: Value, at: str) -> Json:
    """The JSON of a value; whole numbers without a fraction. Raises `Invalid` where it has none."""
    if message.WhichOneof("kind") is None:
        raise Invalid(at, "is empty; write a value, or null")
    try:
        return _whole(json_format.MessageToDict(message))
    except (ValueError, RecursionError) as error:
        raise Invalid(at, f"is no JSON: {error}") from error


def text_of(value: Json) -> str:
    """A value as a text: a text as it is, anything else as its JSON."""
    return value if type(value) is str else exact.dumps(value).decode()


def _whole(value: Any) -> Json:
    if isinstance(value, dict):
        # Messages have no order of keys.
        return {key: _whole(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
