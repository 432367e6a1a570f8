"""Whatever is written, a reader who applies what a watch sends sees what asking anew would answer."""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import pytest

from services.query.service import query
from tests.conftest import Served, Suite
from tests.integration.history import Happened, Point
from tests.integration.test_dashboards import DEMO
from tests.integration.test_query_watch import committed
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub
from tidemark.v1.query_pb2 import RunQueryRequest, WatchQueryResponse
from tidemark.v1.query_pb2_grpc import QueryServiceStub

HOURS, MINUTES = q.Interval(unit=q.Interval.UNIT_HOUR), q.Interval(unit=q.Interval.UNIT_MINUTE)
PREVIOUS = q.COMPARE_PREVIOUS_PERIOD
PATIENCE = 15.0
Line = tuple[str, tuple[str, ...], bool]


def of(aggregation: q.Aggregation, **others: Any) -> q.Measure:
    return q.Measure(aggregation=aggregation, **others)


COUNT, UNIQUES = of(q.AGGREGATION_COUNT), of(q.AGGREGATION_UNIQUES)
PAID = of(q.AGGREGATION_SUM, field="properties.amount", name="order")
TILES: dict[str, q.Query] = {
    "count": q.Query(series=q.SeriesQuestion(measures=[COUNT, UNIQUES], interval=HOURS, compare=PREVIOUS)),
    "names": q.Query(series=q.SeriesQuestion(measures=[COUNT], interval=MINUTES, group_by=["name"])),
    "first": q.Query(series=q.SeriesQuestion(measures=[COUNT], interval=HOURS, group_by=["name"], top=2)),
    "paid": q.Query(series=q.SeriesQuestion(measures=[PAID], interval=HOURS, group_by=["properties.plan"])),
    "exact": q.Query(
        series=q.SeriesQuestion(measures=[of(q.AGGREGATION_UNIQUES, field="properties.plan")], interval=HOURS)
    ),
    "share": q.Query(
        series=q.SeriesQuestion(
            measures=[of(q.AGGREGATION_COUNT, id="a", name="order", hidden=True), of(q.AGGREGATION_COUNT, id="b")],
            formulas=[q.Formula(id="share", expression="a / b")],
            interval=MINUTES,
        )
    ),
    "load": q.Query(
        series=q.SeriesQuestion(
            measures=[of(q.AGGREGATION_AVG, name="load", source=q.SOURCE_METRICS)], interval=MINUTES, fill=q.FILL_PREVIOUS
        )
    ),
    "table": q.Query(table=q.TableQuestion(measures=[COUNT, UNIQUES], group_by=["name"], compare=PREVIOUS)),
    "funnel": q.Query(funnel=q.FunnelQuestion(steps=[q.Step(name="visit"), q.Step(name="order")])),
    "events": q.Query(events=q.EventsQuestion()),
}  # fmt: skip


class Reader:
    """What somebody sees who applies what a watch sends."""

    def __init__(self) -> None:
        self.series: dict[str, dict[int, dict[Line, tuple[float, ...]]]] = {}
        self.totals: dict[str, dict[Line, tuple[float, ...]]] = {}
        self.whole: dict[str, bytes] = {}
        self.events: dict[str, set[bytes]] = {}

    def apply(self, tile_id: str, answer: WatchQueryResponse) -> None:
        """Takes over one change of one tile."""
        fresh = answer.kind == WatchQueryResponse.KIND_SNAPSHOT
        match answer.WhichOneof("result"):
            case "series":
                buckets = {} if fresh else self.series[tile_id]
                buckets |= bucketed(answer.series)
                start = answer.metadata.time_range.start.ToSeconds()
                width = 60 if TILES[tile_id].series.interval == MINUTES else 3600
                self.series[tile_id] = {at: each for at, each in buckets.items() if at + width > start}
                self.totals[tile_id] = totals(answer.series)
            case "events":
                ids = {each.event.event_id for each in answer.events.events}
                self.events[tile_id] = ids if fresh else self.events[tile_id] | ids
            case None:
                pass
            case kind:
                self.whole[tile_id] = getattr(answer, kind).SerializeToString(deterministic=True)

    def fault(self, tile_id: str, fresh: Any) -> str:
        """How what is seen of a tile differs from a fresh answer; empty when it does not."""
        match fresh.WhichOneof("result"):
            case "series":
                seen = self.series.get(tile_id), self.totals.get(tile_id)
                return "" if repr(seen) == repr((bucketed(fresh.series), totals(fresh.series))) else "series"
            case "events":
                same = self.events.get(tile_id) == {each.event.event_id for each in fresh.events.events}
                return "" if same else "events"
            case kind:
                whole = getattr(fresh, kind).SerializeToString(deterministic=True)
                return "" if self.whole.get(tile_id) == whole else kind


def bucketed(result: q.SeriesResult) -> dict[int, dict[Line, tuple[float, ...]]]:
    """By bucket and line: the value, and that of the period before."""
    lines = sorted(result.series, key=key)
    return {
        start.seconds: {key(line): (line.values[i], *line.previous_values[i : i + 1]) for line in lines}
        for i, start in enumerate(result.bucket_starts)
    }


def totals(result: q.SeriesResult) -> dict[Line, tuple[float, ...]]:
    """By line: the total, and that of the period before."""
    return {key(line): (line.total, line.previous_total) for line in sorted(result.series, key=key)}


def key(line: q.Series) -> Line:
    return line.measure_id, tuple(line.group), line.other


def written(chance: random.Random, now: datetime) -> list[Happened | Point]:
    """Rows of a commit, some of them late, some before the range."""
    rows: list[Happened | Point] = []
    partition = chance.randrange(8)
    for _ in range(chance.randrange(1, 12)):
        at = now - timedelta(seconds=chance.choice([chance.uniform(0, 300), chance.uniform(0, 40_000)]))
        if chance.random() < 0.2:
            rows.append(Point(at, round(chance.uniform(0, 9), 3), name="load", partition=partition))
            continue
        properties = {"amount": chance.randrange(1, 50), "plan": chance.choice(["free", "pro", "team"])}
        name, user = chance.choice(["visit", "order", "search", "share"]), f"u{chance.randrange(6)}"
        rows.append(Happened(at, name, user, properties, partition=partition))
    return rows


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("moving", [False, True])
async def test_what_is_watched_is_what_would_be_answered(
    suite: Suite, database: str, seed: int, moving: bool
) -> None:
    chance, now = random.Random(seed), datetime.now(UTC)
    dashboard = pb.Dashboard(tiles=[pb.Tile(id=each, query=asked) for each, asked in TILES.items()])
    if moving:
        dashboard.time_range.last.FromTimedelta(timedelta(hours=6))
    else:
        dashboard.time_range.start.FromDatetime(now - timedelta(hours=6))
        dashboard.time_range.end.FromDatetime(now + timedelta(hours=1))
    async with suite(query) as served:
        await committed(served, database, written(chance, now))
        request = pb.WatchDashboardRequest(project=DEMO, draft=dashboard)
        stub, metadata, reader = DashboardServiceStub(served.channel), served.key("viewer"), Reader()
        call = stub.WatchDashboard(request, metadata=metadata)
        for interruption in (False, False, True, False):
            for _ in range(chance.randrange(1, 6)):
                await committed(served, database, written(chance, now))
            if interruption:
                # The reader is interrupted, misses something, and goes on.
                call.cancel()
                await committed(served, database, written(chance, now))
                call = stub.WatchDashboard(request, metadata=metadata)
            faults: dict[str, str] = {"": "nothing read"}
            deadline = time.monotonic() + PATIENCE
            while faults:
                assert time.monotonic() < deadline, faults
                message = await asyncio.wait_for(call.read(), PATIENCE)
                assert message is not grpc.aio.EOF
                request.cursor = message.cursor
                for tile in message.tiles:
                    assert not tile.HasField("error"), tile
                    reader.apply(tile.tile_id, tile.answer)
                faults = await _faults(served, reader, dashboard)


async def _faults(served: Served, reader: Reader, dashboard: pb.Dashboard) -> dict[str, str]:
    stub, found = QueryServiceStub(served.channel), dict[str, str]()
    for tile in dashboard.tiles:
        asked = q.Query()
        asked.CopyFrom(tile.query)
        asked.time_range.CopyFrom(dashboard.time_range)
        request = RunQueryRequest(project=DEMO, query=asked, page_size=1000)
        fresh = await stub.RunQuery(request, metadata=served.key("viewer"))
        if fault := reader.fault(tile.id, fresh):
            found[tile.id] = fault
    return found
