"""What is said to be compatible is; what changes and stays compatible is found to be."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.schemas.compatibility import fault_of, require
from services.ingest.schemas.document import Document, read
from services.kit.errors import Invalid, Refused
from tests.unit.ingest.schemas.documents import LEAVES, OBJECTS, SCHEMAS, chosen
from tidemark.v1 import schema_pb2 as pb


def document(**root: Any) -> Document:
    return read(orjson.dumps(root).decode(), "document")


def properties(**each: Any) -> Document:
    return document(type="object", properties=each)


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
LIST = {"type": "array", "items": WHOLE}
TREE = {"v": WHOLE, "next": {"$ref": "#"}}


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"required": ["a"]}),
        ({"properties": {"a": NUMBER}}, {"properties": {"a": WHOLE}}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"properties": {"a": TEXT}}),
        ({"properties": {"a": {"anyOf": [NUMBER, {"type": "null"}]}}}, {"properties": {"a": {"type": ["integer", "null"]}}}),
        ({"required": ["a"]}, {"required": ["b", "a"]}),
        ({"properties": {"a": {"minimum": 0}}}, {"properties": {"a": {"exclusiveMinimum": 0, "maximum": 9}}}),
        ({"properties": {"a": {"enum": ["x", "y"]}}}, {"properties": {"a": {"const": "x"}}}),
        ({"properties": {"a": {"type": "string", "maxLength": 3}}}, {"properties": {"a": {"enum": ["abc", "x"]}}}),
        ({"properties": {"a": TEXT}}, {"properties": {"a": {"type": "string", "pattern": "^x"}}}),
        ({"properties": {"a": {"type": "array", "items": NUMBER}}}, {"properties": {"a": LIST}}),
        ({"properties": {"a": {"minItems": 1}}}, {"properties": {"a": {"minItems": 2, "uniqueItems": True}}}),
        ({"additionalProperties": NUMBER}, {"properties": {"a": WHOLE}, "additionalProperties": False}),
        ({"patternProperties": {"^n_": NUMBER}}, {"properties": {"n_a": WHOLE}, "additionalProperties": False}),
        ({"properties": {"a": TEXT, "b": TEXT}}, {"properties": {"a": TEXT}, "additionalProperties": False}),
        ({"propertyNames": {"maxLength": 2}}, {"properties": {"ab": {}}, "additionalProperties": False}),
        ({"maxProperties": 1}, {"properties": {"a": {}}, "additionalProperties": False}),
        ({"minProperties": 1}, {"required": ["a"]}),
        ({"properties": {"a": {"not": TEXT}}}, {"properties": {"a": {"not": TEXT, "minimum": 0}}}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"required": ["a"]}}}, {"allOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        ({"properties": TREE | {"v": NUMBER}}, {"properties": TREE}),
        ({"properties": {"a": {"title": "A", "type": "string"}}}, {"properties": {"a": TEXT}}),
        ({"properties": {"a": {"multipleOf": 2}}}, {"properties": {"a": {"multipleOf": 4}}}),
        ({"dependentRequired": {"a": ["b"]}}, {"required": ["b"]}),
        ({"properties": {"a": {"type": "array", "prefixItems": [TEXT], "items": NUMBER}}},
         {"properties": {"a": {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False}}}),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"oneOf": [{"required": ["b"]}, {"required": ["a"]}]}),
    ],
)  # fmt: skip
def test_one_allows_all_that_the_other_allows_and_not_the_other_way_round(wide: Any, narrow: Any) -> None:
    assert fault_of(document(**wide), document(**narrow)) is None
    back = fault_of(document(**narrow), document(**wide))
    assert back is not None or "title" in str(wide)


@pytest.mark.parametrize(
    ("wide", "narrow", "fault"),
    [
        ({"a": TEXT}, {"a": {"type": ["string", "null"]}}, "properties.a may be null"),
        ({"a": WHOLE}, {"a": NUMBER}, "properties.a may be a fraction"),
        ({"a": {"minimum": 1}}, {"a": {"minimum": 0}}, "properties.a may be less than its minimum"),
        ({"a": {"enum": ["x"]}}, {"a": {"enum": ["x", "y"]}}, 'properties.a may be "y"'),
        ({"a": {"enum": ["x"]}}, {"a": TEXT}, "properties.a may be a string that is not listed"),
        ({"a": {"type": "array", "items": TEXT}}, {"a": LIST}, "properties.a[] may be a whole number"),
        ({"a": {"maxLength": 3}}, {"a": {"maxLength": 4}}, "properties.a may have more than 3 characters"),
        ({"a": {"not": TEXT}}, {"a": NUMBER}, "properties.a is held against 'not', which is compared only where it is unchanged"),
        ({"a": {"properties": {"b": TEXT}}}, {"a": {"properties": {"b": WHOLE}}}, "properties.a.b may be a whole number"),
        ({"a": {"format": "date"}}, {"a": {"format": "email"}}, "properties.a may be a string that is not of the format 'date'"),
    ],
)  # fmt: skip
def test_what_is_wider_is_told_with_its_place(wide: Any, narrow: Any, fault: str) -> None:
    assert fault_of(properties(**wide), properties(**narrow)) == fault


def test_promises_go_either_way() -> None:
    old, new = properties(a=WHOLE), properties(a=NUMBER)
    require(pb.COMPATIBILITY_NONE, new, old)
    require(pb.COMPATIBILITY_BACKWARD, old, new)
    require(pb.COMPATIBILITY_FORWARD, new, old)
    for promise, first, second in (
        (pb.COMPATIBILITY_BACKWARD, new, old),
        (pb.COMPATIBILITY_FORWARD, old, new),
        (pb.COMPATIBILITY_FULL, old, new),
        (pb.COMPATIBILITY_FULL, new, old),
    ):
        with pytest.raises(Refused, match=r"properties\.a may be a fraction.*COMPATIBILITY_NONE") as caught:
            require(promise, first, second)
        assert caught.value.reason == "SCHEMA_INCOMPATIBLE"
    require(pb.COMPATIBILITY_FULL, properties(a=TEXT), properties(a=TEXT | {"description": "A text"}))


def test_choices_of_choices_come_to_an_end() -> None:
    alternatives = [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(16)]
    others = [{"anyOf": [{"required": [f"c{i}"]}, {"required": [f"d{i}"]}]} for i in range(16)]
    fault = fault_of(document(allOf=alternatives), document(allOf=others))
    assert fault == "the two are too different to be compared" or "missing" in str(fault)


@st.composite
def changed(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas, of which the second is often the first with a change or two: those are the ones that may fit."""
    first = draw(SCHEMAS)
    if draw(st.integers(0, 3)) == 0:
        return first, draw(SCHEMAS)
    second = orjson.loads(orjson.dumps(first))
    for _ in range(draw(st.integers(1, 2))):
        places = [second]
        for place in places:
            places += [
                each
                for each in (place.values() if isinstance(place, dict) else place)
                if isinstance(each, dict | list)
            ]
        place = draw(st.sampled_from([each for each in places if isinstance(each, dict)]))
        if place and draw(st.booleans()):
            del place[draw(st.sampled_from(sorted(place)))]
        else:
            place.update(draw(chosen(LEAVES)))
    return (first, second) if draw(st.booleans()) else (second, first)


@settings(max_examples=600)
@given(
    changed(),
    st.lists(OBJECTS, max_size=12),
    st.sampled_from([{"type": "object"}, {"required": ["a"]}, False]),
)
def test_what_is_said_to_be_allowed_is_allowed(pair: tuple[Any, Any], values: list[Any], other: Any) -> None:
    try:
        definitions: list[Any] = [{"x": {"type": "object"}}, {"x": other}]
        wide, narrow = (document(**each, **{"$defs": defs}) for each, defs in zip(pair, definitions))
    except Invalid:
        return
    for one, two in ((wide, narrow), (narrow, wide)):
        if fault_of(one, two) is None:
            for value in values:
                assert one.validator.is_valid(value) or not two.validator.is_valid(value)
