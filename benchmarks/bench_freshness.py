"""How soon a watcher sees what was tracked, while a million events a minute come in beside it."""

import asyncio
import contextlib
import random
import time
from uuid import UUID

import numpy as np

from benchmarks import report
from benchmarks.harness import QUICK, SHARED_BUFFERS_MB, Bench, Run, bench, run
from benchmarks.report import Figure
from tidemark import Client, EventType, questions

PER_SECOND = 17_000
"""A little more than a million a minute."""
SECONDS = 25 if QUICK else 120
_SETTLING_SECONDS = 3
_PAUSE_SECONDS = (0.2, 0.6)
"""Between two markers: random, so that they meet every phase of the writer's and the watcher's rhythm."""
_MARKER = "marker"


def main() -> None:
    """Measures and publishes."""
    with bench() as stack:
        background, visible_ms, missed = asyncio.run(_measure(stack))
    figures = {
        "visible_p50_ms": Figure(round(float(np.quantile(visible_ms, 0.5)), 1), "ms", 150, "lower"),
        "visible_p99_ms": Figure(round(float(np.quantile(visible_ms, 0.99)), 1), "ms", 500, "lower"),
        "critical_p99_ms": Figure(None, "ms", 100, "lower", "there is no critical lane yet"),
        "unseen": Figure(missed, "markers", 0, "lower"),
        "background_per_minute": Figure(background.per_minute, "events/min", None, "higher"),
    }
    settings = {"seconds": SECONDS, "markers": len(visible_ms), "shared_buffers_mb": SHARED_BUFFERS_MB}
    cpu = {f"{name} µs/event": round(background.cpu_us(name), 2) for name in background.cpu_seconds}
    slowest = {
        f"p{rank * 100:g} ms": round(float(np.quantile(visible_ms, rank)), 1)
        for rank in (0.05, 0.25, 0.75, 0.95, 1)
    }
    report.publish(
        "freshness", figures, [{"run": "background", **cpu}, {"run": "visible", **slowest}], settings
    )


async def _measure(stack: Bench) -> tuple[Run, list[float], int]:
    """The background load, how many milliseconds each marker took to be seen, and how many never were."""
    order = stack.order("background", SECONDS + 2 * _SETTLING_SECONDS, per_second=PER_SECOND)
    load = asyncio.create_task(asyncio.to_thread(run, stack, [order]))
    tracked: dict[UUID, float] = {}
    seen: dict[UUID, float] = {}
    keys, query = stack.suite.keys, stack.suite.members["query"].address
    async with (
        Client(order.address, key=keys["TIDEMARK_INGEST_KEY"]) as sender,
        Client(order.address, query, key=keys["TIDEMARK_VIEWER_KEY"]) as viewer,
    ):
        watching = asyncio.create_task(_watch(viewer, seen))
        await asyncio.sleep(_SETTLING_SECONDS)
        chance, until = random.Random(1), time.monotonic() + SECONDS
        while time.monotonic() < until and not watching.done():
            at = time.time()
            tracked[UUID(bytes=sender.track(_MARKER, type=EventType.SYSTEM_EVENT, user_id="watcher"))] = at
            await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS))
        await asyncio.sleep(_SETTLING_SECONDS)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    times = [(seen[marker] - at) * 1000 for marker, at in tracked.items() if marker in seen]
    return await load, times, len(tracked) - len(times)


async def _watch(viewer: Client, seen: dict[UUID, float]) -> None:
    """Notes when each marker comes."""
    async for change in viewer.watch(questions.events(_MARKER, last="1h"), page_size=1000):
        now = time.time()
        for event in getattr(change.answer, "events", ()):
            seen.setdefault(event.event_id, now)
