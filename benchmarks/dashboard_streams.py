"""How soon everybody who watches a dashboard of twelve tiles sees what was tracked, many streams on one query server.

`bench_dashboard` hands in a running stack, with or without a load beside it; latencies of every stream and marker go out. To
measure this alone: `python -m benchmarks.dashboard_streams`.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc.aio
import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.harness import QUICK, Bench, Run, bench, run
from tidemark import Client
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q

STREAMS = 200
PER_SECOND = 17_000
"""A little more than a million a minute."""
SECONDS = 20 if QUICK else 45
MARKER = "marker"
_PROJECT = "projects/demo"
_WATCH = "/tidemark.v1.DashboardService/WatchDashboard"
_SETTLING_SECONDS = 8.0
_PAUSE_SECONDS = (0.3, 0.7)
"""Between two markers: random, so that they meet every phase of the writer's and the server's rhythm."""


@dataclass
class Watched:
    """What the streams have seen."""

    tracked: list[float] = field(default_factory=list)
    """When each marker was tracked."""
    latencies_ms: list[float] = field(default_factory=list)
    """How long each marker took to each stream."""
    messages: int = 0
    query_cores: float = 0.0
    """CPU time that the query server spent, for each second."""
    unseen: int = 0
    """Markers that a stream has not shown."""

    def quantile(self, rank: float) -> float:
        """Milliseconds within which this share was seen."""
        found: NDArray[np.float64] = np.array(self.latencies_ms or [np.nan])
        return round(float(np.quantile(found, rank)), 1)


def twelve_tiles() -> pb.Dashboard:
    """A dashboard as a product team has it: figures with comparisons, charts, a table; the last tile counts the markers."""

    def series(last: timedelta, unit: q.Interval.Unit, *measures: q.Measure, **others: Any) -> q.Query:
        asked = q.SeriesQuestion(measures=measures, interval=q.Interval(unit=unit), **others)
        query = q.Query(series=asked)
        query.time_range.last.FromTimedelta(last)
        return query

    def of(aggregation: q.Aggregation, name: str = "") -> q.Measure:
        return q.Measure(aggregation=aggregation, name=name)

    hour, day = timedelta(hours=1), timedelta(days=1)
    minutes, hours, previous = q.Interval.UNIT_MINUTE, q.Interval.UNIT_HOUR, q.COMPARE_PREVIOUS_PERIOD
    count, uniques = of(q.AGGREGATION_COUNT), of(q.AGGREGATION_UNIQUES)
    orders, checkouts = of(q.AGGREGATION_COUNT, "order_placed"), of(q.AGGREGATION_COUNT, "checkout")
    table = q.Query(
        table=q.TableQuestion(measures=[count, uniques], group_by=["name"], top=12, compare=previous)
    )
    table.time_range.last.FromTimedelta(day)
    queries = {
        "rate": series(timedelta(minutes=5), minutes, of(q.AGGREGATION_RATE), compare=previous),
        "events": series(day, hours, count, compare=previous),
        "users": series(day, hours, uniques, compare=previous),
        "errors": series(day, hours, of(q.AGGREGATION_COUNT, "error"), compare=previous),
        "names": series(hour, minutes, count, group_by=["name"], top=6),
        "active": series(hour, minutes, uniques),
        "table": table,
        "types": series(day, hours, count, group_by=["type"]),
        "conversion": series(
            day,
            hours,
            orders,
            checkouts,
            formulas=[q.Formula(id="share", expression="A / B * 100", unit="%")],
        ),
        "searches": series(hour, minutes, of(q.AGGREGATION_COUNT, "search"), compare=previous),
        "signups": series(hour, minutes, of(q.AGGREGATION_COUNT, "signup"), of(q.AGGREGATION_COUNT, "login")),
        MARKER: series(hour, minutes, of(q.AGGREGATION_COUNT, MARKER)),
    }
    return pb.Dashboard(tiles=[pb.Tile(id=tile_id, query=query) for tile_id, query in queries.items()])


async def watch(stack: Bench, seconds: float, streams: int = STREAMS) -> Watched:
    """Tracks markers for so long, and notes when each of the streams shows them."""
    seen, keys, members = Watched(), stack.suite.keys, stack.suite.members
    ingest, query = members["ingest"].address, members["query"].address
    request = pb.WatchDashboardRequest(project=_PROJECT, draft=twelve_tiles())
    metadata = (("authorization", f"Bearer {keys['TIDEMARK_VIEWER_KEY']}"),)
    async with (
        Client(ingest, key=keys["TIDEMARK_INGEST_KEY"], producer_id="markers") as sender,
        grpc.aio.insecure_channel(query) as channel,
    ):
        begin = channel.unary_stream(_WATCH, request_serializer=pb.WatchDashboardRequest.SerializeToString)
        readers = [
            asyncio.create_task(_read(begin(request, metadata=metadata), seen)) for _ in range(streams)
        ]
        await asyncio.sleep(_SETTLING_SECONDS)
        seen.messages = 0
        chance, until, spent = random.Random(1), time.monotonic() + seconds, _cpu_seconds(stack)
        while time.monotonic() < until:
            seen.tracked.append(time.time())
            sender.track(MARKER, user_id="watcher")
            await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS))
        seen.query_cores = round((_cpu_seconds(stack) - spent) / seconds, 2)
        await asyncio.sleep(2.0)
        for reader in readers:
            reader.cancel()
        for outcome in await asyncio.gather(*readers, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    seen.unseen = len(seen.tracked) * streams - len(seen.latencies_ms)
    return seen


async def _read(call: Any, seen: Watched) -> None:
    """Notes when one stream shows each marker. Messages without that tile are counted and not parsed: two hundred readers would
    have two hundred machines for it.
    """
    shown = 0
    async for data in call:
        now = time.time()
        seen.messages += 1
        if MARKER.encode() not in data:
            continue
        for tile in pb.WatchDashboardResponse.FromString(data).tiles:
            if tile.tile_id == MARKER and tile.answer.series.series:
                total = int(tile.answer.series.series[0].total)
                seen.latencies_ms += [(now - at) * 1000 for at in seen.tracked[shown:total]]
                shown = max(shown, total)


def _cpu_seconds(stack: Bench) -> float:
    times = psutil.Process(stack.processes()["query"]).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measures beside a million events a minute, and prints what was seen."""
    with bench() as stack:
        load, seen = asyncio.run(watch_beside_load(stack))
    ranks = {f"p{rank * 100:g}_ms": seen.quantile(rank) for rank in (0.05, 0.5, 0.95, 0.99, 1)}
    print({
        "streams": STREAMS, "markers": len(seen.tracked), "unseen": seen.unseen, **ranks, "messages": seen.messages,
        "query_cores": seen.query_cores, "background_per_minute": round(load.per_minute),
        "cpu_us_per_event": {name: round(load.cpu_us(name), 1) for name in load.cpu_seconds},
    })  # fmt: skip


async def watch_beside_load(stack: Bench) -> tuple[Run, Watched]:
    """Watches while a million events a minute come in."""
    order = stack.order("background", SECONDS + _SETTLING_SECONDS + 4, per_second=PER_SECOND)
    load = asyncio.create_task(asyncio.to_thread(run, stack, [order]))
    seen = await watch(stack, SECONDS)
    return await load, seen


if __name__ == "__main__":
    main()
