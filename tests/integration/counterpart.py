"""A real gRPC server that keeps the contract's sequences and fails on command: the counterpart for the client's fault tests.

What the client does when all goes well is tested through the real services in `tests/e2e`; here streams are cut, batches
refused and memory lost at exactly the moment a test asks for.
"""

import asyncio
from collections import defaultdict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from grpc_status import rpc_status

from services.kit import errors
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc, query_pb2, query_pb2_grpc

CUT = errors.Unavailable("cut")


@dataclass
class Fault:
    """What happens at one batch: `error` ends the stream, before or after the batch was taken."""

    error: errors.Error
    taken: bool = False
    pushback_ms: int | None = None


@dataclass
class Known:
    """What the server remembers of a producer."""

    epoch: int = 0
    sequence: int = 0


@dataclass
class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """Takes batches in sequence. `faults` are used up one batch each; None lets one pass."""

    faults: deque[Fault | None] = field(default_factory=deque)
    refuses: errors.Error | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    producers: dict[str, Known] = field(default_factory=lambda: defaultdict(Known))
    stored: list[Any] = field(default_factory=list)
    batches: list[Any] = field(default_factory=list)
    streams: int = 0
    rejected: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.held.set()

    async def Publish(self, requests, context):
        async for answer in self._serve(requests, context, ingest_pb2.PublishResponse):
            yield answer

    async def RecordMetrics(self, requests, context):
        async for answer in self._serve(requests, context, ingest_pb2.RecordMetricsResponse):
            yield answer

    async def _serve(self, requests, context, response):
        self.streams += 1
        async for request in requests:
            await self.held.wait()
            if self.refuses:
                await self._end(context, Fault(self.refuses))
            self.batches.append(request)
            fault = self.faults.popleft() if self.faults else None
            if fault and not fault.taken:
                await self._end(context, fault)
            producer = request.batch.producer
            repeated, rejections = await self._take(context, request.batch)
            if fault:
                await self._end(context, fault)
            yield response(
                sequence=producer.sequence,
                epoch=producer.epoch,
                repeated_batch_count=int(repeated),
                rejections=rejections,
            )

    async def _take(self, context, batch):
        producer, known = batch.producer, self.producers[batch.producer.producer_id]
        if producer.epoch < known.epoch:
            await self._end(context, Fault(errors.Fenced(epoch=known.epoch)))
        if producer.epoch > known.epoch:
            known.epoch, known.sequence = producer.epoch, 0
        if producer.sequence <= known.sequence:
            return True, []
        if producer.sequence > known.sequence + 1:
            await self._end(context, Fault(errors.SequenceGap(expected=known.sequence + 1)))
        known.sequence = producer.sequence
        items = list(getattr(batch, "events", None) or getattr(batch, "points", ()))
        self.stored += [item for item in items if item.name not in self.rejected]
        rejections = [
            ingest_pb2.Rejection(
                sequence=producer.sequence, index=at, field=f"events[{at}].name", message="is not wanted"
            )
            for at, item in enumerate(items)
            if item.name in self.rejected
        ]
        return False, rejections

    async def _end(self, context, fault):
        status = rpc_status.to_status(fault.error.status())
        trailing = list(status.trailing_metadata)
        if fault.pushback_ms is not None:
            trailing.append(("grpc-retry-pushback-ms", str(fault.pushback_ms)))
        await context.abort(status.code, status.details, tuple(trailing))


@dataclass
class Query(query_pb2_grpc.QueryServiceServicer):
    """Watches that end after each answer but the last; `cursors` are those that watchers came back with."""

    cursors: list[str] = field(default_factory=list)
    refuses: errors.Error | None = None

    async def WatchQuery(self, request, context):
        if self.refuses:
            await context.abort_with_status(rpc_status.to_status(self.refuses.status()))
        self.cursors.append(request.cursor)
        kind = (
            query_pb2.WatchQueryResponse.KIND_DELTA
            if request.cursor
            else query_pb2.WatchQueryResponse.KIND_SNAPSHOT
        )
        yield query_pb2.WatchQueryResponse(kind=kind, cursor=f"c{len(self.cursors)}")
        await context.abort_with_status(rpc_status.to_status(CUT.status()))


@asynccontextmanager
async def serving(*servicers, port=0):
    """The address of a server with these servicers."""
    server = grpc.aio.server()
    for servicer in servicers:
        if isinstance(servicer, Ingest):
            ingest_pb2_grpc.add_IngestServiceServicer_to_server(servicer, server)
        else:
            query_pb2_grpc.add_QueryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
