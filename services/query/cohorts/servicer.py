"""CohortService: each method reads the request (`request.py`), asks the store, and builds the answer."""

from datetime import UTC, datetime
from typing import Any

from services.kit import audit, page, resource
from services.kit.identity import named, parent_of
from services.query.cohorts import request as read
from services.query.cohorts.store import Store
from tidemark.v1 import cohort_pb2 as pb
from tidemark.v1 import cohort_pb2_grpc

PAGE, LARGEST_PAGE = 100, 1000


class Cohort(cohort_pb2_grpc.CohortServiceServicer):
    """The RPCs of CohortService."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def CreateCohort(self, request: pb.CreateCohortRequest, context: Any) -> pb.CreateCohortResponse:
        """Makes a cohort."""
        parent = await parent_of(request.parent)
        cohort_id = resource.new_id(request.cohort_id, "cohort_id") if request.cohort_id else ""
        if cohort_id:
            audit.note(f"{parent.name}/cohorts/{cohort_id}")
        fields = read.new(request.cohort, parent.time_zone, datetime.now(UTC))
        made = await self._store.create(parent, cohort_id, fields, resource.request_id(request.request_id))
        audit.note(made.name)
        return pb.CreateCohortResponse(cohort=made.message())

    async def GetCohort(self, request: pb.GetCohortRequest, context: Any) -> pb.GetCohortResponse:
        """Reads a cohort."""
        parent, cohort_id = await named(request.name, "cohorts")
        found = await self._store.cohort(parent, cohort_id)
        return pb.GetCohortResponse(cohort=found.message())

    async def ListCohorts(self, request: pb.ListCohortsRequest, context: Any) -> pb.ListCohortsResponse:
        """Lists cohorts by id."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.cohorts(parent, after, limit + 1)
        return pb.ListCohortsResponse(
            cohorts=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].cohort_id) if len(rows) > limit else "",
        )

    async def UpdateCohort(self, request: pb.UpdateCohortRequest, context: Any) -> pb.UpdateCohortResponse:
        """Changes the fields that the mask names."""
        parent, cohort_id = await named(request.cohort.name, "cohorts", "cohort.name")
        changes = read.changes(request, parent.time_zone, datetime.now(UTC))
        revision = resource.revision(request.cohort.etag, "cohort.etag")
        changed = await self._store.update(parent, cohort_id, changes, revision)
        return pb.UpdateCohortResponse(cohort=changed.message())

    async def DeleteCohort(self, request: pb.DeleteCohortRequest, context: Any) -> pb.DeleteCohortResponse:
        """Deletes a cohort."""
        parent, cohort_id = await named(request.name, "cohorts")
        await self._store.delete(parent, cohort_id, resource.revision(request.etag, "etag"))
        return pb.DeleteCohortResponse()
