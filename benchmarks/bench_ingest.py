"""How much the whole durable path takes: `track()` → gRPC → Redis → writer → committed rows, beside a raw COPY of those rows."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from benchmarks import definitions, preload, report, rivals
from benchmarks.harness import QUICK, SHARED_BUFFERS_MB, Bench, Run, bench, run, sent_ids, stored_ids
from benchmarks.load import NAMES, USERS
from benchmarks.report import Figure

GENERATORS = int(os.environ.get("TIDEMARK_BENCH_GENERATORS", "2"))
SECONDS, PACED_SECONDS, COLUMNAR_SECONDS = (20, 4, 2) if QUICK else (60, 30, 20)
RIVAL_ROWS = 150_000 if QUICK else 2_000_000
PRELOAD_ROWS = 0 if QUICK else int(os.environ.get("TIDEMARK_BENCH_PRELOAD", "50_000_000"))
FLOOR_PER_SECOND = 1_000_000 // 60


def main() -> None:
    """Measures and publishes."""
    with bench({"ingest": "ingest", "writer": "writer"}) as stack:
        run(stack, [stack.order("warm", 1)])
        with stack.connect() as connection:
            connection.execute("TRUNCATE events")
        full = run(stack, [stack.order(f"full-{number}", SECONDS) for number in range(GENERATORS)])
        with stack.connect() as connection:
            lost, duplicated = _compared(stored_ids(connection), sent_ids(full.ids))
            rates = rivals.copy_rates(connection, RIVAL_ROWS)
        paced = run(stack, [stack.order("paced", PACED_SECONDS, per_second=FLOOR_PER_SECOND)])
        columnar = run(stack, [stack.order("columnar", COLUMNAR_SECONDS, columnar=True)])
        with definitions.active(stack):
            judged = run(stack, [stack.order(f"judged-{number}", SECONDS) for number in range(GENERATORS)])
        with stack.connect() as connection:
            _check_judged(connection)
            judged_lost, judged_duplicated = _compared(stored_ids(connection), sent_ids(judged.ids))
        aged = _aged(stack, full)
    rival = max(rates, key=lambda form: rates[form])
    figures = {
        "events_per_minute": Figure(full.per_minute, "events/min", 6e6, "higher"),
        "raw_copy_ratio": Figure(full.per_minute / rates[rival], f"of a {rival} COPY", 0.4, "higher"),
        "lost": Figure(lost, "events", 0, "lower"),
        "duplicated": Figure(duplicated, "events", 0, "lower"),
        "ack_p50_ms": Figure(_quantile(paced.ack_ms, 0.5), "ms at 1 M/min", None, "lower"),
        "ack_p99_ms": Figure(_quantile(paced.ack_ms, 0.99), "ms at 1 M/min", None, "lower"),
        "queryable_p50_ms": Figure(_quantile(paced.queryable_ms, 0.5), "ms at 1 M/min", 150, "lower"),
        "queryable_p99_ms": Figure(_quantile(paced.queryable_ms, 0.99), "ms at 1 M/min", 500, "lower"),
        "saturated_ack_p50_ms": Figure(_quantile(full.ack_ms, 0.5), "ms at full load", None, "lower"),
        "saturated_ack_p99_ms": Figure(_quantile(full.ack_ms, 0.99), "ms at full load", None, "lower"),
        "saturated_queryable_p50_ms": Figure(
            _quantile(full.queryable_ms, 0.5), "ms at full load", None, "lower"
        ),
        "saturated_queryable_p99_ms": Figure(
            _quantile(full.queryable_ms, 0.99), "ms at full load", None, "lower"
        ),
        "columnar_events_per_minute": Figure(columnar.per_minute, "events/min", None, "higher"),
        "judged_events_per_minute": Figure(judged.per_minute, "events/min", 1.5e6, "higher"),
        "judged_lost": Figure(judged_lost, "events", 0, "lower"),
        "judged_duplicated": Figure(judged_duplicated, "events", 0, "lower"),
        "rate_at_50m_rows_ratio": aged,
    }
    settings = {
        "seconds": SECONDS, "generators": GENERATORS, "ack_mode": "DURABLE", "shared_buffers_mb": SHARED_BUFFERS_MB,
        "names": NAMES, "users": USERS, "batch_count": 2_000, "rival_rows": RIVAL_ROWS,
    }  # fmt: skip
    rows = [
        _detail("track at full load", full),
        _detail("track at 1 M/min", paced),
        _detail("publish(table)", columnar),
        _detail("track with a schema and a rule", judged),
    ]
    rivals_row = {f"raw {form} COPY rows/min": rate for form, rate in rates.items()}
    report.publish("ingest", figures, [*rows, rivals_row], settings)


def _aged(stack: Bench, young: Run) -> Figure:
    """The rate beside that of an empty table, with many rows stored."""
    if not PRELOAD_ROWS:
        reason = "left out with QUICK=1" if QUICK else "left out with TIDEMARK_BENCH_PRELOAD=0"
        return Figure(None, f"at {PRELOAD_ROWS} rows", 0.9, "higher", reason)
    with stack.connect() as connection:
        preload.fill(connection, PRELOAD_ROWS)
    old = run(stack, [stack.order(f"aged-{number}", SECONDS) for number in range(GENERATORS)])
    return Figure(old.per_minute / young.per_minute, f"with {PRELOAD_ROWS:,} rows stored", 0.9, "higher")


def _check_judged(connection: psycopg.Connection[Any]) -> None:
    """Every event of that run has what the rule sets, and the schema has seen those of its name."""
    missing = connection.execute(
        "SELECT count(*) FROM events JOIN batches USING (batch_id) WHERE producer_id LIKE 'judged-%%'"
        " AND (rules_version = 0 OR NOT properties ? 'channel' OR (name = %s AND schemas IS NULL))",
        (definitions.NAME,),
    ).fetchone()
    if missing is None or missing[0]:
        raise RuntimeError(f"{missing} events were not judged")


def _compared(stored: NDArray[np.bytes_], sent: NDArray[np.bytes_]) -> tuple[int, int]:
    """How many of the ids `sent` are not stored, and how many are stored more than once."""
    different = np.unique(stored)
    return len(sent) - int(np.isin(sent, different, assume_unique=True).sum()), len(stored) - len(different)


def _detail(name: str, seen: Run) -> Mapping[str, object]:
    """A run in numbers: rate, and CPU by process."""
    cpu = {f"{process} µs/event": round(seen.cpu_us(process), 2) for process in seen.cpu_seconds}
    total = sum(seen.cpu_seconds.values()) / seen.committed * 1e6
    seconds = seen.committed_at - seen.began
    return {
        "run": name,
        "committed": seen.committed,
        "seconds": round(seconds, 1),
        **cpu,
        "all µs/event": round(total, 2),
        "cores busy": round(sum(seen.cpu_seconds.values()) / seconds, 2),
        "batches sent again": sum(done.resent_batches for done in seen.deliveries),
    }


def _quantile(values: NDArray[np.float64], rank: float) -> float:
    return round(float(np.quantile(values, rank)), 1)
