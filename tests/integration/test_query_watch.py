"""WatchQuery through gRPC on a real database and a real Redis."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import orjson
import psycopg
import pytest

from services.query.live import worker
from services.query.service import query
from tests.conftest import Served, Suite, counted, refusal
from tests.integration.history import Happened, Point, commit
from tests.integration.test_query_answers import COUNT, HOUR, MINUTE, NOON, UNIQUES, asked, equals, series
from tests.polling import until
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2_grpc import QueryServiceStub

SNAPSHOT, DELTA, HEARTBEAT = (
    pb.WatchQueryResponse.KIND_SNAPSHOT,
    pb.WatchQueryResponse.KIND_DELTA,
    pb.WatchQueryResponse.KIND_HEARTBEAT,
)
SOON = 5.0


class Watch:
    """An open stream, read with a deadline."""

    def __init__(self, served: Served, question: q.Query, **others: Any) -> None:
        request = pb.WatchQueryRequest(query=question, **others)
        self._call = QueryServiceStub(served.channel).WatchQuery(request, metadata=served.key("viewer"))

    async def read(self) -> pb.WatchQueryResponse:
        """The next answer."""
        response = await asyncio.wait_for(self._call.read(), SOON * 2)
        assert response is not grpc.aio.EOF, await self._call.code()
        return response

    async def changed(self) -> pb.WatchQueryResponse:
        """The next answer that is no heartbeat."""
        while (response := await self.read()).kind == HEARTBEAT:
            pass
        return response

    async def code(self) -> str:
        """The code under which the stream ends."""
        return (await asyncio.wait_for(self._call.code(), SOON)).name

    def cancel(self) -> None:
        self._call.cancel()


async def committed(served: Served, database: str, rows: Sequence[Happened | Point], **others: Any) -> None:
    """Commits rows and announces it, as the writer does."""
    with psycopg.connect(database) as connection:
        announcement = commit(connection, rows, **others)
    await served.resources.redis.publish("tm:commits", orjson.dumps(announcement))


async def test_a_commit_becomes_a_change_of_the_buckets_it_touched(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, user_id="u1")])
        watch = Watch(served, series(NOON, NOON + 3 * HOUR, COUNT, UNIQUES))
        first = await watch.read()
        assert first.kind == SNAPSHOT
        assert list(first.series.series[0].values) == [1, 0, 0]
        await committed(
            served, database, [Happened(NOON + HOUR, user_id=f"u{i}", partition=3) for i in range(2)]
        )
        change = await watch.changed()
        assert change.kind == DELTA
        assert [t.ToDatetime(UTC) for t in change.series.bucket_starts] == [NOON + HOUR]
        count, uniques = change.series.series
        assert (list(count.values), count.total) == ([2], 3)
        assert (list(uniques.values), uniques.total) == ([2], 2)
        assert change.metadata.data_version != first.metadata.data_version


async def test_the_first_change_after_a_quiet_time_is_seen_at_once(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        await watch.read()
        delays = []
        for i in range(5):
            await asyncio.wait_for(_quiet(served), SOON)
            await committed(served, database, [Happened(NOON + i * MINUTE)])
            began = time.monotonic()
            await watch.changed()
            delays.append(time.monotonic() - began)
        assert sorted(delays)[2] < 0.25


async def _quiet(served: Served) -> None:
    """Until a feed would answer at once again."""
    deadline = time.monotonic() + worker.LEAST_INTERVAL * 1.5
    while time.monotonic() < deadline:
        await served.resources.redis.ping()


async def test_exact_uniques_of_the_whole_range_stay_right(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, user_id="u1", properties={"x": 1})])
        exists = q.Filter(comparison=q.Comparison(field="properties.x", operator=q.OPERATOR_EXISTS))
        watch = Watch(served, series(NOON, NOON + 2 * HOUR, UNIQUES, filter=exists))
        await watch.read()
        rows = [Happened(NOON + HOUR, user_id=user, properties={"x": 1}) for user in ("u1", "u2")]
        await committed(served, database, rows)
        change = await watch.changed()
        assert (list(change.series.series[0].values), change.series.series[0].total) == ([2], 2)


async def test_a_new_group_brings_a_snapshot(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="a")])
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT, group_by=["name"]))
        assert [list(s.group) for s in (await watch.read()).series.series] == [["a"]]
        await committed(served, database, [Happened(NOON, name="b")] * 1)
        change = await watch.changed()
        assert change.kind == SNAPSHOT
        assert {tuple(s.group): s.total for s in change.series.series} == {("a",): 1, ("b",): 1}


async def test_new_events_are_sent_once_also_when_they_are_late(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        old = [Happened(NOON + i * MINUTE, name="old") for i in range(5)]
        await committed(served, database, old)
        watch = Watch(served, asked(NOON - HOUR, NOON + HOUR, events=q.EventsQuestion()), page_size=3)
        assert len((await watch.read()).events.events) == 3
        late, other = (
            Happened(NOON - 30 * MINUTE, name="late"),
            Happened(NOON + 1 * MINUTE, name="same minute"),
        )
        await committed(served, database, [late])
        await committed(served, database, [other])
        seen: list[str] = []
        while len(seen) < 2:
            change = await watch.changed()
            assert change.kind == DELTA
            seen += [e.event.name for e in change.events.events]
        assert sorted(seen) == ["late", "same minute"]


@pytest.mark.parametrize("kind", ["series", "events"])
async def test_a_cursor_goes_on_without_a_gap(suite: Suite, database: str, kind: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="before")])
        asks = (
            series(NOON, NOON + 4 * HOUR, COUNT)
            if kind == "series"
            else asked(NOON, NOON + HOUR * 4, events=q.EventsQuestion())
        )
        watch = Watch(served, asks)
        cursor = (await watch.read()).cursor
        watch.cancel()
        await committed(served, database, [Happened(NOON + 2 * HOUR, name="between")])
        change = await Watch(served, asks, cursor=cursor).read()
        assert change.kind == DELTA
        if kind == "series":
            assert [t.ToDatetime(UTC) for t in change.series.bucket_starts] == [NOON + 2 * HOUR]
            assert (list(change.series.series[0].values), change.series.series[0].total) == ([1], 2)
        else:
            assert [e.event.name for e in change.events.events] == ["between"]


async def test_a_cursor_older_than_the_commit_log_begins_anew(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asks = series(NOON, NOON + HOUR, COUNT)
        watch = Watch(served, asks)
        cursor = (await watch.read()).cursor
        watch.cancel()
        with psycopg.connect(database) as connection:
            # As if the database had been restored from an older copy.
            connection.execute("DELETE FROM partitions WHERE partition = 7")
        assert (await Watch(served, asks, cursor=cursor).read()).kind == SNAPSHOT


async def test_a_cursor_of_another_question_is_refused(suite: Suite) -> None:
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        cursor = (await watch.read()).cursor
        for wrong in (cursor, "nonsense", "W10"):
            request = pb.WatchQueryRequest(query=series(NOON, NOON + 2 * HOUR, COUNT), cursor=wrong)
            call = QueryServiceStub(served.channel).WatchQuery(request, metadata=served.key("viewer"))
            refused = await refusal(call.read())
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["cursor"])


async def test_a_quiet_watch_has_a_heartbeat(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.query.live.stream.TICK", 0.2)
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        first = await watch.read()
        beat = await watch.read()
        assert (first.kind, beat.kind) == (SNAPSHOT, HEARTBEAT)
        assert not beat.HasField("series")
        assert beat.cursor


async def test_draining_ends_watches_with_unavailable(suite: Suite) -> None:
    async with suite(query) as served:
        watches = [Watch(served, series(NOON, NOON + i * HOUR, COUNT)) for i in (1, 1, 2)]
        for watch in watches:
            await watch.read()
        served.resources.draining.set()
        assert [await watch.code() for watch in watches] == ["UNAVAILABLE"] * 3


async def test_commits_elsewhere_wake_nobody(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        await watch.read()
        await committed(served, database, [Happened(NOON)], project_id=2)
        await committed(served, database, [Happened(NOON + 5 * HOUR)])
        await committed(served, database, [Happened(NOON + MINUTE)])
        change = await watch.changed()
        assert change.series.series[0].total == 1


async def test_an_announcement_lost_with_the_connection_is_made_up_for(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        await watch.read()
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
        await served.resources.redis.client_kill_filter(_type="pubsub")
        assert (await watch.changed()).series.series[0].total == 1


async def test_a_moving_range_counts_what_happens_now(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asks = q.Query(
            series=q.SeriesQuestion(measures=[COUNT], interval=q.Interval(unit=q.Interval.UNIT_MINUTE))
        )
        asks.time_range.last.FromTimedelta(HOUR)
        watch = Watch(served, asks)
        first = await watch.read()
        assert len(first.series.bucket_starts) == 60
        await committed(served, database, [Happened(datetime.now(UTC) - timedelta(seconds=1))])
        assert (await watch.changed()).series.series[0].total == 1


async def test_followers_of_one_question_share_its_readings(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asks = series(NOON, NOON + HOUR, COUNT, filter=equals("name", "order_placed"))
        watches = [Watch(served, asks) for _ in range(10)]
        for watch in watches:
            await watch.read()
        before = counted("tidemark_query_refreshes_total")
        await committed(served, database, [Happened(NOON)])
        assert [(await watch.changed()).series.series[0].total for watch in watches] == [1] * 10
        assert counted("tidemark_query_refreshes_total") - before <= 2


@pytest.mark.parametrize(
    "data", [b"junk", b"[]", b"{}", b'{"projects":{"a":1}}', b'{"projects":{"1":[[1e30,2]]}}']
)
async def test_what_is_no_announcement_makes_everybody_look(suite: Suite, database: str, data: bytes) -> None:
    async with suite(query) as served:
        watch = Watch(served, series(NOON, NOON + HOUR, COUNT))
        await watch.read()
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON)])
        await served.resources.redis.publish("tm:commits", data)
        assert (await watch.changed()).series.series[0].total == 1


async def test_more_different_questions_than_may_be_watched_are_refused(suite: Suite) -> None:
    async with suite(query, query_watches=2) as served:
        watches = [Watch(served, series(NOON, NOON + hours * HOUR, COUNT)) for hours in (1, 2)]
        for watch in watches:
            await watch.read()
        assert await Watch(served, series(NOON, NOON + 3 * HOUR, COUNT)).code() == "RESOURCE_EXHAUSTED"
        shared = Watch(served, series(NOON, NOON + HOUR, COUNT))
        assert (await shared.read()).kind == pb.WatchQueryResponse.KIND_SNAPSHOT
        watches[1].cancel()

        async def is_left() -> bool:
            return counted("tidemark_query_watching") == 2

        await until(is_left)
        assert (await Watch(served, series(NOON, NOON + 3 * HOUR, COUNT)).read()).kind == SNAPSHOT


async def test_events_of_a_clock_that_is_ahead_are_sent_as_they_come(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        asks = q.Query(events=q.EventsQuestion())
        asks.time_range.last.FromTimedelta(HOUR)
        watch = Watch(served, asks)
        cursor = (await watch.read()).cursor
        await committed(served, database, [Happened(datetime.now(UTC) + 2 * MINUTE, name="ahead")])
        assert [e.event.name for e in (await watch.changed()).events.events] == ["ahead"]
        resumed = await Watch(served, asks, cursor=cursor).read()
        assert [e.event.name for e in resumed.events.events] == ["ahead"]
