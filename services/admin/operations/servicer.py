"""OperationService: each method reads the request, asks `services/kit/operation.py`, and builds the answer."""

from typing import Any

from services.kit import audit, operation, page, resource
from services.kit.errors import Invalid, NotFound
from services.kit.identity import project
from services.kit.operation import Operation
from services.kit.service import Pool
from tidemark.v1 import operation_pb2 as pb
from tidemark.v1 import operation_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000


class Operations(operation_pb2_grpc.OperationServiceServicer):
    """The RPCs of OperationService."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def GetOperation(self, request: pb.GetOperationRequest, context: Any) -> pb.GetOperationResponse:
        """Reads an operation."""
        found = await self._found(request.name, cancel=False)
        return pb.GetOperationResponse(operation=found.message())

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Any
    ) -> pb.ListOperationsResponse:
        """Lists operations, newest first."""
        if not request.parent:
            raise Invalid("parent", "is empty; write projects/{project}")
        parent = await project(request.parent, "parent")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (before,) = page.position(request, str) or ("",)
        if "\0" in request.target:
            raise Invalid("target", "has a character that no name has; write the name of a resource")
        async with self._pool.connection() as connection:
            rows = await operation.listed(connection, parent.project_id, request.target, before, limit + 1)
        return pb.ListOperationsResponse(
            operations=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].operation_id) if len(rows) > limit else "",
        )

    async def CancelOperation(
        self, request: pb.CancelOperationRequest, context: Any
    ) -> pb.CancelOperationResponse:
        """Asks an operation to stop."""
        found = await self._found(request.name, cancel=True)
        return pb.CancelOperationResponse(operation=found.message())

    async def _found(self, name: str, *, cancel: bool) -> Operation:
        parent_name, operation_id = resource.parted(name, "operations", "name")
        audit.note(name)
        parent = await project(parent_name, "name")
        async with self._pool.connection() as connection:
            if cancel:
                await operation.cancel(connection, parent.project_id, operation_id)
            found = await operation.read(connection, parent.project_id, operation_id)
        if found is None:
            raise NotFound(f"there is no {name}", reason="OPERATION_NOT_FOUND")
        return found
