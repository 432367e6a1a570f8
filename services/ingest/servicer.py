"""IngestService: batches come in as protobuf and go on to `intake`; what would become of events is told by
`services/ingest/rules/trial.py`.

The acknowledgement is the last step and goes out only when the batch is as safe as its mode promises.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

import grpc.aio

from services.ingest.definitions.source import Definitions
from services.ingest.intake import Intake, Taken
from services.ingest.rules.trial import trials
from services.kit import identity
from services.kit.call import Project
from services.kit.errors import Invalid, Unavailable
from tidemark.v1 import ingest_pb2, ingest_pb2_grpc

COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
MAX_REQUEST_ID = 100
MAX_TRIALS = 1000
"""Events that one call may ask about."""
_UNACKNOWLEDGED = 64
"""Batches of a stream that may wait for their acknowledgement."""
_UNTOLD = 100
"""Rejections of a batch beyond which it is acknowledged before the next is read."""

Response = TypeVar("Response", ingest_pb2.PublishResponse, ingest_pb2.RecordMetricsResponse)


class _Request(Protocol):
    project: str
    ack_mode: ingest_pb2.AckMode

    @property
    def batch(self) -> Any: ...


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """The RPCs of IngestService."""

    def __init__(self, intake: Intake, definitions: Definitions, draining: asyncio.Event) -> None:
        self._intake, self._definitions, self._draining = intake, definitions, draining

    async def Publish(
        self, requests: AsyncIterator[ingest_pb2.PublishRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[ingest_pb2.PublishResponse]:
        async for response in self._stream(requests, ingest_pb2.PublishResponse):
            yield response

    async def RecordMetrics(
        self,
        requests: AsyncIterator[ingest_pb2.RecordMetricsRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[ingest_pb2.RecordMetricsResponse]:
        async for response in self._stream(requests, ingest_pb2.RecordMetricsResponse):
            yield response

    async def PublishBatch(
        self, request: ingest_pb2.PublishBatchRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ingest_pb2.PublishBatchResponse:
        taken = await self._take_one(request)
        return ingest_pb2.PublishBatchResponse(
            accepted_count=taken.accepted,
            repeated=taken.repeated,
            rejections=taken.rejections,
            dead_lettered_count=taken.dead_lettered,
        )

    async def RecordMetricsBatch(
        self, request: ingest_pb2.RecordMetricsBatchRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ingest_pb2.RecordMetricsBatchResponse:
        taken = await self._take_one(request)
        return ingest_pb2.RecordMetricsBatchResponse(
            accepted_count=taken.accepted, repeated=taken.repeated, rejections=taken.rejections
        )

    async def ValidateEvents(
        self, request: ingest_pb2.ValidateEventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ingest_pb2.ValidateEventsResponse:
        project = await identity.project(request.project)
        if len(request.events) > MAX_TRIALS:
            raise Invalid("events", f"has {len(request.events)} events; send at most {MAX_TRIALS}")
        definition = await self._definitions.of(project.project_id)
        found, _ = await asyncio.to_thread(trials, request.events, definition, time.time_ns() // 1000)
        return ingest_pb2.ValidateEventsResponse(trials=found)

    async def _take_one(
        self, request: ingest_pb2.PublishBatchRequest | ingest_pb2.RecordMetricsBatchRequest
    ) -> Taken:
        project = await identity.project(request.project)
        if len(request.request_id) > MAX_REQUEST_ID:
            fault = f"has {len(request.request_id)} characters; send at most {MAX_REQUEST_ID}"
            raise Invalid("request_id", fault)
        taken = await self._intake.take(
            project,
            request.batch,
            mode=request.ack_mode,
            patience=0.0,
            source=_door(request.batch.producer.producer_id),
            once=request.request_id,
        )
        if request.ack_mode == COMMITTED:
            await self._intake.committed(taken)
        return taken

    async def _stream(
        self, requests: AsyncIterator[_Request], kind: type[Response]
    ) -> AsyncIterator[Response]:
        """Acknowledges the batches of `requests` in order; reads on while acknowledgements wait for the database. Once the server drains it
        reads no more, and ends the stream behind the last acknowledgement: what was not acknowledged is sent again, to another.
        """
        taken: asyncio.Queue[Taken | Exception | None] = asyncio.Queue(_UNACKNOWLEDGED)
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
                    item = await self._intake.take(
                        project, request.batch, mode=mode, patience=self._intake.patience
                    )
                    await taken.put(item)
                    if len(item.rejections) > _UNTOLD:
                        # They fill a hundred times the memory of the empty events that they are about.
                        await taken.join()
                await taken.put(None)
            except Exception as error:  # noqa: BLE001 - raised below, after what was taken before it is acknowledged
                await taken.put(error)

        reader = asyncio.create_task(read())

        async def drained() -> None:
            await self._draining.wait()
            reader.cancel()
            await taken.put(Unavailable("the server is shutting down: go on elsewhere"))

        ender = asyncio.create_task(drained())
        try:
            while isinstance(item := await taken.get(), Taken):
                if mode == COMMITTED:
                    await self._intake.committed(item)
                yield _acknowledgement(item, kind)
                taken.task_done()
            if item is not None:
                raise item
        finally:
            reader.cancel()
            ender.cancel()
            await asyncio.gather(reader, ender, return_exceptions=True)


def _door(producer_id: str) -> str:
    """By which door a batch came: the gateway sends what SDKs of Segment have sent to it, and names the producer so."""
    return "segment" if producer_id.startswith("segment:") else "events"


def _acknowledgement(taken: Taken, kind: type[Response]) -> Response:
    response = kind(
        epoch=taken.epoch,
        sequence=taken.sequence,
        accepted_count=taken.accepted,
        repeated_batch_count=int(taken.repeated),
        rejections=taken.rejections,
    )
    if isinstance(response, ingest_pb2.PublishResponse):
        response.dead_lettered_count = taken.dead_lettered
    return response
