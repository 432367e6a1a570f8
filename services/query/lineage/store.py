"""Reads lineage in somebody's snapshot: plain values come in from `source.py`, records go back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.kit.keys import MAX_PARTITIONS
from services.query.lineage.record import Batch, Letter, StoredEvent
from services.query.lineage.request import Bucket
from services.query.store import Snapshot
from tidemark.v1.question_pb2 import SOURCE_EVENTS

_EVENTS = """
SELECT event_id, occurred_at, type, name, user_id, session_id, properties::text, context::text, batch_id
FROM events WHERE project_id = %s AND event_id = %s ORDER BY occurred_at
"""
# As json, not jsonb: a letter may hold numbers that the database cannot store.
_LETTERS = """
SELECT dead_letter_id, batch_id, name, state, settled_by,
    CASE WHEN state = 2 THEN (convert_from(content, 'UTF8')::json ->> 'occurred_at')::timestamptz END
FROM dead_letters WHERE project_id = %s AND event_id = %s ORDER BY dead_letter_id
"""
_BATCHES = """
SELECT batch_id, source, producer_id, epoch, sequence, entry_id, rules_version, schemas, sent_at, received_at, committed_at, stored
FROM batches WHERE project_id = %s AND batch_id = ANY(%s)
"""
_SEGMENTS = """
SELECT segment_id::text FROM segments
WHERE project_id = %(project)s AND retired_at IS NULL AND first_at <= %(at)s AND last_at >= %(at)s
    AND coalesce(first_batches[%(place)s], 0) <= %(number)s AND after_batches[%(place)s] > %(number)s
ORDER BY rows
"""
_ROLLUP = """
SELECT coalesce(sum(count), 0)::bigint FROM rollups_{width}
WHERE project_id = %s AND source = %s AND name = %s AND bucket = %s
"""
_ROWS = """
SELECT batch_id, count(*) AS rows, (sum(count(*)) OVER ())::bigint, count(*) OVER ()
FROM {table} WHERE project_id = %s AND name = %s AND {time} >= %s AND {time} < %s
GROUP BY batch_id ORDER BY rows DESC, batch_id LIMIT %s
"""


async def events(snapshot: Snapshot, event_id: UUID) -> list[StoredEvent]:
    """Every row of an event: one for each time at which it is said to have happened."""
    rows = await snapshot.rows(_EVENTS, (snapshot.project_id, event_id))
    return [StoredEvent(*row) for row in rows]


async def letters(snapshot: Snapshot, event_id: UUID) -> list[Letter]:
    """Every dead letter of an event, whatever became of it."""
    return [Letter(*row) for row in await snapshot.rows(_LETTERS, (snapshot.project_id, event_id))]


async def batches(snapshot: Snapshot, batch_ids: Iterable[int]) -> dict[int, Batch]:
    """Those of the batches whose rows are kept."""
    rows = await snapshot.rows(_BATCHES, (snapshot.project_id, sorted(set(batch_ids))))
    return {row[0]: Batch(*row) for row in rows}


async def segments(snapshot: Snapshot, at: datetime, batch_id: int) -> Sequence[str]:
    """The segments that may hold an event of that time and batch, the smallest first; one of them does if there are any."""
    number, partition = divmod(batch_id, MAX_PARTITIONS)
    where = {"project": snapshot.project_id, "at": at, "number": number, "place": partition + 1}
    return [segment_id for (segment_id,) in await snapshot.rows(_SEGMENTS, where)]


async def rollup_count(snapshot: Snapshot, bucket: Bucket) -> int:
    """What the rollup counts."""
    where = (snapshot.project_id, bucket.source, bucket.name, bucket.span.start)
    [(count,)] = await snapshot.rows(_ROLLUP.format(width=bucket.width), where)
    return int(count)


async def rows_by_batch(snapshot: Snapshot, bucket: Bucket) -> tuple[int, int, list[tuple[int, int]]]:
    """How many rows the bucket has, of how many batches, and the batches that brought most with their share."""
    of_events = bucket.source == SOURCE_EVENTS
    table, time = ("events", "occurred_at") if of_events else ("metric_points", "observed_at")
    where = (snapshot.project_id, bucket.name, bucket.span.start, bucket.span.end, bucket.batches)
    found = await snapshot.rows(_ROWS.format(table=table, time=time), where)
    rows, count = found[0][2:] if found else (0, 0)
    return rows, count, [(batch_id, mine) for batch_id, mine, _, _ in found]
