"""DashboardService through gRPC on a real database: what is saved."""

import uuid
from datetime import timedelta

import pytest
from google.protobuf.json_format import MessageToJson, Parse

from services.admin.service import admin
from services.query.dashboards import store
from services.query.dashboards.definition import UPDATABLE
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.test_query_answers import COUNT, equals
from tidemark.v1 import admin_pb2
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.dashboard_pb2_grpc import DashboardServiceStub

DEMO = "projects/demo"


def tile(tile_id: str = "count", **others: object) -> pb.Tile:
    """A tile that counts events."""
    return pb.Tile(id=tile_id, query=q.Query(series=q.SeriesQuestion(measures=[COUNT])), **others)


def dashboard(*tiles: pb.Tile, **others: object) -> pb.Dashboard:
    """A dashboard of these tiles."""
    return pb.Dashboard(**{"display_name": "Sales & more", "tiles": tiles or [tile()], **others})


class Asking:
    """DashboardService as a key reaches it."""

    def __init__(self, served: Served, key: str = "admin") -> None:
        self._stub, self._metadata = DashboardServiceStub(served.channel), served.key(key)

    async def create(self, made: pb.Dashboard, **others: str) -> pb.Dashboard:
        request = pb.CreateDashboardRequest(**{"parent": DEMO, "dashboard": made, **others})
        return (await self._stub.CreateDashboard(request, metadata=self._metadata)).dashboard

    async def get(self, name: str) -> pb.Dashboard:
        request = pb.GetDashboardRequest(name=name)
        return (await self._stub.GetDashboard(request, metadata=self._metadata)).dashboard

    async def list(self, page_size: int = 0) -> list[pb.Dashboard]:
        request, found = pb.ListDashboardsRequest(parent=DEMO, page_size=page_size), []
        while True:
            answer = await self._stub.ListDashboards(request, metadata=self._metadata)
            assert len(answer.dashboards) <= (page_size or 100)
            found += answer.dashboards
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def update(self, changed: pb.Dashboard, *paths: str) -> pb.Dashboard:
        request = pb.UpdateDashboardRequest(dashboard=changed)
        request.update_mask.paths.extend(paths)
        return (await self._stub.UpdateDashboard(request, metadata=self._metadata)).dashboard

    async def delete(self, name: str, etag: str = "") -> None:
        request = pb.DeleteDashboardRequest(name=name, etag=etag)
        await self._stub.DeleteDashboard(request, metadata=self._metadata)

    async def clone(self, name: str, **others: str) -> pb.Dashboard:
        request = pb.CloneDashboardRequest(name=name, **others)
        return (await self._stub.CloneDashboard(request, metadata=self._metadata)).dashboard


async def test_a_dashboard_is_read_as_it_was_saved(suite: Suite) -> None:
    given = dashboard(
        tile(title="<b>Orders</b>", layout=pb.Layout(x=6, y=2, width=6, height=5)),
        pb.Tile(id="note", text="# Read **this**"),
        time_zone="Europe/Berlin",
        filter=equals("properties.country", "$country"),
        variables=[pb.Variable(id="country", field="properties.country", values=["DE"])],
        description="what sells",
    )
    given.time_range.last.FromTimedelta(timedelta(days=7))
    given.refresh.FromSeconds(2)
    async with suite(query) as served:
        made = await Asking(served).create(given)
        assert made.name == f"{DEMO}/dashboards/sales-more"
        assert (made.built_in, made.etag) == (False, "1")
        assert made.create_time == made.update_time
        assert await Asking(served, "viewer").get(made.name) == made
        for name in UPDATABLE:
            assert getattr(made, name) == getattr(given, name)


async def test_what_only_the_server_says_is_not_taken_from_callers(suite: Suite) -> None:
    async with suite(query) as served:
        made = await Asking(served).create(
            dashboard(name="projects/other/dashboards/x", built_in=True, etag="77"), dashboard_id="mine"
        )
        assert (made.name, made.built_in, made.etag) == (f"{DEMO}/dashboards/mine", False, "1")


async def test_a_saved_dashboard_comes_back_from_its_file(suite: Suite) -> None:
    async with suite(query) as served:
        asking = Asking(served)
        made = await asking.create(dashboard())
        file = MessageToJson(made)
        await asking.delete(made.name)
        again = await asking.create(Parse(file, pb.Dashboard()), dashboard_id="sales-more")
        assert (again.name, list(again.tiles)) == (made.name, list(made.tiles))


async def test_an_update_changes_what_its_mask_names(suite: Suite) -> None:
    async with suite(query) as served:
        asking = Asking(served)
        made = await asking.create(dashboard(description="before"))
        change = pb.Dashboard(name=made.name, display_name="After", description="not named")
        changed = await asking.update(change, "display_name")
        assert (changed.display_name, changed.description, changed.etag) == ("After", "before", "2")
        assert list(changed.tiles) == list(made.tiles)
        assert (await asking.update(pb.Dashboard(name=made.name), "tiles", "description")).description == ""
        assert not (await asking.get(made.name)).tiles
        assert (await asking.update(pb.Dashboard(name=made.name, description="set"))).display_name == "After"
        all_of_it = await asking.update(pb.Dashboard(name=made.name, tiles=[tile()]), "*")
        assert (all_of_it.display_name, len(all_of_it.tiles)) == ("", 1)


async def test_an_etag_that_fits_no_more_changes_nothing(suite: Suite) -> None:
    async with suite(query) as served:
        asking = Asking(served)
        made = await asking.create(dashboard())
        await asking.update(pb.Dashboard(name=made.name, etag=made.etag, display_name="one"))
        late = pb.Dashboard(name=made.name, etag=made.etag, display_name="two")
        for call in (asking.update(late), asking.delete(made.name, made.etag)):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == ("ABORTED", "ETAG_MISMATCH")
        assert (await asking.get(made.name)).display_name == "one"
        await asking.delete(made.name, "2")
        refused = await refusal(asking.get(made.name))
        assert (refused.code, refused.reason) == ("NOT_FOUND", "DASHBOARD_NOT_FOUND")


async def test_a_request_sent_again_makes_nothing_new(suite: Suite) -> None:
    async with suite(query) as served:
        asking, request_id = Asking(served), str(uuid.uuid4())
        first = await asking.create(dashboard(), request_id=request_id)
        assert await asking.create(dashboard(), request_id=request_id) == first
        other = await asking.create(dashboard())
        assert other.name == f"{first.name}-2"
        taken = await refusal(asking.create(dashboard(), dashboard_id="sales-more"))
        assert (taken.code, taken.reason) == ("ALREADY_EXISTS", "DASHBOARD_EXISTS")
        clones = [await asking.clone(first.name, request_id=str(uuid.UUID(int=7))) for _ in range(2)]
        assert clones[0] == clones[1]


async def test_what_is_built_in_comes_first_and_cannot_be_changed(suite: Suite) -> None:
    async with suite(query) as served:
        asking = Asking(served)
        for name in ("zebra", "alpha"):
            await asking.create(dashboard(), dashboard_id=name)
        names = [*store.BUILT_IN, "alpha", "zebra"]
        for size in (0, 1, 2, 3, 4):
            listed = await asking.list(size)
            assert [each.name.rpartition("/")[2] for each in listed] == names
        assert [each.built_in for each in listed] == [True] * 3 + [False] * 2
        assert not any(each.tiles for each in listed)
        home = await asking.get(f"{DEMO}/dashboards/home")
        assert home.built_in
        assert home.tiles
        home.display_name = "mine"
        for call in (asking.update(home), asking.delete(home.name)):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "BUILT_IN")
        taken = await refusal(asking.create(dashboard(), dashboard_id="home"))
        assert taken.code == "ALREADY_EXISTS"


@pytest.mark.parametrize("name", store.BUILT_IN)
async def test_what_is_built_in_can_be_cloned(suite: Suite, name: str) -> None:
    async with suite(query) as served:
        asking = Asking(served)
        original = await asking.get(f"{DEMO}/dashboards/{name}")
        clone = await asking.clone(original.name)
        assert clone.name == f"{DEMO}/dashboards/{name}-copy"
        assert (clone.display_name, clone.built_in) == (f"{original.display_name} (copy)", False)
        assert list(clone.tiles) == list(original.tiles)
        named = await asking.clone(clone.name, dashboard_id="mine", display_name="Mine")
        assert (named.name, named.display_name) == (f"{DEMO}/dashboards/mine", "Mine")
        changed = await asking.update(pb.Dashboard(name=named.name, display_name="Ours"))
        assert list(changed.tiles) == list(original.tiles)


async def test_no_more_dashboards_than_allowed(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_DASHBOARDS", 1)
    async with suite(query) as served:
        asking = Asking(served)
        await asking.create(dashboard())
        refused = await refusal(asking.create(dashboard()))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_DASHBOARDS")


async def test_what_is_wrong_is_named(suite: Suite) -> None:
    wrong = tile("two")
    wrong.query.series.measures[0].aggregation = q.AGGREGATION_SUM
    absent = tile("three")
    absent.query.series.filter.cohort = f"{DEMO}/cohorts/nobody"
    async with suite(query) as served:
        asking = Asking(served)
        for given, field in (
            (dashboard(tile(), wrong), "dashboard.tiles[1].query.series.measures[0].field"),
            (dashboard(tile(), tile()), "dashboard.tiles[1].id"),
            (dashboard(filter=equals("nothing", "x")), "dashboard.filter.comparison.field"),
        ):
            assert (await refusal(asking.create(given))).violations == [field]
        made = await asking.create(dashboard())
        bad = await refusal(asking.update(pb.Dashboard(name=made.name, tiles=[wrong])))
        assert bad.violations == ["dashboard.tiles[0].query.series.measures[0].field"]
        assert (await refusal(asking.create(dashboard(absent)))).code == "NOT_FOUND"
        for name in (
            "projects/demo/dashboards/",
            "projects/demo/dashboards/a'; DROP TABLE",
            "dashboards/home",
        ):
            assert (await refusal(asking.get(name))).violations == ["name"]


async def test_viewers_read_and_analysts_write(suite: Suite) -> None:
    async with suite(query, admin) as served:
        request = admin_pb2.CreateKeyRequest(parent=DEMO, key=admin_pb2.Key(role=admin_pb2.ROLE_ANALYST))
        answer = await AdminServiceStub(served.channel).CreateKey(request, metadata=served.key("admin"))
        served.secrets["analyst"] = answer.secret
        made = await Asking(served, "analyst").create(dashboard())
        viewer, ingest = Asking(served, "viewer"), Asking(served, "ingest")
        assert await viewer.get(made.name) == made
        assert len(await viewer.list()) == len(store.BUILT_IN) + 1
        for call in (
            viewer.create(dashboard()),
            viewer.update(pb.Dashboard(name=made.name, display_name="x")),
            viewer.delete(made.name),
            viewer.clone(made.name),
            ingest.get(made.name),
            ingest.list(),
        ):
            assert (await refusal(call)).code == "PERMISSION_DENIED"
        elsewhere = await refusal(Asking(served, "analyst").get("projects/other/dashboards/home"))
        assert elsewhere.code == "PERMISSION_DENIED"
