"""SchemaService through gRPC on a real database: versions, promises, proposals, and what comes of events."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.ingest.service import ingest, writer
from services.kit.settings import Settings
from tests.conftest import Served, Suite, refusal
from tests.ingesting import event, event_batch
from tests.integration.history import Happened, commit
from tests.polling import until
from tidemark import questions
from tidemark.v1 import ingest_pb2
from tidemark.v1 import schema_pb2 as pb
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.schema_pb2_grpc import SchemaServiceStub

DEMO = "projects/demo"
ORDERS = f"{DEMO}/schemas/order-placed"
AMOUNT = '{"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}'
NUMBER = AMOUNT.replace("integer", "number")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Schemas:
    """SchemaService with one key."""

    def __init__(self, served: Served, key: str = "admin") -> None:
        self._stub, self._key = SchemaServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str):
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request(**fields), metadata=self._key)


def schema(document: str = AMOUNT, event_name: str = "order_placed", **fields: Any) -> pb.Schema:
    return pb.Schema(event_name=event_name, document=document, **fields)


async def made(served: Served, *arguments: Any, **fields: Any) -> pb.Schema:
    return (await Schemas(served).CreateSchema(parent=DEMO, schema=schema(*arguments, **fields))).schema


async def test_a_schema_is_made_read_changed_and_deleted(suite: Suite) -> None:
    async with suite(ingest) as served:
        schemas = Schemas(served)
        first = await made(served, description="What was ordered", enforcement=pb.ENFORCEMENT_REJECT)
        assert (first.name, first.version, first.etag) == (ORDERS, 1, "1")
        assert first.compatibility == pb.COMPATIBILITY_NONE
        assert first.create_time == first.update_time
        assert (await schemas.GetSchema(name=ORDERS)).schema == first
        changed = pb.Schema(name=ORDERS, document=NUMBER, etag=first.etag)
        second = (await schemas.UpdateSchema(schema=changed)).schema
        assert (second.version, second.document, second.event_name) == (2, NUMBER, "order_placed")
        assert (second.description, second.enforcement) == (first.description, first.enforcement)
        assert second.create_time == first.create_time
        assert second.update_time.ToNanoseconds() > first.update_time.ToNanoseconds()
        mask = FieldMask(paths=["description"])
        third = (await schemas.UpdateSchema(schema=pb.Schema(name=ORDERS), update_mask=mask)).schema
        assert (third.version, third.description, third.document) == (3, "", NUMBER)
        assert (await schemas.GetSchema(name=ORDERS)).schema == third
        assert (await schemas.GetSchema(name=ORDERS, version=1)).schema == first
        assert (await refusal(schemas.GetSchema(name=ORDERS, version=9))).code == "NOT_FOUND"
        await schemas.DeleteSchema(name=ORDERS, etag=third.etag)
        for call in (
            schemas.GetSchema(name=ORDERS),
            schemas.ListSchemaVersions(name=ORDERS),
            schemas.UpdateSchema(schema=changed),
            schemas.DeleteSchema(name=ORDERS),
        ):
            assert (await refusal(call)).code == "NOT_FOUND"


async def test_schemas_and_versions_are_listed_page_by_page(suite: Suite) -> None:
    async with suite(ingest) as served:
        for name in ("zoo", "art", "sea"):
            await made(served, event_name=name)
        for text in "abcd":
            await Schemas(served).UpdateSchema(schema=pb.Schema(name=f"{DEMO}/schemas/zoo", description=text))
        viewer = Schemas(served, "viewer")
        seen, token = [], ""
        while token or not seen:
            page = await viewer.ListSchemas(parent=DEMO, page_size=2, page_token=token)
            seen += [(each.event_name, each.version) for each in page.schemas]
            token = page.next_page_token
        assert seen == [("art", 1), ("sea", 1), ("zoo", 5)]
        versions: list[tuple[int, str]] = []
        while token or not versions:
            page = await viewer.ListSchemaVersions(name=f"{DEMO}/schemas/zoo", page_size=2, page_token=token)
            versions += [(each.version, each.description) for each in page.schemas]
            token = page.next_page_token
        assert versions == [(5, "d"), (4, "c"), (3, "b"), (2, "a"), (1, "")]


async def test_a_page_of_large_schemas_ends_where_a_message_does(suite: Suite) -> None:
    async with suite(ingest) as served:
        large = json.dumps({"description": "x" * 60_000})
        await asyncio.gather(*(made(served, large, event_name=f"event_{i:02}") for i in range(60)))
        first = await Schemas(served).ListSchemas(parent=DEMO, page_size=1000)
        second = await Schemas(served).ListSchemas(
            parent=DEMO, page_size=1000, page_token=first.next_page_token
        )
        assert first.ByteSize() < 3 << 20
        assert len(first.schemas) + len(second.schemas) == 60


async def test_an_event_has_one_schema(suite: Suite) -> None:
    async with suite(ingest) as served:
        await made(served)
        other = Schemas(served).CreateSchema(parent=DEMO, schema_id="other", schema=schema())
        refused = await refusal(other)
        assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "SCHEMA_EXISTS")
        assert ORDERS in refused.message
        same_id = await made(served, event_name="Order placed!")
        assert same_id.name == f"{ORDERS}-2"


async def test_a_repetition_answers_with_the_same_schema(suite: Suite) -> None:
    async with suite(ingest) as served:
        fields = {"parent": DEMO, "schema": schema(), "request_id": str(uuid.uuid4())}
        create = Schemas(served).CreateSchema
        first, second = await asyncio.gather(create(**fields), create(**fields))
        assert first == second
        refused = await refusal(create(**fields, schema_id="other"))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["request_id"])


async def test_of_two_changes_of_the_same_version_one_is_aborted(suite: Suite) -> None:
    async with suite(ingest) as served:
        etag = (await made(served)).etag
        update = Schemas(served).UpdateSchema
        calls = [update(schema=pb.Schema(name=ORDERS, description=each, etag=etag)) for each in "AB"]
        assert sorted([(await call.code()).name for call in calls]) == ["ABORTED", "OK"]
        refused = await refusal(Schemas(served).DeleteSchema(name=ORDERS, etag=etag))
        assert (refused.code, refused.reason) == ("ABORTED", "ETAG_MISMATCH")
        unconditional = [update(schema=pb.Schema(name=ORDERS, description=each)) for each in "CDE"]
        assert {(await call.code()).name for call in unconditional} == {"OK"}
        assert (await Schemas(served).GetSchema(name=ORDERS)).schema.version == 5


async def test_a_version_that_breaks_its_promise_is_refused(suite: Suite) -> None:
    async with suite(ingest) as served:
        await made(served, NUMBER, compatibility=pb.COMPATIBILITY_BACKWARD)
        update = Schemas(served).UpdateSchema
        refused = await refusal(update(schema=pb.Schema(name=ORDERS, document=AMOUNT)))
        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "SCHEMA_INCOMPATIBLE")
        assert "properties.amount may be a fraction" in refused.message
        assert "COMPATIBILITY_NONE" in refused.message
        wider = NUMBER.replace('"number"', '["number", "null"]')
        assert (await update(schema=pb.Schema(name=ORDERS, document=wider))).schema.version == 2
        promise = pb.Schema(name=ORDERS, document=AMOUNT, compatibility=pb.COMPATIBILITY_NONE)
        assert (await update(schema=promise)).schema.version == 3


@pytest.mark.parametrize(
    ("rpc", "fields", "violation"),
    [
        ("CreateSchema", {"schema": schema()}, "parent"),
        ("CreateSchema", {"parent": DEMO, "schema_id": "No", "schema": schema()}, "schema_id"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(event_name="")}, "schema.event_name"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(event_name="a\nb")}, "schema.event_name"),
        ("CreateSchema", {"parent": DEMO, "schema": schema("")}, "schema.document"),
        ("CreateSchema", {"parent": DEMO, "schema": schema('{"$ref": "http://a.example"}')}, "schema.document"),
        ("CreateSchema", {"parent": DEMO, "schema": schema('{"type": "text"}')}, "schema.document.type"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(enforcement=9)}, "schema.enforcement"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(compatibility=9)}, "schema.compatibility"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(description="x" * 1001)}, "schema.description"),
        ("CreateSchema", {"parent": DEMO, "schema": schema(), "request_id": "x"}, "request_id"),
        ("GetSchema", {"name": "order-placed"}, "name"),
        ("GetSchema", {"name": ORDERS, "version": -1}, "version"),
        ("ListSchemas", {"parent": DEMO, "page_size": -1}, "page_size"),
        ("ListSchemas", {"parent": DEMO, "page_token": "x"}, "page_token"),
        ("UpdateSchema", {"schema": pb.Schema(name=ORDERS)}, "update_mask"),
        ("UpdateSchema", {"schema": pb.Schema(name=ORDERS, event_name="b", document="{}")}, "schema.event_name"),
        ("UpdateSchema", {"schema": pb.Schema(name=ORDERS, document="[]")}, "schema.document"),
        ("UpdateSchema", {"schema": pb.Schema(name=ORDERS, document="{}", etag="x")}, "schema.etag"),
        ("DeleteSchema", {"name": ORDERS, "etag": "x"}, "etag"),
        ("InferSchema", {"parent": DEMO}, "event_name"),
        ("InferSchema", {"parent": DEMO, "event_name": "a", "sample_size": -1}, "sample_size"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_with_its_field(
    suite: Suite, rpc: str, fields: dict[str, Any], violation: str
) -> None:
    async with suite(ingest) as served:
        await made(served)
        refused = await refusal(getattr(Schemas(served), rpc)(**fields))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_viewers_read_and_do_not_change(suite: Suite) -> None:
    async with suite(ingest) as served:
        await made(served)
        viewer = Schemas(served, "viewer")
        assert (await viewer.GetSchema(name=ORDERS)).schema.version == 1
        for call in (
            viewer.CreateSchema(parent=DEMO, schema=schema()),
            viewer.UpdateSchema(schema=pb.Schema(name=ORDERS, document=NUMBER)),
            viewer.DeleteSchema(name=ORDERS),
        ):
            assert (await refusal(call)).code == "PERMISSION_DENIED"


async def test_there_are_only_so_many_schemas(suite: Suite, database: str) -> None:
    async with suite(ingest) as served:
        with psycopg.connect(database) as connection:
            connection.execute(
                "INSERT INTO schemas (project_id, schema_id, event_name)"
                " SELECT 1, 'many-' || n, 'many_' || n FROM generate_series(1, 1000) AS n"
            )
        refused = await refusal(made(served))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_SCHEMAS")


async def test_every_change_is_announced_to_ingest(suite: Suite, database: str) -> None:
    async with suite(ingest) as served:
        with psycopg.connect(database, autocommit=True) as connection:

            def revision() -> int:
                row = connection.execute("SELECT coalesce(max(revision), 0) FROM pipelines").fetchone()
                assert row
                return int(row[0])

            seen = [revision()]
            await made(served)
            seen.append(revision())
            await Schemas(served).UpdateSchema(schema=pb.Schema(name=ORDERS, document=NUMBER))
            seen.append(revision())
            await Schemas(served).DeleteSchema(name=ORDERS)
            seen.append(revision())
        assert seen == sorted(set(seen))


async def test_a_schema_is_proposed_by_what_is_stored(suite: Suite, database: str) -> None:
    async with suite(ingest) as served:
        orders = [
            Happened(
                NOON + timedelta(minutes=i),
                properties={"amount": i, "plan": ("free", "pro")[i % 2]}
                | ({"note": f"é {i}"} if i % 4 else {}),
            )
            for i in range(60)
        ]
        with psycopg.connect(database) as connection:
            commit(connection, [*orders, Happened(NOON, "other", properties={"x": 1})])
        asked = {
            "parent": DEMO,
            "event_name": "order_placed",
            "time_range": questions.time_range(start="2026-03-01", end="2026-03-04"),
        }
        found = await Schemas(served, "viewer").InferSchema(**asked)
        assert found.sample_count == 60
        document = json.loads(found.schema.document)
        assert document["properties"] == {
            "amount": {"type": "integer"},
            "note": {"type": "string"},
            "plan": {"type": "string", "enum": ["free", "pro"]},
        }
        assert document["required"] == ["amount", "plan"]
        (amount, plan, note) = found.properties
        assert (amount.path, plan.path, note.path) == ("amount", "plan", "note")
        assert list(plan.examples) == ['"free"', '"pro"']
        assert (list(note.types), note.present_share) == (["string"], 0.75)
        newest = await Schemas(served).InferSchema(**asked, sample_size=10)
        assert (newest.sample_count, len(newest.properties)) == (10, 3)
        assert (await made(served, found.schema.document)).version == 1
        refused = await refusal(Schemas(served).InferSchema(parent=DEMO, event_name="order_placed"))
        assert (refused.code, refused.reason) == ("NOT_FOUND", "EVENT_NOT_FOUND")


async def test_a_schema_decides_about_the_events_that_come_after_it(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer) as served:
        publish = IngestServiceStub(served.channel).PublishBatch
        sent = 0

        async def answer(*texts: str) -> ingest_pb2.PublishBatchResponse:
            nonlocal sent
            sent += 1
            events = [
                event(10 * sent + i, name="order_placed", properties_json=text.encode())
                for i, text in enumerate(texts)
            ]
            request = ingest_pb2.PublishBatchRequest(
                batch=event_batch(*events, sequence=0), ack_mode=ingest_pb2.ACK_MODE_COMMITTED
            )
            return await publish(request, metadata=served.key("ingest"))

        assert (await answer('{"amount":"much"}')).accepted_count == 1
        await made(served, enforcement=pb.ENFORCEMENT_REJECT)

        async def refused() -> Any:
            return (await answer('{"amount":"much"}', '{"amount":1}')).rejections

        (rejection,) = await until(refused)
        assert rejection.reason == ingest_pb2.REJECTION_REASON_SCHEMA
        assert rejection.field == "events[0].properties.amount"
        assert rejection.message == 'is "much"; send an integer'

        aside = pb.Schema(name=ORDERS, enforcement=pb.ENFORCEMENT_DEAD_LETTER)
        await Schemas(served).UpdateSchema(schema=aside)

        async def kept_aside() -> int:
            return (await answer('{"amount":"much"}')).dead_lettered_count

        assert await until(kept_aside) == 1
        with psycopg.connect(settings.database_url) as connection:
            ((reason, field),) = connection.execute(
                "SELECT DISTINCT reason, field FROM tidemark.dead_letters"
            ).fetchall()
        assert (reason, field) == ("SCHEMA", "properties.amount")
