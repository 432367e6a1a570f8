"""`make bench-query`: what questions cost on ten million events, beside plain SQL on the hypertable and DuckDB on one Parquet file.

The events of `shop.py` come in by the columnar door of ingest, as anybody's would. Each question of `questions.py` is asked once
after PostgreSQL and query were started anew (cold), then again and again about spans that differ by a minute, so that no answer
comes out of the cache (warm), and by up to 16 clients at once. A rival that takes longer than a minute is stopped.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import grpc.aio
import numpy as np
import psycopg

from benchmarks import shop
from benchmarks.harness import QUICK, Bench, bench
from benchmarks.loading import load
from benchmarks.questions import QUESTIONS, Asked
from benchmarks.report import Figure, publish
from tidemark.v1 import cohort_pb2, query_pb2
from tidemark.v1.cohort_pb2_grpc import CohortServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

EVENTS = int(os.environ.get("TIDEMARK_BENCH_EVENTS", "300_000" if QUICK else "10_000_000"))
TARGETS = {"ingest": "ingest", "writer": "writer", "mirror": "mirror", "query": "query"}
WARM = 3 if QUICK else 12
CLIENTS = (1, 4, 16)
RIVAL_SECONDS = 20 if QUICK else 60
SLOW_SECONDS = 10.0
"""A rival that takes longer is not run again."""


def main() -> None:
    """Runs the benchmark and publishes what it found."""
    with bench(TARGETS) as stack, tempfile.TemporaryDirectory(prefix="tidemark-bench-") as name:
        file = Path(name) / "shop.parquet"
        loaded = asyncio.run(load(stack, EVENTS, file))
        _cohort(stack)
        rows = list(_rows(stack, file))
        crowd = {clients: asyncio.run(_crowd(stack, clients)) for clients in CLIENTS}
        figures = _figures(rows)
        settings = {"events": EVENTS, "days": shop.DAYS, "questions": len(rows), **loaded}
        publish("query", figures, [*rows, *({"clients": n, **found} for n, found in crowd.items())], settings)


def _cohort(stack: Bench) -> None:
    """The cohort that one of the questions is limited to."""
    rule = cohort_pb2.CohortRule()
    condition = rule.conditions.add(at_least=3)
    condition.did.name = "purchase"
    condition.time_range.start.FromDatetime(shop.END - timedelta(days=30))
    condition.time_range.end.FromDatetime(shop.END)

    async def make() -> None:
        async with _channel(stack) as channel:
            request = cohort_pb2.CreateCohortRequest(
                parent="projects/demo", cohort_id="bought-thrice", cohort=cohort_pb2.Cohort(rule=rule)
            )
            await CohortServiceStub(channel).CreateCohort(request, metadata=_key(stack))  # type: ignore[no-untyped-call]

    asyncio.run(make())


def _rows(stack: Bench, file: Path) -> Iterator[dict[str, object]]:
    """What each question costs, here and there."""
    for asked in QUESTIONS:
        _restart(stack)
        cold, warm, control, source = asyncio.run(_ask(stack, asked))
        sql, sql_control = _plain_sql(stack, asked)
        duck, duck_control = _duckdb(file, asked)
        for name, other in (("plain SQL", sql_control), ("DuckDB", duck_control)):
            if other is not None and abs(control - other) > asked.tolerance * max(abs(other), 1.0):
                raise RuntimeError(f"{asked.name}: Tidemark gives {control}, {name} {other}")
        p50, p99 = np.percentile(warm, [50, 99])
        row = {
            "question": asked.name,
            "kind": asked.kind,
            "source": source,
            "cold_ms": round(cold * 1000, 1),
            "warm_p50_ms": round(p50 * 1000, 1),
            "warm_p99_ms": round(p99 * 1000, 1),
            "sql_ms": _ms(sql),
            "duckdb_ms": _ms(duck),
            "ratio_to_sql": _ratio(p50, sql),
            "ratio_to_duckdb": _ratio(p50, duck),
            "faster": _faster(p50, sql, duck),
            "memory_mb": round(_peak_bytes(stack) / 1e6),
        }
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        yield row


async def _ask(stack: Bench, asked: Asked) -> tuple[float, list[float], float, str]:
    """Seconds of the first answer and of the following, the control, and what it was read from."""
    seconds = []
    async with _channel(stack) as channel:
        stub = QueryServiceStub(channel)  # type: ignore[no-untyped-call]
        for i in range(WARM + 1):
            request = query_pb2.RunQueryRequest(query=asked.query(timedelta(minutes=i)))
            began = time.perf_counter()
            answer = await stub.RunQuery(request, metadata=_key(stack), timeout=120)
            seconds.append(time.perf_counter() - began)
            if i == 0:
                control = asked.control(answer)
                name = type(answer.metadata).DESCRIPTOR.fields_by_name["source"].enum_type
                source = (
                    name.values_by_number[answer.metadata.source].name.removeprefix("DATA_SOURCE_").lower()
                )
    return seconds[0], seconds[1:], control, source


async def _crowd(stack: Bench, clients: int) -> dict[str, object]:
    """What rollup questions take when so many clients ask at once, each another span."""
    seconds: list[float] = []
    rollups = [asked for asked in QUESTIONS if asked.kind == "rollup"]

    async def client(number: int) -> None:
        async with _channel(stack) as channel:
            stub = QueryServiceStub(channel)  # type: ignore[no-untyped-call]
            for i in range(WARM):
                asked = rollups[(number + i) % len(rollups)]
                shift = timedelta(minutes=60 + clients * 100 + number * WARM + i)
                began = time.perf_counter()
                request = query_pb2.RunQueryRequest(query=asked.query(shift))
                await stub.RunQuery(request, metadata=_key(stack), timeout=120)
                seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    took = time.perf_counter() - began
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "answers_per_second": round(len(seconds) / took, 1),
    }


def _plain_sql(stack: Bench, asked: Asked) -> tuple[float | None, float | None]:
    """Seconds of the second run on the hypertable, and its control; None for what takes too long."""
    with stack.connect() as connection:
        connection.execute(f"SET statement_timeout = '{RIVAL_SECONDS}s'")
        connection.execute("SET work_mem = '256MB'")
        project = connection.execute("SELECT project_id FROM projects WHERE slug = 'demo'").fetchone()
        text = asked.written(asked.sql, project[0] if project else 0)
        try:
            for _ in range(2):
                began = time.perf_counter()
                row = connection.execute(text.encode()).fetchone()
                seconds = time.perf_counter() - began
                if seconds > SLOW_SECONDS:
                    break
        except psycopg.errors.QueryCanceled:
            return None, None
    return seconds, float(row[0]) if row else None


def _duckdb(file: Path, asked: Asked) -> tuple[float | None, float | None]:
    """Seconds of the second run on the file, and its control; None for what takes too long."""
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '4GB'; SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW shop AS SELECT * FROM read_parquet('{file}')")
        for _ in range(2):
            began = time.perf_counter()
            row = connection.execute(asked.written(asked.duck, 0)).fetchone()
            seconds = time.perf_counter() - began
            if seconds > SLOW_SECONDS:
                break
    return seconds, float(row[0]) if row else None


def _restart(stack: Bench) -> None:
    """PostgreSQL and query anew, so that nothing is in their memory; pages of files that the kernel keeps stay."""
    for member in stack.suite.members.values():
        member.stop()
    stack.suite.postgres.stop()
    stack.suite.postgres.start()
    member = stack.suite.members["query"]
    member.spawn()
    member.await_ready()


def _figures(rows: list[dict[str, Any]]) -> dict[str, Figure]:
    rollups = [row for row in rows if row["kind"] == "rollup"]
    ratios = [row["ratio_to_sql"] for row in rows if row["ratio_to_sql"] is not None]
    return {
        "slowest_cold_s": Figure(max(row["cold_ms"] for row in rows) / 1000, "s", 5, "lower"),
        "rollup_warm_p99_ms": Figure(max(row["warm_p99_ms"] for row in rollups), "ms", 100, "lower"),
        "rollup_cold_p99_ms": Figure(max(row["cold_ms"] for row in rollups), "ms", 300, "lower"),
        "worst_ratio_to_duckdb": Figure(max(row["ratio_to_duckdb"] or 0 for row in rows), "", 2, "lower"),
        "median_ratio_to_plain_sql": Figure(float(np.median(ratios)), "", 0.5, "lower"),
        "peak_memory_mb": Figure(max(row["memory_mb"] for row in rows), "MB", 1074, "lower"),
        "advisor_p95_gain": Figure(None, "", None, "higher", "there is no rollup advisor yet"),
    }


def _peak_bytes(stack: Bench) -> int:
    """The most memory that the query process had since it was started."""
    status = Path(f"/proc/{stack.processes()['query']}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _faster(ours: float, sql: float | None, duck: float | None) -> str:
    """Who answers first."""
    found = {"tidemark": ours, "sql": sql, "duckdb": duck}
    return min((name for name in found if found[name] is not None), key=lambda name: found[name] or 0.0)


def _ratio(ours: float, other: float | None) -> float | None:
    return None if other is None else round(ours / other, 3)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _channel(stack: Bench) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(
        stack.suite.members["query"].address, options=[("grpc.max_receive_message_length", 16 << 20)]
    )


def _key(stack: Bench) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {stack.suite.keys['TIDEMARK_PROJECT_ADMIN_KEY']}"),)
