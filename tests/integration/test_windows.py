"""WindowService and questions about windows through gRPC, and what the writer keeps in them, on a real database."""

import asyncio
import math
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from services.admin.service import admin
from services.ingest import microbatch, store
from services.ingest.microbatch import Microbatch
from services.ingest.service import ingest, writer
from services.ingest.windows.fold import Change
from services.ingest.windows.result import Result
from services.ingest.windows.store import LOCK, definitions, kept, put, recount
from services.ingest.windows.writer import Outdated
from services.ingest.windows.writer import Windows as Known
from services.kit.window import Part
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.ingesting import MINUTE_US, NOW_US, entry_fields, event, event_batch
from tests.integration.committing import LATE_AFTER_US, LEASE, Desk, desk
from tests.polling import until
from tests.windowing import ALL, aggregate, hopping, lasting, sessions, tumbling
from tidemark.v1 import dashboard_pb2, ingest_pb2, query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import window_pb2 as pb
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub
from tidemark.v1.window_pb2_grpc import WindowServiceStub

DEMO = "projects/demo"
ORDERS = f"{DEMO}/windows/orders"
START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ROWS = "SELECT count(*) FROM window_results"


class Windows:
    """WindowService with one key."""

    def __init__(self, served: Served, key: str = "admin") -> None:
        self._stub, self._key = WindowServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str) -> Any:
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request(**fields), metadata=self._key)

    async def made(self, window: pb.Window, window_id: str = "orders") -> pb.Window:
        """The window, made."""
        made = await self.CreateWindow(parent=DEMO, window_id=window_id, window=window)
        return made.window  # type: ignore[no-any-return]

    async def results(self, window_id: str = "orders", **fields: Any) -> list[pb.WindowResult]:
        """All its results of the first days of 2026, oldest first."""
        name = f"{DEMO}/windows/{window_id}"
        found = await self.ListWindowResults(
            name=name, time_range=between(START - DAY, START + 40 * DAY), page_size=1000, **fields
        )
        return list(reversed(found.results))

    async def shown(self, window_id: str = "orders") -> list[tuple[Any, ...]]:
        """By result: minutes after the beginning of 2026, key, and values."""
        return [shown(each) for each in await self.results(window_id)]


def shown(result: pb.WindowResult) -> tuple[Any, ...]:
    minutes = (result.start.ToDatetime(UTC) - START) / MINUTE
    return minutes, *result.key, *(None if math.isnan(each) else each for each in result.values)


def between(start: datetime, end: datetime) -> q.TimeRange:
    found = q.TimeRange()
    found.start.FromDatetime(start)
    found.end.FromDatetime(end)
    return found


def happened(minute: float, number: int, user: str = "ann", **properties: Any) -> Any:
    """An event so many minutes after the beginning of 2026."""
    return event(
        number,
        at_us=NOW_US + int(minute * MINUTE_US),
        user_id=user,
        properties_json=orjson.dumps(properties),
    )


async def sent(ours: Desk, *events: Any, partition: int = 0, received: float = 0) -> None:
    """Commits events that were received so many minutes after the beginning of 2026, as a batch outside any sequence."""
    received_us = NOW_US + int(received * MINUTE_US)
    await ours.commit(entry_fields(*events, sequence=0, received_us=received_us), partition=partition)


async def answered(served: Served, **fields: Any) -> query_pb2.RunQueryResponse:
    """The answer to a question about the window `orders` in the first hour of 2026."""
    within = fields.pop("within", between(START, START + 60 * MINUTE))
    asked = q.Query(time_range=within, window=q.WindowQuestion(window=ORDERS, **fields))
    request = query_pb2.RunQueryRequest(query=asked)
    return await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))  # type: ignore[no-any-return]


async def test_a_window_is_made_read_listed_and_deleted(suite: Suite) -> None:
    async with suite(ingest) as served:
        windows = Windows(served)
        request_id = str(uuid.uuid4())
        asked = tumbling(display_name="Orders by plan", key=["properties.plan"])
        first = await windows.CreateWindow(parent=DEMO, window=asked, request_id=request_id)
        again = await windows.CreateWindow(parent=DEMO, window=asked, request_id=request_id)
        assert first == again
        assert first.window.name == f"{DEMO}/windows/orders-by-plan"
        assert first.window.create_time.seconds > 0
        await windows.made(sessions(), "visits")
        assert (await windows.GetWindow(name=first.window.name)).window == first.window
        page = await windows.ListWindows(parent=DEMO, page_size=1)
        assert [each.name for each in page.windows] == [first.window.name]
        rest = await windows.ListWindows(parent=DEMO, page_size=1, page_token=page.next_page_token)
        assert [each.name for each in rest.windows] == [f"{DEMO}/windows/visits"]
        assert rest.next_page_token == ""
        await windows.DeleteWindow(name=first.window.name)
        gone = await refusal(windows.GetWindow(name=first.window.name))
        assert (gone.code, gone.reason) == ("NOT_FOUND", "WINDOW_NOT_FOUND")
        assert (await refusal(windows.DeleteWindow(name=first.window.name))).code == "NOT_FOUND"


async def test_an_id_is_given_once_and_a_project_has_twenty_windows(suite: Suite) -> None:
    async with suite(ingest) as served:
        windows = Windows(served)
        for number in range(20):
            await windows.made(tumbling(), f"w{number:02}")
        taken = await refusal(windows.made(tumbling(), "w00"))
        assert (taken.code, taken.reason) == ("ALREADY_EXISTS", "WINDOW_EXISTS")
        full = await refusal(windows.made(tumbling(), "w20"))
        assert (full.code, full.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_WINDOWS")


async def test_keys_without_the_permission_are_refused(suite: Suite) -> None:
    async with suite(ingest) as served:
        await Windows(served).made(tumbling())
        for role, method, fields in (
            ("viewer", "CreateWindow", {"parent": DEMO, "window": tumbling()}),
            ("viewer", "DeleteWindow", {"name": ORDERS}),
            ("ingest", "CreateWindow", {"parent": DEMO, "window": tumbling()}),
            ("ingest", "DeleteWindow", {"name": ORDERS}),
            ("ingest", "GetWindow", {"name": ORDERS}),
            ("ingest", "ListWindows", {"parent": DEMO}),
            ("ingest", "ListWindowResults", {"name": ORDERS}),
        ):
            call = getattr(Windows(served, role), method)
            assert (await refusal(call(**fields))).code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"key": ["a", "b"]}, "key"),
        ({"page_size": -1}, "page_size"),
        ({"page_token": "AAAA"}, "page_token"),
        ({"time_range": q.TimeRange()}, "time_range"),
        ({"name": "windows/x"}, "name"),
    ],
)
async def test_a_request_for_results_that_makes_no_sense_is_refused(
    suite: Suite, fields: dict[str, Any], field: str
) -> None:
    async with suite(ingest) as served:
        windows = Windows(served)
        await windows.made(tumbling(key=["user_id"]))
        error = await refusal(windows.ListWindowResults(**{"name": ORDERS} | fields))
        assert (error.code, error.violations) == ("INVALID_ARGUMENT", [field])


async def test_a_tumbling_window_keeps_all_aggregates_by_key(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(tumbling(*ALL, key=["properties.plan"]))
        await sent(
            ours,
            happened(0, 1, plan="pro", n=2),
            happened(0.5, 2, plan="pro", n=4),
            happened(0.9, 3, plan="free"),
            happened(1, 4, plan="pro", n=10),
        )
        await sent(ours, happened(0.2, 5, plan="pro", n=6), partition=1)
        assert await windows.shown() == [
            (0, "free", 1, *[None] * 6),
            (0, "pro", 3, 12, 4, 2, 6, 3, 4),
            (1, "pro", 1, 10, 10, 10, 10, 1, 10),
        ]
        only = await windows.results(key=["free"])
        assert [each.event_count for each in only] == [1]


async def test_what_came_before_the_window_or_twice_or_was_refused_does_not_count(
    suite: Suite, database: str
) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await sent(ours, happened(0, 1))
        await windows.made(tumbling())
        await sent(ours, happened(0, 1), happened(0, 2), happened(0, 2))
        await sent(ours, happened(0, 3), event(4, properties_json=b'{"n":1e-20000}'))
        await sent(ours, happened(0, 2), partition=1)
        assert await windows.shown() == [(0, 2)]


async def test_hopping_windows_overlap(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(hopping(*ALL[:2], seconds=120, every=60))
        await sent(ours, happened(1.5, 1, n=1), happened(2.5, 2, n=2))
        assert await windows.shown() == [(0, 1, 1), (1, 2, 3), (2, 1, 2)]


async def test_sessions_of_several_partitions_are_one(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(sessions(*ALL[:2], gap=120))
        await sent(ours, happened(0, 1, n=1), happened(3, 2, n=2))
        await sent(ours, happened(1.5, 3, n=4), happened(9, 4, n=8), partition=1)
        await sent(ours, happened(8, 5, n=16), happened(8, 6, "bob", n=32), partition=2)
        assert await windows.shown() == [(0, "ann", 3, 7), (8, "ann", 2, 24), (8, "bob", 1, 32)]
        first = (await windows.results())[0]
        assert first.end.ToDatetime(UTC) == START + 5 * MINUTE
        await sent(ours, happened(5, 7, n=64), happened(6.5, 8, n=128), partition=3)
        assert await windows.shown() == [(0, "ann", 3, 7), (5, "ann", 4, 216), (8, "bob", 1, 32)]
        # One that begins before the range is none of it, though other partitions have parts of it there.
        within = between(START + MINUTE, START + 60 * MINUTE)
        later = await windows.ListWindowResults(name=ORDERS, time_range=within)
        assert [shown(each)[0] for each in later.results] == [8, 5]
        # One that goes on after the range is all of it.
        within = between(START, START + 6 * MINUTE)
        earlier = await windows.ListWindowResults(name=ORDERS, time_range=within)
        assert [shown(each) for each in earlier.results] == [(5, "ann", 4, 216), (0, "ann", 3, 7)]


async def test_results_come_in_pages_latest_first(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(tumbling(key=["user_id"]))
        await sent(
            ours,
            *(happened(minute, minute * 9 + i, user) for minute in range(3) for i, user in enumerate("ab")),
        )
        found, token = [], ""
        while True:
            page = await windows.ListWindowResults(
                name=ORDERS, time_range=between(START, START + DAY), page_size=4, page_token=token
            )
            found += [shown(each)[:2] for each in page.results]
            if not (token := page.next_page_token):
                break
        assert found == [(2, "b"), (2, "a"), (1, "b"), (1, "a"), (0, "b"), (0, "a")]


async def test_a_late_event_restates_a_closed_window_visibly(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database, partitions=1) as ours:
        windows = Windows(served)
        await ours.connection.execute("DELETE FROM partitions WHERE partition > 0")
        await windows.made(lasting(tumbling(*ALL[:2]), 600))
        await sent(ours, happened(0, 1, n=1))
        (open_,) = await windows.results()
        assert (open_.closed, open_.late_count, open_.HasField("restated_at")) == (False, 0, False)
        await sent(ours, happened(2, 2, n=2), received=2)
        assert [each.closed for each in await windows.results()] == [True, False]
        await sent(ours, happened(0.5, 3, n=4), received=3)
        late = (await windows.results())[0]
        assert (late.closed, late.late_count, list(late.values)) == (True, 1, [2, 5])
        restated = late.restated_at.ToDatetime(UTC)
        assert datetime.now(UTC) - restated < MINUTE
        await sent(ours, happened(20, 4), received=20)
        await sent(ours, happened(0.7, 5, n=8), received=21)
        too_late = (await windows.results())[0]
        assert (too_late.late_count, too_late.dropped_count, list(too_late.values)) == (1, 1, [2, 5])
        assert too_late.restated_at.ToDatetime(UTC) == restated
        (line, _) = (await answered(served)).series.series
        assert (list(line.values)[:3], list(line.late_counts)[:3]) == ([2, 0, 1], [1, 0, 0])
        assert await ours.value("SELECT count(*) FROM batches WHERE watermark IS NULL") == 1


async def test_a_commit_under_way_counts_in_no_window_made_meanwhile_and_waits_for_it(
    suite: Suite, database: str
) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        known = Known()
        work = gathered(ours, happened(0, 1))
        await known.learn(ours.connection, work)
        async with ours.connection.transaction():
            await ours.connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK,))
            making = asyncio.create_task(windows.made(tumbling()))
            await until(lambda: waits(ours))
            assert not making.done()
        await making
        with pytest.raises(Outdated):
            await store.commit(ours.connection, work, ours.buckets, LEASE, known)
        assert await ours.value("SELECT count(*) FROM events") == 0
        await store.commit(ours.connection, work, type(ours.buckets)(), LEASE, Known())
        assert await windows.shown() == [(0, 1)]


async def waits(ours: Desk) -> bool:
    return bool(await ours.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


def gathered(ours: Desk, *events: Any) -> Microbatch:
    """A microbatch that is not committed."""
    entries = {0: [("1700000000000-0", entry_fields(*events, sequence=0))]}
    return microbatch.gather(entries, ours.positions, {}, LATE_AFTER_US)


async def test_a_writer_keeps_windows_made_and_deleted_while_it_runs(suite: Suite) -> None:
    async with suite(ingest, writer, query) as served:
        windows = Windows(served)
        stub = IngestServiceStub(served.channel)

        async def publish(*events: Any) -> None:
            batch = event_batch(*events, sequence=0)
            request = ingest_pb2.PublishBatchRequest(batch=batch, ack_mode=ingest_pb2.ACK_MODE_COMMITTED)
            await stub.PublishBatch(request, metadata=served.key("ingest"))

        minute = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
        minutes = (minute - START) / MINUTE
        await publish(happened(minutes, 1))
        await windows.made(tumbling())
        await publish(happened(minutes, 2))
        whole = between(minute, minute + MINUTE)
        (first,) = (await windows.ListWindowResults(name=ORDERS, time_range=whole)).results
        assert shown(first) == (minutes, 1)
        await windows.DeleteWindow(name=ORDERS)
        await publish(happened(minutes, 3))
        await windows.made(tumbling(*ALL[:2]))
        await publish(happened(minutes, 4, n=7))
        (second,) = (await windows.ListWindowResults(name=ORDERS, time_range=whole)).results
        assert shown(second) == (minutes, 1, 7)
        (line, total) = (await answered(served, within=whole)).series.series
        assert (list(line.values), list(total.values)) == ([1], [7])


async def test_deleting_a_window_takes_its_results_along(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(tumbling())
        await windows.made(sessions(), "visits")
        await sent(ours, happened(0, 1))
        assert await ours.value(ROWS) == 2
        await windows.DeleteWindow(name=ORDERS)
        assert await ours.value(ROWS) == 1
        await sent(ours, happened(0, 2))
        assert await windows.shown("visits") == [(0, "ann", 2)]


async def test_a_question_shows_keys_and_the_rest(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(
            tumbling(
                aggregate("SUM", "properties.n"), aggregate("UNIQUES"), aggregate("QUANTILE", "properties.n", quantile=0.5),
                seconds=600, key=["properties.plan"],
            )
        )  # fmt: skip
        plans = ["a", "b", "c"]
        for partition in range(3):
            await sent(
                ours,
                *(
                    happened(
                        minute, 100 * partition + 10 * i + minute // 10, f"u{i}{minute}", plan=plan, n=i + 1
                    )
                    for minute in (0, 20)
                    for i, plan in enumerate(plans)
                ),
                partition=partition,
            )
        response = await answered(served, top=2)
        lines = [
            (line.measure_id, list(line.group), line.other, list(line.values)[:3], line.total)
            for line in response.series.series
        ]
        assert lines[:3] == [
            ("sum", ["c"], False, [9, 0, 9], 18),
            ("sum", ["b"], False, [6, 0, 6], 12),
            ("sum", [], True, [3, 0, 3], 6),
        ]
        assert lines[3:6] == [
            ("uniques", ["c"], False, [1, 0, 1], 2),
            ("uniques", ["b"], False, [1, 0, 1], 2),
            ("uniques", [], True, [1, 0, 1], 2),
        ]
        assert [(each[0], each[4]) for each in lines[6:]] == [
            ("quantile", 3),
            ("quantile", 2),
            ("quantile", 1),
        ]
        assert len(response.series.bucket_starts) == 6
        about = response.metadata
        assert about.source == q.DATA_SOURCE_ROLLUP
        assert about.error_bound > 0
        assert about.HasField("watermark")
        only = (await answered(served, key=["b"], aggregates=["sum"])).series.series
        assert [(list(line.group), line.total, list(line.late_counts)) for line in only] == [
            (["b"], 12, [0] * 6)
        ]


async def test_a_question_about_hopping_windows_has_no_total(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database) as ours:
        await Windows(served).made(hopping(seconds=120, every=60))
        await sent(ours, happened(1.5, 1))
        (line,) = (await answered(served)).series.series
        assert list(line.values)[:3] == [1, 1, 0]
        assert math.isnan(line.total)


async def test_a_question_about_sessions_counts_them_where_they_begin(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database) as ours:
        await Windows(served).made(sessions(*ALL[:2], gap=120))
        await sent(ours, happened(0.5, 1, n=1), happened(1.2, 2, n=2), happened(7, 3, n=4))
        await sent(ours, happened(2, 4, n=8), happened(0.7, 5, "bob", n=16), partition=1)
        response = await answered(served, top=1)
        values = {
            (line.measure_id, line.other): (list(line.values)[:2], line.values[7], line.total)
            for line in response.series.series
        }
        assert len(response.series.bucket_starts) == 60
        assert values == {
            ("count", False): ([3, 0], 1, 4),
            ("count", True): ([1, 0], 0, 1),
            ("sum", False): ([11, 0], 4, 15),
            ("sum", True): ([16, 0], 0, 16),
        }


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"window": "x"}, "INVALID_ARGUMENT", "query.window.window"),
        ({"window": f"{DEMO}/windows/other"}, "NOT_FOUND", ""),
        ({"window": "projects/neighbour/windows/orders"}, "NOT_FOUND", ""),
        ({"aggregates": ["x"]}, "INVALID_ARGUMENT", "query.window.aggregates[0]"),
        ({"aggregates": ["count", "count"]}, "INVALID_ARGUMENT", "query.window.aggregates[1]"),
        ({"key": ["a"]}, "INVALID_ARGUMENT", "query.window.key"),
        ({"top": 101}, "INVALID_ARGUMENT", "query.window.top"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    suite: Suite, fields: dict[str, Any], code: str, field: str
) -> None:
    async with suite(ingest, query) as served:
        await Windows(served).made(tumbling())
        asked = q.Query(
            time_range=between(START, START + DAY), window=q.WindowQuestion(**{"window": ORDERS} | fields)
        )
        request = query_pb2.RunQueryRequest(query=asked)
        stub = QueryServiceStub(served.channel)
        error = await refusal(stub.RunQuery(request, metadata=served.key("viewer")))
        assert (error.code, error.violations) == (code, [field] if field else [])


async def test_a_question_with_too_many_windows_asks_for_a_shorter_range(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        await Windows(served).made(tumbling(seconds=1))
        error = await refusal(answered(served, within=between(START, START + DAY)))
        assert (error.code, error.violations) == ("INVALID_ARGUMENT", ["query.time_range"])


async def test_a_window_is_explained_and_exported(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database) as ours:
        await Windows(served).made(tumbling(key=["user_id"]))
        await sent(ours, happened(0, 1), happened(0, 2, "bob"))
        asked = q.Query(time_range=between(START, START + 2 * MINUTE), window=q.WindowQuestion(window=ORDERS))
        stub, key = QueryServiceStub(served.channel), served.key("viewer")
        explained = await stub.ExplainQuery(
            query_pb2.ExplainQueryRequest(query=asked, analyze=True), metadata=key
        )
        (scan,) = explained.scans
        assert (scan.source, scan.rows_expected, explained.rows_read) == ("window_results", 2, 2)
        assert "window_results" in scan.statement
        export = query_pb2.ExportRequest(query=asked, format=query_pb2.ExportRequest.FORMAT_CSV)
        file = b"".join([message.chunk async for message in stub.Export(export, metadata=key)]).decode()
        assert file.splitlines()[0] == '"start","measure","key1","other","value","late_count"'
        assert len(file.splitlines()) == 5


async def test_who_watches_a_window_sees_what_is_committed(suite: Suite) -> None:
    async with suite(ingest, writer, query) as served:
        await Windows(served).made(tumbling(seconds=3600))
        asked = q.Query(window=q.WindowQuestion(window=ORDERS))
        asked.time_range.CopyFrom(between(START, START + DAY))
        stub = QueryServiceStub(served.channel)
        call = stub.WatchQuery(query_pb2.WatchQueryRequest(query=asked), metadata=served.key("viewer"))
        first = await call.read()
        assert first.kind == query_pb2.WatchQueryResponse.KIND_SNAPSHOT
        batch = event_batch(happened(0, 1), happened(90, 2), sequence=0)
        await IngestServiceStub(served.channel).PublishBatch(
            ingest_pb2.PublishBatchRequest(batch=batch), metadata=served.key("ingest")
        )
        async with asyncio.timeout(20):
            while (change := await call.read()).kind == query_pb2.WatchQueryResponse.KIND_HEARTBEAT:
                pass
        assert change.kind == query_pb2.WatchQueryResponse.KIND_DELTA
        (line,) = change.series.series
        assert (list(line.values), list(line.late_counts), line.total) == ([1, 1], [0, 0], 2)
        assert [each.seconds for each in change.series.bucket_starts] == [
            NOW_US // 10**6, NOW_US // 10**6 + 3600,
        ]  # fmt: skip
        call.cancel()
        resumed = stub.WatchQuery(
            query_pb2.WatchQueryRequest(query=asked, cursor=change.cursor), metadata=served.key("viewer")
        )
        assert (await resumed.read()).kind == query_pb2.WatchQueryResponse.KIND_HEARTBEAT
        resumed.cancel()


async def test_a_tile_shows_a_window(suite: Suite, database: str) -> None:
    async with suite(ingest, query) as served, desk(database) as ours:
        await Windows(served).made(tumbling())
        await sent(ours, happened(0, 1))
        asked = q.Query(time_range=between(START, START + DAY / 24), window=q.WindowQuestion(window=ORDERS))
        board = dashboard_pb2.Dashboard(
            display_name="Windows", tiles=[dashboard_pb2.Tile(id="orders", query=asked)]
        )
        stub, key = DashboardServiceStub(served.channel), served.key("admin")
        made = await stub.CreateDashboard(
            dashboard_pb2.CreateDashboardRequest(parent=DEMO, dashboard=board), metadata=key
        )
        call = stub.WatchDashboard(
            dashboard_pb2.WatchDashboardRequest(name=made.dashboard.name), metadata=key
        )
        async with asyncio.timeout(20):
            while not (message := await call.read()).tiles:
                pass
        (tile,) = message.tiles
        assert tile.answer.series.series[0].total == 1
        call.cancel()


@pytest.mark.parametrize(
    "window",
    [
        tumbling(*ALL, key=["user_id"], seconds=600),
        tumbling(*ALL, aggregate("UNIQUES"), key=["properties.plan"], event_names=["clicked"], seconds=600),
        hopping(*ALL, key=["properties.plan"], seconds=1200, every=600),
        sessions(*ALL, gap=300),
        sessions(*ALL, gap=900, key=["properties.plan"], when="properties.n > 1"),
    ],
    ids=["by-user", "by-plan", "hopping", "visits", "by-plan-sessions"],
)
async def test_a_recount_finds_what_the_writer_kept_without_the_person(
    suite: Suite, database: str, window: pb.Window
) -> None:
    """The window is kept of everybody, and of everybody but one; after that one was erased both are the same."""
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await sent(ours, happened(3, 900, "bob", n=900, plan="a"))
        window = replace_ids(window)
        await windows.made(lasting(window, 1200))
        without = pb.Window()
        without.CopyFrom(window)
        limit = "user_id != 'ann'"
        without.when = f"({window.when}) && {limit}" if window.when else limit
        await windows.made(lasting(without, 1200), "without")
        users, plans = ["ann", "bob", "cleo"], ["a", "b"]
        for step in range(12):
            await sent(
                ours,
                *(
                    happened(
                        (step * 7 + place * 13) % 60, step * 10 + place, users[(step + place) % 3],
                        n=place + step, plan=plans[(step * place) % 2],
                    )
                    for place in range(6)
                ),
                partition=step % 3,
                received=step * 8,
            )  # fmt: skip
        expected = await windows.results("without")
        assert sum(each.late_count for each in expected) > 0
        async with ours.connection.transaction():
            await ours.connection.execute("DELETE FROM events WHERE user_id = 'ann'")
            span = START, START + timedelta(hours=1)
            number = await recount(ours.connection, 1, "ann", span, range(8))
        assert number > 0
        found = await windows.results()
        for each in (*found, *expected):
            each.ClearField("restated_at")
        assert [comparable(each) for each in found] == [comparable(each) for each in expected]


def replace_ids(window: pb.Window) -> pb.Window:
    """With an id of its own for each aggregate."""
    made = pb.Window()
    made.CopyFrom(window)
    for place, each in enumerate(made.aggregates):
        each.id = f"a{place}"
    return made


def comparable(result: pb.WindowResult) -> tuple[Any, ...]:
    return (
        *shown(result), result.end.seconds, result.event_count, result.late_count, result.dropped_count, result.closed,
    )  # fmt: skip


async def test_of_windows_whose_rows_are_gone_only_those_of_the_person_go(
    suite: Suite, database: str
) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(tumbling(key=["user_id"]))
        await sent(ours, happened(0, 1), happened(0, 2, "bob"), happened(10, 3), happened(10, 4, "bob"))
        async with ours.connection.transaction():
            await ours.connection.execute(
                "DELETE FROM events WHERE user_id = 'ann' OR occurred_at < %s", (START + MINUTE,)
            )
            await recount(ours.connection, 1, "ann", (START, START + DAY), [0], START + MINUTE)
        assert await windows.shown() == [(0, "bob", 1), (10, "bob", 1)]


async def test_what_is_kept_of_others_and_of_other_times_stays(suite: Suite, database: str) -> None:
    async with suite(ingest, admin) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(sessions(gap=60))
        await sent(ours, happened(0, 1), happened(50, 2), happened(0, 3, "bob"))
        before = await ours.rows("SELECT ctid, * FROM window_results WHERE start_at > %s", START + MINUTE)
        async with ours.connection.transaction():
            await recount(ours.connection, 1, "ann", (START, START + MINUTE), [0])
        after = await ours.rows("SELECT ctid, * FROM window_results WHERE start_at > %s", START + MINUTE)
        assert before == after
        assert await windows.shown() == [(0, "ann", 1), (0, "bob", 1), (50, "ann", 1)]


async def test_a_window_costs_nothing_where_there_is_none(database: str) -> None:
    async with desk(database) as ours:
        await sent(ours, happened(0, 1))
        known = Known()
        work = gathered(ours, happened(0, 2))
        await known.learn(ours.connection, work)
        kept = await known.kept(psycopg.AsyncConnection, work.events, work)  # type: ignore[arg-type]
        assert (dict(kept.revisions), list(kept.changes)) == ({1: 0}, [])


async def test_a_sum_beyond_the_largest_double_is_kept(suite: Suite, database: str) -> None:
    async with suite(ingest) as served, desk(database) as ours:
        windows = Windows(served)
        await windows.made(tumbling(aggregate("SUM", "properties.n")))
        (definition,) = await definitions(ours.connection, 1)
        result = Result(0, (), NOW_US, NOW_US + MINUTE_US, 2, (Part(2, -math.inf),))
        await put(ours.connection, definition, Change([result], []))
        assert await kept(ours.connection, definition, [result]) == [result]
        assert await windows.shown() == [(0, -math.inf)]
