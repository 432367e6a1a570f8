"""Answers GetLineage: `services/query/catalogue/servicer.py` hands the request in, everything is read in one snapshot.

Of the segments that may hold an event, which are known by time and batch, the one that does is found by looking into the files.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.kit.call import Project
from services.kit.errors import NotFound
from services.query.columnar.segment import path
from services.query.lineage import store
from services.query.lineage.record import StoredEvent, batch_message, ways
from services.query.lineage.request import Bucket, subject
from services.query.store import Snapshot, Store
from tidemark.v1 import pipeline_pb2 as pb


async def lineage(
    store_: Store, folder: str, project: Project, request: pb.GetLineageRequest, seconds: float
) -> pb.GetLineageResponse:
    """The answer, within so many seconds; `folder` is that of the segments, empty where there is none. Raises `NotFound`."""
    asked = subject(request)
    async with store_.snapshot(project.project_id, seconds) as snapshot:
        if isinstance(asked, Bucket):
            return pb.GetLineageResponse(bucket=await _bucket(snapshot, project, asked))
        return pb.GetLineageResponse(events=await _events(snapshot, folder, project, asked))


async def _events(snapshot: Snapshot, folder: str, project: Project, event_id: UUID) -> list[pb.EventLineage]:
    events = await store.events(snapshot, event_id)
    letters = await store.letters(snapshot, event_id)
    if not (events or letters):
        raise NotFound(f"{project.name} has no event {event_id}", reason="EVENT_NOT_FOUND")
    came_with = [event.batch_id for event in events] + [letter.batch_id for letter in letters]
    batches = await store.batches(snapshot, came_with)
    segments = {}
    for event in events:
        candidates = await store.segments(snapshot, event.occurred_at, event.batch_id)
        segments[event.occurred_at] = await _holder(folder, snapshot.project_id, candidates, event)
    return ways(project.name, events, letters, batches, segments)


async def _bucket(snapshot: Snapshot, project: Project, bucket: Bucket) -> pb.BucketLineage:
    counted = await store.rollup_count(snapshot, bucket)
    rows, count, shares = await store.rows_by_batch(snapshot, bucket)
    if not (counted or rows):
        raise NotFound(
            f"{project.name} has nothing of the name {bucket.name!r} at {bucket.span.start.isoformat()}",
            reason="BUCKET_NOT_FOUND",
        )
    batches = await store.batches(snapshot, [batch_id for batch_id, _ in shares])
    return pb.BucketLineage(
        rollup_count=counted,
        row_count=rows,
        batch_count=count,
        batches=[batch_message(batch_id, batches, mine) for batch_id, mine in shares],
    )


async def _holder(folder: str, project_id: int, candidates: Sequence[str], event: StoredEvent) -> str:
    """The one of the segments that holds the event; merged segments may overlap in the batches that they tell of."""
    if len(candidates) <= 1 or not folder:
        return candidates[0] if candidates else ""
    for segment_id in candidates:
        file = Path(folder, path(project_id, segment_id))
        if await asyncio.to_thread(_holds, file, event.event_id.bytes, event.occurred_at):
            return segment_id
    return ""


def _holds(file: Path, event_id: bytes, at: datetime) -> bool:
    try:
        with pq.ParquetFile(file) as opened:
            for part in opened.iter_batches(columns=["event_id", "occurred_at"], use_threads=False):
                ids, times = part["event_id"].storage, part["occurred_at"]
                same = pc.and_(pc.equal(ids, pa.scalar(event_id, ids.type)), pc.equal(times, at))
                if pc.any(same).as_py():
                    return True
    except (OSError, pa.ArrowException):
        return False  # Gone since: others hold its rows now.
    return False
