"""RetentionService: each method reads the request (`request.py`), asks a store, and builds the answer."""

import uuid
from typing import Any

from redis import exceptions

from services.ingest.erasure.store import Store as ErasureStore
from services.ingest.retention import request as read
from services.ingest.retention.store import Store
from services.ingest.stream import Log
from services.kit import audit, page, resource
from services.kit.errors import Unavailable
from services.kit.identity import caller, parent_of, project
from services.kit.instant import us_of
from tidemark.v1 import retention_pb2 as pb
from tidemark.v1 import retention_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000


class Retention(retention_pb2_grpc.RetentionServiceServicer):
    """The RPCs of RetentionService."""

    def __init__(self, store: Store, erasures: ErasureStore, log: Log, partitions: int) -> None:
        self._store, self._erasures, self._log, self._partitions = store, erasures, log, partitions

    async def GetRetention(self, request: pb.GetRetentionRequest, context: Any) -> pb.GetRetentionResponse:
        """Reads how long data is kept."""
        audit.note(request.name)
        parent = await project(read.parent_of(request.name, "name"), "name")
        found = await self._store.retention(parent)
        return pb.GetRetentionResponse(retention=found.message(parent))

    async def UpdateRetention(
        self, request: pb.UpdateRetentionRequest, context: Any
    ) -> pb.UpdateRetentionResponse:
        """Changes how long data is kept."""
        given = request.retention
        audit.note(given.name)
        parent = await project(read.parent_of(given.name, "retention.name"), "retention.name")
        policy, revision = read.policy(given), resource.revision(given.etag, "retention.etag")
        found = await self._store.update(parent, policy, revision)
        return pb.UpdateRetentionResponse(retention=found.message(parent))

    async def EraseUser(self, request: pb.EraseUserRequest, context: Any) -> pb.EraseUserResponse:
        """Begins to remove a person. Nothing that is recorded of the call names them."""
        parent = await parent_of(request.parent)
        user_id = read.user_id(request.user_id)
        try:
            newest = [await self._log.last_generated_id(each) for each in range(self._partitions)]
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise Unavailable("the log does not answer; retry") from error
        erasure_id = f"e{uuid.uuid4().hex}"
        made = await self._erasures.create(
            parent, erasure_id, user_id, caller().name, [each or "0-0" for each in newest]
        )
        audit.note(made.name)
        return pb.EraseUserResponse(erasure=made.message())

    async def GetErasure(self, request: pb.GetErasureRequest, context: Any) -> pb.GetErasureResponse:
        """Reads an erasure."""
        parent, erasure_id = resource.parted(request.name, "erasures", "name")
        audit.note(request.name)
        found = await self._erasures.erasure(await project(parent, "name"), erasure_id)
        return pb.GetErasureResponse(erasure=found.message())

    async def ListErasures(self, request: pb.ListErasuresRequest, context: Any) -> pb.ListErasuresResponse:
        """Lists erasures, newest first."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        after = page.newest(request)
        rows = await self._erasures.erasures(parent, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListErasuresResponse(
            erasures=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.created_at), last.erasure_id) if last else "",
        )
