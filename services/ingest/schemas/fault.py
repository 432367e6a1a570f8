"""What is wrong with properties, in words: an error of validation comes in, the field at fault and a sentence go out. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import jsonschema_rs

from services.ingest.schemas.document import CHOICES

_SHOWN = 20
"""Characters of a value that a message repeats, as in `validate`."""
_OFFERED = 5
"""How many of the values that are allowed a message names."""

_LIMITS = {
    "minimum": "send at least {}",
    "exclusiveMinimum": "send more than {}",
    "maximum": "send at most {}",
    "exclusiveMaximum": "send less than {}",
    "multipleOf": "send a multiple of {}",
    "pattern": "send what fits the pattern {}",
    "format": "send a text of the format {}",
    "const": "send {}",
}
"""For keywords about the value itself: what is asked."""
_SIZES = {
    "minLength": ("characters", "send at least"),
    "maxLength": ("characters", "send at most"),
    "minItems": ("items", "send at least"),
    "maxItems": ("items", "send at most"),
    "minProperties": ("keys", "send at least"),
    "maxProperties": ("keys", "send at most"),
}
_SENTENCES = {
    "uniqueItems": "holds an item twice; send each once",
    "contains": "does not hold the items that are asked for; send as many of them as the schema says",
    "unevaluatedItems": "has more items than the schema knows; leave them out",
    "not": "is what the schema excludes; send something else",
    "falseSchema": "is not allowed by the schema; leave it out",
    "anyOf": "fits none of the alternatives; send what one of them asks for",
    "oneOf": "does not fit exactly one of the alternatives; send what one of them asks for",
}


def told(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    """The field at fault, as in `properties.items[].price`, and what is wrong with it."""
    kind, facts = error.kind.name, error.kind.as_dict()
    if kind == "not" and (choice := _choice(facts["schema"])):
        kind, facts = choice[0], {"alternatives": choice[1]}
    if kind == "required":
        return _field([*error.instance_path, facts["property"]]), "is missing; send it"
    if kind in ("additionalProperties", "unevaluatedProperties"):
        surplus = facts["unexpected"][0]
        return _field([*error.instance_path, surplus]), "is not in the schema; leave it out, or add it there"
    if kind == "propertyNames":
        return _field(
            error.instance_path
        ), f"has a key that is not allowed: {_shown(facts['error'].instance)}"
    if kind == "falseSchema" and error.schema_path[-1] == "additionalProperties":
        return _field(error.instance_path), "has keys, and the schema knows none; leave them out"
    return _field(error.instance_path), _sentence(kind, facts, error.instance)


def _sentence(kind: str, facts: dict[str, Any], value: Any) -> str:
    if types := _types(kind, facts, value):
        return f"is {_shown(value)}; send {' or '.join(map(_article, types))}"
    if kind == "enum":
        offered = ", ".join(map(_shown, facts["options"][:_OFFERED]))
        more = ", …" if len(facts["options"]) > _OFFERED else ""
        return f"is {_shown(value)}; send one of {offered}{more}"
    if kind in _SIZES:
        noun, asked = _SIZES[kind]
        return f"has {len(value)} {noun}; {asked} {facts['limit']}"
    if kind in _LIMITS:
        (limit,) = facts.values()
        return f"is {_shown(value)}; {_LIMITS[kind].format(_shown(limit, most=100))}"
    return _SENTENCES.get(kind, f"is {_shown(value)}, which {kind[:50]} of the schema does not allow")


def _types(kind: str, facts: dict[str, Any], value: object) -> list[str]:
    """The types that are asked for where it is only the type that does not fit, be it of all alternatives."""
    types = facts["types"] if kind == "type" else []
    if kind in CHOICES:
        each = [
            branch.get("type", ()) if isinstance(branch, dict) else () for branch in facts["alternatives"]
        ]
        lists = [[one] if isinstance(one, str) else list(one) for one in each]
        union = {name for names in lists for name in names}
        if all(lists) and not jsonschema_rs.is_valid({"type": sorted(union)}, value):
            types = union
    return sorted(types, key=lambda name: (name == "null", name))


def _choice(schema: object) -> tuple[str, list[Any]] | None:
    """The keyword and its alternatives, where what is excluded is that none fits, as `Document.explainer` says it."""
    inner = schema.get("not") if isinstance(schema, dict) else None
    if isinstance(inner, dict) and len(inner) == 1:
        ((keyword, alternatives),) = inner.items()
        if keyword in CHOICES:
            return keyword, alternatives
    return None


def _field(path: Sequence[str | int]) -> str:
    """Places in arrays are left out, so that the same fault has the same field."""
    return "properties" + "".join("[]" if isinstance(key, int) else f".{key}" for key in path)[:200]


def _shown(value: object, most: int = _SHOWN) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if len(text) <= most else f"{text[:most]}…"


def _article(name: str) -> str:
    if name == "null":
        return name
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"
