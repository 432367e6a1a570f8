"""Rows as the writer would have committed them, for tests of what reads them: events, points, their rollups and batches."""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from services.kit import sketch
from services.kit.instant import EPOCH

WIDTHS = {"rollups_1m": 60, "rollups_1h": 3600, "rollups_1d": 86_400}


@dataclass(frozen=True)
class Happened:
    """An event."""

    at: datetime
    name: str = "order_placed"
    user_id: str | None = "ann"
    properties: dict[str, Any] = field(default_factory=dict)
    type: int = 1
    partition: int = 0
    event_id: uuid.UUID = field(default_factory=uuid.uuid4)
    session_id: str | None = None


@dataclass(frozen=True)
class Point:
    """A metric point."""

    at: datetime
    value: float
    name: str = "latency"
    kind: int = 4
    unit: str = "ms"
    tags: dict[str, str] = field(default_factory=dict)
    partition: int = 0


def commit(
    connection: psycopg.Connection[Any],
    rows: Sequence[Happened | Point],
    project_id: int = 1,
    producer_id: str = "p",
    received_at: datetime | None = None,
    sent_at: datetime | None = None,
) -> dict[str, Any]:
    """Commits rows in one transaction, one batch for each partition; gives the announcement that the writer would make."""
    with connection.transaction():
        touched: set[int] = set()
        version = 0
        for partition in sorted({row.partition for row in rows}):
            mine = [row for row in rows if row.partition == partition]
            version = _batch(connection, mine, partition, project_id, producer_id, received_at, sent_at)
            touched |= {int((row.at - EPOCH) / timedelta(minutes=1)) for row in mine}
    spans = [[minute * 60_000_000, (minute + 1) * 60_000_000] for minute in sorted(touched)]
    return {
        "partition": rows[-1].partition,
        "version": version,
        "last_id": "0-0",
        "projects": {str(project_id): spans},
    }


def _batch(
    connection: psycopg.Connection[Any], rows: Sequence[Happened | Point], partition: int, project_id: int,
    producer_id: str, received_at: datetime | None, sent_at: datetime | None,
) -> int:  # fmt: skip
    count = len(rows)
    found = connection.execute(
        "UPDATE partitions SET version = version + 1, batches = batches + 1, received = received + %s,"
        " watermark = greatest(watermark, %s) WHERE partition = %s RETURNING version, batches",
        (count, max(row.at for row in rows), partition),
    ).fetchone()
    assert found is not None
    version, batches = found
    batch_id = (batches - 1) * 4096 + partition
    received = connection.execute("SELECT coalesce(%s, now())", (received_at,)).fetchone()
    assert received is not None
    connection.execute(
        "INSERT INTO batches (batch_id, project_id, producer_id, epoch, sequence, entry_id, sent_at, received_at, stored,"
        " duplicate, rejected, dead_lettered) VALUES (%s, %s, %s, 1, %s, '1-0', %s, %s, %s, 0, 0, 0)",
        (batch_id, project_id, producer_id, batches, sent_at, received[0], count),
    )
    connection.execute(
        "INSERT INTO ledger VALUES (%s, %s, date_trunc('minute', %s), %s, %s, 0, 0, 0)"
        " ON CONFLICT (project_id, producer_id, minute) DO UPDATE"
        " SET received = ledger.received + excluded.received, stored = ledger.stored + excluded.stored",
        (project_id, producer_id, received[0], count, count),
    )
    connection.execute(
        "INSERT INTO project_totals VALUES (%s, %s, %s)"
        " ON CONFLICT (partition, project_id) DO UPDATE SET received = project_totals.received + excluded.received",
        (partition, project_id, count),
    )
    minutes = sorted({int((row.at - EPOCH) / timedelta(minutes=1)) for row in rows})
    spans = [(EPOCH + timedelta(minutes=m), EPOCH + timedelta(minutes=m + 1)) for m in minutes]
    connection.execute(
        "INSERT INTO commits (partition, version, project_id, touched) SELECT %s, %s, %s,"
        " range_agg(tstzrange(a, b)) FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS span(a, b)",
        (partition, version, project_id, [a for a, _ in spans], [b for _, b in spans]),
    )
    _copy(connection, rows, batch_id, project_id)
    for table, width in WIDTHS.items():
        _roll(connection, rows, table, width, partition, project_id)
    return int(version)


def _copy(
    connection: psycopg.Connection[Any], rows: Sequence[Happened | Point], batch_id: int, project_id: int
) -> None:
    events = [row for row in rows if isinstance(row, Happened)]
    with connection.cursor().copy(
        "COPY events (project_id, event_id, occurred_at, batch_id, type, late, name, user_id, session_id, properties)"
        " FROM STDIN"
    ) as copy:
        for row in events:
            properties = json.dumps(row.properties) if row.properties else None
            copy.write_row(
                (
                    project_id,
                    row.event_id,
                    row.at,
                    batch_id,
                    row.type,
                    False,
                    row.name,
                    row.user_id,
                    row.session_id,
                    properties,
                )
            )
    with connection.cursor().copy(
        "COPY metric_points (project_id, observed_at, batch_id, kind, late, value, name, unit, tags) FROM STDIN"
    ) as copy:
        for row in rows:
            if isinstance(row, Point):
                tags = json.dumps(row.tags) if row.tags else None
                copy.write_row(
                    (project_id, row.at, batch_id, row.kind, False, row.value, row.name, row.unit, tags)
                )


def _roll(
    connection: psycopg.Connection[Any], rows: Iterable[Happened | Point], table: str, width: int, partition: int,
    project_id: int,
) -> None:  # fmt: skip
    """Adds rows to the buckets of a rollup, as the writer does."""
    groups: dict[tuple[Any, ...], list[Happened | Point]] = defaultdict(list)
    for row in rows:
        bucket = row.at - (row.at - EPOCH) % timedelta(seconds=width)
        source, kind = (1, row.type) if isinstance(row, Happened) else (2, row.kind)
        groups[project_id, bucket, source, kind, partition, row.name].append(row)
    for key, members in groups.items():
        where = (
            "project_id = %s AND bucket = %s AND source = %s AND type = %s AND partition = %s AND name = %s"
        )
        old = connection.execute(
            f"SELECT count, sum, min, max, uniques, quantiles FROM {table} WHERE {where}", key
        ).fetchone()
        connection.execute(f"DELETE FROM {table} WHERE {where}", key)
        new = _aggregates(members, old)
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * 12)})", (*key, *new))


def _aggregates(members: Sequence[Happened | Point], old: Any) -> tuple[Any, ...]:
    count = len(members) + (old[0] if old else 0)
    values = np.array([row.value for row in members if isinstance(row, Point)], np.float64)
    if not len(values):
        users = sketch.uniques(row.user_id for row in members if isinstance(row, Happened) and row.user_id)
        merged = sketch.merged_uniques([users, *([old[4]] if old else [])])
        return count, None, None, None, merged.serialize_compact(), None
    quantiles = sketch.merged_quantiles([sketch.quantiles(values), *([old[5]] if old else [])])
    return (
        count,
        float(values.sum()) + (old[1] if old else 0.0),
        min(float(values.min()), old[2] if old else np.inf),
        max(float(values.max()), old[3] if old else -np.inf),
        None,
        quantiles.serialize(),
    )
