"""What a writer leaves behind when it dies or freezes between its commit and its report to the log, and who mends it."""

import asyncio
import time
from dataclasses import replace

from redis.asyncio import Redis

from services.ingest.service import ingest, writer
from services.ingest.stream import Log
from services.kit.keys import meta_key, partition_of
from services.kit.server import opened, working
from services.kit.settings import Settings
from tests.conftest import Suite, counted
from tests.polling import until
from tidemark.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc

PRODUCER = "web-1"


def batch(sequence: int = 1) -> ingest_pb2.EventBatch:
    now = time.time_ns()
    event = event_pb2.Event(
        event_id=bytes(15) + bytes([sequence]), type=event_pb2.EVENT_TYPE_USER_ACTION, name="login"
    )
    event.occurred_at.FromNanoseconds(now)
    return ingest_pb2.EventBatch(
        producer=ingest_pb2.Producer(producer_id=PRODUCER, epoch=1, sequence=sequence), events=[event]
    )


async def until_committed(redis: Redis, key: str, last_id: bytes) -> None:
    async with asyncio.timeout(20):
        while await redis.hget(key, "last_id") != last_id:  # noqa: ASYNC110 - Redis rings no bell
            await asyncio.sleep(0.02)


async def test_successor_reports_what_a_dead_writer_committed(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer, lease_seconds=0.5) as served:
        stub = ingest_pb2_grpc.IngestServiceStub(served.channel)
        request = ingest_pb2.PublishBatchRequest(batch=batch(), ack_mode=ingest_pb2.ACK_MODE_COMMITTED)
        await stub.PublishBatch(request, metadata=served.key("ingest"))
    async with opened(replace(settings, lease_seconds=0.5)) as resources:
        key = meta_key(partition_of(1, PRODUCER, settings.partitions))
        last_id = await resources.redis.hget(key, "last_id")
        # As if it had died between the commit and the report.
        await resources.redis.hset(
            key, mapping={"last_id": "0-0", "committed_received": 0, "committed_bytes": 0}
        )
        async with working([await writer(resources)], resources):
            await until_committed(resources.redis, key, last_id)
        assert await resources.redis.hget(key, "committed_received") == b"1"
        assert await Log(resources.redis).backlog_bytes(settings.partitions) == 0


async def test_late_report_of_a_thawed_writer_changes_nothing(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        log = Log(redis)
        await log.prepare()
        await log.committed(0, "9-0", received=9, size=900)
        await log.committed(0, "5-0", received=5, size=500)
        assert await redis.hgetall(meta_key(0)) == {
            b"last_id": b"9-0",
            b"committed_received": b"9",
            b"committed_bytes": b"900",
        }


async def test_a_log_restored_from_an_older_file_is_noticed_though_new_batches_have_come(
    suite: Suite, settings: Settings
) -> None:
    async with suite(ingest, writer, lease_seconds=0.5) as served:
        stub, redis = ingest_pb2_grpc.IngestServiceStub(served.channel), served.resources.redis

        async def publish(sequence: int) -> None:
            request = ingest_pb2.PublishBatchRequest(
                batch=batch(sequence), ack_mode=ingest_pb2.ACK_MODE_COMMITTED
            )
            await stub.PublishBatch(request, metadata=served.key("ingest"))

        key = meta_key(partition_of(1, PRODUCER, settings.partitions))
        await publish(1)
        older = await redis.dump(key)
        for sequence in (2, 3):
            await publish(sequence)
        before = counted("tidemark_log_regressions_total")
        # The writer is at work all the while, and the totals are soon beyond what is committed.
        await redis.restore(key, 0, older, replace=True)
        for sequence in range(4, 9):
            await publish(sequence)
        assert counted("tidemark_log_regressions_total") == before + 1
        async with served.resources.pool.connection() as connection:
            totals = await (
                await connection.execute("SELECT sum(received), sum(stored) FROM ledger")
            ).fetchone()
        assert totals == (8, 8)

        async def settled() -> bool:
            return await Log(redis).backlog_bytes(settings.partitions) == 0

        await until(settled, 10.0)
