"""Where every door brings its batches: `servicer`, OTLP, Segment and repairs come in here, and each batch goes out to the log.

A batch waits for room, is judged by `validate` and `judgement`, encoded by `entry` and appended by `stream`. Who acknowledges it
asks `committed` first where the acknowledgement promises that.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
from redis.asyncio import Redis

from services.ingest import critical, entry, judgement, validate
from services.ingest.backlog import Backlog
from services.ingest.definitions.definition import Definition
from services.ingest.definitions.source import Definitions
from services.ingest.entry import Header
from services.ingest.judgement import Judged
from services.ingest.rules import stream as sessions
from services.ingest.stream import Appended, Commits, Log
from services.kit import identity, metrics, tracing
from services.kit.call import Project
from services.kit.errors import Fenced, Invalid, SequenceGap
from services.kit.keys import log_key, partition_of
from services.kit.service import Pool
from tidemark.v1 import ingest_pb2

FAST = ingest_pb2.ACK_MODE_FAST
_LARGE_BYTES = 1 << 20
"""A batch that is judged in a thread: it takes longer than other callers shall wait."""
_LARGEST = 2**53 - 1
"""Of an epoch or sequence; beyond, the log's numbers are not exact."""
_END_OF_TIME = 253_402_300_800
"""The year 10000, in seconds since 1970."""
_PRODUCER_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}\Z")
_KNOWN = "SELECT epoch, sequence FROM producers WHERE project_id = %s AND producer_id = %s"

Batch = ingest_pb2.EventBatch | ingest_pb2.PointBatch


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that the log holds."""

    epoch: int
    sequence: int
    partition: int
    entry_id: str
    """Empty when the batch was there before."""
    accepted: int
    rejections: list[ingest_pb2.Rejection]
    dead_lettered: int = 0
    """Of those accepted: kept aside as dead letters."""

    @property
    def repeated(self) -> bool:
        """Whether the batch was there before."""
        return not self.entry_id


@dataclass(frozen=True, slots=True)
class _Judged:
    """What validation, rules and schemas leave of a batch."""

    rows: pa.RecordBatch
    rejections: list[ingest_pb2.Rejection]
    dead_lettered: int
    versions: Mapping[str, int]
    quality: Mapping[str, list[int]]


class Intake:
    """The way into one log of `partitions` shards."""

    def __init__(
        self,
        log: Log,
        commits: Commits,
        backlog: Backlog,
        definitions: Definitions,
        pool: Pool,
        redis: Redis,
        partitions: int,
    ) -> None:
        self._log, self._commits, self._backlog, self._definitions = log, commits, backlog, definitions
        self._pool, self._redis, self._partitions = pool, redis, partitions

    @property
    def patience(self) -> float:
        """How many seconds a stream waits over a full backlog."""
        return self._backlog.patience

    async def take(
        self,
        project: Project,
        batch: Batch,
        *,
        mode: ingest_pb2.AckMode,
        patience: float,
        source: str = "events",
        once: str = "",
    ) -> Taken:
        """Judges a batch that came by the door `source` and appends it; waits up to `patience` seconds over a full backlog.

        Of batches with the same token `once` of a producer, each within an hour of the one before, the first is taken.
        """
        started = time.perf_counter()
        producer, sent_us = _producer(batch), _sent_us(batch)
        kind = "events" if isinstance(batch, ingest_pb2.EventBatch) else "points"
        if isinstance(batch, ingest_pb2.EventBatch) and batch.events_arrow:
            source = "arrow"
        size = batch.ByteSize()
        urgent = isinstance(batch, ingest_pb2.EventBatch) and critical.is_urgent(batch.events, size)
        about = {"tidemark.project": project.name, "messaging.client.id": producer.producer_id}
        with tracing.entering(f"take {kind}", batch.traceparent, about):
            async with self._backlog.room(size, patience, urgent=urgent):
                definition = (
                    await self._definitions.of(project.project_id) if kind == "events" else Definition()
                )
                now_us = time.time_ns() // 1000
                with tracing.span(f"validate {kind}"):
                    if size > _LARGE_BYTES:
                        judged = await asyncio.to_thread(_judged, batch, now_us, definition)
                    else:
                        judged = _judged(batch, now_us, definition)
                accepted, rejected = judged.rows.num_rows, len(judged.rejections)
                await identity.spend_events(accepted + rejected)
                rows = await self._with_sessions(project, definition, judged.rows)
                header = Header(
                    kind=kind,
                    project_id=project.project_id,
                    producer_id=producer.producer_id,
                    epoch=producer.epoch,
                    sequence=producer.sequence,
                    sent_us=sent_us,
                    received_us=now_us,
                    accepted=accepted,
                    rejected=rejected,
                    source=source,
                    rules=definition.rules_version,
                    schemas=judged.versions,
                    quality=judged.quality,
                )
                told = critical.messages(rows, header.producer_id, now_us) if kind == "events" else ()
                taken = await self._append(header, rows, mode, once, told)
        if not taken.repeated:
            metrics.INGEST_ROWS.labels(kind, "accepted").inc(accepted)
            metrics.INGEST_ROWS.labels(kind, "rejected").inc(rejected)
        metrics.INGEST_APPEND_SECONDS.observe(time.perf_counter() - started)
        return replace(taken, rejections=judged.rejections, dead_lettered=judged.dead_lettered)

    async def append(
        self, project: Project, header: Header, rows: pa.RecordBatch, *, mode: ingest_pb2.AckMode
    ) -> Taken:
        """Appends a repair: rows that were judged before, of the producer and time in `header`. Waits over a full backlog as a stream."""
        async with self._backlog.room(rows.nbytes, self.patience):
            return await self._append(replace(header, project_id=project.project_id), rows, mode)

    async def committed(self, taken: Taken) -> None:
        """Returns when the batch is in the database; for a repeated one, when everything now in its partition is."""
        entry_id = taken.entry_id or await self._log.last_generated_id(taken.partition)
        if entry_id:
            await self._commits.reach(taken.partition, entry_id)

    async def _with_sessions(
        self, project: Project, definition: Definition, rows: pa.RecordBatch
    ) -> pa.RecordBatch:
        """Rows with a session where the rules ask for one; dead letters stay as they came."""
        inactivity: timedelta | None = definition.rules.sessionize if definition.rules else None
        if inactivity is None or not rows.num_rows:
            return rows
        given = await sessions.sessions(self._redis, project.project_id, inactivity, rows)
        column = pc.if_else(rows["fault"].is_null(), given["session_id"], rows["session_id"])
        return rows.set_column(rows.schema.get_field_index("session_id"), "session_id", column)

    async def _append(
        self,
        header: Header,
        rows: pa.RecordBatch,
        mode: ingest_pb2.AckMode,
        once: str = "",
        told: Sequence[bytes] = (),
    ) -> Taken:
        """Appends an entry; `told` are the messages of its critical events."""
        partition = partition_of(header.project_id, header.producer_id, self._partitions)
        with tracing.sending(header.kind, log_key(partition)) as span:
            if traceparent := tracing.traceparent():
                header = replace(header, traceparent=traceparent)
            encoded = entry.encode(header, rows)
            appended = await self._offer(partition, header, None, encoded, mode, once, told)
            if appended.outcome == "unknown":
                known = await self._known(header.project_id, header.producer_id)
                appended = await self._offer(partition, header, known, encoded, mode, once, told)
            if span:
                span.set_attribute("tidemark.outcome", appended.outcome)
        metrics.INGEST_BATCHES.labels(header.kind, appended.outcome).inc()
        if appended.outcome == "gap":
            raise SequenceGap(
                f"batch.producer.sequence: is {header.sequence} where {appended.value} comes next; "
                "send the batches in between, or begin a new epoch with sequence 1",
                expected=appended.value,
                sequence=header.sequence,
            )
        if appended.outcome == "fenced":
            raise Fenced(
                f"batch.producer.epoch: is {header.epoch} where {appended.value} is at work; stop, or begin a newer epoch",
                epoch=appended.value,
            )
        return Taken(header.epoch, header.sequence, partition, appended.value, header.accepted, [])

    async def _offer(
        self,
        partition: int,
        header: Header,
        known: tuple[int, int] | None,
        encoded: tuple[bytes, bytes],
        mode: ingest_pb2.AckMode,
        once: str,
        told: Sequence[bytes],
    ) -> Appended:
        producer = (header.project_id, header.producer_id, header.epoch, header.sequence)
        return await self._log.append(
            partition,
            producer,
            known,
            header.received,
            encoded,
            durable=mode != FAST,
            once=once,
            critical=told,
        )

    async def _known(self, project_id: int, producer_id: str) -> tuple[int, int]:
        """Epoch and sequence that the database knows of a producer; zeros for a new one."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_KNOWN, (project_id, producer_id))).fetchone()
        return (row[0], row[1]) if row else (0, 0)


def _judged(batch: Batch, now_us: int, definition: Definition) -> _Judged:
    """The batch through validation, rules and schemas; metric points have neither of the two."""
    if isinstance(batch, ingest_pb2.PointBatch):
        verdict = validate.points(batch, now_us)
        return _Judged(verdict.rows, verdict.rejections, 0, {}, {})
    verdict = validate.events(batch, now_us)
    judged = judgement.judge(verdict.rows, definition)
    refused = _rejections(judged, verdict, batch.producer.sequence)
    rejections = sorted([*verdict.rejections, *refused], key=lambda rejection: rejection.index)
    return _Judged(judged.rows, rejections, judged.dead_lettered, judged.versions, judged.quality)


def _rejections(judged: Judged, verdict: validate.Verdict, sequence: int) -> list[ingest_pb2.Rejection]:
    """What schemas refuse, by its place in the batch as it came."""
    return [
        ingest_pb2.Rejection(
            sequence=sequence,
            index=verdict.places[each.row],
            event_id=verdict.rows["event_id"][each.row].as_py(),
            field=f"events[{verdict.places[each.row]}].{each.field}",
            reason=validate.SCHEMA,
            message=each.message,
        )
        for each in judged.refused
    ]


def _producer(batch: Batch) -> ingest_pb2.Producer:
    producer = batch.producer
    if not _PRODUCER_ID.match(producer.producer_id):
        fault = f"is {producer.producer_id[:100]!r}" if producer.producer_id else "is missing"
        raise Invalid(
            "batch.producer.producer_id", f"{fault}; send 1 to 100 letters, digits, '.', '_', ':' or '-'"
        )
    if not 1 <= producer.epoch <= _LARGEST:
        raise Invalid(
            "batch.producer.epoch", f"is {producer.epoch}; begin with 1 or the time of start in milliseconds"
        )
    if not 0 <= producer.sequence <= _LARGEST:
        raise Invalid("batch.producer.sequence", f"is {producer.sequence}; begin an epoch with 1")
    return producer


def _sent_us(batch: Batch) -> int:
    """When the client sent it, in microseconds since 1970; 0 when it did not say."""
    if not batch.HasField("sent_at"):
        return 0
    seconds, nanos = batch.sent_at.seconds, batch.sent_at.nanos
    if not (0 <= seconds < _END_OF_TIME and 0 <= nanos < 1_000_000_000):
        raise Invalid(
            "batch.sent_at",
            f"is {seconds} s and {nanos} ns; send the time by the client's clock, or leave it out",
        )
    return seconds * 1_000_000 + nanos // 1000
