"""AdminService on the real servers."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.admin.service import admin, bootstrap
from tests.conftest import Served, Suite, refusal
from tidemark.v1 import admin_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

DEMO = "projects/demo"


class Admin:
    """The RPCs, with the key of whoever calls them."""

    def __init__(self, served: Served, key: str) -> None:
        self._stub, self._metadata = AdminServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str):
        request_class = getattr(admin_pb2, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request_class(**fields), metadata=self._metadata)


async def test_a_project_is_made_and_read_back(suite: Suite):
    async with suite(admin) as served:
        operator = Admin(served, "operator")
        fields = admin_pb2.Project(display_name="The Shop", time_zone="Europe/Berlin")
        made = (await operator.CreateProject(project_id="shop", project=fields)).project
        assert (made.name, made.display_name, made.time_zone) == (
            "projects/shop",
            "The Shop",
            "Europe/Berlin",
        )
        assert made.create_time == made.update_time
        assert made.etag
        assert (await operator.GetProject(name="projects/shop")).project == made


async def test_a_second_project_of_the_same_id_is_refused(suite: Suite):
    async with suite(admin) as served:
        refused = await refusal(Admin(served, "operator").CreateProject(project_id="demo"))
        assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "PROJECT_EXISTS")


async def test_a_repeated_request_answers_with_the_project_made_before(suite: Suite):
    async with suite(admin) as served:
        operator, request_id = Admin(served, "operator"), str(uuid.uuid4())
        answers = await asyncio.gather(
            *(operator.CreateProject(project_id="shop", request_id=request_id) for _ in range(4))
        )
        assert len({answer.project.create_time.nanos for answer in answers}) == 1
        refused = await refusal(operator.CreateProject(project_id="other", request_id=request_id))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["request_id"])


async def test_a_failed_request_may_be_repeated(suite: Suite):
    async with suite(admin) as served:
        operator, request_id = Admin(served, "operator"), str(uuid.uuid4())
        assert (
            await refusal(operator.CreateProject(project_id="demo", request_id=request_id))
        ).code == "ALREADY_EXISTS"
        made = await operator.CreateProject(project_id="shop", request_id=request_id)
        assert made.project.name == "projects/shop"


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"project_id": "No"}, "project_id"),
        ({"project_id": "shop", "project": admin_pb2.Project(time_zone="Mars/Olympus")}, "project.time_zone"),
        (
            {"project_id": "shop", "project": admin_pb2.Project(display_name="x" * 101)},
            "project.display_name",
        ),
        ({"project_id": "shop", "request_id": "again"}, "request_id"),
    ],
)
async def test_a_bad_project_is_refused_with_its_field(suite: Suite, fields, violation):
    async with suite(admin) as served:
        refused = await refusal(Admin(served, "operator").CreateProject(**fields))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_projects_are_listed_page_by_page_by_name(suite: Suite):
    async with suite(admin) as served:
        operator = Admin(served, "operator")
        for slug in ("zoo", "art", "sea"):
            await operator.CreateProject(project_id=slug)
        names, token = [], ""
        while True:
            page = await operator.ListProjects(page_size=2, page_token=token)
            names.append([project.name.removeprefix("projects/") for project in page.projects])
            token = page.next_page_token
            if not token:
                break
        assert names == [["art", "demo"], ["sea", "zoo"]]


async def test_a_key_of_one_project_sees_that_one_only(suite: Suite):
    async with suite(admin) as served:
        await Admin(served, "operator").CreateProject(project_id="other")
        seen = await Admin(served, "viewer").ListProjects()
        assert [project.name for project in seen.projects] == [DEMO]


@pytest.mark.parametrize(
    ("fields", "violation"), [({"page_size": -1}, "page_size"), ({"page_token": "x"}, "page_token")]
)
async def test_a_bad_page_is_refused(suite: Suite, fields, violation):
    async with suite(admin) as served:
        refused = await refusal(Admin(served, "viewer").ListProjects(**fields))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_an_update_changes_what_its_mask_names(suite: Suite):
    async with suite(admin) as served:
        owner = Admin(served, "admin")
        before = (await owner.GetProject(name=DEMO)).project
        new = admin_pb2.Project(name=DEMO, display_name="ignored", time_zone="Asia/Tokyo")
        after = (await owner.UpdateProject(project=new, update_mask=FieldMask(paths=["time_zone"]))).project
        assert (after.display_name, after.time_zone) == (before.display_name, "Asia/Tokyo")
        assert after.etag != before.etag
        assert after.update_time.ToNanoseconds() > before.update_time.ToNanoseconds()
        assert (await owner.GetProject(name=DEMO)).project == after


async def test_of_two_updates_of_the_same_state_one_is_aborted(suite: Suite):
    async with suite(admin) as served:
        owner = Admin(served, "admin")
        etag = (await owner.GetProject(name=DEMO)).project.etag
        updates = [
            owner.UpdateProject(project=admin_pb2.Project(name=DEMO, display_name=name, etag=etag))
            for name in "AB"
        ]
        codes = sorted([(await update.code()).name for update in updates])
        assert codes == ["ABORTED", "OK"]
        stale = await refusal(
            owner.UpdateProject(project=admin_pb2.Project(name=DEMO, display_name="C", etag=etag))
        )
        assert (stale.code, stale.reason) == ("ABORTED", "ETAG_MISMATCH")


async def test_an_update_of_an_unknown_project_is_not_found(suite: Suite):
    async with suite(admin) as served:
        new = admin_pb2.Project(name="projects/nope", display_name="x", etag="1")
        assert (await refusal(Admin(served, "operator").UpdateProject(project=new))).code == "NOT_FOUND"


async def test_a_new_key_works_and_its_secret_is_shown_once(suite: Suite):
    async with suite(admin) as served:
        owner = Admin(served, "admin")
        request_id = str(uuid.uuid4())
        fields = {"parent": DEMO, "key": admin_pb2.Key(role="ROLE_VIEWER", display_name="dashboards")}
        made = await owner.CreateKey(**fields, request_id=request_id)
        assert made.key.name.startswith(f"{DEMO}/keys/")
        assert made.secret.split("_")[1] == made.key.name.split("/")[-1]
        metadata = (("authorization", f"Bearer {made.secret}"),)
        await AdminServiceStub(served.channel).GetProject(
            admin_pb2.GetProjectRequest(name=DEMO), metadata=metadata
        )
        again = await owner.CreateKey(**fields, request_id=request_id)
        assert (again.key, again.secret) == (made.key, "")
        listed = (await owner.ListKeys(parent=DEMO)).keys
        assert sum(key.name == made.key.name for key in listed) == 1


async def test_a_secret_is_stored_nowhere(suite: Suite):
    async with suite(admin) as served:
        secret = (
            await Admin(served, "admin").CreateKey(parent=DEMO, key=admin_pb2.Key(role="ROLE_VIEWER"))
        ).secret
        async with served.resources.pool.connection() as connection:
            for table in ("api_keys", "request_ids", "audit_log"):
                rows = await (await connection.execute(f"SELECT t::text FROM {table} AS t")).fetchall()
                assert not any(secret.split("_", 2)[2] in row[0] for row in rows)


async def test_a_key_of_the_installation_is_made_with_a_key_of_the_installation(suite: Suite):
    async with suite(admin) as served:
        operator = Admin(served, "operator")
        made = await operator.CreateKey(parent="projects/-", key=admin_pb2.Key(role="ROLE_VIEWER"))
        assert made.key.name.startswith("projects/-/keys/")
        names = [key.name for key in (await operator.ListKeys(parent="projects/-")).keys]
        assert made.key.name in names
        assert not any(name.startswith(DEMO) for name in names)


async def test_a_key_keeps_its_limits_and_its_end(suite: Suite):
    async with suite(admin) as served:
        expire_time = Timestamp()
        expire_time.FromDatetime(datetime.now(UTC).replace(microsecond=123) + timedelta(days=1))
        wanted = admin_pb2.Key(
            role="ROLE_INGEST",
            expire_time=expire_time,
            events_per_minute=10_000_000_000,
            requests_per_minute=7,
        )
        made = (await Admin(served, "admin").CreateKey(parent=DEMO, key=wanted)).key
        assert (made.role, made.expire_time, made.events_per_minute, made.requests_per_minute) == (
            admin_pb2.ROLE_INGEST, expire_time, 10_000_000_000, 7
        )  # fmt: skip
        assert not made.HasField("revoke_time")


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"parent": ""}, "parent"),
        ({"parent": "demo"}, "parent"),
        ({"key": admin_pb2.Key()}, "key.role"),
        ({"key": admin_pb2.Key(role="ROLE_VIEWER", expire_time=Timestamp(seconds=1))}, "key.expire_time"),
        ({"key": admin_pb2.Key(role="ROLE_VIEWER", events_per_minute=-1)}, "key.events_per_minute"),
    ],
)
async def test_a_bad_key_is_refused_with_its_field(suite: Suite, fields, violation):
    async with suite(admin) as served:
        request = {"parent": DEMO, "key": admin_pb2.Key(role="ROLE_VIEWER")} | fields
        refused = await refusal(Admin(served, "admin").CreateKey(**request))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_keys_are_listed_newest_first_page_by_page(suite: Suite):
    async with suite(admin) as served:
        owner = Admin(served, "admin")
        made = [
            (await owner.CreateKey(parent=DEMO, key=admin_pb2.Key(role="ROLE_VIEWER"))).key.name
            for _ in range(3)
        ]
        first = await owner.ListKeys(parent=DEMO, page_size=2)
        second = await owner.ListKeys(parent=DEMO, page_size=2, page_token=first.next_page_token)
        assert [key.name for key in (*first.keys, *second.keys)][:3] == made[::-1]
        refused = await refusal(
            Admin(served, "operator").ListKeys(
                parent="projects/-", page_size=2, page_token=first.next_page_token
            )
        )
        assert refused.violations == ["page_token"]


async def test_a_revoked_key_stays_listed_with_the_time_of_its_end(suite: Suite):
    async with suite(admin) as served:
        owner = Admin(served, "admin")
        name = (await owner.CreateKey(parent=DEMO, key=admin_pb2.Key(role="ROLE_VIEWER"))).key.name
        first = (await owner.RevokeKey(name=name)).key
        assert first.HasField("revoke_time")
        assert (await owner.RevokeKey(name=name)).key == first
        assert first in (await owner.ListKeys(parent=DEMO)).keys


@pytest.mark.parametrize(
    "name", ["", "projects/demo", f"{DEMO}/keys/", f"{DEMO}/keys/UPPER", "projects/demo/keys/a/b"]
)
async def test_a_malformed_key_name_is_refused(suite: Suite, name):
    async with suite(admin) as served:
        refused = await refusal(Admin(served, "admin").RevokeKey(name=name))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["name"])


async def test_the_first_keys_are_made_once_and_recorded(settings):
    made = await asyncio.gather(*(bootstrap(settings) for _ in range(3)))
    assert sorted(len(keys) for keys in made) == [0, 0, 4]
    assert await bootstrap(settings) == {}


async def test_the_record_of_the_first_keys_is_a_whole_chain(suite: Suite):
    async with suite(admin) as served:
        operator = Admin(served, "operator")
        entries = (await operator.ListAuditEntries(parent="projects/-", action="bootstrap")).entries
        assert {entry.actor for entry in entries} == {"system"}
        assert len([entry for entry in entries if "/keys/" in entry.resource]) == 4
        assert (await operator.VerifyAuditLog(parent="projects/-")).intact


@pytest.mark.parametrize("field", ["actor", "action"])
async def test_entries_are_not_looked_for_by_what_no_text_can_hold(suite: Suite, field: str) -> None:
    async with suite(admin) as served:
        request = admin_pb2.ListAuditEntriesRequest(parent="projects/demo", **{field: "a\0b"})
        stub = AdminServiceStub(served.channel)
        refused = await refusal(stub.ListAuditEntries(request, metadata=served.key("admin")))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])
