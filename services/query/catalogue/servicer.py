"""PipelineService: each method reads the request (`request.py`), asks `store` in one snapshot, and builds the answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from services.kit import audit, identity, page
from services.kit.calendar import Span
from services.kit.call import Project, current
from services.kit.errors import NotFound
from services.kit.instant import us_of
from services.query.catalogue import request as read
from services.query.catalogue import store
from services.query.catalogue.quality import of_properties
from services.query.catalogue.store import Wanted
from services.query.lineage.source import lineage
from services.query.store import Store
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1 import pipeline_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000


class Pipeline(pipeline_pb2_grpc.PipelineServiceServicer):
    """The RPCs of PipelineService; `folder` is that of the segments, empty where there is none."""

    def __init__(self, store_: Store, folder: str, seconds: float) -> None:
        self._store, self._folder, self._most_seconds = store_, folder, seconds

    async def GetLineage(self, request: pb.GetLineageRequest, context: Any) -> pb.GetLineageResponse:
        """Tells where an event or a bucket comes from."""
        project = await identity.project(request.project)
        audit.note(f"{project.name} lineage")
        return await lineage(self._store, self._folder, project, request, self._seconds())

    async def ListEventQuality(
        self, request: pb.ListEventQualityRequest, context: Any
    ) -> pb.ListEventQualityResponse:
        """Lists events by volume, with the quality of each."""
        project = await identity.project(request.project)
        audit.note(f"{project.name} quality of events")
        limit, search = page.size(request.page_size, PAGE, LARGEST_PAGE), read.search(request.search)
        position = page.position(request, int, str, int, int)
        # Later pages are of the time of the first.
        span = page.resumed(position[2:]) if position else _span(request, project)
        after = (position[0], position[1]) if position else None
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            found = await store.events(snapshot, Wanted(span, search, limit=limit + 1, after=after))
        response = pb.ListEventQualityResponse()
        now = datetime.now(UTC)
        response.events.extend(each.message(project.name, now) for each in found[:limit])
        if len(found) > limit:
            last = found[limit - 1]
            response.next_page_token = page.token(request, last.count, last.name, *page.ends(span))
        return response

    async def GetEventQuality(
        self, request: pb.GetEventQualityRequest, context: Any
    ) -> pb.GetEventQualityResponse:
        """Tells the quality of one event and of its properties."""
        project = await identity.project(request.project)
        name, size = read.event_name(request.event_name), read.sample(request)
        audit.note(f"{project.name} quality of {name}")
        span = _span(request, project)
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            found = await store.events(snapshot, Wanted(span, name=name))
            if not found:
                raise NotFound(f"{project.name} has no event {name!r} in that time", reason="EVENT_NOT_FOUND")
            now = await store.sample(snapshot, name, span, size)
            before = await store.sample(snapshot, name, span.earlier(span.length), size)
        (event,) = found
        # Ten thousand events take a second to go through.
        properties = await asyncio.to_thread(of_properties, now, before, event.document)
        return pb.GetEventQualityResponse(
            event=event.message(project.name, datetime.now(UTC)),
            sample_count=len(now),
            previous_sample_count=len(before),
            properties=properties,
        )

    async def ListProducers(self, request: pb.ListProducersRequest, context: Any) -> pb.ListProducersResponse:
        """Lists who sent of late."""
        project = await identity.project(request.project)
        audit.note(f"{project.name} producers")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        position = page.position(request, int, str)
        after = (page.instant(position[0]), position[1]) if position else None
        async with self._store.snapshot(project.project_id, self._seconds()) as snapshot:
            partitions = len((await snapshot.facts()).versions)
            found = await store.producers(snapshot, after, limit + 1)
        response = pb.ListProducersResponse()
        shown = sorted(found[:limit], key=lambda each: each.received_at or each.minute, reverse=True)
        response.producers.extend(each.message(project.project_id, partitions) for each in shown)
        if len(found) > limit:
            last = found[limit - 1]
            response.next_page_token = page.token(request, us_of(last.minute), last.producer_id)
        return response

    def _seconds(self) -> float:
        """The time that is left for an answer."""
        remaining = current.get().context.time_remaining()
        return self._most_seconds if remaining is None else min(self._most_seconds, remaining)


def _span(request: pb.ListEventQualityRequest | pb.GetEventQualityRequest, project: Project) -> Span:
    asked = request.time_range if request.HasField("time_range") else None
    return read.minutes(asked, project.time_zone, datetime.now(UTC))
