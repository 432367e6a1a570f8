"""Questions that are too many, too slow, malformed or no longer wanted."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.kit import page
from services.kit.turns import Turns
from services.query.service import query
from services.query.store import Store
from tests.conftest import Suite, refusal
from tests.integration.history import Happened, commit
from tests.integration.test_query_answers import COUNT, HOUR, NOON, asked, equals, series
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2_grpc import QueryServiceStub


async def test_more_questions_than_may_wait_are_refused_with_a_time_to_come_back(
    suite: Suite, database: str
) -> None:
    async with suite(query, query_concurrency=1, query_queue=1) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))
        await stub.RunQuery(request, metadata=key)
        with psycopg.connect(database) as connection:
            connection.execute("LOCK TABLE rollups_1h")
            # Equal questions would share one place.
            different = [series(NOON, NOON + (i + 2) * HOUR, COUNT) for i in range(4)]
            waiting = [
                asyncio.ensure_future(stub.RunQuery(pb.RunQueryRequest(query=each), metadata=key).code())
                for each in different
            ]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            assert {(await each).name for each in done} == {"RESOURCE_EXHAUSTED"}
        codes = sorted([(await each).name for each in waiting])
    assert codes == ["OK", "OK", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]


async def test_a_question_ends_with_the_callers_deadline_and_so_does_its_statement(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))
        await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
        request.query.CopyFrom(series(NOON, NOON + 2 * HOUR, COUNT))
        with psycopg.connect(database) as connection:
            connection.execute("LOCK TABLE rollups_1h")
            call = QueryServiceStub(served.channel).RunQuery(
                request, metadata=served.key("viewer"), timeout=0.5
            )
            assert (await refusal(call)).code == "DEADLINE_EXCEEDED"
            await _nothing_runs(database)


async def test_a_question_that_takes_longer_than_the_server_allows_says_so(
    suite: Suite, database: str
) -> None:
    async with suite(query, query_seconds=0.3) as served:
        with psycopg.connect(database) as connection:
            connection.execute("LOCK TABLE rollups_1h")
            request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))
            refused = await refusal(
                QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
            )
        assert (refused.code, refused.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_a_caller_who_leaves_takes_the_statement_along(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        request = pb.RunQueryRequest(query=series(NOON, NOON + HOUR, COUNT))
        with psycopg.connect(database) as connection:
            connection.execute("LOCK TABLE rollups_1h")
            call = QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
            await _something_runs(database)
            call.cancel()
            await _nothing_runs(database)


async def _running(database: str) -> int:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        assert row is not None
        return int(row[0])


async def _something_runs(database: str) -> None:
    async with asyncio.timeout(5):
        while not await _running(database):
            await asyncio.to_thread(lambda: None)


async def _nothing_runs(database: str) -> None:
    async with asyncio.timeout(5):
        while await _running(database):
            await asyncio.to_thread(lambda: None)


async def test_the_rows_versions_and_watermark_of_an_answer_are_of_one_instant(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        store = Store(served.resources.pool, Turns(1, 1))
        async with store.snapshot(1, 10.0) as snapshot:
            before = await snapshot.facts()
            with psycopg.connect(database) as connection:
                commit(connection, [Happened(NOON)])
            assert await snapshot.rows("SELECT count(*) FROM events") == [(0,)]
            assert (await snapshot.facts()).versions == before.versions
        async with store.snapshot(1, 10.0) as snapshot:
            after = await snapshot.facts()
            assert await snapshot.rows("SELECT count(*) FROM events") == [(1,)]
        assert (sum(after.versions), after.received) == (sum(before.versions) + 1, 1)
        assert after.version != before.version


async def test_a_snapshot_can_write_nothing(suite: Suite) -> None:
    async with suite(query) as served:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            async with Store(served.resources.pool, Turns(1, 1)).snapshot(1, 10.0) as snapshot:
                await snapshot.rows("DELETE FROM events")


async def test_completeness_falls_by_what_is_in_flight(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        now = datetime.now(UTC)
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(now - timedelta(seconds=i)) for i in range(60, 120)])
            connection.execute("UPDATE partitions SET watermark = %s", (now - HOUR,))
        asks = q.Query(series=q.SeriesQuestion(measures=[COUNT]))
        asks.time_range.last.FromTimedelta(HOUR)
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        whole = await stub.RunQuery(pb.RunQueryRequest(query=asks), metadata=key)
        assert whole.metadata.completeness == 1
        await served.resources.redis.hset("tm:{3}:projects", "1", 80)
        half = await stub.RunQuery(pb.RunQueryRequest(query=asks), metadata=key)
        assert half.metadata.completeness == pytest.approx(0.75, abs=0.01)
        past = await stub.RunQuery(pb.RunQueryRequest(query=series(NOON - HOUR, NOON, COUNT)), metadata=key)
        assert past.metadata.completeness == 1


async def test_numbers_beyond_a_double_spoil_no_sum(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(
                connection, [Happened(NOON, properties={"x": 5}), Happened(NOON, properties={"x": 10**400})]
            )
        summed = q.Measure(aggregation=q.AGGREGATION_SUM, field="properties.x")
        answer = await QueryServiceStub(served.channel).RunQuery(
            pb.RunQueryRequest(query=series(NOON, NOON + HOUR, summed)), metadata=served.key("viewer")
        )
        assert answer.series.series[0].total == 5


BAD: list[tuple[q.Query, str]] = [
    (q.Query(), "query"),
    (q.Query(events=q.EventsQuestion()), "query.time_range"),
    (asked(NOON, NOON, events=q.EventsQuestion()), "query.time_range.end"),
    (series(NOON, NOON + HOUR), "query.series.measures"),
    (series(NOON, NOON + HOUR, q.Measure()), "query.series.measures[0].aggregation"),
    (
        series(NOON, NOON + HOUR, COUNT, COUNT, q.Measure(id="A", aggregation=1)),
        "query.series.measures[2].id",
    ),
    (series(NOON, NOON + 3000 * HOUR, COUNT, unit=q.Interval.UNIT_SECOND), "query.series.interval"),
    (series(NOON, NOON + HOUR, COUNT, group_by=["nope"]), "query.series.group_by[0]"),
    (asked(NOON, NOON + HOUR, events=q.EventsQuestion(filter=q.Filter())), "query.events.filter"),
    (
        asked(NOON, NOON + HOUR, events=q.EventsQuestion(filter=equals("name; DROP TABLE events", "x"))),
        "query.events.filter.comparison.field",
    ),
    (
        asked(NOON, NOON + HOUR, events=q.EventsQuestion(filter=equals("properties.x", math.nan))),
        "query.events.filter.comparison.values[0]",
    ),
]


async def test_malformed_questions_name_the_field_at_fault(suite: Suite) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        for wrong, field in BAD:
            refused = await refusal(stub.RunQuery(pb.RunQueryRequest(query=wrong), metadata=key))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])
            refused = await refusal(stub.WatchQuery(pb.WatchQueryRequest(query=wrong), metadata=key).read())
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])


async def test_a_page_of_large_events_ends_before_it_is_too_large_to_send(
    suite: Suite, database: str
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON + timedelta(seconds=i), properties={"x": "y" * 60_000}) for i in range(120)]
            commit(connection, rows)
        stub, seen = QueryServiceStub(served.channel), 0
        request = pb.RunQueryRequest(
            query=asked(NOON, NOON + HOUR, events=q.EventsQuestion()), page_size=10_000
        )
        pages = []
        while True:
            answer = await stub.RunQuery(request, metadata=served.key("viewer"))
            pages.append(len(answer.events.events))
            seen += pages[-1]
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        assert (seen, len(pages)) == (120, 3)


async def test_watches_wait_where_questions_are_refused(suite: Suite, database: str) -> None:
    async with suite(query, query_concurrency=1, query_queue=0) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        asks = [pb.WatchQueryRequest(query=series(NOON, NOON + i * HOUR, COUNT)) for i in range(1, 6)]
        watches = [stub.WatchQuery(each, metadata=key) for each in asks]
        assert [(await watch.read()).kind for watch in watches] == [pb.WatchQueryResponse.KIND_SNAPSHOT] * 5
        for watch in watches:
            watch.cancel()


async def test_numbers_next_to_nothing_are_nothing(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            rows = [Happened(NOON, properties={"x": 5}), Happened(NOON)]
            commit(connection, rows)
            connection.execute(
                "UPDATE tidemark.events SET properties = '{\"x\": 1e-400}' WHERE properties IS NULL OR NOT properties ? 'x'"
            )
        for aggregation, total in ((q.AGGREGATION_SUM, 5), (q.AGGREGATION_MIN, 0), (q.AGGREGATION_AVG, 2.5)):
            measure = q.Measure(aggregation=aggregation, field="properties.x")
            answer = await QueryServiceStub(served.channel).RunQuery(
                pb.RunQueryRequest(query=series(NOON, NOON + HOUR, measure)), metadata=served.key("viewer")
            )
            assert answer.series.series[0].total == total


@pytest.mark.parametrize("ends", [(-(10**16), 0), (5, 1), (0, 2**62)])
async def test_a_token_that_nobody_gave_is_refused(suite: Suite, ends: tuple[int, int]) -> None:
    async with suite(query) as served:
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        for request, call, place in (
            (pb.GetLedgerRequest(), stub.GetLedger, (0, "web-1")),
            (
                pb.RunQueryRequest(query=asked(NOON, NOON + HOUR, events=q.EventsQuestion())),
                stub.RunQuery,
                (0, "00" * 16),
            ),
        ):
            request.page_token = page.token(request, *place, *ends)
            refused = await refusal(call(request, metadata=key))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["page_token"])
