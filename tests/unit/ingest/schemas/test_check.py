"""Rows are held against the schema of their event, and what is wrong with them is said in words."""

from typing import Any

import orjson
import pyarrow as pa
import pytest

from services.ingest.columns import EVENTS
from services.ingest.schemas.check import Compiled, Violation, check, compile_schema
from services.kit.errors import Invalid
from tests.ingesting import record_batch
from tidemark.v1 import schema_pb2 as pb

REJECT, WARN = pb.ENFORCEMENT_REJECT, pb.ENFORCEMENT_WARN


def compiled(version: int = 1, enforcement: pb.Enforcement = WARN, **root: Any) -> Compiled:
    return compile_schema(
        pb.Schema(document=orjson.dumps(root).decode(), version=version, enforcement=enforcement)
    )


def rows(*events: tuple[str, str | None]) -> pa.RecordBatch:
    names, properties = zip(*events) if events else ((), ())
    batch = record_batch(
        len(events), name=pa.array(names, pa.string()), properties=pa.array(properties, pa.string())
    )
    return batch.select(EVENTS.names)


AMOUNT = {"properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def test_each_row_is_held_against_the_schema_of_its_event() -> None:
    schemas = {"a": compiled(3, REJECT, **AMOUNT), "b": compiled(2, required=["x"]), "c": compiled()}
    found = check(
        schemas,
        rows(
            ("b", "{}"), ("a", '{"amount":1}'), ("z", "{}"), ("a", '{"amount":"1"}'), ("a", None), ("b", '{"x":1}'), ("a", '{"amount":"1"}')
        ),
    )  # fmt: skip
    assert found.versions == {"a": 3, "b": 2}
    assert found.checked == {"a": 4, "b": 2}
    assert found.violations == [
        Violation(0, "properties.x", "is missing; send it", WARN),
        Violation(3, "properties.amount", 'is "1"; send a number', REJECT),
        Violation(4, "properties.amount", "is missing; send it", REJECT),
        Violation(6, "properties.amount", 'is "1"; send a number', REJECT),
    ]


def test_without_a_schema_nothing_is_checked() -> None:
    for schemas, batch in (({}, rows(("a", "{}"))), ({"a": compiled(required=["x"])}, rows())):
        found = check(schemas, batch)
        assert (found.versions, found.checked, found.violations) == ({}, {}, [])


def test_a_schema_that_says_nothing_of_violations_warns() -> None:
    assert compile_schema(pb.Schema(document="{}")).enforcement == WARN
    with pytest.raises(Invalid, match=r"definition\.document: is no object"):
        compile_schema(pb.Schema(document="1"), "definition")


@pytest.mark.parametrize(
    ("asked", "value", "message"),
    [
        ({"type": ["null", "string"]}, 5, "is 5; send a string or null"),
        ({"type": "integer"}, 1.5, "is 1.5; send an integer"),
        ({"type": "array"}, {"a": 1}, 'is {"a":1}; send an array'),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "x", 'is "x"; send a number or null'),
        ({"anyOf": [{"type": "number"}, {"const": "y"}]}, "x", "fits none of the alternatives; send what one of them asks for"),
        ({"oneOf": [{}, {}]}, 1, "does not fit exactly one of the alternatives; send what one of them asks for"),
        ({"enum": ["EUR", "USD"]}, "GBP", 'is "GBP"; send one of "EUR", "USD"'),
        ({"enum": [1, 2, 3, 4, 5, 6]}, 7, "is 7; send one of 1, 2, 3, 4, 5, …"),
        ({"const": {"a": 1}}, None, 'is null; send {"a":1}'),
        ({"minimum": 0}, -1, "is -1; send at least 0"),
        ({"exclusiveMinimum": 0}, 0, "is 0; send more than 0"),
        ({"maximum": 10}, 1e300, "is 1e+300; send at most 10"),
        ({"exclusiveMaximum": 10}, 10, "is 10; send less than 10"),
        ({"multipleOf": 5}, 7, "is 7; send a multiple of 5"),
        ({"minLength": 3}, "é", "has 1 characters; send at least 3"),
        ({"maxLength": 3}, "abcd", "has 4 characters; send at most 3"),
        ({"pattern": "^[a-z]+$"}, "A" * 30, 'is "AAAAAAAAAAAAAAAAAAA…; send what fits the pattern "^[a-z]+$"'),
        ({"format": "email"}, "ann", 'is "ann"; send a text of the format "email"'),
        ({"minItems": 2}, [1], "has 1 items; send at least 2"),
        ({"maxItems": 0}, [1], "has 1 items; send at most 0"),
        ({"uniqueItems": True}, [1, 1], "holds an item twice; send each once"),
        ({"contains": {"const": 1}}, [2], "does not hold the items that are asked for; send as many of them as the schema says"),
        ({"minProperties": 1}, {}, "has 0 keys; send at least 1"),
        ({"maxProperties": 0}, {"x": 1}, "has 1 keys; send at most 0"),
        ({"propertyNames": {"maxLength": 1}}, {"xy": 1}, 'has a key that is not allowed: "xy"'),
        ({"not": {"type": "string"}}, "x", "is what the schema excludes; send something else"),
        (False, "x", "is not allowed by the schema; leave it out"),
        ({"additionalProperties": False}, {"x": 1}, "has keys, and the schema knows none; leave them out"),
        ({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2], "has more items than the schema knows; leave them out"),
    ],
)  # fmt: skip
def test_a_message_tells_the_value_and_what_to_send(asked: Any, value: Any, message: str) -> None:
    assert compiled(properties={"a": asked}).fault({"a": value}) == ("properties.a", message)


@pytest.mark.parametrize(
    ("root", "value", "field"),
    [
        ({"properties": {"a": {"required": ["b"]}}}, {"a": {}}, "properties.a.b"),
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]}, "properties.a[]"),
        ({"properties": {"a": {"items": {"required": ["b"]}}}}, {"a": [{}]}, "properties.a[].b"),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "properties.b"),
        ({"unevaluatedProperties": False}, {"b": 1}, "properties.b"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "properties.b"),
        ({"maxProperties": 0}, {"a": 1}, "properties"),
        ({"patternProperties": {"^a": False}}, {"a.b": 1}, "properties.a.b"),
    ],
)
def test_the_field_at_fault_is_named_by_its_path(root: Any, value: Any, field: str) -> None:
    fault = compiled(**root).fault(value)
    assert fault is not None
    assert fault[0] == field
