"""Who uses a cluster while its pods are replaced: questions by the SDK and by REST, dashboards that are watched, reports and trainings that
are waited for, events by the lane of Segment.

`bench_rolling` hands in addresses and a key; a `Seen` goes out, in which every failure stands that the SDK's own retry has not hidden, and
every one of REST, which tries nothing again.
"""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

import tidemark
from benchmarks import shop
from benchmarks.dashboard_streams import twelve_tiles
from tidemark import AckMode, errors
from tidemark.models import churn
from tidemark.v1 import report_pb2
from tidemark.v1.dashboard_pb2 import Dashboard

PAUSE_SECONDS = 0.25
"""Between two calls of one caller."""
TILES = 2
LIFE_CALLS = 40
"""Calls after which a caller of the SDK makes a client anew, as programs that come and go do."""
LANE = "lane"
"""The name of the events that come by the lane of Segment."""
TRAINED, WINDOW = "product_view", timedelta(days=14)
"""Who will not do this for so long is what is learnt."""
REST_SECONDS = 5.0
"""Between two reports, and between two trainings: both take a core while they are made, and there are two for everything."""
Ask = Callable[[], Awaitable[object]]


@dataclass
class Seen:
    """What all callers together have seen."""

    calls: Counter[str] = field(default_factory=Counter)
    """By way and target, as in `sdk query`."""
    failures: Counter[str] = field(default_factory=Counter)
    """By way, target and code."""
    slowest: dict[str, float] = field(default_factory=dict)
    """Seconds of the slowest call, by way and target."""
    gaps: dict[str, float] = field(default_factory=dict)
    """The longest silence of each stream, in seconds."""
    laned: list[str] = field(default_factory=list)
    """Ids of the events that the lane has taken."""

    async def call(self, what: str, ask: Ask) -> bool:
        """Calls once, and notes what came of it."""
        began = time.monotonic()
        try:
            await ask()
        except errors.Error as error:
            self.failures[f"{what} {type(error).__name__}"] += 1
            print(f"  {what}: {error}", flush=True)
            await asyncio.sleep(PAUSE_SECONDS)
            return False
        except (httpx.HTTPError, _Refused) as error:
            self.failures[f"{what} {error if isinstance(error, _Refused) else type(error).__name__}"] += 1
            return False
        finally:
            self.calls[what] += 1
            self.slowest[what] = max(self.slowest.get(what, 0.0), time.monotonic() - began)
        return True


@dataclass(frozen=True)
class Ways:
    """Where callers find the cluster, and their key."""

    ingest: str
    query: str
    insights: str
    reports: str
    door: str
    """Of the edge, without a scheme."""
    key: str
    targets: Container[str]
    """Those that there are."""

    def client(self, ack_mode: AckMode = AckMode.DURABLE) -> tidemark.Client:
        """A client that goes to the servers directly."""
        return tidemark.Client(
            self.ingest, self.query, self.insights, self.reports, key=self.key, ack_mode=ack_mode
        )

    def by_edge(self) -> tidemark.Client:
        """A client that goes through the edge."""
        return tidemark.Client(self.door, self.door, self.door, self.door, key=self.key)


class _Refused(Exception):
    """An answer of REST that is none."""


@asynccontextmanager
async def calling(ways: Ways, seen: Seen, streams: int) -> AsyncIterator[None]:
    """All callers at work, half of the streams through the edge; on leaving, those that wait for something have got it."""
    over = asyncio.Event()
    endless = [
        asyncio.create_task(_watch(ways, seen, f"stream {i}", by_edge=bool(i % 2))) for i in range(streams)
    ]
    ending = [
        asyncio.create_task(each)
        for each in (
            *(_ask_by_sdk(ways, seen, over, by_edge=by_edge) for by_edge in (False, True)),
            _ask_by_rest(ways, seen, over),
            _lane(ways, seen, over),
            *((_report(ways, seen, over),) if "reports" in ways.targets else ()),
            *((_train(ways, seen, over),) if "insights" in ways.targets else ()),
        )
    ]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*ending)
        for each in endless:
            each.cancel()
        for outcome in await asyncio.gather(*endless, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def prepared(ways: Ways) -> None:
    """The report and the model that are made again and again; what they are about is stored."""
    async with ways.client() as client:
        if "reports" in ways.targets:
            report = report_pb2.Report(display_name="Events")
            section = report.sections.add(id="events", title="Events")
            section.question.query.events.SetInParent()
            await client.reports.create(report, report_id="rows")
        if "insights" in ways.targets:
            await client.models.create(
                "Churn", churn(TRAINED, window=WINDOW, active_within="30d"),
                history="60d", cuts=4, test_start=shop.END - 2 * WINDOW, test_end=shop.END - WINDOW, model_id="churn",
            )  # fmt: skip


async def _watch(ways: Ways, seen: Seen, name: str, *, by_edge: bool) -> None:
    """One dashboard, for ever. While events come in, something on it changes at least every second. It has few tiles: every reader reads
    them all, and all readers are in one process here.
    """
    few = Dashboard(tiles=twelve_tiles().tiles[:TILES])
    async with ways.by_edge() if by_edge else ways.client() as client:
        last = None
        async for _ in client.dashboards.watch(few):
            now = time.monotonic()
            if last is not None:
                seen.gaps[name] = max(seen.gaps.get(name, 0.0), now - last)
            last = now


async def _ask_by_sdk(ways: Ways, seen: Seen, over: asyncio.Event, *, by_edge: bool) -> None:
    way = "sdk by edge" if by_edge else "sdk"
    while not over.is_set():
        async with ways.by_edge() if by_edge else ways.client() as client:
            asked: dict[str, Ask] = {
                "ingest": lambda client=client: client.rules.get(),  # type: ignore[misc]
                "query": lambda client=client: client.series("page_view", last="1h", interval="minute"),  # type: ignore[misc]
                "insights": lambda client=client: client.insights.detectors(),  # type: ignore[misc]
                "reports": lambda client=client: client.reports.templates(),  # type: ignore[misc]
            }
            there = [each for each in asked.items() if each[0] in ways.targets]
            for target, ask in itertools.islice(itertools.cycle(there), LIFE_CALLS):
                await seen.call(f"{way} {target}", ask)
                await asyncio.sleep(PAUSE_SECONDS)
                if over.is_set():
                    return


async def _ask_by_rest(ways: Ways, seen: Seen, over: asyncio.Event) -> None:
    counted = {"measures": [{"aggregation": "AGGREGATION_COUNT"}], "interval": {"unit": "UNIT_MINUTE"}}
    question = {"query": {"timeRange": {"last": "3600s"}, "series": counted}}
    async with _http(ways) as http:
        asked: dict[str, Ask] = {
            "ingest": lambda: _answer(http.get("/v1/projects/demo/rules")),
            "query": lambda: _answer(http.post("/v1/projects/demo/queries:run", json=question)),
            "insights": lambda: _answer(http.get("/v1/projects/demo/detectors")),
            "reports": lambda: _answer(http.get("/v1/projects/demo/reports")),
            "gateway": lambda: _answer(http.get("/healthz")),
        }
        there = [each for each in asked.items() if each[0] in ways.targets]
        for target, ask in itertools.cycle(there):
            if over.is_set():
                return
            await seen.call(f"rest {target}", ask)
            await asyncio.sleep(PAUSE_SECONDS)


async def _lane(ways: Ways, seen: Seen, over: asyncio.Event) -> None:
    """Events by the lane of Segment, each sent once; those answered with 200 are acknowledged."""
    async with _http(ways) as http:
        while not over.is_set():
            event_id = str(uuid.uuid4())
            body = {"event": LANE, "userId": "lane", "messageId": event_id}
            if await seen.call("rest lane", lambda body=body: _answer(http.post("/v1/track", json=body))):  # type: ignore[misc]
                seen.laned.append(event_id)
            await asyncio.sleep(PAUSE_SECONDS)


async def _report(ways: Ways, seen: Seen, over: asyncio.Event) -> None:
    async with ways.client() as client:
        for shift in itertools.count():
            if over.is_set():
                return
            # A span of its own each, so that none comes out of the cache.
            asked = {"start": shop.START + shift * timedelta(minutes=1), "end": shop.END, "formats": ["csv"]}
            await seen.call("sdk report", lambda asked=asked: client.editions.run("rows", **asked))  # type: ignore[misc]
            await asyncio.sleep(REST_SECONDS)


async def _train(ways: Ways, seen: Seen, over: asyncio.Event) -> None:
    async with ways.client() as client:
        while not over.is_set():
            await seen.call("sdk training", lambda: client.models.train("churn"))
            await asyncio.sleep(REST_SECONDS)


def _http(ways: Ways) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {ways.key}"}
    return httpx.AsyncClient(base_url=f"http://{ways.door}", headers=headers, timeout=30)


async def _answer(asked: Awaitable[httpx.Response]) -> None:
    response = await asked
    if not response.is_success:
        print(
            f"  {response.request.method} {response.request.url.path}: {response.status_code} {response.text}",
            flush=True,
        )
        raise _Refused(response.status_code)
