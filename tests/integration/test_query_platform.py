"""GetLedger and GetPlatformAnalytics through gRPC on a real database and a real Redis."""

from datetime import UTC, datetime, timedelta

import psycopg

import tidemark
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, Point, commit
from tests.integration.test_query_answers import COUNT, HOUR, MINUTE, NOON, series
from tidemark.v1 import query_pb2 as pb
from tidemark.v1.query_pb2_grpc import QueryServiceStub


def around(minutes: int = 60) -> pb.GetLedgerRequest:
    request = pb.GetLedgerRequest()
    request.time_range.start.FromDatetime(NOON)
    request.time_range.end.FromDatetime(NOON + minutes * MINUTE)
    return request


async def ledger(served: Served, request: pb.GetLedgerRequest) -> pb.GetLedgerResponse:
    response: pb.GetLedgerResponse = await QueryServiceStub(served.channel).GetLedger(
        request, metadata=served.key("viewer")
    )
    return response


def fill(database: str) -> None:
    """Three minutes of two producers: 4 rows each a minute."""
    with psycopg.connect(database) as connection:
        for i in range(3):
            for producer in "ab":
                rows = [Happened(NOON - i * HOUR), Happened(NOON), Point(NOON, 1.0), Point(NOON, 2.0)]
                commit(connection, rows, producer_id=producer, received_at=NOON + i * MINUTE)


async def test_the_ledger_balances_and_counts_what_is_in_flight(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        fill(database)
        await served.resources.redis.hset("tm:{0}:projects", "1", 31)
        answer = await ledger(served, around())
        assert answer.balanced
        assert [(e.minute.ToDatetime(UTC), e.producer_id) for e in answer.entries] == [
            (NOON + i * MINUTE, producer) for i in (2, 1, 0) for producer in "ab"
        ]
        assert {(e.received, e.stored, e.in_flight) for e in answer.entries} == {(4, 4, 0)}
        total = answer.total
        assert (total.received, total.stored, total.in_flight) == (31, 24, 7)
        assert not total.HasField("minute")


async def test_a_row_that_vanished_unbalances_the_ledger(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        fill(database)
        with psycopg.connect(database) as connection:
            connection.execute("DELETE FROM metric_points WHERE ctid = (SELECT min(ctid) FROM metric_points)")
        assert not (await ledger(served, around())).balanced


async def test_a_batch_that_claims_more_unbalances_the_ledger(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        fill(database)
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE batches SET stored = stored + 1 WHERE batch_id = 0")
        assert not (await ledger(served, around())).balanced
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE batches SET stored = stored - 1 WHERE batch_id = 0")
            connection.execute("UPDATE ledger SET received = received + 1 WHERE producer_id = 'a'")
        assert not (await ledger(served, around())).balanced


async def test_rows_of_long_ago_are_found_by_the_recount(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON - 4000 * HOUR)], received_at=NOON)
        assert (await ledger(served, around())).balanced


async def test_the_ledger_of_one_producer_in_pages(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        fill(database)
        request, seen = around(), []
        request.page_size = 4
        while True:
            answer = await ledger(served, request)
            seen += [(e.minute.seconds, e.producer_id) for e in answer.entries]
            assert answer.total.received == 24
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        assert len(seen) == len(set(seen)) == 6
        request = around(1)
        request.producer_id = "b"
        answer = await ledger(served, request)
        assert [(e.producer_id, e.received) for e in answer.entries] == [("b", 4)]
        assert (answer.total.received, answer.balanced) == (4, True)


async def test_a_page_token_of_another_ledger_is_refused(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        fill(database)
        request = around()
        request.page_size = 1
        request.page_token = (await ledger(served, request)).next_page_token
        request.producer_id = "a"
        call = QueryServiceStub(served.channel).GetLedger(request, metadata=served.key("viewer"))
        assert (await refusal(call)).violations == ["page_token"]


async def test_platform_analytics_are_measured(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        now = datetime.now(UTC)
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(now, partition=2)] * 1, received_at=now - timedelta(seconds=2))
            connection.execute(
                "UPDATE partitions SET owner = 'w1', leased_until = now() + interval '1 minute' WHERE partition = 2"
            )
            connection.execute(
                "UPDATE partitions SET paused_at = now(), paused_because = 'too bad' WHERE partition = 3"
            )
        redis = served.resources.redis
        await redis.hset("tm:{2}:meta", mapping={"received": 11, "bytes": 500})
        await redis.hset("tm:{2}:projects", "1", 11)
        seconds, _ = await redis.time()
        await redis.xadd("tm:{2}:log", {"h": b"x" * 1000}, id=f"{seconds - 60}000-0")
        await stub.RunQuery(pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT)), metadata=key)
        await refusal(stub.RunQuery(pb.RunQueryRequest(), metadata=key))
        watch = stub.WatchQuery(pb.WatchQueryRequest(query=series(NOON, NOON + HOUR, COUNT)), metadata=key)
        await watch.read()
        found = await stub.GetPlatformAnalytics(pb.GetPlatformAnalyticsRequest(), metadata=key)
        watch.cancel()
        processing, asked, system = found.processing, found.query, found.system
        assert processing.stored_per_second == 1 / 60
        assert (processing.last_day.received, processing.last_day.in_flight) == (11, 10)
        assert 1.9 < processing.commit_latency_p50.ToTimedelta().total_seconds() < 30
        assert len(processing.partitions) == 8
        busy = processing.partitions[2]
        assert (busy.writer, busy.backlog_events, busy.backlog_bytes) == ("w1", 10, 500)
        assert busy.HasField("watermark")
        assert 60 <= busy.lag.ToSeconds() < 90
        assert (busy.paused_because, processing.partitions[3].paused_because) == ("", "too bad")
        assert processing.partitions[3].lag.ToNanoseconds() == 0
        assert (asked.answered, asked.failed, asked.watching) == (1, 1, 1)
        assert asked.latency_p50.nanos > 0
        assert system.database_bytes > 1_000_000
        assert system.log_bytes > 1000
        assert system.process_memory_bytes > 10_000_000
        assert 0 < system.process_cpu < 100
        assert system.version == tidemark.__version__
        assert system.postgresql_version.split(".")[0].isdigit()
        assert system.timescaledb_version.startswith("2.")
        assert system.redis_version
