"""`make bench-reports`: what reports cost on ten million events: every template in every form, a table of 100 000 rows, and one of a million.

A report is asked for as anybody does, by `RunReport`, and timed until its edition is kept: built, counted, written, read back and compared.
Cold is after PostgreSQL, query and reports were started anew; uncached about another span, so that no answer comes out of the cache;
warm once more about the same.
"""

import asyncio
import itertools
import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

import tidemark
from benchmarks import shop
from benchmarks.harness import QUICK, Bench, bench
from benchmarks.loading import load
from benchmarks.report import Figure, publish
from tidemark.v1 import report_pb2

EVENTS = int(os.environ.get("TIDEMARK_BENCH_EVENTS", "300_000" if QUICK else "10_000_000"))
TARGETS = {
    "ingest": "ingest",
    "writer": "writer",
    "mirror": "mirror",
    "query": "query",
    "insights": "insights",
    "reports": "reports",
}
FORMATS = ("pdf", "xlsx", "csv", "json", "html")
VALUES: dict[str, dict[str, Any]] = {
    "executive-summary": {"conversion": "purchase"},
    "product-usage": {
        "features": ["product_view", "add_to_cart", "purchase"],
        "breakdown": "properties.plan",
    },
    "user-behaviour": {"steps": ["product_view", "add_to_cart", "checkout", "purchase"]},
}
"""What is chosen for a template; all others are as they come."""
ROWS, MANY_ROWS = 100_000, 1_000_000
TRIES = 1 if QUICK else 3
"""Spans that each template is made of without the cache."""
_shifts = itertools.count()
"""Minutes before the last event; no two spans are the same, so that no answer comes out of the cache."""
_LOOK_SECONDS = 0.02
"""Between two looks at an operation."""


def main() -> None:
    """Runs the benchmark and publishes what it found."""
    with bench(TARGETS) as stack:
        loaded = asyncio.run(load(stack, EVENTS))
        templates = asyncio.run(_templates(stack))
        asyncio.run(_rows_report(stack))
        asked = [(template, form, shop.DAYS // 3) for template in templates for form in FORMATS]
        asked += [("rows", form, _days(ROWS)) for form in FORMATS]
        # A quick run is cold once.
        rows = [
            _measured(stack, report, form, days, fresh=not QUICK or not place)
            for place, (report, form, days) in enumerate(asked)
        ]
        many = [_many(stack, form) for form in ("csv", "xlsx")]
        settings = {"events": EVENTS, "templates": len(templates), **loaded}
        publish("reports", _figures(rows, many), [*rows, *many], settings)


async def _templates(stack: Bench) -> list[str]:
    """Makes a report of each template that comes with Tidemark; gives their names."""
    async with _client(stack) as client:
        known = [template for template in await client.reports.templates() if template.built_in]
        names = [template.name.rpartition("/")[2] for template in known]
        for template, name in zip(known, names):
            await client.reports.create(
                template.display_name, template=template.name, values=VALUES.get(name), report_id=name
            )
    return names


async def _rows_report(stack: Bench) -> None:
    """A report of nothing but events."""
    report = report_pb2.Report(display_name="Events")
    section = report.sections.add(id="events", title="Events")
    section.question.query.events.SetInParent()
    async with _client(stack) as client:
        await client.reports.create(report, report_id="rows")


def _days(rows: int) -> int:
    """Days that have so many events, or all there are."""
    return min(shop.DAYS, math.ceil(rows * shop.DAYS / EVENTS))


def _measured(stack: Bench, report: str, form: str, days: int, *, fresh: bool) -> dict[str, Any]:
    """Seconds of a report in a form: cold where the stack is to be `fresh`, uncached and warm."""
    if fresh:
        _restart(stack)
    first, *uncached = [asyncio.run(_run(stack, report, form, days, next(_shifts))) for _ in range(1 + TRIES)]
    warm = [asyncio.run(_run(stack, report, form, days, shift)) for shift in [next(_shifts)] * 2][1]
    row = {
        "report": report,
        "format": form,
        "cold_s": round(first.seconds, 2) if fresh else None,
        "uncached_s": [round(made.seconds, 2) for made in uncached],
        "warm_s": round(warm.seconds, 2),
        "uncached_cpu_s": [round(made.cpu_seconds, 2) for made in uncached],
        "file_kb": round(first.size / 1000),
        "rows": first.rows,
    }
    print("  " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return row


def _many(stack: Bench, form: str) -> dict[str, Any]:
    """What a million rows in one file take: seconds and memory of the process `reports`."""
    _restart(stack)
    # What a process takes once, as libraries and fonts, is there.
    asyncio.run(_run(stack, "rows", form, 1, next(_shifts)))
    with _watched(stack) as memory:
        # An hour less than so many days: a section has a million rows at most.
        made = asyncio.run(_run(stack, "rows", form, _days(MANY_ROWS) - 1 / 24, next(_shifts)))
    row = {
        "report": "a million rows",
        "format": form,
        "rows": made.rows,
        "seconds": round(made.seconds, 1),
        "file_mb": round(made.size / 1e6),
        "peak_mb": round(memory.peak / 1e6),
        "growth_mb": round((memory.peak - memory.before) / 1e6),
        "peak_with_files_mb": round(memory.peak_with_files / 1e6),
    }
    print("  " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return row


@dataclass(frozen=True, slots=True)
class _Made:
    seconds: float
    cpu_seconds: float
    """Of all processes of the stack, whatever else the machine does."""
    size: int
    rows: int


async def _run(stack: Bench, report: str, form: str, days: float, shift: int) -> _Made:
    """Makes an edition of a report about so many days, `shift` minutes before the last ones."""
    end = shop.END - timedelta(minutes=shift)
    async with _client(stack) as client:
        began, spent = time.perf_counter(), stack.cpu_seconds()
        operation = await client.editions.begin(
            report, formats=[form], start=end - timedelta(days=days), end=end
        )
        while not operation.done:
            await asyncio.sleep(_LOOK_SECONDS)
            operation = await client.operations.get(operation.name)
        seconds, spent = time.perf_counter() - began, stack.cpu_seconds() - spent
        run = await client.editions.made(operation)
        edition = await client.editions.get(run.editions[0])
    rows = sum(table.row_count for section in edition.manifest.sections for table in section.tables)
    return _Made(seconds, spent, edition.files[0].size, rows)


@dataclass
class _Memory:
    before: int = 0
    peak: int = 0
    """Without the pages of files, which the kernel takes back when it needs them."""
    peak_with_files: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _watched(stack: Bench) -> Iterator[_Memory]:
    """The memory of the process `reports` while it works, looked at a hundred times a second."""
    status = Path(f"/proc/{stack.processes()['reports']}/status")
    memory = _Memory()

    def look() -> int:
        sizes = {
            line.split(":")[0]: int(line.split()[1]) * 1024
            for line in status.read_text().splitlines()
            if line.startswith("Rss")
        }
        own = sizes["RssAnon"] + sizes["RssShmem"]
        memory.peak = max(memory.peak, own)
        memory.peak_with_files = max(memory.peak_with_files, sum(sizes.values()))
        return own

    def follow() -> None:
        while not memory.ended.wait(0.01):
            look()

    memory.before = look()
    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield memory
    finally:
        memory.ended.set()
        thread.join()


def _restart(stack: Bench) -> None:
    """PostgreSQL, query, insights and reports anew, so that nothing is in their memory; pages of files that the kernel keeps stay."""
    for member in stack.suite.members.values():
        member.stop()
    stack.suite.postgres.stop()
    stack.suite.postgres.start()
    for name in ("query", "insights", "reports"):
        stack.suite.members[name].spawn()
        stack.suite.members[name].await_ready()


def _figures(rows: Sequence[dict[str, Any]], many: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    templates, table = (
        [row for row in rows if row["report"] != "rows"],
        [row for row in rows if row["report"] == "rows"],
    )
    cold = [row["cold_s"] for row in templates if row["cold_s"] is not None]
    return {
        "template_p95_s": Figure(_p95(_first(templates)), "s", 2, "lower"),
        "template_cold_p95_s": Figure(_p95(cold), "s", 2, "lower"),
        "template_warm_p95_s": Figure(_p95([row["warm_s"] for row in templates]), "s", 1, "lower"),
        "table_p95_s": Figure(_p95(_first(table)), "s", 2, "lower"),
        "slowest_s": Figure(max(_first(rows)), "s", 5, "lower"),
        "rows_million_peak_memory_mb": Figure(max(row["peak_mb"] for row in many), "MB", 512, "lower"),
        "rows_million_growth_mb": Figure(max(row["growth_mb"] for row in many), "MB", 150, "lower"),
        "rows_million_slowest_s": Figure(max(row["seconds"] for row in many), "s", None, "lower"),
    }


def _first(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Seconds of all runs whose answers did not come out of the cache."""
    return [seconds for row in rows for seconds in (row["cold_s"], *row["uncached_s"]) if seconds is not None]


def _p95(seconds: Sequence[float]) -> float:
    return float(np.percentile(seconds, 95))


def _client(stack: Bench) -> tidemark.Client:
    members = stack.suite.members
    return tidemark.Client(
        members["ingest"].address,
        members["query"].address,
        members["insights"].address,
        members["reports"].address,
        key=stack.suite.keys["TIDEMARK_PROJECT_ADMIN_KEY"],
    )
