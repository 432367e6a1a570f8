"""Brings the events of `shop.py` into a stack by the columnar door of ingest, as anybody's would come."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq

import tidemark
from benchmarks import shop
from benchmarks.harness import Bench

PATIENCE_SECONDS = 900.0
QUIET_SECONDS = 20.0
"""No segment has come or gone for so long: what was loaded within minutes is merged, as what came in three months would be."""
_LIVE = "SELECT array_agg(segment_id ORDER BY segment_id) FROM segments WHERE retired_at IS NULL"


async def load(stack: Bench, events: int, file: Path | None = None) -> dict[str, float]:
    """Loads so many events and waits until they are committed, in segments, and these merged; gives how long that took. `file` gets
    them, too, flat."""
    address, key = stack.suite.members["ingest"].address, stack.suite.keys["TIDEMARK_INGEST_KEY"]
    began, published, writer = time.monotonic(), 0, None
    async with tidemark.Client(address, address, key=key) as client:
        for kept, flat in shop.days(events):
            published += await client.publish(kept)
            if file is not None:
                writer = writer or pq.ParquetWriter(file, flat.schema, compression="zstd")
                writer.write_table(flat)
            print(f"\r  {published:,} of {events:,} events", end="", flush=True)
        await client.flush()
    if writer is not None:
        writer.close()
    with stack.connect() as connection:
        _until(connection, "SELECT coalesce(sum(received), 0) FROM project_totals", events)
        committed = time.monotonic()
        _until(connection, "SELECT coalesce(sum(rows), 0) FROM segments WHERE retired_at IS NULL", events)
        mirrored = time.monotonic()
        merged = _quiet(connection)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    seconds = {
        "load_seconds": round(committed - began, 1),
        "segments_seconds": round(mirrored - began, 1),
        "merged_seconds": round(merged - began, 1),
    }
    print(f"\r  {events:,} events: " + ", ".join(f"{key} {value}" for key, value in seconds.items()))
    return seconds


def _quiet(connection: psycopg.Connection[Any]) -> float:
    """When the last segment came or went, once that is a while ago."""
    live, since, deadline = None, time.monotonic(), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() - since < QUIET_SECONDS:
        if (found := connection.execute(_LIVE).fetchone()) != live:
            live, since = found, time.monotonic()
        if time.monotonic() > deadline:
            raise RuntimeError(f"segments still come and go after {PATIENCE_SECONDS} s")
        time.sleep(0.5)
    return since


def _until(connection: psycopg.Connection[Any], statement: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = connection.execute(statement).fetchone()
        if row is not None and row[0] >= wanted:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{statement} gives {row} after {PATIENCE_SECONDS} s; {wanted} are awaited")
        time.sleep(0.5)
