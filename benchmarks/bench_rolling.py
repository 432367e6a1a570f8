"""What users notice while every pod of every target is replaced, under a million events a minute.

A cluster of two pods of each target (`cluster.py`) under a load of producers that wait for DURABLE acknowledgements, with callers of every
kind (`callers.py`). Each target is rolled, one after the other, as Kubernetes rolls a Deployment. Then what was acknowledged is compared
with what is stored, one by one.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks import report, shop
from benchmarks.callers import Seen, Ways, calling, prepared
from benchmarks.cluster import Restart, cluster, entered
from benchmarks.harness import QUICK, SHARED_BUFFERS_MB, sent_ids, stored_ids
from benchmarks.load import Delivery, Order, delivery, spawn
from benchmarks.report import Figure
from deploy.local.suite import Suite, running
from services.kit.postgres import conninfo
from tidemark import AckMode

PODS = {"ingest": 2, "writer": 2, "query": 2, "insights": 2, "reports": 2, "gateway": 2, "edge": 2}
_UNBALANCED = "SELECT count(*) FROM ledger WHERE received <> stored + duplicate + rejected + dead_lettered"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """How hard it is tried."""

    pods: Mapping[str, int] = field(default_factory=lambda: dict(PODS))
    rolled: Sequence[str] = ()
    """Which are replaced; all where none is named."""
    per_second: int = 17_000
    """A little more than a million a minute, over all producers."""
    producers: int = 3
    streams: int = 20
    history: int = 30_000
    """Events of a shop, which reports and trainings are about."""
    pause: float = 35.0
    """As `preStop` in k8s/base/serving.yaml."""
    drain: float = 20.0
    """As `TIDEMARK_DRAIN_SECONDS` in k8s/base/settings.env."""
    names_kept: float = 30.0
    """As long as CoreDNS mostly keeps an answer."""
    settle: float = 10.0
    """Seconds of load before the first restart, and behind the last."""


@dataclass(frozen=True)
class Outcome:
    """What a run has found."""

    restarts: list[Restart]
    seen: Seen
    deliveries: list[Delivery]
    lost: int
    duplicated: int
    unbalanced: int
    """Rows of the ledger that do not balance."""
    per_minute: float


def main() -> None:
    """Measures and publishes."""
    plan = Plan(per_second=4_000, streams=6, pause=5.0, names_kept=2.0, settle=4.0) if QUICK else Plan()
    with tempfile.TemporaryDirectory(prefix="tidemark-rolling-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # The servers may run as another account.
        found = rolled(folder, plan)
    worst = {target: [each for each in found.restarts if each.target == target] for target in plan.pods}
    sdk = sum(count for what, count in found.seen.failures.items() if what.startswith("sdk"))
    rest = sum(found.seen.failures.values()) - sdk
    figures = {
        "restarts": Figure(len(found.restarts), "pods", None, "higher"),
        "events_per_minute": Figure(round(found.per_minute), "events/min", None if QUICK else 1e6, "higher"),
        "lost": Figure(found.lost, "acknowledged events", 0, "lower"),
        "duplicated": Figure(found.duplicated, "events", 0, "lower"),
        "unbalanced": Figure(found.unbalanced, "rows of the ledger", 0, "lower"),
        "sdk_failures": Figure(sdk, "calls", 0, "lower"),
        "rest_failures": Figure(rest, "calls", 0, "lower"),
        "calls": Figure(sum(found.seen.calls.values()), "calls", None, "higher"),
        "streams_resumed": Figure(len(found.seen.gaps), "streams", plan.streams, "higher"),
        "stream_gap_longest_s": Figure(max(found.seen.gaps.values()), "s", 10, "lower"),
        "answer_slowest_s": Figure(_slowest(found.seen), "s", 10, "lower"),
        "restart_slowest_s": Figure(max(each.start for each in found.restarts), "s", None, "lower"),
        "drain_longest_s": Figure(max(each.drain for each in found.restarts), "s", 45, "lower"),
        "killed": Figure(sum(each.killed for each in found.restarts), "pods", 0, "lower"),
    }
    rows: list[dict[str, object]] = [
        {"target": target, "start_s": _most(each.start for each in those), "drain_s": _most(each.drain for each in those)}
        for target, those in worst.items()
    ]  # fmt: skip
    rows += [
        {"call": what, "count": count, "slowest_s": round(found.seen.slowest[what], 2)}
        for what, count in sorted(found.seen.calls.items())
    ]
    rows += [{"failure": what, "count": count} for what, count in sorted(found.seen.failures.items())]
    rows.append({"stream gaps s": ", ".join(f"{gap:.1f}" for gap in sorted(found.seen.gaps.values()))})
    settings = {
        "pods": sum(plan.pods.values()), "producers": plan.producers, "streams": plan.streams, "pause_s": plan.pause,
        "names_kept_s": plan.names_kept, "shared_buffers_mb": SHARED_BUFFERS_MB,
    }  # fmt: skip
    report.publish("rolling", figures, rows, settings)


def rolled(folder: Path, plan: Plan) -> Outcome:
    """Starts servers in a folder, and does it."""
    with running(
        folder, {}, shared_buffers_mb=SHARED_BUFFERS_MB, maxmemory_mb=1_024, postgres_settings={"max_connections": "400"}
    ) as suite:  # fmt: skip
        return asyncio.run(_rolled(suite, folder, plan))


async def _rolled(suite: Suite, folder: Path, plan: Plan) -> Outcome:
    async with (
        cluster(
            suite, folder, plan.pods, pause=plan.pause, drain=plan.drain, names_kept=plan.names_kept
        ) as made,
        entered(made) as door,
    ):
        addresses = {target: made.address(target) for target in ("ingest", "query", "insights", "reports")}
        ways = Ways(**addresses, door=door, key=suite.keys["TIDEMARK_PROJECT_ADMIN_KEY"], targets=plan.pods)
        await _history(ways, plan.history)
        await prepared(ways)
        seen, began = Seen(), time.monotonic()
        with _Load(suite, folder, made.address("ingest"), plan) as load:
            async with calling(ways, seen, plan.streams):
                await asyncio.sleep(plan.settle)
                for target in plan.rolled or plan.pods:
                    await made.roll(target)
                    _tell(began, f"{target} is replaced")
                restarts = await made.settled()
                _tell(began, "what was replaced has ended")
                await asyncio.sleep(plan.settle)
            _tell(began, "callers have got what they waited for")
            deliveries = await load.stopped()
        _tell(began, "everything is acknowledged")
        return await _judged(suite, restarts, seen, deliveries, load.ids())


class _Load:
    """The producers, each a process of its own."""

    def __init__(self, suite: Suite, folder: Path, address: str, plan: Plan) -> None:
        key, rate = suite.keys["TIDEMARK_INGEST_KEY"], plan.per_second // plan.producers
        self.orders = [
            Order(address, key, f"rolling-{i}", 3_600.0, str(folder / f"rolling-{i}.json"), rate, buffer_bytes=16 << 20)
            for i in range(plan.producers)
        ]  # fmt: skip

    def __enter__(self) -> "_Load":
        self._processes = [spawn(order) for order in self.orders]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    async def stopped(self) -> list[Delivery]:
        """Ends, once everything is acknowledged."""
        for process in self._processes:
            process.terminate()
        if any([await asyncio.to_thread(process.wait) for process in self._processes]):
            raise RuntimeError("a generator has failed; its error stands above")
        return [delivery(order) for order in self.orders]

    def ids(self) -> bytes:
        """Of everything that was acknowledged."""
        return b"".join(Path(order.out + ".ids").read_bytes() for order in self.orders)


async def _history(ways: Ways, events: int) -> None:
    async with ways.client(AckMode.COMMITTED) as client:
        for kept, _ in shop.days(events):
            await client.publish(kept)
        await client.flush()


async def _judged(
    suite: Suite, restarts: list[Restart], seen: Seen, deliveries: list[Delivery], ids: bytes
) -> Outcome:
    """Compares, once everything that waits in the log is committed."""
    with psycopg.connect(conninfo(suite.postgres.url), autocommit=True) as connection:
        await _committed(connection)
        stored, sent = stored_ids(connection), sent_ids(ids)
        different = np.unique(stored)
        laned = connection.execute(
            "SELECT count(DISTINCT event_id) FROM events WHERE event_id = ANY (%s::uuid[])", (seen.laned,)
        ).fetchone()
        unbalanced = connection.execute(_UNBALANCED).fetchone()
    assert laned
    assert unbalanced
    lost = len(sent) - int(np.isin(sent, different, assume_unique=True).sum())
    seconds = max(each.stopped for each in deliveries) - min(each.began for each in deliveries)
    return Outcome(
        restarts, seen, deliveries,
        lost=lost + len(seen.laned) - laned[0],
        duplicated=len(stored) - len(different),
        unbalanced=unbalanced[0],
        per_minute=60 * sum(each.tracked for each in deliveries) / seconds,
    )  # fmt: skip


async def _committed(connection: psycopg.Connection[Any]) -> None:
    """Returns when no more is committed for a while."""
    before, quiet, deadline = None, 0, time.monotonic() + _PATIENCE_SECONDS
    while quiet < 6 and time.monotonic() < deadline:
        now = connection.execute("SELECT sum(received) FROM partitions").fetchone()
        before, quiet = now, quiet + 1 if now == before else 0
        await asyncio.sleep(0.5)


def _tell(began: float, what: str) -> None:
    print(f"  {time.monotonic() - began:5.1f} s: {what}", flush=True)


def _slowest(seen: Seen) -> float:
    """Seconds of the slowest question; what is waited for until it is made is none."""
    made = ("sdk report", "sdk training")
    return round(max(seconds for what, seconds in seen.slowest.items() if what not in made), 2)


def _most(seconds: Iterable[float]) -> float:
    return round(max(seconds), 2)


if __name__ == "__main__":
    main()
