"""What is proposed allows every event that it was made from, and says what they have in common."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.schemas.document import DRAFT, MAX_BYTES, read
from services.ingest.schemas.infer import propose, seen
from services.kit.profile import profiles

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    max_leaves=10,
)  # fmt: skip
KEYS = st.sampled_from(["a", "b", "c"])


def proposed(*objects: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(propose(objects))
    assert document.pop("$schema") == DRAFT
    return document


def of_values(*values: Any) -> Any:
    return proposed(*({"a": value} for value in values))["properties"]["a"]


@settings(max_examples=300)
@given(st.lists(st.dictionaries(KEYS | st.text(), JSON, max_size=5), max_size=40))
def test_every_event_of_the_sample_is_allowed(objects: list[dict[str, Any]]) -> None:
    found = read(propose(objects), "document")
    assert all(map(found.validator.is_valid, objects))


def test_what_all_have_is_required_and_more_is_allowed() -> None:
    document = proposed({"a": 1, "b": "x"}, {"a": 2}, {"a": 3, "c": {"d": True}})
    assert document == {
        "type": "object",
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": "string"},
            "c": {"type": "object", "properties": {"d": {"type": "boolean"}}, "required": ["d"]},
        },
        "required": ["a"],
    }


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1, 2], {"type": "integer"}),
        ([1, 2.5], {"type": "number"}),
        ([1, None, 2], {"type": ["integer", "null"]}),
        ([None], {}),
        (["x", 1, 1], {"type": ["integer", "string"]}),
        ([[1, "a"], []], {"type": "array", "items": {"type": ["integer", "string"]}}),
        ([[]], {"type": "array"}),
        (["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"], {"type": "string", "format": "date-time"}),
        (["2026-01-01"], {"type": "string", "format": "date"}),
        (["ann@example.com", None], {"type": ["string", "null"], "format": "email"}),
        (["https://example.com/?a=1"], {"type": "string", "format": "uri"}),
        (["018f7d5c-3b1e-7c8a-9f00-1a2b3c4d5e6f"], {"type": "string", "format": "uuid"}),
        (["10.0.0.1"], {"type": "string", "format": "ipv4"}),
        (["2026-01-01", "soon"], {"type": "string"}),
        (["EUR", "USD"] * 20, {"type": "string", "enum": ["EUR", "USD"]}),
        (["EUR", None] * 30, {"type": ["string", "null"], "enum": ["EUR", None]}),
        (["EUR", "USD"] * 10, {"type": "string"}),
        ([str(i) for i in range(20)] * 9, {"type": "string"}),
        (["EUR", 1] * 40, {"type": ["string", "integer"]}),
        (["x" * 51] * 40, {"type": "string"}),
    ],
)
def test_a_property_is_described_by_its_values(values: list[Any], schema: dict[str, Any]) -> None:
    assert of_values(*values) == schema


def test_no_sample_makes_a_document_beyond_its_limits() -> None:
    deep: Any = 1
    for _ in range(15):
        deep = {"a": deep, "b": [deep]} if len(str(deep)) < 2000 else {"a": deep}
    for objects in (
        [{f"key-{i}-{j}": i for i in range(400)} for j in range(5)],
        [{"x" * 30_000: 1, "y" * 30_000: 2, "z" * 30_000: 3}],
        [{f"a{i}": {f"b{j}": {"c": j, "d": [j]} for j in range(40)} for i in range(40)}],
        [deep],
    ):
        text = propose(objects)
        assert len(text) <= MAX_BYTES
        assert all(map(read(text, "document").validator.is_valid, objects))


def test_what_was_seen_is_told() -> None:
    objects = [{"a": "x"}, {"a": 1}, {"a": "x"}, {"a": None}, {}]
    found = seen(profiles(objects)["a"], len(objects))
    assert (found.path, list(found.types), found.present_share) == ("a", ["string", "number", "null"], 0.8)
    assert list(found.examples) == ['"x"', "1"]
