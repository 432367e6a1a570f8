"""The OpenAPI file: whole, sound, and as Envoy makes of the contract."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api import annotations_pb2

from deploy.envoy.contract import services

TEXT = (Path(__file__).parents[2] / "docs/openapi.json").read_text()
API: dict[str, Any] = json.loads(TEXT)
SCHEMAS: dict[str, Any] = API["components"]["schemas"]


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every operation by its id, with its path and verb."""
    return {
        operation["operationId"]: (path, verb, operation)
        for path, verbs in API["paths"].items()
        for verb, operation in verbs.items()
    }


def within(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner)


def test_every_rpc_with_a_path_is_in_it_and_nothing_else() -> None:
    wanted = {}
    for service in services():
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            if verb := rule.WhichOneof("pattern"):
                wanted[method.name] = verb
    assert {name: verb for name, (_, verb, _) in operations().items()} == wanted
    assert len(wanted) > 20


def test_every_reference_leads_to_something_and_every_schema_is_used() -> None:
    named = {each["$ref"] for each in within(API) if "$ref" in each}
    for reference in named:
        target: Any = API
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= named


def test_every_variable_of_a_path_is_a_parameter() -> None:
    for path, _, operation in operations().values():
        given = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert given == re.findall(r"\{(\w+)\}", path)
        names = [each["name"] for each in operation["parameters"]]
        assert len(set(names)) == len(names), path


def test_everything_is_explained() -> None:
    for name, (_, _, operation) in operations().items():
        assert operation["summary"], name
        assert "Roles: " in operation["description"], name
        assert all(each.get("description") for each in operation["parameters"] if each["in"] == "query"), name
    for name, schema in SCHEMAS.items():
        assert schema.get("description") or name == "Double", name
        for field, of_field in schema.get("properties", {}).items():
            assert of_field["description"], f"{name}.{field}"


def test_every_operation_says_how_it_fails() -> None:
    for name, (_, _, operation) in operations().items():
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Error"}, name


def test_what_is_in_the_path_is_not_in_the_body() -> None:
    assert "project" not in SCHEMAS["RunQueryRequest"]["properties"]
    assert SCHEMAS["RunQueryRequest"]["required"] == ["query"]


@pytest.mark.parametrize(
    ("schema", "field", "form"),
    [
        ("Event", "eventId", {"type": "string", "contentEncoding": "base64"}),
        ("Event", "occurredAt", {"type": "string", "format": "date-time"}),
        ("Event", "properties", {"type": "object"}),
        ("LedgerEntry", "received", {"type": "string", "format": "int64"}),
        ("QueryMetadata", "completeness", {"$ref": "#/components/schemas/Double"}),
        ("SeriesQuestion", "groupBy", {"type": "array", "items": {"type": "string"}}),
        ("TileAnswer", "error", {"$ref": "#/components/schemas/Status"}),
    ],
)
def test_values_have_the_form_of_protobufs_json(schema: str, field: str, form: dict[str, Any]) -> None:
    found = SCHEMAS[schema]["properties"][field]
    assert {key: value for key, value in found.items() if key != "description"} == form


def test_enums_list_their_values_with_their_meanings() -> None:
    source = SCHEMAS["Source"]
    assert source["type"] == "string"
    assert all(f"`{value}`: " in source["description"] for value in source["enum"])


def test_of_alternatives_at_most_one_is_asked_for() -> None:
    assert "At most one of these, its question: `events`, `series`" in SCHEMAS["Query"]["description"]


def test_streams_say_so() -> None:
    _, _, watch = operations()["WatchQuery"]
    assert "one JSON object on each line" in watch["description"]
