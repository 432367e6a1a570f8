"""The key that a process makes for itself: good at other services, alone in its place, silent in the audit log where it reads."""

import pytest

from services.admin.service import admin
from services.insights.source import Query
from services.kit.servicekey import ServiceKey
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.test_identity import bearer
from tidemark import questions
from tidemark.v1 import admin_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

KEYS = "SELECT key_id FROM api_keys WHERE service IS NOT NULL ORDER BY created_at"
ACTIONS = "SELECT action, outcome FROM audit_log WHERE actor = %s"


async def rows(served: Served, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What the database holds."""
    async with served.resources.pool.connection() as connection:
        return list(await (await connection.execute(statement.encode(), values)).fetchall())


async def test_a_process_reads_any_project_and_manages_none(suite: Suite) -> None:
    async with suite(query, admin) as served:
        key = bearer(await ServiceKey(served.resources.pool, "insights on host").text())
        stub = AdminServiceStub(served.channel)
        seen = await stub.ListProjects(admin_pb2.ListProjectsRequest(), metadata=key)
        assert [each.name for each in seen.projects] == ["projects/demo"]
        create = admin_pb2.CreateKeyRequest(parent="projects/demo", key=admin_pb2.Key(role=4))  # type: ignore[arg-type]
        assert (await refusal(stub.CreateKey(create, metadata=key))).code == "PERMISSION_DENIED"
        ((key_id,),) = await rows(served, KEYS)
        told = await rows(served, ACTIONS, f"projects/-/keys/{key_id}")
        assert told == [("tidemark.v1.AdminService.CreateKey", "PERMISSION_DENIED")]


async def test_a_process_that_starts_again_leaves_one_key(suite: Suite) -> None:
    async with suite(query, admin) as served:
        first = ServiceKey(served.resources.pool, "insights on host")
        assert await first.text() == await first.text()
        await ServiceKey(served.resources.pool, "insights on another").text()
        again = await ServiceKey(served.resources.pool, "insights on host").text()
        assert again != await first.text()
        assert len(await rows(served, KEYS)) == 2


async def test_a_key_that_was_taken_away_is_replaced(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    # Servers believe what they have looked up for some seconds.
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", -1.0)
    async with suite(query, admin) as served:
        source = Query(served.resources.settings, served.resources.pool)
        asked = questions.series(last="1h")
        await source.run("projects/demo", asked)
        await rows(served, "DELETE FROM api_keys WHERE service IS NOT NULL RETURNING key_id")
        answer = await source.run("projects/demo", asked)
        assert answer.HasField("series")
