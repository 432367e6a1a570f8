"""IngestService: a batch comes in as protobuf, is judged by `validate`, encoded by `entry` and appended by `stream`.

The acknowledgement is the last step and goes out only when the batch is as safe as its mode promises.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc.aio

from services.ingest import entry, validate
from services.ingest.backlog import Backlog
from services.ingest.stream import Appended, Commits, Log, partition_of
from services.kit import identity, metrics
from services.kit.call import Project
from services.kit.errors import Fenced, Invalid, SequenceGap
from services.kit.service import Pool
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc

COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
FAST = ingest_pb2.ACK_MODE_FAST
_UNACKNOWLEDGED = 64
"""Batches of a stream that may wait for their acknowledgement."""
_UNTOLD = 100
"""Rejections of a batch beyond which it is acknowledged before the next is read."""
_LARGE_BYTES = 1 << 20
"""A batch that is judged in a thread: it takes longer than other callers shall wait."""
_LARGEST = 2**53 - 1
"""Of an epoch or sequence; beyond, the log's numbers are not exact."""
_END_OF_TIME = 253_402_300_800
"""The year 10000, in seconds since 1970."""
_PRODUCER_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}\Z")
_KNOWN = "SELECT epoch, sequence FROM producers WHERE project_id = %s AND producer_id = %s"

Batch = ingest_pb2.EventBatch | ingest_pb2.PointBatch
Response = TypeVar("Response", ingest_pb2.PublishResponse, ingest_pb2.RecordMetricsResponse)


class _Request(Protocol):
    project: str
    ack_mode: ingest_pb2.AckMode

    @property
    def batch(self) -> Any: ...


@dataclass(frozen=True)
class _Kind(Generic[Response]):
    """What differs between events and metric points."""

    name: str
    judge: Callable[[Any, int], validate.Verdict]
    response: Callable[..., Response]


_EVENTS = _Kind("events", validate.events, ingest_pb2.PublishResponse)
_POINTS = _Kind("points", validate.points, ingest_pb2.RecordMetricsResponse)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch that the log holds."""

    epoch: int
    sequence: int
    partition: int
    entry_id: str
    """Empty when the batch was there before."""
    accepted: int
    rejections: list[ingest_pb2.Rejection]


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """The RPCs of IngestService over one log of `partitions` shards."""

    def __init__(self, log: Log, commits: Commits, backlog: Backlog, pool: Pool, partitions: int) -> None:
        self._log, self._commits, self._backlog, self._pool = log, commits, backlog, pool
        self._partitions = partitions

    async def Publish(
        self, requests: AsyncIterator[ingest_pb2.PublishRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[ingest_pb2.PublishResponse]:
        async for response in self._stream(requests, _EVENTS):
            yield response

    async def RecordMetrics(
        self,
        requests: AsyncIterator[ingest_pb2.RecordMetricsRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[ingest_pb2.RecordMetricsResponse]:
        async for response in self._stream(requests, _POINTS):
            yield response

    async def PublishBatch(
        self, request: ingest_pb2.PublishBatchRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ingest_pb2.PublishBatchResponse:
        taken = await self._take_one(request, _EVENTS)
        return ingest_pb2.PublishBatchResponse(
            accepted_count=taken.accepted, repeated=not taken.entry_id, rejections=taken.rejections
        )

    async def RecordMetricsBatch(
        self, request: ingest_pb2.RecordMetricsBatchRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ingest_pb2.RecordMetricsBatchResponse:
        taken = await self._take_one(request, _POINTS)
        return ingest_pb2.RecordMetricsBatchResponse(
            accepted_count=taken.accepted, repeated=not taken.entry_id, rejections=taken.rejections
        )

    async def _take_one(self, request: _Request, kind: _Kind[Any]) -> _Taken:
        project = await identity.project(request.project)
        taken = await self._take(project, request.batch, kind, request.ack_mode, patience=0.0)
        if request.ack_mode == COMMITTED:
            await self._committed(taken)
        return taken

    async def _committed(self, taken: _Taken) -> None:
        """Returns when the batch is in the database; for a repeated one, when everything now in its partition is."""
        entry_id = taken.entry_id or await self._log.last_generated_id(taken.partition)
        if entry_id:
            await self._commits.reach(taken.partition, entry_id)

    async def _stream(
        self, requests: AsyncIterator[_Request], kind: _Kind[Response]
    ) -> AsyncIterator[Response]:
        """Acknowledges the batches of `requests` in order; reads on while acknowledgements wait for the database."""
        taken: asyncio.Queue[_Taken | Exception | None] = asyncio.Queue(_UNACKNOWLEDGED)
        mode = ingest_pb2.ACK_MODE_UNSPECIFIED

        async def read() -> None:
            nonlocal mode
            project: Project | None = None
            try:
                async for request in requests:
                    if project is None:
                        project, mode = await identity.project(request.project), request.ack_mode
                    elif request.project not in ("", project.name):
                        raise Invalid(
                            "project", f"is {request.project!r} in a stream of {project.name}; open another"
                        )
                    item = await self._take(project, request.batch, kind, mode, self._backlog.patience)
                    await taken.put(item)
                    if len(item.rejections) > _UNTOLD:
                        # They fill a hundred times the memory of the empty events that they are about.
                        await taken.join()
                await taken.put(None)
            except Exception as error:  # noqa: BLE001 - raised below, after what was taken before it is acknowledged
                await taken.put(error)

        reader = asyncio.create_task(read())
        try:
            while isinstance(item := await taken.get(), _Taken):
                if mode == COMMITTED:
                    await self._committed(item)
                response = kind.response()
                _acknowledge(response, item)
                yield response
                taken.task_done()
            if item is not None:
                raise item
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _take(
        self,
        project: Project,
        batch: Batch,
        kind: _Kind[Any],
        mode: ingest_pb2.AckMode,
        patience: float,
    ) -> _Taken:
        """Judges a batch and appends it to the log; waits up to `patience` seconds over a full backlog."""
        started = time.perf_counter()
        producer, sent_us = _producer(batch), _sent_us(batch)
        size = batch.ByteSize()
        async with self._backlog.room(size, patience):
            now_us = time.time_ns() // 1000
            if size > _LARGE_BYTES:
                verdict = await asyncio.to_thread(kind.judge, batch, now_us)
            else:
                verdict = kind.judge(batch, now_us)
            accepted, rejected = verdict.rows.num_rows, len(verdict.rejections)
            await identity.spend_events(accepted + rejected)
            header = entry.Header(
                kind=kind.name,
                project_id=project.project_id,
                producer_id=producer.producer_id,
                epoch=producer.epoch,
                sequence=producer.sequence,
                sent_us=sent_us,
                received_us=now_us,
                accepted=accepted,
                rejected=rejected,
            )
            partition = partition_of(project.project_id, producer.producer_id, self._partitions)
            appended = await self._append(
                partition, header, entry.encode(header, verdict.rows), durable=mode != FAST
            )
        if appended.outcome == "appended":
            metrics.INGEST_ROWS.labels(kind.name, "accepted").inc(accepted)
            metrics.INGEST_ROWS.labels(kind.name, "rejected").inc(rejected)
        metrics.INGEST_BATCHES.labels(kind.name, appended.outcome).inc()
        metrics.INGEST_APPEND_SECONDS.observe(time.perf_counter() - started)
        return _Taken(
            producer.epoch, producer.sequence, partition, appended.value, accepted, verdict.rejections
        )

    async def _append(
        self, partition: int, header: entry.Header, encoded: tuple[bytes, bytes], *, durable: bool
    ) -> Appended:
        producer = (header.project_id, header.producer_id, header.epoch, header.sequence)
        appended = await self._log.append(
            partition, producer, None, header.received, encoded, durable=durable
        )
        if appended.outcome == "unknown":
            known = await self._known(header.project_id, header.producer_id)
            appended = await self._log.append(
                partition, producer, known, header.received, encoded, durable=durable
            )
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
        return appended

    async def _known(self, project_id: int, producer_id: str) -> tuple[int, int]:
        """Epoch and sequence that the database knows of a producer; zeros for a new one."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_KNOWN, (project_id, producer_id))).fetchone()
        return (row[0], row[1]) if row else (0, 0)


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


def _acknowledge(response: Any, taken: _Taken) -> None:
    response.epoch, response.sequence = taken.epoch, taken.sequence
    response.accepted_count = taken.accepted
    response.repeated_batch_count = int(not taken.entry_id)
    response.rejections.extend(taken.rejections)
