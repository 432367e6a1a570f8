"""What the tests of the page look at: events sent through the SDK, and dashboards made through the API."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import grpc.aio

import tidemark
from tests.deployment import Tenant
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub

Happened = Mapping[str, Any]
"""An event as `Client.track` takes it: its name and whatever else."""


def counted(
    title: str, name: str = "", *, at: tuple[int, int, int, int] = (0, 0, 3, 3), **asked: Any
) -> pb.Tile:
    """A tile with one number: how many events of a name there are."""
    display = pb.Display(kind=pb.Display.KIND_NUMBER)
    return pb.Tile(
        id=slug(title), title=title, layout=layout(at), query=series(name, **asked), display=display
    )


def drawn(
    title: str,
    query: q.Query,
    *,
    at: tuple[int, int, int, int] = (0, 0, 6, 6),
    kind: "pb.Display.Kind | None" = None,
) -> pb.Tile:
    """A tile of any question."""
    return pb.Tile(id=slug(title), title=title, layout=layout(at), query=query, display=pb.Display(kind=kind))


def slug(title: str) -> str:
    """The id of a tile with this title."""
    return title.lower().replace(" ", "-")


def layout(at: tuple[int, int, int, int]) -> pb.Layout:
    """Column, row, columns and rows."""
    x, y, width, height = at
    return pb.Layout(x=x, y=y, width=width, height=height)


def series(name: str = "", **asked: Any) -> q.Query:
    """The question how many events of a name there are over time."""
    return q.Query(series=q.SeriesQuestion(measures=[count(name)], **asked))


def count(name: str = "") -> q.Measure:
    """The number of events of a name."""
    return q.Measure(name=name, aggregation=q.AGGREGATION_COUNT)


async def sent(tenant: Tenant, events: Iterable[Happened]) -> None:
    """Sends events and returns when every question sees them."""
    async with tenant.client(ack_mode=tidemark.AckMode.COMMITTED) as client:
        for event in events:
            client.track(**event)
        await client.flush()


async def made(tenant: Tenant, *tiles: pb.Tile, **fields: Any) -> str:
    """Creates a dashboard of the last hour; gives the path of its page."""
    fields.setdefault("time_range", hours(1))
    dashboard = pb.Dashboard(tiles=tiles, **{"display_name": "Board", **fields})
    request = pb.CreateDashboardRequest(parent=tenant.project, dashboard=dashboard)
    answer = await asked(tenant, "CreateDashboard", request)
    return f"/dashboards/{answer.dashboard.name.rpartition('/')[2]}"


async def read(tenant: Tenant, path: str) -> pb.Dashboard:
    """The dashboard of a page as it is saved."""
    name = f"{tenant.project}{path}"
    return (await asked(tenant, "GetDashboard", pb.GetDashboardRequest(name=name))).dashboard


async def saved(tenant: Tenant, dashboard: pb.Dashboard) -> None:
    """Saves a dashboard, whatever it was before."""
    dashboard.etag = ""
    await asked(tenant, "UpdateDashboard", pb.UpdateDashboardRequest(dashboard=dashboard))


async def asked(tenant: Tenant, method: str, request: Any, key: str = "") -> Any:
    """Calls a method of DashboardService."""
    metadata = (("authorization", f"Bearer {key or tenant.key}"),)
    async with grpc.aio.insecure_channel(tenant.suite.members["query"].address) as channel:
        return await getattr(DashboardServiceStub(channel), method)(request, metadata=metadata)


def hours(number: float) -> q.TimeRange:
    """So many hours up to now."""
    found = q.TimeRange()
    found.last.FromTimedelta(timedelta(hours=number))
    return found


def between(start: datetime, end: datetime) -> q.TimeRange:
    """From one instant to another."""
    found = q.TimeRange()
    found.start.FromDatetime(start)
    found.end.FromDatetime(end)
    return found
