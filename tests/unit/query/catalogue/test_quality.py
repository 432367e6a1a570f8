"""What two samples of events and a schema tell of properties."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.query.catalogue.quality import EventRecord, of_properties, planned
from tidemark.v1 import pipeline_pb2 as pb

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def qualities(
    now: list[dict[str, Any]], before: list[dict[str, Any]], document: str | None = None
) -> dict[str, pb.PropertyQuality]:
    return {each.path: each for each in of_properties(now, before, document)}


def record(**changes: Any) -> EventRecord:
    counts = dict.fromkeys(
        ("count", "previous", "checked", "violations", "rule_failures", "dead_lettered", "rejected"), 0
    )
    about: dict[str, Any] = dict.fromkeys(
        ("schema_id", "schema_version", "enforcement", "document", "newest")
    )
    return EventRecord(**{"name": "a"} | counts | about | changes)


def test_missing_and_null_count_alike() -> None:
    found = qualities([{"a": 1}, {"a": None}, {}, {"a": 0}], [{"a": False}, {}, {}, {}])
    assert (found["a"].null_share, found["a"].previous_null_share) == (0.5, 0.75)


def test_drift_is_the_share_of_values_that_changed_type() -> None:
    number, text, both = [{"a": 1}], [{"a": "1"}], [{"a": 1}, {"a": "1"}]
    for now, before, drift in (
        (number, number, 0.0),
        (number, text, 1.0),
        (both, number, 0.5),
        (both * 2, both, 0.0),
    ):
        assert qualities(now, before)["a"].type_drift == drift
    for now, before in ((number, []), (number, [{}]), ([{}], number)):
        assert math.isnan(qualities(now, before)["a"].type_drift)


def test_nothing_before_has_no_share() -> None:
    found = qualities([{"a": 1}], [])
    assert math.isnan(found["a"].previous_null_share)
    assert (dict(found["a"].types), found["a"].distinct_count) == ({"number": 1.0}, 1)


def test_properties_are_of_now_of_before_and_of_the_plan() -> None:
    found = qualities([{"a": 1}], [{"b": 1}], '{"properties":{"b":{},"c":{}}}')
    assert {path: each.planned for path, each in found.items()} == {"a": False, "b": True, "c": True}
    assert [each.null_share for each in found.values()] == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, []),
        ({"properties": {"a": {"properties": {"b": {}}}, "c": True}}, ["a", "a.b", "c"]),
        ({"allOf": [{"properties": {"a": {}}}], "anyOf": [{"properties": {"b": {}}}]}, ["a", "b"]),
        ({"if": {"properties": {"x": {}}}, "then": {"properties": {"a": {}}}}, ["a"]),
        ({"$ref": "#/$defs/o~1p", "$defs": {"o/p": {"properties": {"a": {"$ref": "#/allOf/0"}}}}, "allOf": [{"properties": {"b": {}}}]}, ["a", "a.b", "b"]),
        ({"$ref": "#/nowhere/1"}, []),
        ({"properties": {"a": {"items": {"properties": {"b": {}}}}}}, ["a"]),
    ],
)  # fmt: skip
def test_what_a_schema_names_is_planned(document: dict[str, Any], paths: list[str]) -> None:
    assert sorted(set(planned(document))) == paths


def test_a_schema_that_holds_itself_names_what_has_room() -> None:
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    found = qualities([{"left": {"right": 1}}], [], orjson.dumps(tree).decode())
    assert found["left.right"].planned
    assert len(found) <= 1000


def test_an_event_is_as_fresh_as_its_newest() -> None:
    fresh = record(newest=NOW - timedelta(seconds=90)).message("projects/demo", NOW)
    assert fresh.freshness.ToTimedelta() == timedelta(seconds=90)
    ahead = record(newest=NOW + timedelta(seconds=90)).message("projects/demo", NOW)
    assert ahead.freshness.ToTimedelta() == timedelta()
    assert not record().message("projects/demo", NOW).HasField("freshness")


def test_a_share_of_nothing_is_no_number() -> None:
    assert math.isnan(record().message("projects/demo", NOW).violation_share)
    assert record(checked=8, violations=2).message("projects/demo", NOW).violation_share == 0.25
