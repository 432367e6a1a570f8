"""How soon watchers see what was tracked, committed or critical, while a million events a minute come in beside it."""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

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
_MARKER, _ALARM = "marker", "alarm"


def main() -> None:
    """Measures and publishes."""
    with bench() as stack:
        background, visible, critical = asyncio.run(_measure(stack))
    figures = {
        "visible_p50_ms": Figure(visible.at(0.5), "ms", 150, "lower"),
        "visible_p99_ms": Figure(visible.at(0.99), "ms", 500, "lower"),
        "critical_p50_ms": Figure(critical.at(0.5), "ms", None, "lower"),
        "critical_p99_ms": Figure(critical.at(0.99), "ms", 100, "lower"),
        "unseen": Figure(visible.unseen + critical.unseen, "markers", 0, "lower"),
        "background_per_minute": Figure(background.per_minute, "events/min", None, "higher"),
    }
    settings = {
        "seconds": SECONDS,
        "markers": len(visible.milliseconds),
        "shared_buffers_mb": SHARED_BUFFERS_MB,
    }
    cpu = {f"{name} µs/event": round(background.cpu_us(name), 2) for name in background.cpu_seconds}
    rows = [
        {"run": name} | {f"p{rank * 100:g} ms": found.at(rank) for rank in (0.05, 0.25, 0.75, 0.95, 1)}
        for name, found in (("visible", visible), ("critical", critical))
    ]
    report.publish("freshness", figures, [{"run": "background", **cpu}, *rows], settings)


@dataclass(frozen=True)
class Seen:
    """How many milliseconds each marker took to be seen, and how many never were."""

    milliseconds: list[float]
    unseen: int

    def at(self, rank: float) -> float:
        """The time within which the share `rank` was seen."""
        return round(float(np.quantile(self.milliseconds, rank)), 1)

    @classmethod
    def of(cls, tracked: Mapping[bytes, float], seen: Mapping[bytes, float]) -> "Seen":
        times = [(seen[marker] - at) * 1000 for marker, at in tracked.items() if marker in seen]
        return cls(times, len(tracked) - len(times))


async def _measure(stack: Bench) -> tuple[Run, Seen, Seen]:
    """The background load, and how soon the markers of a watch and those of the critical lane were seen."""
    order = stack.order("background", SECONDS + 2 * _SETTLING_SECONDS, per_second=PER_SECOND)
    load = asyncio.create_task(asyncio.to_thread(run, stack, [order]))
    markers: dict[bytes, float] = {}
    alarms: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    keys, query = stack.suite.keys, stack.suite.members["query"].address
    async with (
        Client(order.address, key=keys["TIDEMARK_INGEST_KEY"]) as sender,
        Client(order.address, query, key=keys["TIDEMARK_VIEWER_KEY"]) as viewer,
    ):
        watching = asyncio.gather(_watch(viewer, seen), _watch_critical(viewer, seen))
        await asyncio.sleep(_SETTLING_SECONDS)
        chance, until = random.Random(1), time.monotonic() + SECONDS
        while time.monotonic() < until and not watching.done():
            for name, kind, tracked in (
                (_MARKER, EventType.SYSTEM_EVENT, markers),
                (_ALARM, EventType.SECURITY_EVENT, alarms),
            ):
                at = time.time()
                tracked[sender.track(name, type=kind, user_id="watcher")] = at
                await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS) / 2)
        await asyncio.sleep(_SETTLING_SECONDS)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return await load, Seen.of(markers, seen), Seen.of(alarms, seen)


async def _watch(viewer: Client, seen: dict[bytes, float]) -> None:
    """Notes when each marker comes."""
    async for change in viewer.watch(questions.events(_MARKER, last="1h"), page_size=1000):
        now = time.time()
        for event in getattr(change.answer, "events", ()):
            seen.setdefault(event.event_id.bytes, now)


async def _watch_critical(viewer: Client, seen: dict[bytes, float]) -> None:
    """Notes when each alarm comes."""
    async for event in viewer.watch_critical():
        seen.setdefault(event.event_id.bytes, time.time())
