"""What PipelineService tells of the quality of events and of producers, on a real database."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.ingest.service import ingest, writer
from services.kit.keys import partition_of
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.ingesting import event, event_batch
from tests.integration.history import Happened, commit
from tests.polling import until
from tidemark import questions
from tidemark.v1 import ingest_pb2, pipeline_pb2
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1 import schema_pb2 as schemas
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.pipeline_pb2_grpc import PipelineServiceStub
from tidemark.v1.schema_pb2_grpc import SchemaServiceStub

DEMO = "projects/demo"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONDAY = questions.time_range(start="2026-03-02", end="2026-03-03")
AMOUNT = '{"properties": {"amount": {"type": "number"}, "currency": {}}, "required": ["amount"]}'


class Pipeline:
    """PipelineService with one key."""

    def __init__(self, served: Served, key: str = "viewer") -> None:
        self._stub, self._key = PipelineServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str):
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request(**fields), metadata=self._key)


def happened(database: str, name: str, *properties: dict[str, Any], at: datetime = NOON) -> None:
    """Commits an event a minute."""
    rows = [Happened(at + timedelta(minutes=i), name, properties=each) for i, each in enumerate(properties)]
    with psycopg.connect(database) as connection:
        commit(connection, rows)


def judged(database: str, name: str, hour: datetime, *counts: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO quality VALUES (1, %s, %s, %s, %s, %s, %s, %s)", (hour, name, *counts)
        )


def plan(database: str, event_name: str, document: str) -> None:
    with psycopg.connect(database) as connection:
        place = (1, event_name.replace("_", "-"))
        connection.execute("INSERT INTO schemas VALUES (%s, %s, %s, 3)", (*place, event_name))
        connection.execute("INSERT INTO schema_versions VALUES (%s, %s, 3, %s, 2, 1, '')", (*place, document))


async def test_events_are_listed_by_volume_with_their_quality(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        happened(database, "order_placed", *[{}] * 3)
        happened(database, "order_placed", *[{}] * 2, at=NOON - DAY)
        happened(database, "page_viewed", *[{}] * 7)
        judged(database, "order_placed", NOON, 10, 4, 2, 1, 3)
        judged(database, "order_placed", NOON - DAY, 100, 100, 0, 0, 0)
        judged(database, "order_refused", NOON, 5, 5, 0, 0, 5)
        plan(database, "order_placed", AMOUNT)
        plan(database, "order_shipped", AMOUNT)
        found = (await Pipeline(served).ListEventQuality(time_range=MONDAY)).events
        assert [(each.event_name, each.count, each.previous_count) for each in found] == [
            ("page_viewed", 7, 0),
            ("order_placed", 3, 2),
            ("order_refused", 0, 0),
            ("order_shipped", 0, 0),
        ]
        viewed, placed, turned_away, shipped = found
        assert (placed.checked_count, placed.violation_count, placed.violation_share) == (10, 4, 0.4)
        assert (placed.rule_failure_count, placed.dead_lettered_count, placed.rejected_count) == (2, 1, 3)
        assert (placed.schema, placed.schema_version) == (f"{DEMO}/schemas/order-placed", 3)
        assert placed.enforcement == schemas.ENFORCEMENT_DEAD_LETTER
        assert placed.last_occurred_at.ToDatetime(UTC) == NOON + timedelta(minutes=2)
        assert abs(placed.freshness.ToTimedelta() - (datetime.now(UTC) - NOON)) < timedelta(minutes=5)
        assert (viewed.schema, viewed.checked_count) == ("", 0)
        assert math.isnan(viewed.violation_share)
        assert (turned_away.rejected_count, turned_away.HasField("last_occurred_at")) == (5, False)
        assert shipped.schema == f"{DEMO}/schemas/order-shipped"


async def test_edges_of_the_time_are_counted_to_the_minute(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        happened(database, "tick", *[{}] * 180)
        for start, end, count in (("12:05", "12:25", 20), ("12:30", "14:10", 100), ("11:00", "15:00", 180)):
            asked = questions.time_range(start=f"2026-03-02T{start}:00Z", end=f"2026-03-02T{end}:00Z")
            (tick,) = (await Pipeline(served).ListEventQuality(time_range=asked)).events
            assert tick.count == count


async def test_events_are_searched_and_listed_page_by_page(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        for number, name in enumerate(("order_a", "Order_b", "view", "order_c", "order_d")):
            happened(database, name, *[{}] * (number // 2 + 1))
        asked = {"time_range": MONDAY, "search": "oRDER"}
        seen, token = [], ""
        while token or not seen:
            page = await Pipeline(served).ListEventQuality(**asked, page_size=3, page_token=token)
            seen += [(each.event_name, each.count) for each in page.events]
            token = page.next_page_token
        assert seen == [("order_d", 3), ("order_c", 2), ("Order_b", 1), ("order_a", 1)]


async def test_properties_tell_what_is_missing_what_changed_and_what_is_planned(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        now = [
            {"amount": 1, "tags": {"a": "x"}},
            {"amount": "2"},
            {"amount": None, "new": True},
            {"amount": 1.5},
        ]
        happened(database, "order_placed", *now)
        happened(database, "order_placed", {"amount": 1}, {"amount": 2, "old": 1}, at=NOON - DAY)
        happened(database, "other", {"x": 1})
        plan(database, "order_placed", AMOUNT)
        asked = {"event_name": "order_placed", "time_range": MONDAY}
        found = await Pipeline(served).GetEventQuality(**asked)
        assert (found.event.count, found.sample_count, found.previous_sample_count) == (4, 4, 2)
        properties = {each.path: each for each in found.properties}
        assert list(properties) == ["amount", "currency", "new", "old", "tags", "tags.a"]
        amount = properties["amount"]
        assert (amount.null_share, amount.previous_null_share, amount.planned) == (0.25, 0.0, True)
        assert {kind: round(share, 3) for kind, share in amount.types.items()} == {
            "number": 0.667,
            "string": 0.333,
        }
        assert round(amount.type_drift, 3) == 0.333
        assert (amount.distinct_count, list(amount.examples)) == (3, ['"2"', "1", "1.5"])
        currency = properties["currency"]
        assert (currency.null_share, currency.planned, currency.distinct_count) == (1.0, True, 0)
        assert math.isnan(properties["new"].type_drift)
        assert (properties["old"].null_share, properties["old"].previous_null_share) == (1.0, 0.5)
        assert (properties["tags.a"].null_share, properties["tags.a"].planned) == (0.75, False)
        few = await Pipeline(served).GetEventQuality(**asked, sample_size=1)
        assert (few.sample_count, [each.path for each in few.properties if each.distinct_count]) == (
            1,
            ["amount"],
        )


async def test_an_event_that_is_not_there_is_named(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        happened(database, "order_placed", {})
        refused = await refusal(Pipeline(served).GetEventQuality(event_name="order"))
        assert (refused.code, refused.reason) == ("NOT_FOUND", "EVENT_NOT_FOUND")


@pytest.mark.parametrize(
    ("rpc", "fields", "violation"),
    [
        ("ListEventQuality", {"search": "x" * 501}, "search"),
        ("ListEventQuality", {"page_size": -1}, "page_size"),
        ("ListEventQuality", {"page_token": "x"}, "page_token"),
        ("ListEventQuality", {"project": "demo"}, "project"),
        ("GetEventQuality", {}, "event_name"),
        ("GetEventQuality", {"event_name": "a", "sample_size": -1}, "sample_size"),
        ("ListProducers", {"page_size": -1}, "page_size"),
        ("ListProducers", {"page_token": "x"}, "page_token"),
    ],
)
async def test_what_is_wrong_is_refused_with_its_field(
    suite: Suite, rpc: str, fields: dict[str, Any], violation: str
) -> None:
    async with suite(query) as served:
        refused = await refusal(getattr(Pipeline(served), rpc)(**fields))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_quality_counts_what_ingest_has_judged(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        stub, publish = SchemaServiceStub(served.channel), IngestServiceStub(served.channel).PublishBatch
        made = schemas.Schema(
            event_name="order_placed", document=AMOUNT, enforcement=schemas.ENFORCEMENT_WARN
        )
        await stub.CreateSchema(
            schemas.CreateSchemaRequest(parent=DEMO, schema=made), metadata=served.key("admin")
        )
        sent = 0

        async def checked() -> pipeline_pb2.EventQuality | None:
            """Of a good and a bad event sent now, once the schema is known."""
            nonlocal sent
            sent += 1
            events = [
                event(2 * sent + i, name="order_placed", properties_json=text)
                for i, text in enumerate((b'{"amount":1}', b'{"amount":"1"}'))
            ]
            for each in events:
                each.occurred_at.FromDatetime(datetime.now(UTC))
            request = ingest_pb2.PublishBatchRequest(
                batch=event_batch(*events, sequence=sent), ack_mode=ingest_pb2.ACK_MODE_COMMITTED
            )
            await publish(request, metadata=served.key("ingest"))
            found = await Pipeline(served).GetEventQuality(event_name="order_placed")
            return found.event if found.event.checked_count else None

        quality = await until(checked)
        assert quality.count == 2 * sent
        assert (quality.violation_share, quality.schema_version) == (0.5, 1)
        assert quality.freshness.ToTimedelta() < timedelta(minutes=1)
        (producer,) = (await Pipeline(served).ListProducers()).producers
        partitions = served.resources.settings.partitions
        assert (producer.producer_id, producer.epoch, producer.sequence) == ("web-1", 1, sent)
        assert (producer.source, producer.partition) == ("events", partition_of(1, "web-1", partitions))
        assert (producer.received_count, producer.stored_count, producer.duplicate_count) == (
            2 * sent,
            2 * sent,
            0,
        )


async def test_producers_are_listed_the_last_first_page_by_page(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        now = datetime.now(UTC)
        with psycopg.connect(database) as connection:
            for number, ago in enumerate((5, 90, 2, 20_000, 3)):
                sent = now - timedelta(minutes=ago)
                commit(
                    connection, [Happened(sent), Happened(sent)], producer_id=f"p{number}", received_at=sent
                )
            connection.execute("INSERT INTO producers VALUES (1, 'p0', 7, 12, 2)")
        seen, token = [], ""
        while token or not seen:
            page = await Pipeline(served).ListProducers(page_size=2, page_token=token)
            seen += [
                (each.producer_id, each.epoch, each.sequence, each.received_count) for each in page.producers
            ]
            token = page.next_page_token
        # Who sent nothing for a week is left out; what came an hour ago is not of the last one.
        assert seen == [("p2", 0, 0, 2), ("p4", 0, 0, 2), ("p0", 7, 12, 2), ("p1", 0, 0, 0)]
        first = (await Pipeline(served).ListProducers()).producers[0]
        assert abs(first.last_received_at.ToDatetime(UTC) - (now - timedelta(minutes=2))) < timedelta(
            seconds=1
        )
