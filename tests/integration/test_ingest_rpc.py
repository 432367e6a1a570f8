"""IngestService through real gRPC: acknowledgements that keep their promise, and bad input that harms nobody but its sender."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from google.protobuf import struct_pb2, timestamp_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from services.ingest.service import ingest, writer
from services.ingest.stream import Log
from services.kit.settings import Settings
from tests.conftest import Refusal, Served, Suite, refusal
from tests.ingesting import (
    arrow_stream,
    event,
    event_batch,
    event_id,
    json_of,
    point,
    point_batch,
    producer,
    record_batch,
)
from tests.polling import until
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc

COMMITTED, FAST, DURABLE = (
    ingest_pb2.ACK_MODE_COMMITTED,
    ingest_pb2.ACK_MODE_FAST,
    ingest_pb2.ACK_MODE_DURABLE,
)
ROWS = "SELECT (SELECT count(*) FROM tidemark.events) + (SELECT count(*) FROM tidemark.metric_points)"


@dataclass(frozen=True)
class Door:
    """The RPCs for events, or those for metric points, of a suite under way."""

    served: Served
    kind: str = "events"
    key: str = "ingest"

    def batch(self, sequence: int = 1, rows: int = 1, **where: Any) -> Any:
        """A batch in good order."""
        where["sequence"] = sequence
        if self.kind == "events":
            return event_batch(*(event(1000 * sequence + row) for row in range(rows)), **where)
        return point_batch(*(point(float(row)) for row in range(rows)), **where)

    def request(self, batch: Any = None, **fields: Any) -> Any:
        """A message of the stream; of the unary call it has the same fields."""
        streamed, _ = self._messages()
        return streamed(batch=self.batch() if batch is None else batch, **fields)

    async def send(self, batch: Any = None, **fields: Any) -> Any:
        """Sends one batch by the unary call."""
        _, single = self._messages()
        request = single(batch=self.batch() if batch is None else batch, **fields)
        stub = ingest_pb2_grpc.IngestServiceStub(self.served.channel)
        call = stub.PublishBatch if self.kind == "events" else stub.RecordMetricsBatch
        return await call(request, metadata=self.served.key(self.key))

    def stream(self, requests: Iterable[Any] | AsyncIterator[Any]) -> Any:
        """Opens a stream; gives the call, whose answers can be iterated."""
        stub = ingest_pb2_grpc.IngestServiceStub(self.served.channel)
        call = stub.Publish if self.kind == "events" else stub.RecordMetrics
        return call(requests, metadata=self.served.key(self.key))

    async def send_bytes(self, data: bytes) -> Any:
        """Sends bytes that no message of ours would make, by the unary call."""
        name = "PublishBatch" if self.kind == "events" else "RecordMetricsBatch"
        call = self.served.channel.unary_unary(f"/tidemark.v1.IngestService/{name}")
        return await call(data, metadata=self.served.key(self.key))

    async def received(self) -> int:
        """Rows that the log has ever taken."""
        return sum(rows for rows, _ in await Log(self.served.resources.redis).totals(range(8)))

    def _messages(self) -> tuple[type[Any], type[Any]]:
        if self.kind == "events":
            return ingest_pb2.PublishRequest, ingest_pb2.PublishBatchRequest
        return ingest_pb2.RecordMetricsRequest, ingest_pb2.RecordMetricsBatchRequest


KINDS = pytest.mark.parametrize("kind", ["events", "points"])


async def answers(call: Any) -> list[Any]:
    return [answer async for answer in call]


async def rows_stored(settings: Settings) -> int:
    async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
        ((count,),) = await (await connection.execute(ROWS)).fetchall()
        return int(count)


async def ledger(settings: Settings) -> tuple[int, ...]:
    """Received, stored, duplicate, rejected and dead-lettered of all that is committed."""
    async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
        columns = ("received", "stored", "duplicate", "rejected", "dead_lettered")
        sums = ", ".join(f"coalesce(sum({column}), 0)::int" for column in columns)
        (row,) = await (await connection.execute(f"SELECT {sums} FROM tidemark.ledger")).fetchall()
        return tuple(row)


def retry_delay(refused: Refusal) -> float:
    """The seconds of the error's RetryInfo."""
    info = error_details_pb2.RetryInfo()
    for detail in status_pb2.Status.FromString(refused.trailing["grpc-status-details-bin"]).details:  # type: ignore[arg-type]
        detail.Unpack(info)
    return info.retry_delay.ToMilliseconds() / 1000


async def assert_harmless(door: Door, received: int = 0) -> None:
    """Nothing but `received` rows came into the log, and the server goes on answering."""
    assert await door.received() == received
    assert (await Door(door.served, door.kind).send(door.batch(name="after"))).accepted_count == 1


# --- acknowledgements -------------------------------------------------------------------------------------------------


@KINDS
async def test_a_batch_is_acknowledged_and_stored(suite: Suite, settings: Settings, kind: str) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served, kind)
        answer = await door.send(door.batch(rows=3), project="projects/demo")
        assert (answer.accepted_count, answer.repeated, list(answer.rejections)) == (3, False, [])
        await until(lambda: _is(ledger(settings), (3, 3, 0, 0, 0)))


@KINDS
async def test_a_stream_acknowledges_every_batch_in_order(
    suite: Suite, settings: Settings, kind: str
) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served, kind)
        given = await answers(
            door.stream([door.request(door.batch(n, rows=n, epoch=7)) for n in range(1, 31)])
        )
        assert [each.sequence for each in given] == list(range(1, 31))
        assert {each.epoch for each in given} == {7}
        assert sum(each.accepted_count for each in given) == 465
        await until(lambda: _is(ledger(settings), (465, 465, 0, 0, 0)))


@KINDS
async def test_a_repeated_batch_is_acknowledged_again_and_stored_once(
    suite: Suite, settings: Settings, kind: str
) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served, kind)
        requests = [door.request(door.batch(n, rows=2)) for n in (1, 2, 3)]
        first = await answers(door.stream(requests[:2]))
        again = await answers(door.stream(requests))
        assert [each.repeated_batch_count for each in first] == [0, 0]
        assert [each.repeated_batch_count for each in again] == [1, 1, 0]
        assert [each.sequence for each in again] == [1, 2, 3]
        assert (await door.send(door.batch(3, rows=2))).repeated
        await until(lambda: _is(ledger(settings), (6, 6, 0, 0, 0)))


async def test_a_producer_that_the_log_forgot_is_still_known(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served)
        for sequence in (1, 2):
            await door.send(door.batch(sequence), ack_mode=COMMITTED)
        await served.resources.redis.delete(*await served.resources.redis.keys("tm:*:producer:*"))
        assert (await door.send(door.batch(2))).repeated
        assert not (await door.send(door.batch(3), ack_mode=COMMITTED)).repeated
        assert await rows_stored(settings) == 3


@pytest.mark.parametrize("mode", [FAST, DURABLE, ingest_pb2.ACK_MODE_UNSPECIFIED])
async def test_without_a_writer_a_batch_is_acknowledged_by_the_log(suite: Suite, mode: int) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        assert (await door.send(ack_mode=mode)).accepted_count == 1
        assert len(await answers(door.stream([door.request(door.batch(2), ack_mode=mode)]))) == 1
        assert await door.received() == 2


@KINDS
async def test_an_acknowledged_commit_is_in_the_database(suite: Suite, settings: Settings, kind: str) -> None:
    async with suite(ingest, writer) as served:
        door = Door(served, kind)
        for sequence in (1, 2, 3):
            await door.send(door.batch(sequence, rows=5), ack_mode=COMMITTED)
            assert await rows_stored(settings) == 5 * sequence
        assert (await door.send(door.batch(3, rows=5), ack_mode=COMMITTED)).repeated
        async for answer in door.stream(
            [door.request(door.batch(n, rows=5), ack_mode=COMMITTED) for n in (3, 4, 5)]
        ):
            assert await rows_stored(settings) >= 5 * answer.sequence


async def test_a_commit_is_not_acknowledged_before_it_is_made(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        call = asyncio.ensure_future(door.send(ack_mode=COMMITTED))
        await until(lambda: _is(door.received(), 1))
        done, _ = await asyncio.wait([call], timeout=0.3)
        assert not done
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def test_a_stream_ends_behind_its_last_acknowledgement_when_the_server_drains(suite: Suite) -> None:
    async with suite(ingest) as served:
        door, sending = Door(served), asyncio.Event()

        async def requests() -> AsyncIterator[Any]:
            yield door.request(door.batch(1))
            await sending.wait()

        call = door.stream(requests())
        assert (await call.read()).sequence == 1
        served.resources.draining.set()
        assert (await refusal(call.read())).code == "UNAVAILABLE"


async def test_a_stream_is_read_on_while_acknowledgements_wait_for_the_database(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        call = door.stream([door.request(door.batch(n), ack_mode=COMMITTED) for n in range(1, 21)])
        await until(lambda: _is(door.received(), 20))
        call.cancel()


async def test_a_stream_tells_many_rejections_before_it_reads_on(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        bad = event_batch(*[event(1, name="")] * 101, sequence=2)
        batches = [door.batch(1), bad, *(door.batch(sequence) for sequence in range(3, 10))]
        call = door.stream([door.request(batch, ack_mode=COMMITTED) for batch in batches])
        await until(lambda: _is(door.received(), 102))
        reading = asyncio.create_task(until(lambda: _is(door.received(), 109)))
        done, _ = await asyncio.wait([reading], timeout=0.3)
        assert not done
        # As the writer says it when all is committed.
        for partition in range(8):
            await Log(served.resources.redis).announce({"partition": partition, "last_id": f"{2**50}-0"})
        await reading
        call.cancel()


async def test_an_empty_batch_moves_the_sequence_on(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        assert (await door.send(door.batch(1, rows=0))).accepted_count == 0
        assert (await door.send(door.batch(2))).accepted_count == 1


async def test_a_batch_outside_any_sequence_is_always_taken(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        for _ in range(2):
            assert not (await door.send(door.batch(0))).repeated
        assert await door.received() == 2


async def test_a_stream_may_begin_a_newer_epoch(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        batches = [door.batch(1, epoch=1), door.batch(2, epoch=1), door.batch(1, epoch=2)]
        given = await answers(door.stream([door.request(batch) for batch in batches]))
        assert [(each.epoch, each.sequence) for each in given] == [(1, 1), (1, 2), (2, 1)]


async def test_arrow_batches_are_stored_like_others(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer) as served:
        batch = ingest_pb2.EventBatch(producer=producer(), events_arrow=arrow_stream(record_batch(100)))
        assert (await Door(served).send(batch, ack_mode=COMMITTED)).accepted_count == 100
        assert await ledger(settings) == (100, 100, 0, 0, 0)


# --- bad rows: rejected, counted, and no harm to the others -----------------------------------------------------------


def _struct(levels: int) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    level = made
    for _ in range(levels - 1):
        level = level.fields["a"].struct_value
    level.fields["a"].bool_value = True
    return made


BAD_EVENTS = {
    "unknown type": ({"type": 77}, "type", "MALFORMED"),
    "missing type": ({"type": 0}, "type", "MISSING"),
    "missing name": ({"name": ""}, "name", "MISSING"),
    "control character": ({"name": "a\x07"}, "name", "MALFORMED"),
    "before 1970": ({"occurred_at": timestamp_pb2.Timestamp(seconds=-1)}, "occurred_at", "OUT_OF_RANGE"),
    "year 2300": (
        {"occurred_at": timestamp_pb2.Timestamp(seconds=10_413_792_000)},
        "occurred_at",
        "OUT_OF_RANGE",
    ),
    "no instant": ({"occurred_at": timestamp_pb2.Timestamp(nanos=-1)}, "occurred_at", "OUT_OF_RANGE"),
    "NaN": (
        {"properties": struct_pb2.Struct(fields={"a": {"number_value": float("nan")}})},
        "properties",
        "MALFORMED",
    ),
    "NaN in JSON": ({"properties_json": b'{"a":NaN}'}, "properties", "MALFORMED"),
    "1 MB": ({"properties_json": b'{"a":"' + b"x" * (1 << 20) + b'"}'}, "properties", "TOO_LARGE"),
    "1 MB of context": ({"context_json": b'{"a":"' + b"x" * (1 << 20) + b'"}'}, "context", "TOO_LARGE"),
    "nested struct": ({"properties": _struct(20)}, "properties", "TOO_LARGE"),
    "nested JSON": ({"properties_json": json_of(17)}, "properties", "TOO_LARGE"),
    "bomb": ({"properties_json": b"[" * 50_000}, "properties", "MALFORMED"),
    "bomb in an object": (
        {"context_json": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"},
        "context",
        "TOO_LARGE",
    ),
    "invalid UTF-8": ({"properties_json": b'{"a":"\xff"}'}, "properties", "MALFORMED"),
    "NUL": ({"context_json": b'{"a":"\\u0000"}'}, "context", "MALFORMED"),
    "short id": ({"event_id": b"short"}, "event_id", "MALFORMED"),
    "long user": ({"user_id": "u" * 201}, "user_id", "TOO_LARGE"),
}
BAD_POINTS = {
    "unknown kind": ({"kind": 77}, "kind", "MALFORMED"),
    "missing name": ({"name": ""}, "name", "MISSING"),
    "NaN": ({"value": float("nan")}, "value", "OUT_OF_RANGE"),
    "infinity": ({"value": float("-inf")}, "value", "OUT_OF_RANGE"),
    "before 1970": ({"observed_at": timestamp_pb2.Timestamp(seconds=-1)}, "observed_at", "OUT_OF_RANGE"),
    "too many tags": ({"tags": {str(number): "" for number in range(33)}}, "tags", "TOO_LARGE"),
    "1 MB tag": ({"tags": {"a": "x" * (1 << 20)}}, "tags", "TOO_LARGE"),
    "NUL": ({"unit": "\0"}, "unit", "MALFORMED"),
}


@KINDS
async def test_bad_rows_are_rejected_by_field_and_the_others_stored(
    suite: Suite, settings: Settings, kind: str
) -> None:
    bad_rows = BAD_EVENTS if kind == "events" else BAD_POINTS
    async with suite(ingest, writer) as served:
        door = Door(served, kind)
        for sequence, (what, (fields, field, reason)) in enumerate(bad_rows.items(), start=1):
            bad: Any
            if kind == "events":
                bad = event_batch(event(2 * sequence), event(2 * sequence + 1, **fields), sequence=sequence)
            else:
                bad = point_batch(point(1.0), point(**fields), sequence=sequence)
            for repeated in (False, True):
                answer = await door.send(bad)
                (found,) = answer.rejections
                assert (answer.repeated, answer.accepted_count) == (repeated, 1), what
                assert (found.sequence, found.index, found.field) == (sequence, 1, f"{kind}[1].{field}"), what
                assert ingest_pb2.RejectionReason.Name(found.reason) == f"REJECTION_REASON_{reason}", what
                assert found.message, what
        count = len(bad_rows)
        await until(lambda: _is(ledger(settings), (2 * count, count, 0, count, 0)))
        assert await rows_stored(settings) == count


async def test_rejections_come_with_the_acknowledgement_of_their_batch(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        batches = [
            event_batch(event(1), event(2, name="")),
            event_batch(event(3), sequence=2),
            event_batch(event(4, type=0), event(5, event_id=b""), sequence=3),
        ]
        given = await answers(door.stream([door.request(batch) for batch in batches]))
        assert [[(each.sequence, each.field) for each in answer.rejections] for answer in given] == [
            [(1, "events[1].name")],
            [],
            [(3, "events[0].type"), (3, "events[1].event_id")],
        ]
        assert given[2].rejections[0].event_id == event_id(4)


async def test_a_batch_of_nothing_but_bad_events_is_acknowledged_in_one_message(suite: Suite) -> None:
    async with suite(ingest) as served:
        batch = event_batch(*[event(name="\x01" * 199)] * 10_000)
        answer = await Door(served).send(batch)
        assert (answer.accepted_count, len(answer.rejections)) == (0, 10_000)


# --- bad batches: refused by field, nothing stored --------------------------------------------------------------------


def _arrow(data: bytes) -> ingest_pb2.EventBatch:
    return ingest_pb2.EventBatch(producer=producer(), events_arrow=data)


def _sent_at(seconds: int, nanos: int = 0) -> ingest_pb2.EventBatch:
    batch = event_batch(event())
    batch.sent_at.seconds, batch.sent_at.nanos = seconds, nanos
    return batch


def _two_doors() -> ingest_pb2.EventBatch:
    batch = event_batch(event())
    batch.events_arrow = arrow_stream(record_batch())
    return batch


BAD_BATCHES = {
    "no batch": (ingest_pb2.EventBatch(), "batch.producer.producer_id"),
    "no producer id": (event_batch(event(), name=""), "batch.producer.producer_id"),
    "long producer id": (event_batch(event(), name="p" * 101), "batch.producer.producer_id"),
    "odd producer id": (event_batch(event(), name="a/b"), "batch.producer.producer_id"),
    "producer id with a newline": (event_batch(event(), name="a\n"), "batch.producer.producer_id"),
    "epoch 0": (event_batch(event(), epoch=0), "batch.producer.epoch"),
    "epoch below 0": (event_batch(event(), epoch=-1), "batch.producer.epoch"),
    "epoch beyond doubles": (event_batch(event(), epoch=2**53), "batch.producer.epoch"),
    "sequence below 0": (event_batch(event(), sequence=-1), "batch.producer.sequence"),
    "sequence beyond doubles": (event_batch(event(), sequence=2**63 - 1), "batch.producer.sequence"),
    "sent before 1970": (_sent_at(-1), "batch.sent_at"),
    "sent in no year": (_sent_at(2**62), "batch.sent_at"),
    "sent at no instant": (_sent_at(0, -1), "batch.sent_at"),
    "10 001 events": (event_batch(*[event()] * 10_001), "batch.events"),
    "both doors": (_two_doors(), "batch.events_arrow"),
    "Arrow that is none": (_arrow(b"\xff" * 100), "batch.events_arrow"),
    "Arrow cut short": (_arrow(arrow_stream(record_batch(5))[:-40]), "batch.events_arrow"),
    "Arrow without a name": (_arrow(arrow_stream(record_batch(5, name=None))), "batch.events_arrow"),
    "compressed Arrow": (_arrow(arrow_stream(record_batch(5), compression="zstd")), "batch.events_arrow"),
}


async def test_bad_batches_are_refused_by_field_and_leave_nothing(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        for what, (batch, field) in BAD_BATCHES.items():
            refused = await refusal(door.send(batch))
            assert (refused.code, refused.reason, refused.violations) == (
                "INVALID_ARGUMENT",
                "INVALID_FIELD",
                [field],
            ), what
            assert refused.message.startswith(f"{field}: "), what
            assert refused.metadata["field"] == field, what
            streamed = await refusal(answers(door.stream([door.request(batch)])))
            assert (streamed.code, streamed.violations) == ("INVALID_ARGUMENT", [field]), what
        await assert_harmless(door)


async def test_a_gap_is_refused_with_the_sequence_expected(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        await door.send(door.batch(1))
        refused = await refusal(door.send(door.batch(3)))
        assert (refused.code, refused.reason) == ("OUT_OF_RANGE", "SEQUENCE_GAP")
        assert refused.metadata == {"expected": "2", "sequence": "3"}
        assert "batch.producer.sequence: is 3 where 2 comes next" in refused.message
        await assert_harmless(door, received=1)
        assert (await door.send(door.batch(2))).accepted_count == 1


async def test_an_older_epoch_is_refused_with_the_one_at_work(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        await door.send(door.batch(1, epoch=9))
        refused = await refusal(door.send(door.batch(1, epoch=8)))
        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "PRODUCER_FENCED")
        assert refused.metadata == {"epoch": "9"}
        await assert_harmless(door, received=1)


@KINDS
async def test_what_came_before_the_fault_of_a_stream_is_acknowledged(suite: Suite, kind: str) -> None:
    async with suite(ingest) as served:
        door = Door(served, kind)
        call = door.stream([door.request(door.batch(n)) for n in (1, 2, 4, 5)])
        given = []

        async def read() -> None:
            async for answer in call:
                given.append(answer.sequence)

        refused = await refusal(read())
        assert given == [1, 2]
        assert (refused.code, refused.metadata["expected"]) == ("OUT_OF_RANGE", "3")
        await assert_harmless(door, received=2)


# --- bytes that are no message ----------------------------------------------------------------------------------------


def _damaged(request: Message, old: bytes, new: bytes) -> bytes:
    data = request.SerializeToString()
    assert data.count(old) == 1
    return data.replace(old, new)


@KINDS
async def test_text_that_is_not_utf8_is_refused_by_its_path(suite: Suite, kind: str) -> None:
    async with suite(ingest) as served:
        door = Door(served, kind)
        batch = door.batch(rows=4)
        rows = batch.events if kind == "events" else batch.points
        rows[3].name = "unmistakable"
        data = _damaged(door.request(batch), b"unmistakable", b"unmistak\xffble")
        refused = await refusal(door.send_bytes(data))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")
        assert refused.violations == [f"batch.{kind}[3].name"]
        assert refused.message == f"batch.{kind}[3].name: is not UTF-8 at byte 8; send text in UTF-8"
        await assert_harmless(door)


async def test_a_bomb_of_nested_messages_is_refused_by_its_path(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        bomb = door.request(event_batch(event()))
        bomb.batch.events[0].properties.CopyFrom(_struct(60))
        refused = await refusal(door.send_bytes(bomb.SerializeToString()))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")
        assert refused.violations[0].startswith("batch.events[0].properties.fields[0].value.struct_value.")
        assert "is nested deeper than 100 messages" in refused.message
        await assert_harmless(door)


@pytest.mark.parametrize("data", [b"\xff", b"\x12\xff\xff\xff\xff\x0f", b"\x00" * 100, b"\x12\x05ab"])
async def test_bytes_that_are_no_message_are_refused(suite: Suite, data: bytes) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        refused = await refusal(door.send_bytes(data))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")
        assert len(refused.violations) == 1
        await assert_harmless(door)


async def test_a_stream_of_which_one_message_cannot_be_read_acknowledges_those_before(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        good = door.request(door.batch(1)).SerializeToString()
        bad = _damaged(door.request(door.batch(2, name="web-1", rows=1)), b"clicked", b"click\xc0\x80")
        call = served.channel.stream_stream("/tidemark.v1.IngestService/Publish")
        made = call([good, bad, good], metadata=served.key("ingest"))
        given = []

        async def read() -> None:
            async for answer in made:
                given.append(ingest_pb2.PublishResponse.FromString(answer).sequence)

        refused = await refusal(read())
        assert given == [1]
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["batch.events[0].name"])
        await assert_harmless(door, received=1)


async def test_an_oversized_message_is_refused_and_the_next_taken(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        large = event_batch(
            *(event(n, properties_json=b'{"a":"' + b"x" * 60_000 + b'"}') for n in range(150))
        )
        assert large.ByteSize() > 8 << 20
        refused = await refusal(door.send(large))
        assert refused.code == "RESOURCE_EXHAUSTED"
        assert "larger than max" in refused.message
        assert (await refusal(answers(door.stream([door.request(large)])))).code == "RESOURCE_EXHAUSTED"
        await assert_harmless(door)


async def test_a_message_of_the_largest_size_is_taken(suite: Suite) -> None:
    async with suite(ingest) as served:
        batch = event_batch(
            *(event(n, properties_json=b'{"a":"' + b"x" * 60_000 + b'"}') for n in range(139))
        )
        assert 0 < (8 << 20) - batch.ByteSize() < 100_000
        assert (await Door(served).send(batch)).accepted_count == 139


# --- who may send -----------------------------------------------------------------------------------------------------


async def test_a_key_of_another_project_is_denied(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        refused = await refusal(door.send(project="projects/other"))
        assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "WRONG_PROJECT")
        streamed = await refusal(answers(door.stream([door.request(project="projects/other")])))
        assert (streamed.code, streamed.reason) == ("PERMISSION_DENIED", "WRONG_PROJECT")
        await assert_harmless(door)


async def test_a_stream_stays_with_the_project_of_its_first_message(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served)
        first, again = door.request(), door.request(door.batch(2), project="projects/demo")
        other = door.request(door.batch(3), project="projects/other")
        refused = await refusal(answers(door.stream([first, again, other])))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["project"])
        await assert_harmless(door, received=2)


async def test_a_project_that_is_malformed_missing_or_unknown_is_refused(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served, key="operator")
        for project, code, reason, violations in (
            ("demo", "INVALID_ARGUMENT", "INVALID_FIELD", ["project"]),
            ("projects/UPPER", "INVALID_ARGUMENT", "INVALID_FIELD", ["project"]),
            ("", "INVALID_ARGUMENT", "INVALID_FIELD", ["project"]),
            ("projects/nobody", "NOT_FOUND", "PROJECT_NOT_FOUND", []),
        ):
            refused = await refusal(door.send(project=project))
            assert (refused.code, refused.reason, refused.violations) == (code, reason, violations), project
        await assert_harmless(door)


async def test_a_key_that_may_only_read_is_denied(suite: Suite) -> None:
    async with suite(ingest) as served:
        door = Door(served, key="viewer")
        refused = await refusal(door.send())
        assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "ROLE_INSUFFICIENT")
        await assert_harmless(door)


async def test_no_key_and_an_expired_key_are_refused(suite: Suite, settings: Settings) -> None:
    async with suite(ingest) as served:
        stub = ingest_pb2_grpc.IngestServiceStub(served.channel)
        refused = await refusal(stub.PublishBatch(ingest_pb2.PublishBatchRequest(batch=event_batch(event()))))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_INVALID")
        async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
            await connection.execute(
                "UPDATE tidemark.api_keys SET expires_at = now() - interval '1 day' WHERE role = 1"
            )
        door = Door(served)
        refused = await refusal(door.send())
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_EXPIRED")
        streamed = await refusal(answers(door.stream([door.request()])))
        assert (streamed.code, streamed.reason) == ("UNAUTHENTICATED", "KEY_EXPIRED")
        assert await door.received() == 0
        assert (await Door(served, key="admin").send()).accepted_count == 1


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_a_quota_of_events_is_kept(suite: Suite, settings: Settings) -> None:
    async with suite(ingest) as served:
        async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
            await connection.execute("UPDATE tidemark.api_keys SET events_per_minute = 10 WHERE role = 1")
        door = Door(served)
        refused = await refusal(door.send(door.batch(rows=11)))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["batch"])

        async def three() -> None:
            # At most one of them falls into a new minute.
            for sequence in (1, 2, 3):
                await door.send(door.batch(sequence, rows=10))

        refused = await refusal(three())
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
        assert refused.metadata == {"quota": "events_per_minute", "limit": "10"}
        assert 0 < retry_delay(refused) <= 60
        assert 0 < int(refused.trailing["grpc-retry-pushback-ms"]) <= 60_000
        assert await door.received() in (10, 20)
        assert (await Door(served, key="admin").send(door.batch(name="after"))).accepted_count == 1


async def test_a_full_backlog_slows_a_stream_down_before_it_refuses(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, backlog_bytes=2000, slow_seconds=0.4) as served:
        door = Door(served)
        await door.send(door.batch(1, rows=100))
        refused = await refusal(door.send(door.batch(2)))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "BACKLOG_FULL")
        assert retry_delay(refused) == 1.0
        assert refused.trailing["grpc-retry-pushback-ms"] == "1000"

        began = time.monotonic()
        streamed = await refusal(answers(door.stream([door.request(door.batch(2))])))
        assert time.monotonic() - began >= 0.4
        assert (streamed.code, streamed.reason) == ("RESOURCE_EXHAUSTED", "BACKLOG_FULL")
        assert await door.received() == 100


async def test_a_stream_waits_out_a_backlog_that_goes_away(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer, backlog_bytes=2000, slow_seconds=20.0) as served:
        door = Door(served)
        given = await answers(door.stream([door.request(door.batch(n, rows=50)) for n in (1, 2, 3)]))
        assert [each.sequence for each in given] == [1, 2, 3]
        await until(lambda: _is(ledger(settings), (150, 150, 0, 0, 0)))


async def test_a_batch_larger_than_the_memory_for_batches_is_refused(suite: Suite) -> None:
    async with suite(ingest, inflight_bytes=1000) as served:
        door = Door(served)
        refused = await refusal(door.send(door.batch(rows=100)))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["batch"])
        await assert_harmless(door)


async def _is(answer: Any, expected: object) -> bool:
    return bool(await answer == expected)
