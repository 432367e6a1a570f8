"""Dashboards: reached as `client.dashboards`, answered by `DashboardService` with the records below.

home = await client.dashboards.get("home")
mine = await client.dashboards.clone("home", display_name="Mine")
async for change in client.watch_dashboard(mine.name, during="today", variables={"country": ["DE"]}): ...

What a dashboard shows is the contract's own message; as a file it is that message's JSON form.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import grpc.aio
from google.protobuf.json_format import MessageToJson, Parse, ParseError

from tidemark.channel import Metadata
from tidemark.following import followed
from tidemark.plain import instant
from tidemark.records import Change
from tidemark.scope import Scope
from tidemark.spelling import Condition, Instant, Span, every, time_range
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import dashboard_pb2_grpc

_OURS = ("name", "built_in", "create_time", "update_time", "etag")
"""What a file need not say: the server gives it."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A saved page of tiles; `message` holds them, listings of dashboards leave them out."""

    name: str
    display_name: str
    description: str
    built_in: bool
    create_time: datetime | None
    update_time: datetime | None
    etag: str
    message: pb.Dashboard

    @classmethod
    def of(cls, message: pb.Dashboard) -> "Dashboard":
        return cls(
            message.name,
            message.display_name,
            message.description,
            message.built_in,
            instant(message.create_time),
            instant(message.update_time),
            message.etag,
            message,
        )

    def to_json(self) -> str:
        """As a file that `create` takes."""
        kept = pb.Dashboard()
        kept.CopyFrom(self.message)
        for name in _OURS:
            kept.ClearField(name)
        return MessageToJson(kept, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Tile:
    """What changed in one tile: a change of its answer, or why there is none."""

    change: Change | None
    error: str


@dataclass(frozen=True, slots=True)
class DashboardChange:
    """What changed on a dashboard, by the ids of its tiles; nothing in a sign of life."""

    tiles: Mapping[str, Tile]
    watermark: datetime | None
    etag: str
    sent_at: datetime | None
    cursor: str

    @classmethod
    def of(cls, message: pb.WatchDashboardResponse) -> "DashboardChange":
        tiles = {
            each.tile_id: Tile(
                Change.of(each.answer) if each.HasField("answer") else None, each.error.message
            )
            for each in message.tiles
        }
        return cls(tiles, instant(message.watermark), message.etag, instant(message.sent_at), message.cursor)


def parsed(text: str) -> pb.Dashboard:
    """A dashboard out of its file; raises `ValueError` for what is none."""
    try:
        if not text.lstrip().startswith("{"):
            raise ParseError("it holds no object")
        return Parse(text, pb.Dashboard())
    except ParseError as error:
        raise ValueError(f"dashboard: is no file of one: {error}") from error


class Dashboards(Scope):
    """Manages the dashboards of the client's project; needs a key of role analyst or admin to change them. A dashboard is told by
    its id or its name, `projects/{project}/dashboards/{dashboard}`.
    """

    def __init__(self, channel: grpc.aio.Channel, project: str, metadata: Metadata, timeout: float) -> None:
        super().__init__(channel, project, metadata, timeout)
        self._stub = dashboard_pb2_grpc.DashboardServiceStub(channel)  # type: ignore[no-untyped-call]

    async def create(self, dashboard: pb.Dashboard | str, *, dashboard_id: str = "") -> Dashboard:
        """Makes a dashboard of a message or of a file's text; its id comes from its display name unless it is given."""
        request = pb.CreateDashboardRequest(
            parent=await self._parent(),
            dashboard_id=dashboard_id,
            dashboard=parsed(dashboard) if isinstance(dashboard, str) else dashboard,
            request_id=str(uuid4()),
        )
        return Dashboard.of((await self._ask(self._stub.CreateDashboard, request)).dashboard)

    async def get(self, dashboard: str) -> Dashboard:
        """Reads a dashboard."""
        request = pb.GetDashboardRequest(name=await self._name(dashboard))
        return Dashboard.of((await self._ask(self._stub.GetDashboard, request)).dashboard)

    async def all(self) -> AsyncIterator[Dashboard]:
        """The dashboards of the project without their tiles: those that are built in, then the others by id."""
        request = pb.ListDashboardsRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListDashboards, request):
            for message in page.dashboards:
                yield Dashboard.of(message)

    async def update(self, dashboard: pb.Dashboard, fields: Iterable[str] = ()) -> Dashboard:
        """Changes these fields, or all that are set; where the message has an etag, only if nobody else changed it since."""
        request = pb.UpdateDashboardRequest(dashboard=dashboard)
        request.dashboard.name = await self._name(dashboard.name)
        request.update_mask.paths.extend(fields)
        return Dashboard.of((await self._ask(self._stub.UpdateDashboard, request)).dashboard)

    async def delete(self, dashboard: str, *, etag: str = "") -> None:
        """Deletes a dashboard."""
        request = pb.DeleteDashboardRequest(name=await self._name(dashboard), etag=etag)
        await self._ask(self._stub.DeleteDashboard, request)

    async def clone(self, dashboard: str, *, display_name: str = "", dashboard_id: str = "") -> Dashboard:
        """Makes a dashboard that is like another."""
        request = pb.CloneDashboardRequest(
            name=await self._name(dashboard),
            dashboard_id=dashboard_id,
            display_name=display_name,
            request_id=str(uuid4()),
        )
        return Dashboard.of((await self._ask(self._stub.CloneDashboard, request)).dashboard)

    async def watch(
        self,
        dashboard: str | pb.Dashboard,
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        where: Iterable[Condition] = (),
        variables: Mapping[str, Sequence[str]] | None = None,
    ) -> AsyncGenerator[DashboardChange, None]:
        """All tiles of a saved dashboard, or of a draft, and their changes as they are committed, for ever; goes on by itself
        after an interruption. What is not given is as the dashboard has it.
        """
        given = (last, start, end, during) != (None, None, None, None)
        request = pb.WatchDashboardRequest(
            project=await self._parent(),
            time_range=time_range(last, start, end, during) if given else None,
            filter=every(where),
            variables=[pb.VariableValues(id=key, values=values) for key, values in (variables or {}).items()],
        )
        if isinstance(dashboard, str):
            request.name = await self._name(dashboard)
        else:
            request.draft.CopyFrom(dashboard)

        def begin(
            cursor: str,
        ) -> grpc.aio.UnaryStreamCall[pb.WatchDashboardRequest, pb.WatchDashboardResponse]:
            request.cursor = cursor
            return self._stub.WatchDashboard(request, metadata=self._metadata)

        async with aclosing(followed(begin)) as messages:
            async for message in messages:
                yield DashboardChange.of(message)

    async def _name(self, dashboard: str) -> str:
        return await self._named("dashboards", dashboard)
