"""JSON Schemas and values that meet them now and then, for tests of what must hold for all."""

from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "ab"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5]), st.sampled_from(["", "a", "ab", "b", "abc"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=3), max_leaves=6
)
TYPES = st.sampled_from(["null", "boolean", "string", "integer", "number", "array", "object"])
SMALL = st.integers(0, 3)
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(SCALARS, max_size=3),
    "const": SCALARS,
    "minimum": st.integers(-2, 2), "exclusiveMinimum": st.integers(-2, 2),
    "maximum": st.integers(-2, 2), "exclusiveMaximum": st.integers(-2, 2), "multipleOf": st.sampled_from([1, 2, 0.5]),
    "minLength": SMALL, "maxLength": SMALL, "pattern": st.sampled_from(["^a", "b$"]),
    "minItems": SMALL, "maxItems": SMALL, "uniqueItems": st.booleans(),
    "minProperties": SMALL, "maxProperties": SMALL, "required": st.lists(KEYS, max_size=2, unique=True),
    "dependentRequired": st.dictionaries(KEYS, st.lists(KEYS, max_size=2, unique=True), max_size=2),
    "$ref": st.just("#/$defs/x"), "title": st.just("T"),
}  # fmt: skip


def parts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=3)
    inside = {
        "properties": st.dictionaries(KEYS, inner, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
        "prefixItems": lists, "allOf": lists, "anyOf": lists, "oneOf": lists,
        "dependentSchemas": st.dictionaries(KEYS, inner, max_size=1),
    } | dict.fromkeys(
        ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else", "unevaluatedProperties",
         "unevaluatedItems"), inner
    )  # fmt: skip
    return chosen(LEAVES | inside)


def chosen(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Schemas of one to four keywords."""
    names = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda keys: st.fixed_dictionaries({key: keywords[key] for key in keys}))


SCHEMAS = st.recursive(st.booleans() | chosen(LEAVES), parts, max_leaves=8).filter(
    lambda each: isinstance(each, dict)
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
