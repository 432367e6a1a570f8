"""A first schema: the properties of stored events come in, a document that allows all of them goes out to `servicer`. Pure.

Properties that all have are required, texts with few values are listed, formats are told where every text has them, and more
properties than were seen are allowed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs
import orjson

from services.ingest.schemas.document import DRAFT, MAX_LEVELS, read
from services.kit.errors import Invalid
from services.kit.profile import Profile
from tidemark.v1 import schema_pb2 as pb

MAX_LISTED, LEAST_ROWS, ROWS_OF_EACH = 12, 30, 5
"""Texts are listed where they are so few, in so many rows, and each is found so often on average."""
_LONGEST_LISTED = 50
_MOST_KEYS = (200, 50, 20, 5, 0)
"""Keys of an object that are named: as many as leave the document within its limits."""

_FORMATS = {
    name: jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
    for name in ("date-time", "date", "uuid", "email", "ipv4", "uri")
}

Object = Mapping[str, Any]


def propose(objects: Sequence[Object]) -> str:
    """A document, as JSON, that allows all `objects`."""
    for most in _MOST_KEYS:
        document = {"$schema": DRAFT} | _schema(objects, 1, most)
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        try:
            read(text, "document")
        except Invalid:
            continue
        return text
    raise AssertionError("an object without named keys is within every limit")


def seen(profile: Profile, count: int) -> pb.InferredProperty:
    """What was seen of a property in so many events."""
    types = profile.types + Counter(null=profile.nulls)
    return pb.InferredProperty(
        path=profile.path,
        types=[name for name, _ in types.most_common()],
        present_share=profile.present / count,
        examples=profile.examples(),
    )


def _schema(values: Sequence[object], level: int, most: int) -> dict[str, Any]:
    """What all values have in common."""
    kinds: Counter[str] = Counter(map(_kind, values))
    if kinds.keys() <= {"null"}:
        return {}
    if "number" in kinds:
        kinds["number"] += kinds.pop("integer", 0)
    names = [name for name, _ in kinds.most_common()]
    found: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
    if "string" in kinds:
        found |= _texts([value for value in values if isinstance(value, str)], kinds)
    if "object" in kinds:
        found |= _object([value for value in values if isinstance(value, dict)], level, most)
    if "array" in kinds and level < MAX_LEVELS:
        items = [each for value in values if isinstance(value, list) for each in value]
        found |= {"items": each} if (each := _schema(items, level + 1, most)) else {}
    return found


def _object(objects: Sequence[Object], level: int, most: int) -> dict[str, Any]:
    if level >= MAX_LEVELS:
        return {}
    counts = Counter(key for each in objects for key in each)
    keys = sorted(counts, key=lambda key: (-counts[key], key))[:most]
    properties = {
        key: _schema([each[key] for each in objects if key in each], level + 1, most) for key in keys
    }
    required = [key for key in keys if counts[key] == len(objects)]
    return ({"properties": properties} if properties else {}) | ({"required": required} if required else {})


def _texts(texts: Sequence[str], kinds: Counter[str]) -> dict[str, Any]:
    different = Counter(texts)
    few = len(different) <= min(MAX_LISTED, len(texts) // ROWS_OF_EACH) and len(texts) >= LEAST_ROWS
    # A list says which values there are, so that there must be no others beside texts.
    if few and kinds.keys() <= {"string", "null"} and max(map(len, different)) <= _LONGEST_LISTED:
        return {"enum": [*sorted(different), *([None] if "null" in kinds else [])]}
    for name, validator in _FORMATS.items():
        if all(map(validator.is_valid, different)):
            return {"format": name}
    return {}


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
