"""DashboardService: each method reads the request, asks the store, and builds the answer; watches follow a board of `live`."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from services.kit import audit, page, resource
from services.kit.call import Project
from services.kit.errors import Conflict, Invalid, Refused
from services.kit.identity import named, parent_of, project
from services.query.cohorts.source import Cohorts
from services.query.dashboards import definition
from services.query.dashboards.record import changed, picked
from services.query.dashboards.store import BUILT_IN, Store
from services.query.dashboards.tiles import Choice, asked, choice, known
from services.query.live.cursor import decode
from services.query.live.stream import Boards, Tiles
from services.query.live.worker import Watched
from services.query.question import cohorts
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import dashboard_pb2_grpc

PAGE, LARGEST_PAGE = 100, 1000
LOOK = 2.0
"""Seconds after which a watch looks whether its dashboard was changed."""
ATTEMPTS = 5
"""How often an update without an etag is tried, when others change the dashboard meanwhile."""
STALE_SECONDS = 3600.0
"""How old the people of a cohort may be for a look at whether a question is well formed."""


class Dashboards(dashboard_pb2_grpc.DashboardServiceServicer):
    """The RPCs of DashboardService."""

    def __init__(self, store: Store, people: Cohorts, boards: Boards) -> None:
        self._store, self._cohorts, self._boards = store, people, boards
        self._looked: dict[str, tuple[float, pb.Dashboard]] = {}

    async def CreateDashboard(
        self, request: pb.CreateDashboardRequest, context: Any
    ) -> pb.CreateDashboardResponse:
        """Makes a dashboard."""
        parent = await parent_of(request.parent)
        dashboard_id = _new_id(request.dashboard_id, parent)
        await self._check(request.dashboard, parent)
        request_id = resource.request_id(request.request_id)
        made = await self._store.create(parent, dashboard_id, request.dashboard, request_id)
        audit.note(made.name)
        return pb.CreateDashboardResponse(dashboard=made)

    async def GetDashboard(self, request: pb.GetDashboardRequest, context: Any) -> pb.GetDashboardResponse:
        """Reads a dashboard."""
        parent, dashboard_id = await named(request.name, "dashboards")
        return pb.GetDashboardResponse(dashboard=await self._store.dashboard(parent, dashboard_id))

    async def ListDashboards(
        self, request: pb.ListDashboardsRequest, context: Any
    ) -> pb.ListDashboardsResponse:
        """Lists dashboards: those that are built in, then the others by name."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        shown, after = page.position(request, int, str) or (0, "")
        found = await self._store.dashboards(parent, max(0, shown), after, limit + 1)
        sizes = accumulate(each.ByteSize() for each in found)
        fitting = max(1, min(limit, sum(size <= definition.MAX_BYTES for size in sizes)))
        more, token = len(found) > fitting, ""
        del found[fitting:]
        if more:
            files = sum(each.built_in for each in found)
            last = "" if found[-1].built_in else found[-1].name.rpartition("/")[2]
            token = page.token(request, max(0, shown) + files, last)
        return pb.ListDashboardsResponse(dashboards=found, next_page_token=token)

    async def UpdateDashboard(
        self, request: pb.UpdateDashboardRequest, context: Any
    ) -> pb.UpdateDashboardResponse:
        """Changes the fields that the mask names."""
        parent, dashboard_id = await named(request.dashboard.name, "dashboards", "dashboard.name")
        _require_saved(parent, dashboard_id)
        names = resource.masked(request, request.dashboard, definition.UPDATABLE)
        wanted = resource.revision(request.dashboard.etag, "dashboard.etag")
        for attempt in range(1, ATTEMPTS + 1):
            found = await self._store.dashboard(parent, dashboard_id)
            revision = int(found.etag)
            if wanted not in (None, revision):
                break
            changed(found, request.dashboard, names)
            await self._check(found, parent)
            try:
                made = await self._store.update(parent, dashboard_id, found, revision)
            except Conflict:
                if wanted is not None or attempt == ATTEMPTS:
                    raise
            else:
                return pb.UpdateDashboardResponse(dashboard=made)
        raise Conflict(f"{found.name} was changed since it was read: read it again")

    async def DeleteDashboard(
        self, request: pb.DeleteDashboardRequest, context: Any
    ) -> pb.DeleteDashboardResponse:
        """Deletes a dashboard."""
        parent, dashboard_id = await named(request.name, "dashboards")
        _require_saved(parent, dashboard_id)
        await self._store.delete(parent, dashboard_id, resource.revision(request.etag, "etag"))
        return pb.DeleteDashboardResponse()

    async def CloneDashboard(
        self, request: pb.CloneDashboardRequest, context: Any
    ) -> pb.CloneDashboardResponse:
        """Makes a dashboard that is like another."""
        parent, other_id = await named(request.name, "dashboards")
        dashboard_id = _new_id(request.dashboard_id, parent)
        clone = picked(await self._store.dashboard(parent, other_id), definition.UPDATABLE)
        room = resource.MAX_NAME - len(" (copy)")
        clone.display_name = request.display_name or f"{(clone.display_name or other_id)[:room]} (copy)"
        resource.display_name(clone.display_name, "display_name")
        made = await self._store.create(parent, dashboard_id, clone, resource.request_id(request.request_id))
        audit.note(made.name)
        return pb.CloneDashboardResponse(dashboard=made)

    async def WatchDashboard(
        self, request: pb.WatchDashboardRequest, context: Any
    ) -> AsyncIterator[pb.WatchDashboardResponse]:
        """Keeps all tiles answered."""
        parent, shown = await self._watched(request)
        chosen = choice(request)
        await self._check_choice(chosen, parent)
        seen, tiles = decode(request.cursor), _tiles(shown, chosen, parent)
        async with self._boards.followed(tiles, seen, definition.refresh(shown)) as follower:
            looked_at = time.monotonic()
            while True:
                yield await follower.next()
                if request.name and time.monotonic() - looked_at >= LOOK:
                    looked_at, now = time.monotonic(), await self._look(parent, request.name)
                    if now.etag != shown.etag:
                        shown = now
                        tiles = _tiles(shown, known(chosen, shown), parent)
                        follower.turn_to(tiles, definition.refresh(shown))

    async def _watched(self, request: pb.WatchDashboardRequest) -> tuple[Project, pb.Dashboard]:
        """The dashboard that a request wants to watch, and its project."""
        if request.name:
            parent, _ = await named(request.name, "dashboards")
            if request.project not in ("", parent.name):
                raise Invalid(
                    "project", f"is {request.project[:100]!r}, not that of the dashboard; leave it out"
                )
            return parent, await self._look(parent, request.name)
        parent = await project(request.project)
        if not request.HasField("draft"):
            raise Invalid("name", "is empty, and so is draft; give one of the two")
        audit.note(f"{parent.name} watch a draft")
        definition.check_form(request.draft, parent.time_zone, datetime.now(UTC))
        return parent, request.draft

    async def _look(self, parent: Project, name: str) -> pb.Dashboard:
        """The dashboard as it was a moment ago; those who watch the same look together."""
        now = time.monotonic()
        looked_at, known = self._looked.get(name, (0.0, None))
        if known is None or now - looked_at >= LOOK / 2:
            if known is not None:
                # The others take what is known until the look is over.
                self._looked[name] = now, known
            known = await self._store.dashboard(parent, name.rpartition("/")[2])
            recent = {each: look for each, look in self._looked.items() if now - look[0] < 2 * LOOK}
            self._looked = recent | {name: (now, known)}
        return known

    async def _check(self, dashboard: pb.Dashboard, parent: Project) -> None:
        """Raises `Invalid` for a dashboard that is not well formed."""
        now = datetime.now(UTC)
        people = await self._cohorts.people(
            cohorts(dashboard), parent.project_id, now, staleness=STALE_SECONDS
        )
        definition.check(dashboard, parent.time_zone, now, people)

    async def _check_choice(self, chosen: Choice, parent: Project) -> None:
        """Raises `Invalid` for what a reader cannot choose."""
        now = datetime.now(UTC)
        names = cohorts(chosen.filter) if chosen.filter is not None else ()
        people = await self._cohorts.people(names, parent.project_id, now, staleness=STALE_SECONDS)
        definition.check_choice(chosen, parent.time_zone, now, people)


def _tiles(dashboard: pb.Dashboard, chosen: Choice, parent: Project) -> Tiles:
    """What is followed of a dashboard: every tile that asks something."""
    questions = {
        dashboard.tiles[place].id: Watched(parent, query.SerializeToString(deterministic=True))
        for place, query in asked(dashboard, chosen).items()
    }
    return Tiles(questions, dashboard.etag)


def _new_id(text: str, parent: Project) -> str:
    """The id that a request wants for a new dashboard; empty where it leaves that to us."""
    if text:
        resource.new_id(text, "dashboard_id")
        audit.note(f"{parent.name}/dashboards/{text}")
    return text


def _require_saved(parent: Project, dashboard_id: str) -> None:
    if dashboard_id in BUILT_IN:
        raise Refused(
            f"{parent.name}/dashboards/{dashboard_id} comes with Tidemark: clone it and change the clone",
            reason="BUILT_IN",
        )
