"""DeadLetterService on the real log and database: what is shown, repaired and given up, and the account that stays balanced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc.aio
import orjson
import pytest

from services.admin.service import admin
from services.ingest.letters import servicer, worker
from services.ingest.service import ingest, writer
from services.kit.keys import log_key, partition_of
from tests.conftest import Served, Suite, counted, refusal
from tests.ingesting import (
    NOW_US,
    entry_fields,
    event,
    event_batch,
    event_id,
    point,
    point_batch,
)
from tests.integration.test_identity import add_project
from tests.polling import until
from tests.unit.ingest.letters.ruling import amount, drop, hashed, put, to_number
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.event_pb2 import Event
from tidemark.v1.letter_pb2_grpc import DeadLetterServiceStub
from tidemark.v1.rule_pb2 import Judgement, Rule, Rules, Sessionize
from tidemark.v1.schema_pb2 import ENFORCEMENT_DEAD_LETTER, Schema

DEMO = "projects/demo"
PARTITIONS = 8
COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
MEND = to_number("properties.amount")
LEDGER = """
SELECT sum(received)::int, sum(stored)::int, sum(duplicate)::int, sum(rejected)::int, sum(dead_lettered)::int,
    bool_and(received = stored + duplicate + rejected + dead_lettered)
FROM ledger
"""
BATCHES = "SELECT sum(stored)::int, sum(duplicate)::int, sum(dead_lettered)::int FROM batches"
ROWS = "SELECT (SELECT count(*) FROM events)::int + (SELECT count(*) FROM metric_points)::int"
STANDING = "SELECT partition, paused_at, resumed_to FROM partitions ORDER BY partition"
OPEN = "SELECT coalesce(sum(rows), 0)::int FROM dead_letters WHERE state <> 2"
DEFINE_SCHEMA = """
WITH revised AS (
    INSERT INTO pipelines AS had (project_id) VALUES (%(project)s)
    ON CONFLICT (project_id) DO UPDATE SET revision = had.revision + 1
), named AS (
    INSERT INTO schemas (project_id, schema_id, event_name, version)
    VALUES (%(project)s, %(name)s || '-schema', %(name)s, %(version)s)
    ON CONFLICT (project_id, schema_id) DO UPDATE SET version = excluded.version
)
INSERT INTO schema_versions (project_id, schema_id, version, document, enforcement, compatibility, description)
VALUES (%(project)s, %(name)s || '-schema', %(version)s, %(document)s, %(enforcement)s, 0, '')
"""
DEFINE_RULES = """
WITH revised AS (
    INSERT INTO pipelines AS had (project_id) VALUES (1)
    ON CONFLICT (project_id) DO UPDATE SET revision = had.revision + 1
)
INSERT INTO rules (project_id, version, rules) VALUES (1, %s, %s)
"""


@dataclass
class Post:
    """The dead letters of a suite under way."""

    served: Served

    @property
    def stub(self) -> DeadLetterServiceStub:
        return DeadLetterServiceStub(self.served.channel)

    async def send(self, *rows: Any, name: str = "web-1", mode: Any = COMMITTED) -> Any:
        """Sends events or points outside any sequence."""
        stub = ingest_pb2_grpc.IngestServiceStub(self.served.channel)
        key = self.served.key("ingest")
        if isinstance(rows[0], Event):
            batch = event_batch(*rows, name=name, sequence=0)
            request = ingest_pb2.PublishBatchRequest(batch=batch, ack_mode=mode)
            return await stub.PublishBatch(request, metadata=key)
        points = point_batch(*rows, name=name, sequence=0)
        return await stub.RecordMetricsBatch(
            ingest_pb2.RecordMetricsBatchRequest(batch=points, ack_mode=mode), metadata=key
        )

    async def letters(self, page_size: int = 0, **selection: Any) -> list[pb.DeadLetter]:
        """All pages of letters."""
        request = pb.ListDeadLettersRequest(
            parent=DEMO, selection=pb.DeadLetterSelection(**selection), page_size=page_size
        )
        found: list[pb.DeadLetter] = []
        while True:
            answer = await self.stub.ListDeadLetters(request, metadata=self.served.key("viewer"))
            found += answer.dead_letters
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def clusters(self, **selection: Any) -> list[pb.DeadLetterCluster]:
        request = pb.ListDeadLetterClustersRequest(parent=DEMO, selection=pb.DeadLetterSelection(**selection))
        answer = await self.stub.ListDeadLetterClusters(request, metadata=self.served.key("viewer"))
        return list(answer.clusters)

    def repairing(self, *patches: Rule, **fields: Any) -> Any:
        """A repair under way, as a stream."""
        request = pb.RepairDeadLettersRequest(**{"parent": DEMO, "patches": patches} | fields)
        return self.stub.RepairDeadLetters(request, metadata=self.served.key("admin"))

    async def repair(self, *patches: Rule, **fields: Any) -> pb.RepairDeadLettersResponse:
        """The last response of a repair."""
        answers = [answer async for answer in self.repairing(*patches, **fields)]
        return answers[-1]

    async def foreseen(self, *patches: Rule, **fields: Any) -> pb.RepairDeadLettersResponse:
        """What a repair would do; nothing is changed by asking."""
        before = await self.everything()
        told = await self.repair(*patches, validate_only=True, **fields)
        assert await self.everything() == before
        return told

    async def discard(self, **selection: Any) -> int:
        request = pb.DiscardDeadLettersRequest(parent=DEMO, selection=pb.DeadLetterSelection(**selection))
        answer = await self.stub.DiscardDeadLetters(request, metadata=self.served.key("admin"))
        return int(answer.discarded_count)

    async def define(self, schema: Schema, project: int = 1) -> None:
        """Makes a version of a schema, which ingest knows when this returns."""
        values = {
            "project": project, "name": schema.event_name, "version": schema.version, "document": schema.document,
            "enforcement": schema.enforcement,
        }  # fmt: skip
        await self.rows(DEFINE_SCHEMA, values)

        async def is_known() -> bool:
            return (await self.judged(schema.event_name)).schema_version == schema.version

        await until(is_known)

    async def rule(self, *rules: Rule, version: int = 1) -> None:
        """Makes a version of the rules, which ingest knows when this returns."""
        await self.rows(DEFINE_RULES, (version, Rules(rules=rules).SerializeToString()))

        async def is_known() -> bool:
            return (await self.judged("clicked")).rules_version == version

        await until(is_known)

    async def judged(self, name: str) -> Judgement:
        """What ingest would say now of an event of that name."""
        stub = ingest_pb2_grpc.IngestServiceStub(self.served.channel)
        request = ingest_pb2.ValidateEventsRequest(
            project=DEMO, events=[event(name=name, properties_json=b'{"amount":1}')]
        )
        answer = await stub.ValidateEvents(request, metadata=self.served.key("ingest"))
        return answer.trials[0].judgement

    async def halt(self) -> None:
        """Pauses every partition, and returns when the writer reads none of them any more."""
        await self.rows("UPDATE partitions SET paused_at = now(), paused_because = 'a test'")

        async def is_halted() -> bool:
            return counted("tidemark_writer_paused_partitions") == PARTITIONS

        await until(is_halted)

    async def resume(self) -> None:
        """Lets every partition go on."""
        for partition in range(PARTITIONS):
            request = pb.ResumePartitionRequest(partition=partition)
            await self.stub.ResumePartition(request, metadata=self.served.key("operator"))

    async def rows(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """What the database says."""
        async with self.served.resources.pool.connection() as connection:
            cursor = await connection.execute(statement, values, prepare=False)  # type: ignore[arg-type]
            return await cursor.fetchall() if cursor.description else []

    async def everything(self) -> list[Any]:
        """All that a repair may touch."""
        tables = (
            "events",
            "metric_points",
            "batches",
            "ledger",
            "dead_letters",
            "rollups_1d",
            "rules",
            "schemas",
        )
        return [await self.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]

    async def balanced(self) -> dict[str, int]:
        """The ledger, after checking that it, the batches, the letters and the rows agree."""
        ((received, stored, duplicate, _, dead, balances),) = await self.rows(LEDGER)
        assert balances
        assert await self.rows(BATCHES) == [(stored, duplicate, dead)]
        assert await self.rows(ROWS) == [(stored,)]
        assert await self.rows(OPEN) == [(dead,)]
        return {"received": received, "stored": stored, "duplicate": duplicate, "dead": dead}


@asynccontextmanager
async def posted(suite: Suite, *, schema: bool = True, **changes: Any) -> AsyncIterator[Post]:
    """Ingest and a writer at work on a project whose payments need an amount."""
    async with suite(ingest, writer, **changes) as served:
        post = Post(served)
        if schema:
            await post.define(amount(version=1))
        yield post


def paid(number: int, text: bytes = b'{"amount":"12"}', **fields: Any) -> Event:
    return event(number, name="paid", properties_json=text, **fields)


def counts(told: pb.RepairDeadLettersResponse) -> tuple[int, ...]:
    return (
        told.selected_count,
        told.examined_count,
        told.recovered_count,
        told.duplicate_count,
        told.failed_count,
    )


# --- shown ------------------------------------------------------------------------------------------------------------


async def test_a_letter_is_shown_with_all_that_is_known_of_it(suite: Suite) -> None:
    async with posted(suite) as post:
        answer = await post.send(paid(1, user_id="ada", session_id="s1", context_json=b'{"page":"/"}'))
        assert (answer.accepted_count, answer.dead_lettered_count) == (1, 1)
        [letter] = await post.letters()
        assert (letter.reason, letter.field) == (pb.DEAD_LETTER_REASON_SCHEMA, "properties.amount")
        assert (letter.event_name, letter.event_id, letter.user_id) == ("paid", event_id(1), "ada")
        assert (letter.producer_id, letter.row_count, letter.state) == ("web-1", 1, pb.DEAD_LETTER_STATE_OPEN)
        assert '"12"' in letter.message
        assert orjson.loads(letter.content) == {
            "event_id": str(UUID(bytes=event_id(1))),
            "type": "EVENT_TYPE_USER_ACTION",
            "name": "paid",
            "occurred_at": "2026-01-01T00:00:00.000000Z",
            "user_id": "ada",
            "session_id": "s1",
            "properties": {"amount": "12"},
            "context": {"page": "/"},
        }
        [cluster] = await post.clusters()
        assert (cluster.count, cluster.signature, cluster.example) == (1, letter.signature, letter)


async def test_pages_follow_each_other_newest_first_without_gap_or_overlap(suite: Suite) -> None:
    async with posted(suite) as post:
        for first in (0, 10, 20):
            await post.send(*(paid(number) for number in range(first, first + 7)))
        found = await post.letters(page_size=2)
        assert len({letter.name for letter in found}) == len(found) == 21
        places = [
            (letter.received_at.ToNanoseconds(), int(letter.name.rpartition("/")[2])) for letter in found
        ]
        assert places == sorted(places, reverse=True)


async def test_a_page_of_large_letters_ends_before_it_fills_a_message(suite: Suite) -> None:
    async with posted(suite) as post:
        text = orjson.dumps({"amount": "x" * 60_000})
        for first in range(0, 100, 25):
            await post.send(*(paid(first + number, text) for number in range(25)))
        request = pb.ListDeadLettersRequest(parent=DEMO, page_size=1000)
        page = await post.stub.ListDeadLetters(request, metadata=post.served.key("viewer"))
        assert 10 < len(page.dead_letters) < 100
        assert page.ByteSize() < 4 << 20
        assert len(await post.letters(page_size=1000)) == 100
        assert len(await post.clusters()) == 1


async def test_selections_find_what_they_name(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.define(amount(name="refunded", version=1))
        await post.send(paid(1), paid(2, b"{}"), paid(3, b'{"amount":true}'))
        await post.send(
            event(4, name="refunded"), event(5, name="clicked", properties_json=b'{"a":1e-20000}')
        )
        every = await post.letters()
        assert len(every) == 5
        assert len(await post.letters(event_name="refunded")) == 1
        assert len(await post.letters(reason=pb.DEAD_LETTER_REASON_UNSTORABLE)) == 1
        assert len(await post.letters(time_range={"last": {"seconds": 600}})) == 5
        assert await post.letters(time_range={"end": {"seconds": 9}, "start": {"seconds": 5}}) == []
        assert await post.letters(names=[every[2].name]) == [every[2]]
        [one] = [letter for letter in every if letter.event_id == event_id(1)]
        by_form = await post.letters(signature=one.signature)
        assert one in by_form
        clusters = await post.clusters()
        assert [each.count for each in clusters] == sorted((each.count for each in clusters), reverse=True)
        assert sum(each.count for each in clusters) == 5
        assert {each.signature for each in clusters} == {letter.signature for letter in every}


async def test_what_is_settled_is_shown_only_when_asked_for(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.send(paid(1), paid(2, b"{}"))
        missing = [each.signature for each in await post.clusters() if each.example.event_id == event_id(2)]
        assert await post.discard(signature=missing[0]) == 1
        assert await post.discard(signature=missing[0]) == 0
        assert counts(await post.repair(MEND)) == (1, 1, 1, 0, 0)
        assert await post.letters() == []
        [given_up] = await post.letters(state=pb.DEAD_LETTER_STATE_DISCARDED)
        [repaired] = await post.letters(state=pb.DEAD_LETTER_STATE_REPAIRED)
        assert (given_up.event_id, repaired.event_id) == (event_id(2), event_id(1))
        assert given_up.settled_at.seconds > 0
        assert repaired.settled_at.seconds > 0
        assert await post.balanced() == {"received": 2, "stored": 1, "duplicate": 0, "dead": 1}


# --- repaired ---------------------------------------------------------------------------------------------------------


async def test_a_repair_does_what_was_foreseen(suite: Suite) -> None:
    async with posted(suite, schema=False) as post:
        await post.rows("UPDATE projects SET time_zone = 'Europe/Berlin' WHERE project_id = 1")
        await post.define(amount(version=1))
        await post.send(paid(1, b'{"amount":5}'), event(90))
        # An event that is known, one that comes in two letters, and one that no patch mends.
        await post.send(paid(1), paid(2), paid(2), paid(3, b'{"amount":"much"}'), paid(4, b"{}"))
        await post.send(
            *(paid(10 + number, at_us=NOW_US - number * 3_600_000_000) for number in range(5)), name="web-2"
        )
        assert await post.balanced() == {"received": 12, "stored": 2, "duplicate": 0, "dead": 10}
        foreseen = await post.foreseen(MEND)
        assert counts(foreseen) == (10, 10, 8, 2, 2)
        assert {(each.example.event_id, each.count) for each in foreseen.still_failing} == {
            (event_id(3), 1),
            (event_id(4), 1),
        }
        assert [
            (each.event_name, each.day.ToDatetime(UTC), each.added_count) for each in foreseen.figures
        ] == [
            ("paid", datetime(2025, 12, 30, 23, tzinfo=UTC), 3),
            ("paid", datetime(2025, 12, 31, 23, tzinfo=UTC), 3),
        ]
        assert len(foreseen.trials) == 6
        assert orjson.loads(foreseen.trials[0].before.properties_json) == {"amount": "12"}
        assert orjson.loads(foreseen.trials[0].after.properties_json) == {"amount": 12}
        done = await post.repair(MEND)
        del foreseen.trials[:]
        assert done == foreseen
        assert await post.balanced() == {"received": 12, "stored": 8, "duplicate": 2, "dead": 2}
        stored = await post.rows("SELECT properties::text FROM events WHERE name = 'paid' ORDER BY event_id")
        assert stored == [('{"amount": 5}',)] + [('{"amount": 12}',)] * 6
        assert counts(await post.repair(MEND)) == (2, 2, 0, 0, 2)


async def test_what_is_repaired_counts_where_and_when_it_was_received(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.send(paid(1), paid(2), name="web-1")
        await post.send(paid(3), name="web-2")
        before = await post.rows("SELECT project_id, producer_id, minute, received FROM ledger ORDER BY 2")
        await post.repair(MEND)
        assert (
            await post.rows("SELECT project_id, producer_id, minute, received FROM ledger ORDER BY 2")
            == before
        )
        assert await post.rows("SELECT producer_id, stored, dead_lettered FROM ledger ORDER BY 1") == [
            ("web-1", 2, 0),
            ("web-2", 1, 0),
        ]
        assert await post.rows("SELECT source, stored, dead_lettered FROM batches ORDER BY 1, 2") == [
            ("events", 0, 0),
            ("events", 0, 0),
            ("repair", 1, 0),
            ("repair", 2, 0),
        ]
        assert await post.rows("SELECT sum(received)::int FROM project_totals") == [(3,)]


async def test_a_corrected_schema_is_all_that_some_letters_need(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.send(paid(1))
        anything = Schema(event_name="paid", document="{}", enforcement=ENFORCEMENT_DEAD_LETTER, version=2)
        foreseen = await post.foreseen(draft_schemas=[anything])
        assert counts(foreseen) == (1, 1, 1, 0, 0)
        await post.define(anything)
        assert counts(await post.repair()) == (1, 1, 1, 0, 0)
        assert await post.rows("SELECT schemas FROM batches WHERE source = 'repair'") == [({"paid": 2},)]


async def test_a_corrected_rule_is_all_that_others_need(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.send(paid(1, user_id="ada"))
        mend = to_number("properties.amount", "mend")
        foreseen = await post.foreseen(draft_rules=Rules(rules=[mend, hashed("user_id")]))
        assert counts(foreseen) == (1, 1, 1, 0, 0)
        assert len(foreseen.trials[0].after.user_id) == 64
        await post.rule(mend, hashed("user_id"), version=4)
        assert counts(await post.repair()) == (1, 1, 1, 0, 0)
        assert await post.rows("SELECT rules_version FROM batches WHERE source = 'repair'") == [(4,)]
        assert await post.rows("SELECT user_id FROM events") == [(foreseen.trials[0].after.user_id,)]


async def test_what_a_rule_gave_up_is_an_event_as_it_came(suite: Suite) -> None:
    async with posted(suite, schema=False) as post:
        await post.rule(hashed("user_id"), to_number("properties.amount", "numbers"))
        await post.send(paid(1, b'{"amount":"much","big":12345678901234567890.10}', user_id="ada"))
        [letter] = await post.letters()
        assert (letter.reason, letter.user_id) == (pb.DEAD_LETTER_REASON_RULE, "ada")
        assert counts(await post.repair()) == (1, 1, 0, 0, 1)
        assert counts(await post.repair(put("properties.amount", 3))) == (1, 1, 1, 0, 0)
        ((user, amount_),) = await post.rows("SELECT user_id, properties ->> 'amount' FROM events")
        assert (len(user), amount_) == (64, "3")


async def test_what_the_database_refused_is_recovered_without_the_field(suite: Suite) -> None:
    async with posted(suite, schema=False) as post:
        await post.rule(hashed("user_id"), version=2)
        await post.send(event(1, user_id="ada", properties_json=b'{"a":1e-20000,"b":[1.50]}'))
        [letter] = await post.letters()
        assert letter.reason == pb.DEAD_LETTER_REASON_UNSTORABLE
        assert '{"a":1e-20000,"b":[1.50]}' in letter.content
        untouched = await post.repair()
        assert counts(untouched) == (1, 1, 0, 0, 1)
        [cluster] = untouched.still_failing
        assert (cluster.reason, cluster.field) == (pb.DEAD_LETTER_REASON_UNSTORABLE, "properties")
        assert untouched == await post.foreseen()
        assert counts(await post.repair(drop("properties.a"))) == (1, 1, 1, 0, 0)
        ((user, properties),) = await post.rows("SELECT user_id, properties::text FROM events")
        assert (user, orjson.loads(properties)) == (letter.user_id, {"b": [1.5]})
        assert len(user) == 64
        assert await post.rows("SELECT rules_version FROM batches WHERE source = 'repair'") == [(2,)]
        await post.balanced()


async def test_poison_stays_until_its_cause_is_gone(suite: Suite) -> None:
    async with posted(suite, schema=False) as post:
        await post.rows("ALTER TABLE events ADD CONSTRAINT refused CHECK (name <> 'poison')")
        await post.rows("ALTER TABLE metric_points ADD CONSTRAINT refused CHECK (name <> 'poison')")
        await post.send(event(1, name="poison", properties_json=b'{"a":1}'))
        await post.send(point(1.5, name="poison", unit="ms", tags={"host": "a"}), name="host")
        assert {letter.reason for letter in await post.letters()} == {pb.DEAD_LETTER_REASON_POISON}
        refused = await post.repair()
        assert counts(refused) == (2, 2, 0, 0, 2)
        assert {cluster.reason for cluster in refused.still_failing} == {pb.DEAD_LETTER_REASON_POISON}
        assert len(await post.letters()) == 2
        await post.balanced()
        await post.rows("ALTER TABLE events DROP CONSTRAINT refused")
        await post.rows("ALTER TABLE metric_points DROP CONSTRAINT refused")
        assert counts(await post.repair()) == (2, 2, 2, 0, 0)
        assert await post.rows("SELECT name, value, unit, tags FROM metric_points") == [
            ("poison", 1.5, "ms", {"host": "a"})
        ]
        assert await post.balanced() == {"received": 2, "stored": 2, "duplicate": 0, "dead": 0}


async def test_a_batch_that_cannot_be_read_cannot_be_repaired(suite: Suite) -> None:
    async with posted(suite, schema=False) as post:
        fields = entry_fields(event(1), event(2), sequence=0)
        fields[b"e"] = fields[b"e"][:-8] + b"\xff" * 8
        partition = partition_of(1, "web-1", PARTITIONS)
        await post.served.resources.redis.xadd(log_key(partition), dict(fields))  # type: ignore[arg-type]
        await post.send(event(3))
        [letter] = await post.letters()
        assert (letter.reason, letter.row_count) == (pb.DEAD_LETTER_REASON_CORRUPT, 2)
        assert letter.content.startswith("e ")
        told = await post.repair()
        assert counts(told) == (1, 1, 0, 0, 1)
        assert told.still_failing[0].count == 2
        assert "discard it" in told.still_failing[0].message
        assert await post.discard(names=[letter.name]) == 1


async def test_events_without_a_session_get_one_when_they_are_repaired(suite: Suite) -> None:
    async with posted(suite) as post:
        await post.send(paid(1, user_id="ada"), paid(2, user_id="ada"), paid(3, user_id="bob"))
        await post.rule(Rule(rule_id="visits", sessionize=Sessionize()))
        assert counts(await post.repair(MEND)) == (3, 3, 3, 0, 0)
        sessions = dict(await post.rows("SELECT user_id, min(session_id) FROM events GROUP BY 1"))
        assert None not in sessions.values()
        assert sessions["ada"] != sessions["bob"]


async def test_slices_follow_each_other_to_the_end(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE", 7)
    async with posted(suite) as post:
        # Letters of the same event lie in different slices.
        for round_ in range(4):
            await post.send(*(paid(number % 20) for number in range(15 * round_, 15 * round_ + 15)))
        foreseen = await post.foreseen(MEND)
        assert counts(foreseen) == (60, 60, 60, 40, 0)
        done = await post.repair(MEND)
        assert counts(done) == (60, 60, 60, 40, 0)
        assert done.figures == foreseen.figures
        assert await post.balanced() == {"received": 60, "stored": 20, "duplicate": 40, "dead": 0}


# --- whatever happens meanwhile ---------------------------------------------------------------------------------------


async def test_two_repairs_at_once_store_every_letter_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SLICE", 50)
    async with posted(suite, pool_size=8) as post:
        for first in range(0, 600, 200):
            await post.send(*(paid(first + number) for number in range(200)), name=f"web-{first}")
        told = await asyncio.gather(*(post.repair(MEND) for _ in range(4)))
        assert all(each.failed_count == 0 for each in told)
        assert await post.letters() == []
        assert await post.balanced() == {"received": 600, "stored": 600, "duplicate": 0, "dead": 0}


async def test_a_repair_that_is_cancelled_can_be_repeated(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SLICE", 20)
    monkeypatch.setattr(servicer, "PROGRESS_SECONDS", 0.001)
    async with posted(suite) as post:
        await post.send(*(paid(number) for number in range(300)))
        for answers in (1, 5, 20):
            call = post.repairing(MEND)
            for _ in range(answers):
                await call.read()
            call.cancel()
        assert (await post.repair(MEND)).failed_count == 0
        assert await post.letters() == []
        assert await post.balanced() == {"received": 300, "stored": 300, "duplicate": 0, "dead": 0}


async def test_progress_is_told_while_the_writer_stands_still(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer, "PROGRESS_SECONDS", 0.01)
    async with posted(suite, lease_seconds=0.6) as post:
        await post.send(paid(1))
        await post.halt()
        call = post.repairing(MEND)

        async def has_begun() -> bool:
            return (await call.read()).selected_count == 1

        await until(has_begun)
        assert counts(await call.read()) == (1, 0, 0, 0, 0)
        await post.resume()
        while (answer := await call.read()) is not grpc.aio.EOF:
            last = answer
        assert counts(last) == (1, 1, 1, 0, 0)
        assert await post.balanced() == {"received": 1, "stored": 1, "duplicate": 0, "dead": 0}


async def test_a_letter_given_up_during_its_repair_is_not_stored(suite: Suite) -> None:
    async with posted(suite, lease_seconds=0.6) as post:
        await post.send(paid(1), paid(2))
        await post.halt()
        log = log_key(partition_of(1, "web-1", PARTITIONS))
        before = await post.served.resources.redis.xlen(log)
        repair = asyncio.create_task(post.repair(MEND))

        async def is_sent() -> bool:
            return await post.served.resources.redis.xlen(log) > before

        await until(is_sent)
        [given_up] = [each for each in await post.letters() if each.event_id == event_id(1)]
        assert await post.discard(names=[given_up.name]) == 1
        await post.resume()
        assert counts(await repair) == (2, 2, 1, 0, 0)
        assert await post.rows("SELECT event_id FROM events") == [(UUID(bytes=event_id(2)),)]
        assert await post.balanced() == {"received": 2, "stored": 1, "duplicate": 0, "dead": 1}


# --- refused ----------------------------------------------------------------------------------------------------------


async def test_letters_of_others_are_neither_seen_nor_touched(suite: Suite) -> None:
    async with suite(ingest, writer, admin) as served:
        post = Post(served)
        await add_project(served, "theirs")
        await post.define(amount(version=1))
        await post.send(paid(1))
        [letter] = await post.letters()
        number = letter.name.rpartition("/")[2]
        theirs = pb.DeadLetterSelection(names=[f"projects/theirs/deadLetters/{number}"])
        key = served.key("operator")
        for call, request in (
            (post.stub.ListDeadLetters, pb.ListDeadLettersRequest),
            (post.stub.ListDeadLetterClusters, pb.ListDeadLetterClustersRequest),
        ):
            answer = await call(request(parent="projects/theirs", selection=theirs), metadata=key)
            assert answer.ByteSize() == 0
        given_up = pb.DiscardDeadLettersRequest(parent="projects/theirs", selection=theirs)
        assert (await post.stub.DiscardDeadLetters(given_up, metadata=key)).discarded_count == 0
        request = pb.RepairDeadLettersRequest(parent="projects/theirs", selection=theirs)
        answers = [each async for each in post.stub.RepairDeadLetters(request, metadata=key)]
        assert counts(answers[-1]) == (0, 0, 0, 0, 0)
        assert await post.letters() == [letter]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.RepairDeadLettersRequest(), "parent"),
        (pb.RepairDeadLettersRequest(parent=DEMO, draft_rules=Rules()), "draft_rules"),
        (pb.RepairDeadLettersRequest(parent=DEMO, patches=[drop("event_id")]), "patches[0].drop.field"),
        (pb.RepairDeadLettersRequest(parent=DEMO, selection={"state": 2}), "selection.state"),  # type: ignore[dict-item]
        (pb.DiscardDeadLettersRequest(parent=DEMO), "selection"),
        (pb.ListDeadLettersRequest(parent=DEMO, page_token="x"), "page_token"),
        (pb.ListDeadLettersRequest(parent=DEMO, selection={"names": ["x"]}), "selection.names[0]"),
        (pb.ResumePartitionRequest(partition=-1), "partition"),
    ],
)
async def test_what_is_not_understood_is_refused_by_name(suite: Suite, request_: Any, field: str) -> None:
    async with suite(ingest) as served:
        stub = Post(served).stub
        call = getattr(stub, type(request_).__name__.removesuffix("Request"))
        key = served.key("operator")
        made = call(request_, metadata=key)
        refused = await refusal(made.read() if hasattr(made, "read") else made)
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])


# --- paused -----------------------------------------------------------------------------------------------------------


async def test_a_paused_partition_goes_on_when_it_is_told_to(suite: Suite) -> None:
    partition = partition_of(1, "web-1", PARTITIONS)
    async with posted(suite, schema=False, dead_letter_rows=10) as post:
        bad = [event(number, properties_json=b'{"a":1e-20000}') for number in range(20)]
        await post.send(*bad, mode=ingest_pb2.ACK_MODE_DURABLE)

        async def is_paused() -> bool:
            [(paused,)] = await post.rows(
                "SELECT paused_at IS NOT NULL FROM partitions WHERE partition = %s", (partition,)
            )
            return bool(paused)

        await until(is_paused)
        request = pb.ResumePartitionRequest(partition=partition)
        refused = await refusal(post.stub.ResumePartition(request, metadata=post.served.key("admin")))
        assert refused.code == "PERMISSION_DENIED"
        await post.stub.ResumePartition(request, metadata=post.served.key("operator"))
        await post.send(event(99))
        assert not await is_paused()
        assert await post.balanced() == {"received": 21, "stored": 1, "duplicate": 0, "dead": 20}


async def test_a_partition_that_is_not_paused_stays_as_it_is_and_one_that_is_not_there_is_not_found(
    suite: Suite,
) -> None:
    async with suite(ingest) as served:
        post, key = Post(served), served.key("operator")
        before = await post.rows(STANDING)
        await post.stub.ResumePartition(pb.ResumePartitionRequest(partition=3), metadata=key)
        assert await post.rows(STANDING) == before
        refused = await refusal(
            post.stub.ResumePartition(pb.ResumePartitionRequest(partition=99), metadata=key)
        )
        assert (refused.code, refused.reason) == ("NOT_FOUND", "PARTITION_NOT_FOUND")
