"""What a JSON Schema may be here: the text of one comes in, a `Document` whose parts can be found goes out to `check`,
`compatibility` and `infer`. Pure; raises `Invalid` naming the place at fault.

A document is checked once and then held against every event, so its cost is bounded here: how large it is, what it refers to,
and how many of its schemas can meet one value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson

from services.kit.errors import Invalid

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_BYTES = 64 << 10
MAX_LEVELS = 16
"""Of schemas within each other."""
MAX_SCHEMAS = 1000
MAX_PATTERNS = 50
MAX_MET = 100
"""Schemas that one value can meet: each alternative, and each time that one is referred to."""
_MAX_NESTING = 64
_DEEPEST = 16
"""Levels of objects and arrays in what is checked."""

REGEX = jsonschema_rs.RegexOptions(size_limit=256 << 10, dfa_size_limit=256 << 10)
"""Regular expressions take linear time and little memory; those that cannot are refused."""

ONE = frozenset(
    {
        "not", "if", "then", "else", "additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains",
        "unevaluatedItems", "contentSchema",
    }
)  # fmt: skip
LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
"""Keywords that hold a schema, a list of schemas, and schemas by name."""
CHOICES = ("anyOf", "oneOf")
_HERE = frozenset({"not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas"})
"""Keywords whose schemas meet the same value; those of the others but definitions meet what is in it."""
_FOREIGN = frozenset({"$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"})

Schema = Mapping[str, Any] | bool
Pointer = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A schema whose parts are known."""

    root: dict[str, Any]
    parts: Mapping[Pointer, Schema]
    """Every schema in it, by the keys that lead there."""
    _met: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        """What tells whether a value is allowed."""
        return _validator(self.root)

    @cached_property
    def explainer(self) -> jsonschema_rs.Validator:
        """The same, for its errors: that no alternative fits is one error, and not those of all items in all alternatives."""
        return _validator(_explaining(self.root))

    def named(self, reference: str) -> Schema:
        """The schema that a `$ref` names; raises `KeyError` where there is none."""
        if reference == "#":
            return self.root
        if not reference.startswith("#/"):
            raise KeyError(reference)
        keys = unquote(reference[2:]).split("/")
        return self.parts[tuple(key.replace("~1", "/").replace("~0", "~") for key in keys)]


def read(text: str, at: str) -> Document:
    """The document in a text; raises `Invalid` for one that is none, or that would take too long to check events with."""
    if len(text.encode()) > MAX_BYTES:
        raise Invalid(at, f"has {len(text.encode())} bytes; give at most {MAX_BYTES}")
    try:
        root = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(at, f"is not JSON: {error}; give a JSON Schema, as in {{}}") from error
    if not isinstance(root, dict):
        raise Invalid(at, "is no object; give a JSON Schema of the object of properties, as in {}")
    if "\\u0000" in text.replace("\\\\", ""):
        raise Invalid(at, "holds a NUL character, which no property does; leave it out")
    if _nesting(root) > _MAX_NESTING:
        raise Invalid(at, f"is nested deeper than {_MAX_NESTING} levels of JSON; use $defs")
    if (draft := root.get("$schema", DRAFT)) not in (DRAFT, f"{DRAFT}#"):
        raise Invalid(at, f"is of $schema {str(draft)[:100]!r}; write it in {DRAFT}")
    try:
        jsonschema_rs.meta.validate({**root, "$schema": DRAFT})
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise _malformed(at, error) from error
    # Nothing refers to the document but itself, so that its own address means nothing.
    document = Document({key: value for key, value in root.items() if key != "$id"}, {})
    document.parts.update(_parts(document.root, at))  # type: ignore[attr-defined]
    _check_parts(document, at)
    try:
        assert document.validator
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise _malformed(at, error) from error
    return document


def within(schema: Schema) -> Iterator[tuple[str, Pointer, Schema]]:
    """The schemas right inside a schema: their keyword, the keys that lead there, and themselves."""
    for keyword, value in schema.items() if isinstance(schema, Mapping) else ():
        if keyword in ONE:
            yield keyword, (keyword,), value
        elif keyword in LISTED:
            yield from ((keyword, (keyword, str(place)), each) for place, each in enumerate(value))
        elif keyword in NAMED:
            yield from ((keyword, (keyword, name), each) for name, each in value.items())


def _parts(root: Schema, at: str) -> dict[Pointer, Schema]:
    found: dict[Pointer, Schema] = {}
    level: list[tuple[Pointer, Schema]] = [((), root)]
    for _ in range(MAX_LEVELS + 1):
        found |= level
        if len(found) > MAX_SCHEMAS:
            raise Invalid(at, f"holds more than {MAX_SCHEMAS} schemas; leave some out")
        level = [((*keys, *more), each) for keys, schema in level for _, more, each in within(schema)]
        if not level:
            return found
    raise Invalid(at, f"has schemas nested deeper than {MAX_LEVELS} levels; use $defs")


def _check_parts(document: Document, at: str) -> None:
    patterns = 0
    for keys, schema in document.parts.items():
        if not isinstance(schema, dict):
            continue
        where = f"{at}{''.join(f'.{key}' for key in keys)}"
        if (foreign := _FOREIGN & schema.keys()) or ("$id" in schema and keys):
            name = min(foreign, default="$id")
            raise Invalid(where, f"has {name}, which is not supported; refer to $defs as in #/$defs/name")
        reference = schema.get("$ref", "#")
        try:
            document.named(reference)
        except KeyError as error:
            raise Invalid(
                where, f"has $ref {reference[:100]!r}; refer to a schema of the document, as in #/$defs/name"
            ) from error
        patterns += ("pattern" in schema) + len(schema.get("patternProperties", ()))
    if patterns > MAX_PATTERNS:
        raise Invalid(at, f"holds {patterns} patterns; give at most {MAX_PATTERNS}")
    for level in range(_DEEPEST + 1):
        for schema in document.parts.values():
            if _met(document, schema, level, (), at) > MAX_MET:
                raise Invalid(
                    at,
                    f"can hold one value against more than {MAX_MET} of its schemas; give fewer alternatives and references",
                )


def _met(document: Document, schema: Schema, level: int, open_: tuple[int, ...], at: str) -> int:
    """How many schemas, counted once more than too many at most, one value so many levels below can meet from `schema` on.

    What is `open_` is being counted at the same level: a schema that comes back to itself there says nothing and never ends.
    """
    if not isinstance(schema, dict):
        return int(level == 0)
    key = id(schema), level
    if key in document._met:
        return document._met[key]
    if id(schema) in open_:
        raise Invalid(at, "has a $ref that leads back to itself; refer to it from within properties or items")
    if len(open_) > MAX_MET:
        return MAX_MET + 1
    here = [each for keyword, _, each in within(schema) if keyword in _HERE]
    if "$ref" in schema:
        here.append(document.named(schema["$ref"]))
    count = int(level == 0)
    for each in here:
        count = min(count + _met(document, each, level, (*open_, id(schema)), at), MAX_MET + 1)
    if level:
        count = min(count + _met_inside(document, schema, level - 1, at), MAX_MET + 1)
    if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:
        # To know what is left, the others are gone through again.
        count = min(3 * count, MAX_MET + 1)
    document._met[key] = count
    return count


def _met_inside(document: Document, schema: Mapping[str, Any], level: int, at: str) -> int:
    """As `_met`, by the schemas for what is in an object or array: of those by name or place, a value meets only one."""
    one = {"properties": 0, "prefixItems": 0}
    every = 0
    for keyword, _, each in within(schema):
        if keyword in _HERE or keyword in ("$defs", "definitions"):
            continue
        count = _met(document, each, level, (), at)
        if keyword in one:
            one[keyword] = max(one[keyword], count)
        else:
            every += count
    return every + max(one.values())


def _validator(root: Any) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        root, validate_formats=True, pattern_options=REGEX, offline=True
    )


def _explaining(schema: Any) -> Any:
    """The schema with every choice doubled: `allOf` is looked at before `anyOf` and `oneOf`, and `not` has one error."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    for keyword, value in schema.items():
        if keyword in ONE:
            found[keyword] = _explaining(value)
        elif keyword in LISTED:
            found[keyword] = list(map(_explaining, value))
        elif keyword in NAMED:
            found[keyword] = {name: _explaining(each) for name, each in value.items()}
    choices = [{"not": {"not": {keyword: schema[keyword]}}} for keyword in CHOICES if keyword in schema]
    return found | {"allOf": [*found.get("allOf", ()), *choices]} if choices else found


def _nesting(value: object) -> int:
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        level = [each for part in level for each in (part.values() if isinstance(part, dict) else part)]
    return depth


def _malformed(at: str, error: Exception) -> Invalid:
    path = "".join(f".{key}" for key in getattr(error, "instance_path", ()))
    fault = getattr(error, "message", str(error)).partition("\n")[0][:200]
    return Invalid(f"{at}{path}"[:200], f"is no JSON Schema that can be used: {fault}")
