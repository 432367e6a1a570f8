"""Keys, roles, projects and quotas, on real servers through real RPCs."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import grpc.aio
import pytest

from services.admin.service import admin
from services.admin.store import insert_key
from services.kit.errors import Exhausted
from services.kit.identity import FRESH_SECONDS, Directory, Secret, new_secret
from services.kit.server import opened
from tests.conftest import Served, Suite, refusal
from tests.contract import rpcs
from tests.integration.answering import answering, call, revoke
from tidemark.v1 import access_pb2, admin_pb2, ingest_pb2, query_pb2
from tidemark.v1.admin_pb2 import ROLE_ADMIN, ROLE_ANALYST, ROLE_INGEST, ROLE_VIEWER
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

# The comments of access.proto, in words: who may call what. `operator` is an admin key of the whole installation.
MAY = {
    "PERMISSION_WRITE": {"ingest", "admin", "operator"},
    "PERMISSION_READ": {"viewer", "analyst", "admin", "operator"},
    "PERMISSION_AUTHOR": {"analyst", "admin", "operator"},
    "PERMISSION_ADMINISTER": {"admin", "operator"},
    "PERMISSION_OPERATE": {"operator"},
    # No key is looked at.
    "PERMISSION_HOLD_LINK": {"viewer", "analyst", "ingest", "admin", "operator"},
}
DEMO = "projects/demo"


@pytest.fixture
def minute(monkeypatch) -> SimpleNamespace:
    """The clock of the quotas, standing at a quarter past a minute."""
    clock = SimpleNamespace(now=1_767_225_615.0)
    monkeypatch.setattr(
        "services.kit.identity.time", SimpleNamespace(time=lambda: clock.now, monotonic=time.monotonic)
    )
    return clock


async def add_key(
    served: Served, role: int = ROLE_VIEWER, project: str | None = "demo", **fields: object
) -> Secret:
    """A key put straight into the database, so that it may also be one that the API would not make."""
    secret = new_secret()
    columns = {
        "display_name": "",
        "role": role,
        "events_per_minute": 0,
        "requests_per_minute": 0,
        "expires_at": None,
    }
    async with served.resources.pool.connection() as connection:
        row = await (
            await connection.execute("SELECT project_id FROM projects WHERE slug = %s", (project,))
        ).fetchone()
        await insert_key(connection, row[0] if row else None, secret, columns | fields)
    return secret


async def add_project(served: Served, slug: str) -> None:
    request = admin_pb2.CreateProjectRequest(project_id=slug)
    await AdminServiceStub(served.channel).CreateProject(request, metadata=served.key("operator"))


def bearer(secret: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {secret}"),)


def get_demo(served: Served, metadata: tuple[tuple[str, str], ...] | None):
    return AdminServiceStub(served.channel).GetProject(
        admin_pb2.GetProjectRequest(name=DEMO), metadata=metadata
    )


async def test_every_role_may_call_what_the_contract_says_and_nothing_else(suite: Suite):
    async with suite(answering) as served:
        analyst = await add_key(served, ROLE_ANALYST)
        keys = {name: served.key(name) for name in served.secrets} | {"analyst": bearer(analyst.text)}
        refused, taken = set(), set()
        for rpc in rpcs():
            for name, key in keys.items():
                code = await call(served.channel, rpc, key)
                assert code in {"OK", "PERMISSION_DENIED"}, (rpc.full_name, name, code)
                (taken if code == "OK" else refused).add((rpc.full_name, name))
        expected = {(rpc.full_name, name) for rpc in rpcs() for name in MAY[permission_name(rpc)]}
        assert taken == expected
        assert refused == {(rpc.full_name, name) for rpc in rpcs() for name in keys} - expected


async def test_no_rpc_answers_without_a_key_but_the_one_that_opens_links(suite: Suite):
    async with suite(answering) as served:
        for rpc in rpcs():
            expected = "OK" if rpc.name == "OpenEditionLink" else "UNAUTHENTICATED"
            assert await call(served.channel, rpc, ()) == expected, rpc.full_name


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer nonsense"),),
        (("authorization", "Basic dXNlcjpwYXNz"),),
        (("authorization", "Bearer tmk_0123456789ab_short"),),
        (("authorization", "Bearer tmk_0123456789ab_" + "A" * 43),),
        (("authorization", "Bearer tmk_0123456789ab_" + "A" * 9_000),),
        (("x-authorization", "Bearer tmk_0123456789ab_" + "A" * 43),),
    ],
    ids=["none", "empty", "no-secret", "nonsense", "basic", "short", "unknown", "huge", "other-header"],
)
async def test_a_malformed_or_unknown_key_is_refused(suite: Suite, metadata):
    async with suite(admin) as served:
        refused = await refusal(get_demo(served, metadata))
        assert (refused.code, refused.reason) in {
            ("UNAUTHENTICATED", "KEY_INVALID"),
            ("RESOURCE_EXHAUSTED", ""),
        }


async def test_a_key_with_one_character_changed_is_refused(suite: Suite):
    async with suite(admin) as served:
        secret = served.secrets["viewer"]
        changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        assert (await refusal(get_demo(served, bearer(changed)))).reason == "KEY_INVALID"
        await get_demo(served, bearer(secret))


async def test_the_scheme_may_be_written_in_any_case(suite: Suite):
    async with suite(admin) as served:
        await get_demo(served, (("authorization", f"bearer {served.secrets['viewer']}"),))


async def test_an_expired_key_is_refused_and_told_since_when(suite: Suite):
    async with suite(admin) as served:
        key = await add_key(served, expires_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        refused = await refusal(get_demo(served, bearer(key.text)))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_EXPIRED")
        assert "2026-01-02T03:04:05Z" in refused.message


async def test_a_key_that_will_expire_is_good_until_then(suite: Suite):
    async with suite(admin) as served:
        key = await add_key(served, expires_at=datetime.now(UTC) + timedelta(hours=1))
        await get_demo(served, bearer(key.text))


async def test_a_revoked_key_is_refused(suite: Suite):
    async with suite(admin) as served:
        key = await add_key(served)
        await revoke(served, key)
        refused = await refusal(get_demo(served, bearer(key.text)))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_REVOKED")


async def test_a_key_in_use_is_refused_within_five_seconds_of_its_revocation(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(admin) as served:
        key = await add_key(served)
        await get_demo(served, bearer(key.text))
        await revoke(served, key)

        async def use_for_ever() -> None:
            while True:
                await get_demo(served, bearer(key.text))

        refused = await refusal(asyncio.wait_for(use_for_ever(), FRESH_SECONDS))
        assert refused.reason == "KEY_REVOKED"


async def test_an_open_stream_ends_when_its_key_is_revoked(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(answering) as served:
        key = await add_key(served)
        watch = served.channel.unary_stream(
            "/tidemark.v1.QueryService/WatchQuery",
            request_serializer=query_pb2.WatchQueryRequest.SerializeToString,
            response_deserializer=query_pb2.WatchQueryResponse.FromString,
        )(query_pb2.WatchQueryRequest(cursor="for ever"), metadata=bearer(key.text))
        assert await watch.read()
        await revoke(served, key)

        async def rest() -> None:
            while await watch.read() is not grpc.aio.EOF:
                pass

        refused = await refusal(asyncio.wait_for(rest(), FRESH_SECONDS))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_REVOKED")


async def test_a_key_of_one_project_cannot_touch_another(suite: Suite):
    async with suite(admin) as served:
        await add_project(served, "other")
        stub = AdminServiceStub(served.channel)
        for name in ("projects/other", "projects/no-such-project"):
            refused = await refusal(
                stub.GetProject(admin_pb2.GetProjectRequest(name=name), metadata=served.key("viewer"))
            )
            assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "WRONG_PROJECT")


async def test_a_key_of_one_project_cannot_manage_the_keys_of_another(suite: Suite):
    async with suite(admin) as served:
        await add_project(served, "other")
        other = await add_key(served, ROLE_ADMIN, "other")
        stub, key = AdminServiceStub(served.channel), served.key("admin")
        new = admin_pb2.Key(role=ROLE_ADMIN)
        calls = [
            stub.CreateKey(admin_pb2.CreateKeyRequest(parent="projects/other", key=new), metadata=key),
            stub.CreateKey(admin_pb2.CreateKeyRequest(parent="projects/-", key=new), metadata=key),
            stub.ListKeys(admin_pb2.ListKeysRequest(parent="projects/other"), metadata=key),
            stub.ListKeys(admin_pb2.ListKeysRequest(parent="projects/-"), metadata=key),
            stub.RevokeKey(
                admin_pb2.RevokeKeyRequest(name=f"projects/other/keys/{other.key_id}"), metadata=key
            ),
            stub.ListAuditEntries(admin_pb2.ListAuditEntriesRequest(parent="projects/other"), metadata=key),
            stub.VerifyAuditLog(admin_pb2.VerifyAuditLogRequest(parent="projects/-"), metadata=key),
        ]
        for made in calls:
            assert (await refusal(made)).reason == "WRONG_PROJECT"
        # Named below one's own project, another project's key is simply not there.
        own_name = admin_pb2.RevokeKeyRequest(name=f"{DEMO}/keys/{other.key_id}")
        assert (await refusal(stub.RevokeKey(own_name, metadata=key))).code == "NOT_FOUND"


async def test_an_unknown_or_malformed_project_is_told_apart(suite: Suite):
    async with suite(admin) as served:
        stub, key = AdminServiceStub(served.channel), served.key("operator")
        unknown = await refusal(
            stub.GetProject(admin_pb2.GetProjectRequest(name="projects/nope"), metadata=key)
        )
        assert (unknown.code, unknown.reason) == ("NOT_FOUND", "PROJECT_NOT_FOUND")
        for name in ("", "demo", "projects/", "projects/Demo", "projects/demo/keys/x", "projects/a\0b"):
            refused = await refusal(stub.GetProject(admin_pb2.GetProjectRequest(name=name), metadata=key))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["name"])


async def test_requests_beyond_the_quota_are_told_when_to_come_back(suite: Suite, minute):
    async with suite(admin) as served:
        key = await add_key(served, requests_per_minute=2)
        for _ in range(2):
            await get_demo(served, bearer(key.text))
        refused = await refusal(get_demo(served, bearer(key.text)))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
        assert refused.metadata == {"quota": "requests_per_minute", "limit": "2"}
        assert refused.trailing["grpc-retry-pushback-ms"] == "45000"
        minute.now += 45
        await get_demo(served, bearer(key.text))


async def test_the_quota_of_events_is_spent_by_batches(suite: Suite, minute):
    async with suite(answering) as served:
        key = await add_key(served, ROLE_INGEST, events_per_minute=10)

        def publish(events: int):
            batch = ingest_pb2.EventBatch(events=[{} for _ in range(events)])
            return served.channel.unary_unary(
                "/tidemark.v1.IngestService/PublishBatch",
                request_serializer=ingest_pb2.PublishBatchRequest.SerializeToString,
                response_deserializer=ingest_pb2.PublishBatchResponse.FromString,
            )(ingest_pb2.PublishBatchRequest(batch=batch), metadata=bearer(key.text))

        too_large = await refusal(publish(11))
        assert (too_large.code, too_large.violations) == ("INVALID_ARGUMENT", ["batch"])
        await publish(8)
        refused = await refusal(publish(3))
        assert refused.metadata == {"quota": "events_per_minute", "limit": "10"}
        # What was refused has not been counted: two events still fit.
        await publish(2)
        assert (await refusal(publish(1))).code == "RESOURCE_EXHAUSTED"


async def test_processes_share_one_quota(settings, minute):
    async with opened(settings) as resources:
        one, other = (Directory(resources.pool, resources.redis) for _ in range(2))
        for directory in (one, other, one, other, one):
            await directory.spend("k", "requests", 5, 1)
        with pytest.raises(Exhausted, match="may use 5 requests a minute"):
            await other.spend("k", "requests", 5, 1)


def permission_name(rpc) -> str:
    return access_pb2.Permission.Name(rpc.GetOptions().Extensions[access_pb2.permission])
