"""What requests of SchemaService say, once they are well formed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.ingest.schemas import request
from services.kit.errors import Invalid
from tidemark import questions
from tidemark.v1 import schema_pb2 as pb

NOW = datetime(2026, 1, 8, 12, tzinfo=UTC)
PRESENT = pb.Schema(
    name="projects/demo/schemas/a", event_name="a", document="{}", enforcement=pb.ENFORCEMENT_REJECT,
    compatibility=pb.COMPATIBILITY_FULL, description="A", version=4,
)  # fmt: skip


def changed(*paths: str, **fields: Any) -> pb.Schema:
    asked = pb.UpdateSchemaRequest(schema=pb.Schema(**fields), update_mask=FieldMask(paths=paths))
    return request.changed(asked, PRESENT)


def test_what_is_left_out_of_a_new_schema_has_a_meaning() -> None:
    made = request.new(pb.Schema(event_name="a", document="{}", name="ignored", version=9))
    assert made == pb.Schema(
        event_name="a",
        document="{}",
        enforcement=pb.ENFORCEMENT_WARN,
        compatibility=pb.COMPATIBILITY_NONE,
    )


def test_an_update_changes_what_its_mask_names() -> None:
    assert changed("description", document='{"title":"x"}').document == "{}"
    assert changed("description").description == ""
    assert changed(description="B").enforcement == pb.ENFORCEMENT_REJECT
    assert changed("enforcement").enforcement == pb.ENFORCEMENT_WARN
    assert changed("*", document="{}").compatibility == pb.COMPATIBILITY_NONE


@pytest.mark.parametrize(
    ("paths", "fields", "field"),
    [
        ((), {}, "update_mask"),
        (("event_name",), {}, "update_mask"),
        ((), {"event_name": "b"}, "schema.event_name"),
        (("document",), {}, "schema.document"),
        ((), {"description": "\0"}, "schema.description"),
    ],
)
def test_what_cannot_be_changed_is_named(paths: tuple[str, ...], fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        changed(*paths, **fields)
    assert caught.value.field == field


def test_a_sample_is_of_the_last_month_unless_it_is_of_another_time() -> None:
    span, size = request.sample(pb.InferSchemaRequest(event_name="a"), "UTC", NOW)
    assert (span.start, span.end > NOW, size) == (NOW - timedelta(days=30), True, 1000)
    asked = pb.InferSchemaRequest(
        event_name="a",
        time_range=questions.time_range(start="2026-01-01", end="2026-01-02"),
        sample_size=99_999,
    )
    span, size = request.sample(asked, "UTC", NOW)
    assert (span.end - span.start, size) == (timedelta(days=1), 10_000)
