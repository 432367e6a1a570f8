"""Whether memory stays flat: ten minutes at a million events a minute, and a writer frozen for one of them."""

import asyncio
import os
import time
from dataclasses import dataclass, field

import numpy as np
import psutil

from benchmarks import report
from benchmarks.harness import QUICK, SHARED_BUFFERS_MB, Bench, Run, bench, run
from benchmarks.report import Figure

PER_SECOND = 17_000
SECONDS = 55 if QUICK else int(os.environ.get("TIDEMARK_SOAK_SECONDS", "600"))
FREEZE_AT, FREEZE_SECONDS = (25, 8) if QUICK else (SECONDS // 2, 60)
_SAMPLE_SECONDS = 1.0 if QUICK else 5.0
_MIB = 1 << 20
FLAT_MIB = 24
"""How much more the last sixth of the run may hold than the second."""


@dataclass
class Samples:
    """Memory of each process over time."""

    at: list[float] = field(default_factory=list)
    mib: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str, since: float, until: float) -> float:
        """The median of one process between two shares of the run."""
        span = self.at[-1] - self.at[0]
        chosen = [
            mib for at, mib in zip(self.at, self.mib[name]) if since <= (at - self.at[0]) / span < until
        ]
        return float(np.median(chosen))

    def growth(self, name: str) -> float:
        """How much more the last sixth of the run holds than the second."""
        return self.median(name, 5 / 6, 1) - self.median(name, 1 / 6, 2 / 6)


def main() -> None:
    """Measures and publishes."""
    with bench() as stack:
        load, samples = asyncio.run(_measure(stack))
    figures = {
        f"{name}_growth_mib": Figure(
            round(samples.growth(name), 1), "MiB, last sixth - second", FLAT_MIB, "lower"
        )
        for name in samples.mib
    }
    figures |= {
        f"{name}_peak_mib": Figure(round(max(mib)), "MiB", None, "lower") for name, mib in samples.mib.items()
    }
    figures["events_per_minute"] = Figure(load.per_minute, "events/min", 1e6, "higher")
    rows = [
        {"second": round(at - samples.at[0])} | {name: round(mib[index]) for name, mib in samples.mib.items()}
        for index, at in enumerate(samples.at)
    ]
    settings = {
        "seconds": SECONDS, "frozen_at": FREEZE_AT, "frozen_seconds": FREEZE_SECONDS,
        "shared_buffers_mb": SHARED_BUFFERS_MB,
    }  # fmt: skip
    report.publish("soak", figures, rows[:: max(1, len(rows) // 24)], settings)


async def _measure(stack: Bench) -> tuple[Run, Samples]:
    order = stack.order("soak", SECONDS, per_second=PER_SECOND, buffer_bytes=64 * _MIB)
    load = asyncio.create_task(asyncio.to_thread(run, stack, [order]))
    samples, began = Samples(), time.monotonic()
    writer, frozen, thawed = stack.suite.members["writer"], False, False
    while not load.done():
        passed = time.monotonic() - began
        if not frozen and passed >= FREEZE_AT:
            writer.freeze()
            frozen = True
        elif frozen and not thawed and passed >= FREEZE_AT + FREEZE_SECONDS:
            writer.thaw()
            thawed = True
        if passed < SECONDS:
            samples.at.append(time.monotonic())
            for name, pid in stack.processes().items():
                samples.mib.setdefault(name, []).append(_own_mib(pid))
        await asyncio.sleep(_SAMPLE_SECONDS)
    return await load, samples


def _own_mib(pid: int) -> float:
    """Memory of a process and its children but for what they share: PostgreSQL's buffers are set, they do not grow."""
    process = psutil.Process(pid)
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            memory = each.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += memory.rss - memory.shared
    return total / _MIB
