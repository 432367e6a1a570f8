"""Which JSON Schemas are taken, and that those do no harm whatever they are held against."""

import json
import time
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.schemas import document
from services.ingest.schemas.check import Compiled
from services.ingest.schemas.document import read
from services.kit.errors import Invalid
from tests.unit.ingest.schemas.documents import OBJECTS, SCHEMAS
from tidemark.v1 import schema_pb2 as pb


def text(**root: Any) -> str:
    return orjson.dumps(root).decode()


def chain(length: int, link: str = "anyOf") -> dict[str, Any]:
    """Definitions that each refer to the one before twice."""
    found: dict[str, Any] = {"d0": {"type": "string"}}
    for i in range(1, length + 1):
        found[f"d{i}"] = {link: [{"$ref": f"#/$defs/d{i - 1}"}, {"$ref": f"#/$defs/d{i - 1}"}]}
    return found


def nested(levels: int) -> dict[str, Any]:
    return {} if levels == 1 else {"properties": {"a": nested(levels - 1)}}


def left_over(levels: int) -> dict[str, Any]:
    return {} if levels == 1 else {"allOf": [left_over(levels - 1)], "unevaluatedProperties": False}


TREE = {
    "$defs": {"node": {"properties": {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}}}}
}


@pytest.mark.parametrize(
    "taken",
    [
        "{}",
        text(**{"$schema": document.DRAFT, "$id": "https://example.com/order", "title": "Order"}),
        text(**TREE, **{"$ref": "#/$defs/node"}),
        text(properties={"child": {"$ref": "#"}}),
        text(definitions={"a/b~c d": {}}, properties={"x": {"$ref": "#/definitions/a~1b~0c%20d"}}),
        text(properties={"a": {"oneOf": [{"const": i} for i in range(90)]}}),
        text(**nested(16)),
        text(properties={"a": {"pattern": "[^\\u0000-\\u001f]"}}),
        text(**left_over(4)),
        text(properties={"a": {"format": "anything"}}, made_up=True),
    ],
)
def test_documents_are_taken(taken: str) -> None:
    assert read(taken, "document").validator.is_valid({})


@pytest.mark.parametrize(
    ("refused", "fault"),
    [
        ("", "is not JSON"),
        ("[]", "is no object"),
        ("true", "is no object"),
        ('{"maximum":1e400}', "is not JSON"),
        ('{"const":"\\ud800"}', "is not JSON"),
        ('{"a":' * 500 + "1" + "}" * 500, "is nested deeper than 64 levels"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "is not JSON"),
        (text(description="x" * 65_536), "has 65554 bytes"),
        (text(**{"$schema": "http://json-schema.org/draft-07/schema#"}), "is of $schema 'http://json-schema.org/draft-07/schema#'"),
        ('{"required":["a\\u0000"]}', "holds a NUL character"),
        (text(type="text"), "type: is no JSON Schema"),
        (text(properties={"a": {"minimum": "1"}}), "properties.a.minimum: is no JSON Schema"),
        (text(multipleOf=0), "multipleOf: is no JSON Schema"),
        (text(items=[{}]), "items: is no JSON Schema"),
        (text(pattern="("), "pattern: is no JSON Schema"),
        (text(pattern="(a)\\1"), "is no JSON Schema"),
        (text(pattern="(?=a)"), "is no JSON Schema"),
        (text(pattern="((a{100}){100}){100}"), "is no JSON Schema"),
        (text(**{"$ref": "https://example.com/order"}), "has $ref 'https://example.com/order'"),
        (text(**{"$ref": "file:///etc/hostname"}), "has $ref 'file:///etc/hostname'"),
        (text(**{"$ref": "other.json#/a"}), "has $ref 'other.json#/a'"),
        (text(**{"$ref": "#/$defs/none"}), "has $ref '#/$defs/none'"),
        (text(**{"$ref": "#/enum/0", "enum": [{}]}), "has $ref '#/enum/0'"),
        (text(**{"$ref": "#"}), "leads back to itself"),
        (text(**{"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}}), "leads back to itself"),
        (text(**{"$anchor": "a"}), "has $anchor"),
        (text(properties={"a": {"$dynamicRef": "#a"}}), "properties.a: has $dynamicRef"),
        (text(properties={"a": {"$id": "b"}}), "properties.a: has $id"),
        (text(**nested(19)), "nested deeper than 16 levels"),
        (text(properties={str(i): {} for i in range(1000)}), "holds more than 1000 schemas"),
        (text(properties={str(i): {"pattern": "a"} for i in range(51)}), "holds 51 patterns"),
        (text(patternProperties={str(i): {} for i in range(51)}), "holds 51 patterns"),
        (text(oneOf=[{"const": i} for i in range(101)]), "more than 100 of its schemas"),
        (text(**{"$defs": chain(300), "$ref": "#/$defs/d300"}), "more than 100 of its schemas"),
        (text(**{"$defs": chain(30, "allOf")}), "more than 100 of its schemas"),
        (text(anyOf=[{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]), "more than 100 of its schemas"),
        (text(**left_over(7)), "more than 100 of its schemas"),
        (text(**{"$defs": {str(i): {"$ref": f"#/$defs/{i + 1}"} for i in range(900)} | {"900": {}}}), "more than 100 of its schemas"),
    ],
)  # fmt: skip
def test_documents_are_refused_with_their_place(refused: str, fault: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(refused, "document")
    assert str(caught.value).startswith("document")
    assert fault in str(caught.value)


HUGE: tuple[Any, ...] = (
    1e308, -1e308, 5e-324, 2**63, 12345678901234567890123.0, "x" * 60_000, "é" * 30_000, "\U0010ffff",
    list(range(15_000)), [[i] for i in range(12_000)], [{"a": i} for i in range(6000)], {str(i): i for i in range(6000)},
    "1" * 60_000, "a@" + "b." * 20_000, "http://" + "a" * 60_000, "xn--" * 10_000, "/~0" * 20_000, "{a}" * 20_000,
)  # fmt: skip
GREEDY = [
    {"pattern": "^(a+)+$"},
    {"pattern": "(.*)*x.{30}y"},
    {"uniqueItems": True},
    {"multipleOf": 5e-324},
    {"multipleOf": 1e308},
    {"maximum": 1e308, "exclusiveMinimum": 5e-324},
    {"contains": {"contains": {"const": 1}}, "maxContains": 1},
    {"enum": [[i] for i in range(3000)]},
    {"items": {"enum": [str(i) for i in range(3000)]}},
    {"patternProperties": {"[0-9]+": {"type": "string"}}, "unevaluatedProperties": False},
    {"propertyNames": {"maxLength": 3}, "minProperties": 9000},
    {"minLength": 2**53, "maxItems": 2**53},
    {"anyOf": [{"items": {"type": "string"}}] * 40},
    *(
        {"format": name}
        for name in ("email", "idn-email", "hostname", "idn-hostname", "uri", "iri", "uri-template", "regex")
    ),
    *({"format": name} for name in ("date-time", "duration", "ipv6", "uuid", "json-pointer", "time")),
]


@pytest.mark.parametrize("greedy", GREEDY, ids=lambda each: next(iter(each)))
def test_nothing_takes_long(greedy: dict[str, Any]) -> None:
    found = read(text(properties={"a": greedy}), "document")
    compiled = Compiled(1, pb.ENFORCEMENT_WARN, found)
    began = time.process_time()
    for value in HUGE:
        assert (compiled.fault({"a": value}) is None) == found.validator.is_valid({"a": value})
    assert time.process_time() - began < 2.0


@settings(max_examples=300)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_whatever_comes_as_a_document_is_taken_or_refused(root: Any) -> None:
    with suppress(Invalid):
        assert read(json.dumps(root), "document").root is not None


@settings(max_examples=300)
@given(SCHEMAS, st.lists(OBJECTS, max_size=5))
def test_whatever_is_taken_tells_what_is_wrong(root: dict[str, Any], values: list[dict[str, Any]]) -> None:
    try:
        found = read(text(**root, **{"$defs": {"x": {"type": "object"}}}), "document")
    except Invalid:
        return
    compiled = Compiled(1, pb.ENFORCEMENT_WARN, found)
    for value in values:
        fault = compiled.fault(value)
        assert (fault is None) == found.validator.is_valid(value)
        if fault is not None:
            assert fault[0].startswith("properties")
            assert 0 < len(fault[1]) < 500
