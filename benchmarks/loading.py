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


async def load(stack: Bench, events: int, file: Path | None = None) -> dict[str, float]:
    """Loads so many events and waits until they are committed and in segments; gives how long that took. `file` gets them, too, flat."""
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
        _until(connection, "SELECT coalesce(sum(rows), 0) FROM segments", events)
        mirrored = time.monotonic()
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    print(
        f"\r  {events:,} events: committed in {committed - began:.0f} s, in segments after {mirrored - began:.0f} s"
    )
    return {"load_seconds": round(committed - began, 1), "segments_seconds": round(mirrored - began, 1)}


def _until(connection: psycopg.Connection[Any], statement: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = connection.execute(statement).fetchone()
        if row is not None and row[0] >= wanted:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{statement} gives {row} after {PATIENCE_SECONDS} s; {wanted} are awaited")
        time.sleep(0.5)
