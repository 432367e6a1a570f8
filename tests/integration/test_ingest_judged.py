"""Rules and schemas on the way of a batch, through real gRPC: what is refused, set aside or changed, and what is told of it."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from services.ingest.definitions.source import Definitions
from services.ingest.service import ingest, writer
from services.kit.errors import Unavailable
from services.kit.postgres import conninfo
from services.kit.settings import Settings
from tests.conftest import Served, Suite, refusal
from tests.ingesting import arrow_stream, event, event_batch, event_id, producer, record_batch
from tests.polling import until
from tidemark.v1 import ingest_pb2, rule_pb2, schema_pb2
from tidemark.v1.event_pb2 import Event
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.rule_pb2 import Judgement, Rule, Rules
from tidemark.v1.rule_pb2_grpc import RuleServiceStub
from tidemark.v1.schema_pb2_grpc import SchemaServiceStub

DEMO = "projects/demo"
AMOUNT = '{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}'
COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
_LEDGER = "SELECT received, stored, duplicate, rejected, dead_lettered FROM tidemark.ledger"


@dataclass(frozen=True)
class Door:
    """A project under way, with the keys to define and to send."""

    served: Served

    async def schema(self, enforcement: Any, name: str = "paid") -> None:
        """Wants an amount of events of this name."""
        made = schema_pb2.Schema(event_name=name, document=AMOUNT, enforcement=enforcement)
        request = schema_pb2.CreateSchemaRequest(parent=DEMO, schema=made)
        await SchemaServiceStub(self.served.channel).CreateSchema(request, metadata=self.served.key("admin"))

    async def rules(self, *rules: Rule) -> None:
        """Sets the rules."""
        request = rule_pb2.UpdateRulesRequest(rules=Rules(name=f"{DEMO}/rules", rules=rules))
        await RuleServiceStub(self.served.channel).UpdateRules(request, metadata=self.served.key("admin"))

    async def trials(self, *events: Event) -> Any:
        """What would become of events."""
        request = ingest_pb2.ValidateEventsRequest(events=events)
        stub = IngestServiceStub(self.served.channel)
        return (await stub.ValidateEvents(request, metadata=self.served.key("ingest"))).trials

    async def outcomes(self, *events: Event) -> list[str]:
        """The outcome of each, in short."""
        told = (each.judgement.outcome for each in await self.trials(*events))
        return [Judgement.Outcome.Name(outcome).removeprefix("OUTCOME_") for outcome in told]

    async def in_effect(self, probe: Event, outcome: str) -> None:
        """Returns when this becomes of an event, which must be within a second of the change."""
        started = time.monotonic()
        await until(lambda: self._is(probe, outcome))
        assert time.monotonic() - started < 5, "a second, on a machine that others share"

    async def _is(self, probe: Event, outcome: str) -> bool:
        return await self.outcomes(probe) == [outcome]

    async def send(self, batch: ingest_pb2.EventBatch) -> ingest_pb2.PublishBatchResponse:
        """Sends a batch and waits until it is stored."""
        request = ingest_pb2.PublishBatchRequest(batch=batch, ack_mode=COMMITTED)
        stub = IngestServiceStub(self.served.channel)
        answer: ingest_pb2.PublishBatchResponse = await stub.PublishBatch(
            request, metadata=self.served.key("ingest")
        )
        return answer

    async def stream(self, batches: Iterable[ingest_pb2.EventBatch]) -> list[ingest_pb2.PublishResponse]:
        """Sends batches over a stream."""
        requests = [ingest_pb2.PublishRequest(batch=batch, ack_mode=COMMITTED) for batch in batches]
        stub = IngestServiceStub(self.served.channel)
        return [answer async for answer in stub.Publish(requests, metadata=self.served.key("ingest"))]

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer of the database."""
        async with self.served.resources.pool.connection() as connection:
            return await (await connection.execute(query)).fetchall()


def paid(number: int, **properties: object) -> Event:
    return event(number, name="paid", properties_json=orjson.dumps(properties))


def cast(on_failure: Any = Rule.FAILURE_DEAD_LETTER) -> Rule:
    number = rule_pb2.CastField(field="properties.amount", to=rule_pb2.CastField.TYPE_NUMBER)
    return Rule(rule_id="number", event_names=["paid"], cast=number, on_failure=on_failure)


# --- what becomes of events -------------------------------------------------------------------------------------------


async def test_a_schema_refuses_by_place_and_field(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_REJECT)
        await door.in_effect(paid(9), "REJECTED")
        batch = event_batch(event(0, name=""), paid(1, amount=1), paid(2), event(3), paid(4, amount="x"))
        for repeated in (False, True):
            answer = await door.send(batch)
            assert (answer.accepted_count, answer.dead_lettered_count, answer.repeated) == (2, 0, repeated)
            assert [
                (each.index, ingest_pb2.RejectionReason.Name(each.reason)) for each in answer.rejections
            ] == [
                (0, "REJECTION_REASON_MISSING"),
                (2, "REJECTION_REASON_SCHEMA"),
                (4, "REJECTION_REASON_SCHEMA"),
            ]
            last = answer.rejections[2]
            assert (last.sequence, last.event_id, last.field) == (
                1,
                event_id(4),
                "events[4].properties.amount",
            )
            assert last.message
        assert await door.rows(_LEDGER) == [(5, 2, 0, 3, 0)]
        assert await door.rows("SELECT name, checked, violations, rejected FROM tidemark.quality") == [
            ("paid", 3, 2, 2)
        ]


async def test_a_batch_that_a_schema_refuses_whole_is_acknowledged_in_one_message(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_REJECT)
        await door.in_effect(paid(9), "REJECTED")
        answer = await door.send(event_batch(*(paid(number, amount="x" * 500) for number in range(10_000))))
        assert (answer.accepted_count, len(answer.rejections)) == (0, 10_000)


async def test_what_schema_or_rule_sets_aside_is_kept_as_it_came(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_DEAD_LETTER)
        await door.rules(cast())
        await door.in_effect(paid(9, amount="x"), "DEAD_LETTERED")
        await door.in_effect(paid(9), "DEAD_LETTERED")
        batches = [
            event_batch(paid(1, amount="1.5"), paid(2), paid(3, amount="x")),
            event_batch(event(4), sequence=2),
        ]
        answers = await door.stream(batches)
        assert [(each.accepted_count, each.dead_lettered_count) for each in answers] == [(3, 2), (1, 0)]
        assert [each.repeated_batch_count for each in await door.stream(batches)] == [1, 1]
        assert await door.rows("SELECT name, properties FROM tidemark.events ORDER BY event_id") == [
            ("paid", {"amount": 1.5}),
            ("clicked", None),
        ]
        letters = await door.rows(
            "SELECT reason, field, content FROM tidemark.dead_letters ORDER BY dead_letter_id"
        )
        assert [letter[:2] for letter in letters] == [
            ("SCHEMA", "properties.amount"),
            ("RULE", "properties.amount"),
        ]
        assert orjson.loads(letters[1][2])["properties"] == {"amount": "x"}
        assert await door.rows(
            "SELECT source, rules_version, schemas FROM tidemark.batches ORDER BY sequence"
        ) == [
            ("events", 1, {"paid": 1}),
            ("events", 1, None),
        ]
        assert await door.rows(
            "SELECT sum(received), sum(stored), sum(dead_lettered) FROM tidemark.ledger"
        ) == [(4, 2, 2)]


async def test_columns_are_judged_like_messages(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_DEAD_LETTER, "clicked")
        await door.in_effect(event(1), "DEAD_LETTERED")
        batch = ingest_pb2.EventBatch(producer=producer(), events_arrow=arrow_stream(record_batch(50)))
        answer = await door.send(batch)
        assert (answer.accepted_count, answer.dead_lettered_count) == (50, 50)
        assert await door.rows("SELECT source, dead_lettered FROM tidemark.batches") == [("arrow", 50)]


async def test_sessions_are_given_to_what_is_stored_and_not_to_dead_letters(suite: Suite) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_DEAD_LETTER)
        await door.rules(Rule(rule_id="sessions", sessionize=rule_pb2.Sessionize()))
        await door.in_effect(paid(9), "DEAD_LETTERED")

        async def rules_are_known() -> bool:
            return [each.judgement.rules_version for each in await door.trials(event(8))] == [1]

        await until(rules_are_known)
        bad = paid(2)
        bad.user_id = "ada"
        await door.send(event_batch(event(1, user_id="ada"), bad, event(3)))
        one, other = await door.rows("SELECT session_id FROM tidemark.events ORDER BY event_id")
        assert one[0]
        assert other[0] is None
        [(content,)] = await door.rows("SELECT content FROM tidemark.dead_letters")
        assert "session_id" not in orjson.loads(content)


# --- what would become of them ----------------------------------------------------------------------------------------


async def test_a_trial_stores_nothing_and_tells_all(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_REJECT)
        await door.rules(cast(Rule.FAILURE_KEEP))
        events = [event(0, name=""), paid(1, amount="2"), paid(2), event(3), event(4, type=0)]
        await until(lambda: door._is(paid(9, amount="2"), "STORED"))
        await door.in_effect(paid(9), "REJECTED")
        found = await door.trials(*events)
        assert [each.before for each in found] == events
        assert await door.outcomes(*events) == ["REJECTED", "STORED", "REJECTED", "STORED", "REJECTED"]
        assert [each.judgement.field for each in found] == ["name", "", "properties.amount", "", "type"]
        assert (found[1].after.properties_json, list(found[1].changed_fields)) == (
            b'{"amount":2}',
            ["properties.amount"],
        )
        assert [each.judgement.schema_version for each in found] == [0, 1, 1, 0, 0]
        assert await served.resources.redis.keys("tm:*:log") == []


async def test_a_trial_takes_a_thousand_events(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        assert len(await door.trials(*(event(number) for number in range(1000)))) == 1000
        assert await door.trials() == []
        assert (await refusal(door.trials(*[event(1)] * 1001))).violations == ["events"]


# --- definitions ------------------------------------------------------------------------------------------------------


async def test_another_server_knows_a_change_within_a_second(suite: Suite, settings: Settings) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        draining = asyncio.Event()
        other = Definitions(served.resources.pool)
        [(project,)] = await door.rows("SELECT project_id FROM tidemark.projects WHERE slug = 'demo'")
        watching = asyncio.create_task(other.watch(draining))
        assert (await other.of(project)).schemas == {}
        await door.schema(schema_pb2.ENFORCEMENT_WARN)

        async def knows() -> bool:
            return list((await other.of(project)).schemas) == ["paid"]

        await until(knows)
        await door.rules(cast())

        async def knows_rules() -> bool:
            return (await other.of(project)).rules_version == 1

        await until(knows_rules)
        draining.set()
        await watching


async def test_while_the_database_is_away_what_was_known_last_is_applied(
    suite: Suite, settings: Settings
) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        await door.schema(schema_pb2.ENFORCEMENT_WARN)
        [(project,)] = await door.rows("SELECT project_id FROM tidemark.projects WHERE slug = 'demo'")
        draining = asyncio.Event()
        async with AsyncConnectionPool(
            conninfo(settings.database_url), min_size=0, max_size=2, timeout=0.5, open=False
        ) as pool:
            definitions = Definitions(pool)  # type: ignore[arg-type]
            watching = asyncio.create_task(definitions.watch(draining))
            known = await definitions.of(project)
            assert list(known.schemas) == ["paid"]
            await pool.close()
            assert await definitions.of(project) is known
            with pytest.raises(Unavailable, match="rules and schemas cannot be read"):
                await definitions.of(project + 1)
            draining.set()
            await watching


async def test_a_definition_that_this_release_cannot_apply_lets_nothing_by_unjudged(
    suite: Suite, settings: Settings
) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        await door.rules(cast())
        newer = Rules(rules=[Rule(rule_id="of-another-release")]).SerializeToString()
        with psycopg.connect(settings.database_url) as connection:
            connection.execute("UPDATE tidemark.rules SET rules = %s", (newer,))
        refused = await refusal(door.send(event_batch(event(1))))
        assert refused.code == "UNAVAILABLE"
        assert "of a newer release" in refused.message
