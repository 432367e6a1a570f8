"""How soon a tracked event is on the screen: twelve live tiles in Chromium, and two hundred streams, beside a million events a minute."""

import asyncio
import gzip
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np
from playwright.async_api import Page, async_playwright

from benchmarks import report
from benchmarks.dashboard_streams import MARKER, PER_SECOND, twelve_tiles, watch_beside_load
from benchmarks.harness import QUICK, SHARED_BUFFERS_MB, TARGETS, Bench, Run, bench, run
from benchmarks.report import Figure
from deploy.local import chromium, page
from deploy.local.accounts import cache_folder, server_account
from deploy.local.suite import ROOT
from tidemark import Client
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub

SECONDS = 20 if QUICK else 100
WEB = {"mirror": "mirror", "gateway": "gateway", "edge": "edge"}
WINDOW = {"width": 1440, "height": 900}
_PROJECT = "projects/demo"
_SETTLING_SECONDS = 5.0
_PAUSE_SECONDS = (0.2, 0.6)
"""Between two markers: random, so that they meet every phase of the rhythms on the way."""
_LIMIT_MS = 60_000
_LATER = {"data"}
"""Parts of the script with a budget of their own in `web/vite.config.ts`."""
_DRAWN = {
    "rate": pb.Display.KIND_NUMBER, "events": pb.Display.KIND_NUMBER, "users": pb.Display.KIND_NUMBER,
    "errors": pb.Display.KIND_NUMBER, "conversion": pb.Display.KIND_NUMBER, MARKER: pb.Display.KIND_NUMBER,
    "names": pb.Display.KIND_AREA, "types": pb.Display.KIND_BAR,
}  # fmt: skip

# The page marks what it has painted (`web/src/tiles/painted.ts`); times are those of the machine's clock.
_OBSERVE = """() => {
    window.painted = []
    window.longTasks = []
    const now = at => performance.timeOrigin + at
    new PerformanceObserver(list => {
        for (const { name, detail, startTime } of list.getEntries())
            if (name === 'tm-tile') window.painted.push([detail.tile, detail.total ?? null, now(startTime)])
    }).observe({ type: 'mark' })
    new PerformanceObserver(list => {
        for (const { startTime, duration } of list.getEntries()) window.longTasks.push([now(startTime), duration])
    }).observe({ type: 'longtask' })
}"""


@dataclass
class Seen:
    """What was on the screen, and when; times are seconds since 1970."""

    tracked: list[float] = field(default_factory=list)
    """When each marker was tracked."""
    pixels_ms: list[float] = field(default_factory=list)
    """How long each marker that was painted took until it was."""
    paintings: int = 0
    """How often a tile was painted with another answer."""
    tasks_ms: list[float] = field(default_factory=list)
    """For each second the longest task that kept the page from answering; 0 where none took 50 ms."""


def main() -> None:
    """Measures and publishes."""
    page.build(ROOT, print)
    program = chromium.provide(cache_folder(server_account()))
    with bench(TARGETS | WEB) as stack, chromium.serving(program) as address:
        _, streams = asyncio.run(watch_beside_load(stack))
        background, seen = asyncio.run(_measure(stack, address))
    pixels = np.array(seen.pixels_ms)
    unseen = len(seen.tracked) - len(pixels)
    figures = {
        "pixel_p50_ms": Figure(_quantile(pixels, 0.5), "ms", 300, "lower"),
        "pixel_p99_ms": Figure(_quantile(pixels, 0.99), "ms", 1000, "lower"),
        "long_task_p99_ms": Figure(_quantile(np.array(seen.tasks_ms), 0.99), "ms", 50, "lower"),
        "script_gzip_kb": Figure(script_gzip_kb(Path(ROOT, "web", "dist")), "kB", 150, "lower"),
        "streams_p50_ms": Figure(streams.quantile(0.5), "ms", 300, "lower"),
        "streams_p99_ms": Figure(streams.quantile(0.99), "ms", 1000, "lower"),
        "unseen": Figure(unseen + streams.unseen, "markers", 0, "lower"),
        "background_per_minute": Figure(background.per_minute, "events/min", None, "higher"),
    }
    settings = {"seconds": SECONDS, "markers": len(seen.tracked), "shared_buffers_mb": SHARED_BUFFERS_MB}
    ranks = {f"p{rank * 100:g} ms": _quantile(pixels, rank) for rank in (0.05, 0.25, 0.75, 0.95, 1)}
    cpu = {f"{name} µs/event": round(background.cpu_us(name), 2) for name in background.cpu_seconds}
    rows: list[dict[str, object]] = [
        {"run": "pixel", **ranks, "paintings a second": round(seen.paintings / SECONDS, 1)},
        {
            "run": "page",
            "seconds with a long task": sum(map(bool, seen.tasks_ms)),
            "longest ms": max(seen.tasks_ms),
        },
        {"run": "streams", "markers": len(streams.tracked), "query cores": streams.query_cores},
        {"run": "background", **cpu},
    ]
    report.publish("dashboard", figures, rows, settings)


async def _measure(stack: Bench, address: str) -> tuple[Run, Seen]:
    """Markers until they are painted, beside a load."""
    path = await _made(stack)
    order = stack.order("pixels", SECONDS + 2 * _SETTLING_SECONDS, per_second=PER_SECOND)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(address)
        context = await browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
        key = {"key": stack.suite.keys["TIDEMARK_VIEWER_KEY"]}
        headers = {"origin": stack.suite.edge}
        await context.request.post(f"{stack.suite.edge}/session", data=key, headers=headers)
        opened = await context.new_page()
        await opened.goto(stack.suite.edge + path)
        load = asyncio.create_task(asyncio.to_thread(run, stack, [order]))
        seen = await _track(stack, opened)
        await browser.close()
    return await load, seen


async def _made(stack: Bench) -> str:
    """Saves the dashboard of twelve tiles, all of them in one window; gives the path of its page."""
    board = twelve_tiles()
    numbers = charts = 0
    for tile in board.tiles:
        tile.title, tile.display.kind = tile.id, _DRAWN.get(tile.id, pb.Display.KIND_UNSPECIFIED)
        if tile.display.kind == pb.Display.KIND_NUMBER:
            tile.layout.x, tile.layout.width, tile.layout.height = numbers * 2, 2, 3
            numbers += 1
        else:
            tile.layout.x, tile.layout.y = charts % 3 * 4, 3 + charts // 3 * 6
            tile.layout.width, tile.layout.height = 4, 6
            charts += 1
    board.display_name = "Twelve tiles"
    request = pb.CreateDashboardRequest(parent=_PROJECT, dashboard=board)
    key = stack.suite.keys["TIDEMARK_PROJECT_ADMIN_KEY"]
    async with grpc.aio.insecure_channel(stack.suite.members["query"].address) as channel:
        stub: Any = DashboardServiceStub(channel)  # type: ignore[no-untyped-call]
        answer = await stub.CreateDashboard(request, metadata=(("authorization", f"Bearer {key}"),))
    return f"/dashboards/{answer.dashboard.name.rpartition('/')[2]}"


async def _track(stack: Bench, opened: Page) -> Seen:
    """Tracks markers for `SECONDS` and gives what was painted of them."""
    marker = (
        opened.locator("tm-tile").filter(has=opened.get_by_role("heading", name=MARKER)).locator("tm-number")
    )
    await marker.wait_for(timeout=_LIMIT_MS)
    await asyncio.sleep(_SETTLING_SECONDS)
    known = int(float(await marker.get_attribute("data-value") or 0))
    await opened.evaluate(_OBSERVE)
    seen, chance, began = Seen(), random.Random(1), time.time()
    key = stack.suite.keys["TIDEMARK_INGEST_KEY"]
    async with Client(stack.suite.members["ingest"].address, key=key, producer_id="pixel") as sender:
        while time.time() < began + SECONDS:
            seen.tracked.append(time.time())
            sender.track(MARKER, user_id="watcher")
            await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS))
        await asyncio.sleep(2.0)
    painted, tasks = await opened.evaluate("[window.painted, window.longTasks]")
    seen.paintings = len(painted)
    shown = 0
    for tile, total, at in painted:
        if tile == MARKER:
            seen.pixels_ms += [at - since * 1000 for since in seen.tracked[shown : int(total) - known]]
            shown = max(shown, int(total) - known)
    longest = [0.0] * SECONDS
    for at, duration in tasks:
        second = int(at / 1000 - began)
        if 0 <= second < SECONDS:
            longest[second] = max(longest[second], duration)
    seen.tasks_ms = longest
    return seen


def script_gzip_kb(built: Path) -> float:
    """The script of the page as it travels, without what comes when somebody goes to the pages that need it."""
    scripts = (file for file in built.rglob("*.js") if file.name.partition("-")[0] not in _LATER)
    return round(sum(len(gzip.compress(file.read_bytes())) for file in scripts) / 1000, 1)


def _quantile(values: np.ndarray[Any, np.dtype[np.float64]], rank: float) -> float | None:
    return round(float(np.quantile(values, rank, method="inverted_cdf")), 1) if len(values) else None
