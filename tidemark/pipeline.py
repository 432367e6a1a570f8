"""Where stored events come from and how good they are; reached as `client.pipeline`, answered by `PipelineService`.

(way,) = (await client.pipeline.lineage(event_id)).events
quality = await client.pipeline.quality("order_placed", last="7d")
"""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, any_range, period, source, timestamp
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1 import pipeline_pb2_grpc


class Pipeline(Scope):
    """Lineage, quality and producers of the client's project."""

    _service = pipeline_pb2_grpc.PipelineServiceStub

    async def lineage(self, event_id: UUID | bytes) -> pb.GetLineageResponse:
        """The way of an event from its producer to the database, or to the dead letters."""
        identity = event_id.bytes if isinstance(event_id, UUID) else event_id
        request = pb.GetLineageRequest(project=await self._parent(), event_id=identity)
        return await self._ask(self._stub.GetLineage, request)  # type: ignore[no-any-return]

    async def bucket(
        self, name: str, start: datetime, width: str = "minute", *, of: str = "events", limit: int = 0
    ) -> pb.BucketLineage:
        """The batches that made a bucket of a rollup: of a `minute`, an `hour` or a `day`, of `events` or `metrics`."""
        request = pb.GetLineageRequest(project=await self._parent(), page_size=limit)
        request.bucket.source, request.bucket.name, request.bucket.width = source(of), name, period(width)
        request.bucket.start.CopyFrom(timestamp(start))
        return (await self._ask(self._stub.GetLineage, request)).bucket  # type: ignore[no-any-return]

    async def events(
        self,
        search: str = "",
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
    ) -> AsyncIterator[pb.EventQuality]:
        """The events of the project with the quality of each, by volume."""
        request = pb.ListEventQualityRequest(project=await self._parent(), search=search)
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        async for page in self._pages(self._stub.ListEventQuality, request):
            for event in page.events:
                yield event

    async def quality(
        self,
        event_name: str,
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        sample_size: int = 0,
    ) -> pb.GetEventQualityResponse:
        """The quality of an event and of each of its properties."""
        request = pb.GetEventQualityRequest(
            project=await self._parent(), event_name=event_name, sample_size=sample_size
        )
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        return await self._ask(self._stub.GetEventQuality, request)  # type: ignore[no-any-return]

    async def producers(self) -> AsyncIterator[pb.ProducerStatus]:
        """Who sends, the last one first."""
        request = pb.ListProducersRequest(project=await self._parent())
        async for page in self._pages(self._stub.ListProducers, request):
            for producer in page.producers:
                yield producer
