"""What single keywords of two schemas allow, compared: `compatibility` asks, with the parts of the narrow schema beside one of the
wide one, and gets why a value may not be allowed, or None. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from services.ingest.schemas.document import REGEX, Document, Schema

NAMES = {
    "null": "null", "boolean": "true or false", "string": "a string", "integer": "a whole number",
    "fraction": "a fraction", "array": "an array", "object": "an object",
}  # fmt: skip
"""The kinds of value, as messages call them."""
_SCALAR = (
    "type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "pattern", "format",
)  # fmt: skip

Parts = tuple[Schema, ...]
Keywords = Mapping[str, Any]


def kinds(parts: Parts) -> set[str]:
    """The kinds of value that all parts allow by their types and lists."""
    found = set(NAMES)
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        if "type" in part:
            types = {part["type"]} if isinstance(part["type"], str) else set(part["type"])
            found &= types | ({"integer", "fraction"} if "number" in types else set())
        for values in _lists(part):
            found &= set(map(_kind_of, values))
    return found


def values(kind: str, narrow: Parts) -> list[Any] | None:
    """The values of a kind, where there are only some; None where there are more, or where they hold others."""
    if kind in ("array", "object"):
        return None
    lists = [[None]] if kind == "null" else [[False, True]] if kind == "boolean" else []
    lists += [values for part in narrow if isinstance(part, Mapping) for values in _lists(part)]
    return [value for value in min(lists, key=len) if _kind_of(value) == kind] if lists else None


def _lists(part: Keywords) -> list[list[Any]]:
    """The values that a part allows, where it lists them."""
    return ([part["enum"]] if "enum" in part else []) + ([[part["const"]]] if "const" in part else [])


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if value == int(value) else "fraction"
        case str():
            return "string"
        case _:
            return "array" if isinstance(value, list) else "object"


def admits(document: Document, schema: Schema, value: object) -> bool:
    """Whether a schema allows a value that holds no other."""
    if not isinstance(schema, Mapping):
        return bool(schema)
    own = only(schema, _SCALAR)
    return (
        jsonschema_rs.is_valid(
            own, value, draft=jsonschema_rs.Draft202012, validate_formats=True, pattern_options=REGEX
        )
        and ("$ref" not in schema or admits(document, document.named(schema["$ref"]), value))
        and all(admits(document, each, value) for each in schema.get("allOf", ()))
        and ("anyOf" not in schema or any(admits(document, each, value) for each in schema["anyOf"]))
        and ("oneOf" not in schema or sum(admits(document, each, value) for each in schema["oneOf"]) == 1)
        and ("not" not in schema or not admits(document, schema["not"], value))
        and (
            "if" not in schema
            or admits(
                document, schema.get("then" if admits(document, schema["if"], value) else "else", {}), value
            )
        )
    )


def least(keyword: str, wide: Keywords, parts: Sequence[Keywords], at: str, noun: str) -> str | None:
    count = max((part.get(keyword, 0) for part in parts), default=0)
    return f"{at} may have only {count} {noun}" if count < wide.get(keyword, 0) else None


def most(keyword: str, wide: Keywords, parts: Sequence[Keywords], at: str, noun: str) -> str | None:
    if keyword not in wide or any(part.get(keyword, wide[keyword] + 1) <= wide[keyword] for part in parts):
        return None
    return f"{at} may have more than {wide[keyword]} {noun}"


def unchanged(keyword: str, wide: Keywords, parts: Sequence[Keywords], at: str) -> str | None:
    if keyword not in wide or any(part.get(keyword) == wide[keyword] for part in parts):
        return None
    return f"{at} may be a string that is not of the {keyword} {wide[keyword]!r}"


def bounds(wide: Keywords, parts: Sequence[Keywords], at: str) -> Iterator[str]:
    """Bounds, of which one that is exclusive is the closer one."""
    lower, upper = _ends(wide, 1), _ends(wide, -1)
    if lower and max((bound for part in parts for bound in _ends(part, 1)), default=(-float("inf"), 0)) < max(
        lower
    ):
        yield f"{at} may be less than its minimum"
    if upper and max(
        (bound for part in parts for bound in _ends(part, -1)), default=(-float("inf"), 0)
    ) < max(upper):
        yield f"{at} may be more than its maximum"


def _ends(part: Keywords, sign: int) -> list[tuple[float, int]]:
    """The lower bounds of a part or, with the sign -1, the upper ones as if they were."""
    keywords = ("minimum", "exclusiveMinimum") if sign > 0 else ("maximum", "exclusiveMaximum")
    return [(sign * part[each], place) for place, each in enumerate(keywords) if each in part]


def multiple(kind: str, wide: Keywords, parts: Sequence[Keywords], at: str) -> str | None:
    wanted = wide.get("multipleOf")
    if wanted is None or (wanted == 1 and kind == "integer"):
        return None
    for part in parts:
        given = part.get("multipleOf")
        whole = isinstance(given, int) and isinstance(wanted, int)
        if given == wanted or (whole and given % wanted == 0):
            return None
    return f"{at} may be no multiple of {wanted}"


def of_item(part: Keywords, place: int) -> Schema | None:
    """What a part asks of the item at a place."""
    prefix = part.get("prefixItems", ())
    return prefix[place] if place < len(prefix) else part.get("items")


def of_key(part: Keywords, name: str) -> list[Schema]:
    """What a part asks of the value of a key."""
    found = [part["properties"][name]] if name in part.get("properties", ()) else []
    found += [each for pattern, each in part.get("patternProperties", {}).items() if _fits(pattern, name)]
    return found or ([part["additionalProperties"]] if "additionalProperties" in part else [])


def of_pattern(parts: Sequence[Keywords], pattern: str) -> Parts:
    """What parts ask of keys that fit a pattern and have no name."""
    found: list[Schema] = []
    for part in parts:
        patterns = part.get("patternProperties", {})
        if pattern in patterns:
            found.append(patterns[pattern])
        elif not patterns and "additionalProperties" in part:
            found.append(part["additionalProperties"])
    return tuple(found)


def of_others(wide: Keywords, parts: Sequence[Keywords]) -> Parts:
    """What parts ask of keys that have no name and fit no pattern of `wide`."""
    known = set(wide.get("patternProperties", ()))
    return tuple(
        part["additionalProperties"]
        for part in parts
        if "additionalProperties" in part and known >= set(part.get("patternProperties", ()))
    )


def closed(part: Keywords) -> bool:
    return part.get("additionalProperties") is False and not part.get("patternProperties")


@lru_cache(10_000)
def _fits(pattern: str, name: str) -> bool:
    return jsonschema_rs.is_valid({"pattern": pattern}, name, pattern_options=REGEX)


def only(schema: Keywords, keywords: Sequence[str]) -> dict[str, Any]:
    return {keyword: schema[keyword] for keyword in keywords if keyword in schema}


def text(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def shown(value: object) -> str:
    found = text(value).decode()
    return found if len(found) <= 50 else f"{found[:50]}…"
