"""WindowService: each method reads the request (`definition.py`, `request.py`), asks the store, and builds the answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from services.ingest.windows import definition
from services.ingest.windows import request as read
from services.ingest.windows.store import Store
from services.kit import audit, page, resource
from services.kit.identity import named, parent_of
from tidemark.v1 import window_pb2 as pb
from tidemark.v1 import window_pb2_grpc

PAGE, RESULTS, LARGEST_PAGE = 50, 100, 1000


class Windows(window_pb2_grpc.WindowServiceServicer):
    """The RPCs of WindowService."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def CreateWindow(self, request: pb.CreateWindowRequest, context: Any) -> pb.CreateWindowResponse:
        """Makes a window."""
        parent = await parent_of(request.parent)
        window_id = resource.new_id(request.window_id, "window_id") if request.window_id else ""
        if window_id:
            audit.note(f"{parent.name}/windows/{window_id}")
        window = await asyncio.to_thread(definition.read, request.window)
        made = await self._store.create(parent, window_id, window, resource.request_id(request.request_id))
        message = made.message()
        audit.note(message.name)
        return pb.CreateWindowResponse(window=message)

    async def GetWindow(self, request: pb.GetWindowRequest, context: Any) -> pb.GetWindowResponse:
        """Reads a window."""
        parent, window_id = await named(request.name, "windows")
        found = await self._store.window(parent, window_id)
        return pb.GetWindowResponse(window=found.message())

    async def ListWindows(self, request: pb.ListWindowsRequest, context: Any) -> pb.ListWindowsResponse:
        """Lists windows by id."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.windows(parent, after, limit + 1)
        return pb.ListWindowsResponse(
            windows=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].window_id) if len(rows) > limit else "",
        )

    async def DeleteWindow(self, request: pb.DeleteWindowRequest, context: Any) -> pb.DeleteWindowResponse:
        """Deletes a window with its results."""
        parent, window_id = await named(request.name, "windows")
        await self._store.delete(parent, window_id)
        return pb.DeleteWindowResponse()

    async def ListWindowResults(
        self, request: pb.ListWindowResultsRequest, context: Any
    ) -> pb.ListWindowResultsResponse:
        """Lists results, latest beginning first."""
        parent, window_id = await named(request.name, "windows")
        limit = page.size(request.page_size, RESULTS, LARGEST_PAGE)
        span = read.asked_span(request, parent.time_zone, datetime.now(UTC))
        record = await self._store.window(parent, window_id)
        window = record.window
        key = read.asked_key(request, window)
        before = read.position(page.position(request, int, str), window)
        rows, watermark = await self._store.results(record, (span.start, span.end), key, before, limit + 1)
        response = pb.ListWindowResultsResponse(
            results=[row.message(window, watermark) for row in rows[:limit]]
        )
        if len(rows) > limit:
            last = rows[limit - 1]
            response.next_page_token = page.token(request, *read.token(last.start, last.key))
        return response
