"""WatchDashboard through gRPC on a real database and a real Redis."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import psycopg
import pytest

from services.query.live import worker
from services.query.service import query
from tests.conftest import Served, Suite, counted, refusal
from tests.integration.history import Happened, Point
from tests.integration.test_dashboards import DEMO, Asking
from tests.integration.test_query_answers import COUNT, HOUR, MINUTE, NOON, equals
from tests.integration.test_query_watch import DELTA, SNAPSHOT, SOON, committed
from tests.polling import until
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub

NOON_RANGE = q.TimeRange()
NOON_RANGE.start.FromDatetime(NOON)
NOON_RANGE.end.FromDatetime(NOON + 4 * HOUR)


def counting(tile_id: str, name: str = "", **others: Any) -> pb.Tile:
    """A tile that counts events of a name by hour."""
    measure = q.Measure(aggregation=q.AGGREGATION_COUNT, name=name)
    asked = q.SeriesQuestion(measures=[measure], interval=q.Interval(unit=q.Interval.UNIT_HOUR), **others)
    return pb.Tile(id=tile_id, query=q.Query(series=asked))


def draft(*tiles: pb.Tile, **others: Any) -> pb.Dashboard:
    """A dashboard of four hours from noon."""
    return pb.Dashboard(**{"tiles": tiles, "time_range": NOON_RANGE, **others})


LISTED = pb.Tile(id="events", query=q.Query(events=q.EventsQuestion()))
TABLE = pb.Tile(id="table", query=q.Query(table=q.TableQuestion(measures=[COUNT], group_by=["name"])))


class Watch:
    """An open stream: what its messages say, and what a reader who applies them sees."""

    def __init__(self, served: Served, key: str = "viewer", **request: Any) -> None:
        asked = pb.WatchDashboardRequest(**{"project": DEMO, **request})
        self.call = DashboardServiceStub(served.channel).WatchDashboard(asked, metadata=served.key(key))
        self.cursor = ""
        self.series: dict[str, dict[int, float]] = {}
        self.totals: dict[str, float] = {}
        self.seen: dict[str, list[Any]] = {}

    async def read(self) -> pb.WatchDashboardResponse:
        """The next message."""
        message = await asyncio.wait_for(self.call.read(), SOON * 2)
        assert message is not grpc.aio.EOF, await self.call.code()
        self.cursor = message.cursor
        for tile in message.tiles:
            self.seen.setdefault(tile.tile_id, []).append(tile)
            self._apply(tile)
        return message

    async def until(self, condition: Any) -> None:
        """Reads on until something holds."""
        while not condition():
            await self.read()

    def _apply(self, tile: pb.TileAnswer) -> None:
        answer = tile.answer
        if answer.WhichOneof("result") != "series" or len(answer.series.series) != 1:
            return
        if answer.kind == SNAPSHOT:
            self.series[tile.tile_id] = {}
        known = self.series.setdefault(tile.tile_id, {})
        [line] = answer.series.series
        starts = [start.seconds for start in answer.series.bucket_starts]
        known |= dict(zip(starts, line.values))
        self.totals[tile.tile_id] = line.total


async def test_all_tiles_come_on_one_stream_and_then_what_changes(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="a"), Happened(NOON, name="b")])
        watch = Watch(served, draft=draft(counting("a", "a"), counting("b", "b"), TABLE, LISTED))
        await watch.until(lambda: len(watch.seen) == 4)
        assert all(tiles[0].answer.kind == SNAPSHOT for tiles in watch.seen.values())
        assert watch.totals == {"a": 1, "b": 1}
        watch.seen.clear()
        await committed(served, database, [Happened(NOON + HOUR, name="a")])
        await watch.until(lambda: {"a", "table", "events"} <= watch.seen.keys())
        assert "b" not in watch.seen
        [change] = watch.seen["a"]
        assert change.answer.kind == DELTA
        assert [t.ToDatetime(UTC) for t in change.answer.series.bucket_starts] == [NOON + HOUR]
        assert change.answer.cursor == ""
        assert change.answer.metadata.data_version
        assert [e.event.name for e in watch.seen["events"][0].answer.events.events] == ["a"]
        assert watch.seen["table"][0].answer.table.rows[0].values[0] == 2


async def test_a_message_tells_how_complete_it_is_and_when_it_was_sent(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE partitions SET watermark = %s", (NOON,))
        watch = Watch(served, draft=draft(counting("a")))
        message = await watch.read()
        assert message.watermark.ToDatetime(UTC) == NOON
        assert abs(message.sent_at.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_what_happens_to_many_tiles_comes_in_one_message(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        tiles = [counting(f"t{i}", fill=q.FILL_ZERO, filter=equals("name", "a")) for i in range(12)]
        watch = Watch(served, draft=draft(*tiles))
        await watch.until(lambda: len(watch.seen) == 12)
        await _quiet(served)
        await committed(served, database, [Happened(NOON, name="a")])
        assert len((await watch.read()).tiles) == 12


async def _quiet(served: Served) -> None:
    """Until a desk would answer at once again."""
    deadline = time.monotonic() + worker.LEAST_INTERVAL * 2
    while time.monotonic() < deadline:
        await served.resources.redis.ping()


async def test_fifty_tiles_are_answered(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON + i * MINUTE, name=f"n{i}") for i in range(50)])
        watch = Watch(served, draft=draft(*(counting(f"t{i}", f"n{i}") for i in range(50))))
        await watch.until(lambda: len(watch.totals) == 50)
        assert set(watch.totals.values()) == {1}
        await committed(served, database, [Happened(NOON, name=f"n{i}") for i in range(50)])
        await watch.until(lambda: set(watch.totals.values()) == {2})


async def test_a_tile_that_cannot_be_answered_leaves_the_others_alone(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        wrong = pb.Tile(id="wrong", query=q.Query(series=q.SeriesQuestion()))
        lost = counting("lost", filter=q.Filter(cohort=f"{DEMO}/cohorts/nobody"))
        watch = Watch(served, draft=draft(wrong, lost, counting("fine")))
        await watch.until(lambda: len(watch.seen) == 3)
        assert "series.measures" in watch.seen["wrong"][0].error.message
        assert watch.seen["wrong"][0].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert watch.seen["lost"][0].error.code == grpc.StatusCode.NOT_FOUND.value[0]
        assert not watch.seen["lost"][0].HasField("answer")
        await committed(served, database, [Happened(NOON)])
        await watch.until(lambda: watch.totals.get("fine") == 1)
        assert len(watch.seen["wrong"]) == 1, "an error is told once"


async def test_a_tile_that_failed_is_asked_again(suite: Suite) -> None:
    async with suite(query) as served:
        lost = counting("lost", filter=q.Filter(cohort=f"{DEMO}/cohorts/late"))
        watch = Watch(served, draft=draft(lost))
        await watch.until(lambda: "lost" in watch.seen)
        async with served.resources.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO cohorts (project_id, cohort_id, display_name, description) VALUES (1, 'late', '', '')"
            )
        await watch.until(lambda: "lost" in watch.totals)
        assert not watch.seen["lost"][-1].HasField("error")


async def test_readers_filter_choose_and_move_in_time(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        rows = [
            Happened(NOON + i * HOUR, properties={"country": country, "plan": plan})
            for i, (country, plan) in enumerate([("DE", "pro"), ("FR", "pro"), ("DE", "free")])
        ]
        await committed(served, database, [*rows, Point(NOON, 7.0, name="load")])
        load = q.Measure(aggregation=q.AGGREGATION_SUM, name="load", source=q.SOURCE_METRICS)
        metrics = pb.Tile(id="load", query=q.Query(series=q.SeriesQuestion(measures=[load])))
        made = await Asking(served).create(
            draft(
                counting("count"),
                metrics,
                display_name="x",
                filter=equals("properties.country", "$country"),
                variables=[pb.Variable(id="country", values=["DE"])],
            )
        )

        async def totals(**chosen: Any) -> list[float]:
            watch = Watch(served, name=made.name, **chosen)
            await watch.until(lambda: len(watch.totals) == 2)
            watch.call.cancel()
            return [watch.totals["count"], watch.totals["load"]]

        assert await totals() == [2, 7]
        both = [pb.VariableValues(id="country", values=["DE", "FR"])]
        assert await totals(variables=both) == [3, 7]
        assert await totals(variables=[pb.VariableValues(id="country")]) == [3, 7]
        assert await totals(filter=equals("properties.plan", "free")) == [1, 7]
        first = q.TimeRange(start=NOON_RANGE.start)
        first.end.FromDatetime(NOON + HOUR)
        assert await totals(time_range=first) == [1, 7]


async def test_a_cursor_brings_only_what_has_changed_since(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="a"), Happened(NOON, name="b")])
        tiles = draft(counting("a", "a"), counting("b", "b"), TABLE, LISTED)
        watch = Watch(served, draft=tiles)
        await watch.until(lambda: len(watch.seen) == 4)
        watch.call.cancel()
        quiet = Watch(served, draft=tiles, cursor=watch.cursor)
        assert not (await quiet.read()).tiles
        quiet.call.cancel()
        await committed(served, database, [Happened(NOON + HOUR, name="a")])
        again = Watch(served, draft=tiles, cursor=quiet.cursor)
        await again.until(lambda: {"a", "table", "events"} <= again.seen.keys())
        assert "b" not in again.seen
        assert again.seen["a"][0].answer.kind == DELTA
        assert again.totals["a"] == 2
        assert [e.event.name for e in again.seen["events"][0].answer.events.events] == ["a"]


async def test_a_tile_that_asks_something_else_by_now_begins_anew(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="a")])
        watch = Watch(served, draft=draft(counting("one", "a"), counting("two", "a")))
        await watch.until(lambda: len(watch.seen) == 2)
        watch.call.cancel()
        again = Watch(served, draft=draft(counting("one", "a"), counting("two", "b")), cursor=watch.cursor)
        await again.until(lambda: again.seen)
        assert {tile_id: tiles[0].answer.kind for tile_id, tiles in again.seen.items()} == {"two": SNAPSHOT}


async def test_a_cursor_that_is_none_is_refused(suite: Suite) -> None:
    async with suite(query) as served:
        refused = await refusal(Watch(served, draft=draft(counting("a")), cursor="nonsense").call.read())
        assert refused.violations == ["cursor"]


async def test_the_tiles_of_a_saved_dashboard_follow_its_changes(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await committed(served, database, [Happened(NOON, name="a"), Happened(NOON, name="b")])
        asking = Asking(served)
        made = await asking.create(draft(counting("a", "a"), counting("gone", "a"), display_name="x"))
        watch = Watch(served, name=made.name)
        await watch.until(lambda: len(watch.seen) == 2)
        assert (await asking.get(made.name)).etag == "1"
        watch.seen.clear()
        changed = pb.Dashboard(name=made.name, tiles=[counting("a", "a"), counting("new", "b")])
        await asking.update(changed)
        message = await watch.read()
        while message.etag == "1":
            message = await watch.read()
        await watch.until(lambda: "new" in watch.seen)
        assert watch.seen.keys() == {"new"}, "what asks the same is not sent again"
        await committed(served, database, [Happened(NOON, name="a")])
        await watch.until(lambda: watch.totals["a"] == 2)
        assert watch.seen["a"][0].answer.kind == DELTA
        await asking.delete(made.name)
        assert (await refusal(watch.until(lambda: False))).reason == "DASHBOARD_NOT_FOUND"


async def test_a_dashboard_without_questions_shows_signs_of_life(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.query.live.stream.TICK", 0.2)
    async with suite(query) as served:
        for tiles in ([], [pb.Tile(id="note", text="hello")], [counting("a")]):
            watch = Watch(served, draft=draft(*tiles))
            if tiles and not tiles[0].text:
                await watch.until(lambda: "a" in watch.seen)  # noqa: B023 - awaited in this round
            beat = await watch.read()
            assert not beat.tiles
            assert beat.cursor
        assert watch.seen
        assert not (await Watch(served, draft=draft(), cursor=watch.cursor).read()).tiles


async def test_a_slow_reader_gets_the_latest(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        slow = draft(counting("a"))
        slow.refresh.FromSeconds(3)
        watch, quick = Watch(served, draft=slow), Watch(served, draft=draft(counting("a")))
        for each in (watch, quick):
            await each.until(lambda: "a" in each.totals)  # noqa: B023
        for count in range(1, 4):
            await committed(served, database, [Happened(NOON + count * HOUR)])
            await quick.until(lambda: quick.totals["a"] == count)  # noqa: B023
        assert watch.totals["a"] == 0
        watch.seen.clear()
        await watch.until(lambda: watch.totals["a"] == 3)
        assert len(watch.seen["a"]) == 1
        assert list(watch.series["a"].values()) == [0, 1, 1, 1]


async def test_draining_ends_the_stream_with_unavailable(suite: Suite) -> None:
    async with suite(query) as served:
        watch = Watch(served, draft=draft(counting("a")))
        await watch.until(lambda: watch.cursor)
        served.resources.draining.set()
        assert (await refusal(watch.until(lambda: False))).code == "UNAVAILABLE"


async def test_all_who_watch_one_dashboard_share_its_readings(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        tiles = draft(counting("a"), counting("b", "order_placed"))
        watches = [Watch(served, draft=tiles) for _ in range(20)]
        for watch in watches:
            await watch.until(lambda: len(watch.totals) == 2)  # noqa: B023
        assert counted("tidemark_query_watching") == 20
        await _quiet(served)
        before = counted("tidemark_query_refreshes_total")
        await committed(served, database, [Happened(NOON)])
        for watch in watches:
            await watch.until(lambda: watch.totals == {"a": 1, "b": 1})  # noqa: B023
        assert counted("tidemark_query_refreshes_total") - before <= 4
        for watch in watches:
            watch.call.cancel()

        async def is_left() -> bool:
            return counted("tidemark_query_watching") == 0

        await until(is_left)


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({}, "name"),
        ({"name": "projects/demo/dashboards/x'--"}, "name"),
        ({"name": "projects/demo/dashboards/home", "project": "projects/other"}, "project"),
        ({"draft": draft(counting("<script>"))}, "dashboard.tiles[0].id"),
        ({"draft": draft(counting("a"), counting("a"))}, "dashboard.tiles[1].id"),
        ({"draft": draft(counting("a")), "filter": equals("nothing", "x")}, "filter.comparison.field"),
        (
            {"draft": draft(counting("a")), "variables": [pb.VariableValues(id="'; DROP TABLE events")]},
            "variables[0].id",
        ),
    ],
)
async def test_what_cannot_be_watched_is_named(
    suite: Suite, request_fields: dict[str, Any], field: str
) -> None:
    async with suite(query) as served:
        refused = await refusal(Watch(served, **request_fields).call.read())
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])


async def test_only_who_may_read_the_project_watches(suite: Suite) -> None:
    async with suite(query) as served:
        home = f"{DEMO}/dashboards/home"
        assert (await refusal(Watch(served, "ingest", name=home).call.read())).code == "PERMISSION_DENIED"
        foreign = Watch(served, name="projects/other/dashboards/home", project="")
        assert (await refusal(foreign.call.read())).code == "PERMISSION_DENIED"
        absent = Watch(served, name=f"{DEMO}/dashboards/absent")
        assert (await refusal(absent.call.read())).reason == "DASHBOARD_NOT_FOUND"


@pytest.mark.parametrize("name", ["home", "development", "host"])
async def test_what_is_built_in_answers_without_any_data(suite: Suite, name: str) -> None:
    async with suite(query) as served:
        saved = await Asking(served).get(f"{DEMO}/dashboards/{name}")
        watch = Watch(served, name=saved.name)
        await watch.until(lambda: len(watch.seen) == len(saved.tiles))
        for tile_id, tiles in watch.seen.items():
            assert not tiles[0].HasField("error"), (tile_id, tiles[0].error.message)
            assert tiles[0].answer.kind == query_pb2.WatchQueryResponse.KIND_SNAPSHOT


async def test_nothing_but_heartbeats_when_nothing_happens(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.query.live.stream.TICK", 0.3)
    async with suite(query) as served:
        watch = Watch(served, draft=draft(counting("a"), TABLE, LISTED))
        await watch.until(lambda: len(watch.seen) == 3)
        assert not any([(await watch.read()).tiles for _ in range(3)])
