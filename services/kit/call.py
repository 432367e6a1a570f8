"""One RPC under way, as every layer sees it: `rpc.py` makes it, identity and audit fill it in, logs and servicers read it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from tidemark.v1.access_pb2 import Permission
from tidemark.v1.admin_pb2 import ROLE_UNSPECIFIED, Role

if TYPE_CHECKING:
    from services.kit.identity import Directory
    from services.kit.session import Session


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant."""

    project_id: int
    slug: str
    time_zone: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.slug}"


INSTALLATION = Project(0, "-", "UTC")
"""Stands for the whole installation where a project is asked for; its audit chain is number 0."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: a key. One without a project belongs to the whole installation."""

    key_id: str
    project_id: int | None
    project_slug: str | None
    role: Role
    events_per_minute: int = 0
    requests_per_minute: int = 0
    is_service: bool = False
    """A service of ours, at work without being asked."""

    @property
    def name(self) -> str:
        """The key's resource name; the actor of audit entries."""
        return f"projects/{self.project_slug or '-'}/keys/{self.key_id}"


NOBODY = Caller("nobody", None, None, ROLE_UNSPECIFIED)
"""Whoever comes with a link in place of a key; no key has this id."""


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC of the contract."""

    service: str
    name: str
    permission: Permission
    streams_requests: bool
    streams_responses: bool

    @property
    def full_name(self) -> str:
        """As in `tidemark.v1.AdminService.CreateKey`."""
        return f"{self.service}.{self.name}"

    @property
    def streams(self) -> bool:
        """Whether a call may be open for long."""
        return self.streams_requests or self.streams_responses


@dataclass(slots=True, eq=False)
class Call:
    """The state of one RPC. Tasks that its handler starts share it."""

    method: Method
    context: Any
    request_id: str
    peer: str
    caller: Caller | None = None
    session: "Session | None" = None
    """The browser's session that shows the caller's key."""
    directory: "Directory | None" = None
    project: Project | None = None
    """The project that the servicer has resolved; tells which audit chain the call belongs to."""
    resource: str = ""
    """What the call is about; said by `audit.note`."""
    opened: Callable[[], Awaitable[None]] | None = None
    """What `open` awaits."""
    code: grpc.StatusCode = grpc.StatusCode.OK
    """How the call ended."""
    scope: asyncio.Timeout | None = None
    verdict: Exception | None = None

    async def open(self) -> None:
        """To be awaited before anything of a stream goes out; does nothing the second time."""
        if self.opened is not None:
            await self.opened()
            self.opened = None

    def end(self, verdict: Exception) -> None:
        """Ends the call from outside its task, with `verdict` as its error."""
        if self.scope is not None and not self.scope.expired():
            self.verdict = verdict
            self.scope.reschedule(asyncio.get_running_loop().time())


current: ContextVar[Call] = ContextVar("call")
"""The call that the running task works for."""
