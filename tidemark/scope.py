"""What is managed within a project: `cohorts.py`, `dashboards.py`, `schemas.py` and others reach their services through this."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio

from tidemark.channel import Metadata, answered
from tidemark.v1 import admin_pb2, admin_pb2_grpc

_PAGE = 1000


class Calls:
    """Calls with a key."""

    def __init__(self, metadata: Metadata, timeout: float) -> None:
        self._metadata, self._timeout = metadata, timeout

    async def _pages(self, method: Callable[..., Any], request: Any) -> AsyncIterator[Any]:
        """Every page of a listing."""
        request.page_size = _PAGE
        while True:
            page = await self._ask(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def _ask(self, method: Callable[..., Any], request: Any) -> Any:
        return await answered(method(request, metadata=self._metadata, timeout=self._timeout))


class Scope(Calls):
    """The client's project, and calls with its key over `channel`; who the key belongs to is asked over `directory`."""

    _service: Callable[[grpc.aio.Channel], Any] | None = None
    """The generated stub of its service."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        project: str,
        metadata: Metadata,
        timeout: float,
        directory: grpc.aio.Channel | None = None,
    ) -> None:
        super().__init__(metadata, timeout)
        self._admin = admin_pb2_grpc.AdminServiceStub(directory or channel)  # type: ignore[no-untyped-call]
        if self._service is not None:
            self._stub: Any = type(self)._service(channel)  # type: ignore[misc]
        self._project = project

    async def _parent(self) -> str:
        """The client's project, or the one that its key belongs to."""
        if not self._project:
            seen = await self._ask(self._admin.ListProjects, admin_pb2.ListProjectsRequest(page_size=2))
            if len(seen.projects) != 1:
                raise ValueError(
                    "project: is not given, and the key belongs to no single one; give it to the client"
                )
            self._project = seen.projects[0].name
        return self._project

    async def _named(self, collection: str, text: str) -> str:
        """The name of a resource that is told by its id or its name."""
        return text if "/" in text else f"{await self._parent()}/{collection}/{text}"
