"""The audit log: what is recorded, that it cannot be changed unseen, and that without it nothing is answered."""

import asyncio
import contextlib
from datetime import UTC, datetime

import grpc.aio
import psycopg
import pytest

from services.admin.service import admin
from services.kit import audit, postgres
from services.kit.audit import Audit, verify
from services.kit.chain import Entry
from services.kit.server import opened
from tests.conftest import Served, Suite, refusal
from tests.contract import rpcs
from tests.integration.answering import answering, call
from tidemark.v1 import admin_pb2, query_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

DEMO = "projects/demo"
COPIED = "project_id, 10, occurred_at, actor, action, resource, peer, outcome, request_id, hash"


def entry(number: int, project_id: int = 7) -> Entry:
    now = datetime(2026, 1, 1, 12, 0, 0, number, tzinfo=UTC)
    return Entry(project_id, now, "system", "test", f"thing {number}", "", "OK", f"r{number}")


async def entries(served: Served, parent: str = DEMO, **filters: str) -> list[admin_pb2.AuditEntry]:
    request = admin_pb2.ListAuditEntriesRequest(parent=parent, page_size=1000, **filters)
    answer = await AdminServiceStub(served.channel).ListAuditEntries(request, metadata=served.key("operator"))
    return list(answer.entries)


async def tamper(database: str, statement: str) -> None:
    """Changes the log as somebody with all rights on the database would."""
    async with await postgres.connect(database) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)


async def test_a_read_is_recorded_with_who_what_where_and_outcome(suite: Suite):
    async with suite(admin) as served:
        stub = AdminServiceStub(served.channel)
        metadata = (*served.key("viewer"), ("x-request-id", "my-request"))
        before = datetime.now(UTC)
        await stub.GetProject(admin_pb2.GetProjectRequest(name=DEMO), metadata=metadata)
        (made,) = await entries(served)
        key_id = served.secrets["viewer"].split("_")[1]
        assert made.actor == f"{DEMO}/keys/{key_id}"
        assert made.action == "tidemark.v1.AdminService.GetProject"
        assert made.resource == DEMO
        assert made.peer.startswith("ipv4:127.0.0.1:")
        assert (made.outcome, made.request_id, made.sequence, len(made.hash)) == ("OK", "my-request", 1, 32)
        assert before <= made.occurred_at.ToDatetime(tzinfo=UTC) <= datetime.now(UTC)


async def test_a_refusal_is_recorded(suite: Suite):
    async with suite(admin) as served:
        stub = AdminServiceStub(served.channel)
        denied = stub.CreateKey(admin_pb2.CreateKeyRequest(parent=DEMO), metadata=served.key("viewer"))
        assert (await refusal(denied)).code == "PERMISSION_DENIED"
        (made,) = await entries(served)
        assert (made.action, made.outcome) == ("tidemark.v1.AdminService.CreateKey", "PERMISSION_DENIED")


async def test_what_fails_is_recorded_with_its_code(suite: Suite):
    async with suite(admin) as served:
        stub = AdminServiceStub(served.channel)
        name = f"{DEMO}/keys/0000"
        missing = stub.RevokeKey(admin_pb2.RevokeKeyRequest(name=name), metadata=served.key("admin"))
        assert (await refusal(missing)).code == "NOT_FOUND"
        (made,) = await entries(served)
        assert (made.resource, made.outcome) == (name, "NOT_FOUND")


async def test_a_call_is_recorded_in_the_project_that_it_is_about(suite: Suite):
    async with suite(admin) as served:
        stub, key = AdminServiceStub(served.channel), served.key("operator")
        await stub.CreateProject(admin_pb2.CreateProjectRequest(project_id="shop"), metadata=key)
        await stub.GetProject(admin_pb2.GetProjectRequest(name="projects/shop"), metadata=key)
        assert [made.action.split(".")[-1] for made in await entries(served, "projects/shop")] == [
            "GetProject"
        ]
        installation = await entries(served, "projects/-")
        assert ("projects/shop", "tidemark.v1.AdminService.CreateProject") in {
            (made.resource, made.action) for made in installation
        }


async def test_every_rpc_but_what_producers_send_at_once_is_recorded(suite: Suite):
    async with suite(answering) as served:
        for rpc in rpcs():
            await call(served.channel, rpc, served.key("admin"))
        async with served.resources.pool.connection() as connection:
            # Whoever opens a link comes with no project, and here the link leads to none.
            rows = await (
                await connection.execute(
                    "SELECT action FROM audit_log WHERE project_id <> 0 OR actor = 'projects/-/keys/nobody'"
                )
            ).fetchall()
        often = {"PublishBatch", "RecordMetricsBatch", "ValidateEvents"}
        assert {row[0] for row in rows} == {rpc.full_name for rpc in rpcs() if rpc.name not in often}


async def test_a_single_batch_is_recorded_when_it_is_denied(suite: Suite):
    async with suite(answering) as served:
        (publish,) = (rpc for rpc in rpcs() if rpc.name == "PublishBatch")
        await call(served.channel, publish, served.key("viewer"))
        async with served.resources.pool.connection() as connection:
            cursor = await connection.execute("SELECT action, outcome FROM audit_log WHERE project_id <> 0")
            assert await cursor.fetchall() == [(publish.full_name, "PERMISSION_DENIED")]


async def test_a_stream_is_recorded_before_its_first_answer(suite: Suite):
    async with suite(answering) as served:
        watch = served.channel.unary_stream(
            "/tidemark.v1.QueryService/WatchQuery",
            request_serializer=query_pb2.WatchQueryRequest.SerializeToString,
            response_deserializer=query_pb2.WatchQueryResponse.FromString,
        )(query_pb2.WatchQueryRequest(cursor="for ever"), metadata=served.key("viewer"))
        assert await watch.read()
        async with served.resources.pool.connection() as connection:
            cursor = await connection.execute("SELECT action, outcome FROM audit_log WHERE project_id <> 0")
            assert await cursor.fetchall() == [("tidemark.v1.QueryService.WatchQuery", "OK")]
        watch.cancel()


async def test_without_a_record_there_is_no_answer(suite: Suite):
    async with suite(admin) as served:
        async with served.resources.pool.connection() as connection:
            await connection.execute("ALTER TABLE audit_log RENAME TO audit_log_gone")
        stub = AdminServiceStub(served.channel)
        refused = await refusal(
            stub.GetProject(admin_pb2.GetProjectRequest(name=DEMO), metadata=served.key("viewer"))
        )
        assert (refused.code, refused.reason) == ("UNAVAILABLE", "AUDIT_UNAVAILABLE")
        async with served.resources.pool.connection() as connection:
            await connection.execute("ALTER TABLE audit_log_gone RENAME TO audit_log")
        await stub.GetProject(admin_pb2.GetProjectRequest(name=DEMO), metadata=served.key("viewer"))


async def test_what_many_processes_record_at_once_is_one_unbroken_chain(settings):
    async with opened(settings) as resources:
        logs = [Audit(resources.pool) for _ in range(3)]
        tasks = [asyncio.create_task(log.run()) for log in logs]
        waiting = [
            logs[number % 3]._written(logs[number % 3]._gather(entry(number, number % 2)))
            for number in range(600)
        ]
        await asyncio.gather(*waiting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for project_id in (0, 1):
            verdict = await verify(resources.pool, project_id)
            assert (verdict.checked, verdict.fault) == (300, None)


async def test_the_log_refuses_to_be_changed(database, settings):
    async with opened(settings) as resources:
        async with resources.pool.connection() as connection:
            await audit.append(connection, [entry(1)])
        for statement in ("UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                async with resources.pool.connection() as connection:
                    await connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE sequence = 5", 5),
        ("UPDATE audit_log SET outcome = 'OK ' WHERE sequence = 1", 1),
        ("UPDATE audit_log SET occurred_at = occurred_at + interval '1 microsecond' WHERE sequence = 9", 9),
        ("UPDATE audit_log SET hash = sha256('x') WHERE sequence = 3", 3),
        ("DELETE FROM audit_log WHERE sequence = 4", 4),
        ("DELETE FROM audit_log WHERE sequence = 1", 1),
        ("DELETE FROM audit_log WHERE sequence > 6", 7),
        ("DELETE FROM audit_log", 1),
        ("DELETE FROM audit_heads", 1),
        ("UPDATE audit_heads SET sequence = 4", 5),
        ("UPDATE audit_heads SET hash = sha256('x')", 9),
        ("INSERT INTO audit_log SELECT * FROM audit_log WHERE sequence = 9 ON CONFLICT DO NOTHING", 0),
        (f"INSERT INTO audit_log SELECT {COPIED} FROM audit_log WHERE sequence = 9", 10),
    ],
)
async def test_verification_finds_the_first_entry_tampered_with(database, settings, statement, broken):
    async with opened(settings) as resources:
        async with resources.pool.connection() as connection:
            await audit.append(connection, [entry(number) for number in range(1, 10)])
        assert await verify(resources.pool, 7) == audit.Verdict(9, None)
        await tamper(database, statement)
        fault = (await verify(resources.pool, 7)).fault
        assert (fault.sequence if fault else 0) == broken


async def test_verification_is_answered_by_rpc(suite: Suite, database):
    async with suite(admin) as served:
        stub, key = AdminServiceStub(served.channel), served.key("admin")
        for _ in range(3):
            await stub.GetProject(admin_pb2.GetProjectRequest(name=DEMO), metadata=key)
        whole = await stub.VerifyAuditLog(admin_pb2.VerifyAuditLogRequest(parent=DEMO), metadata=key)
        assert (whole.intact, whole.entry_count, whole.first_broken_sequence) == (True, 3, 0)
        await tamper(database, "UPDATE audit_log SET actor = 'nobody' WHERE sequence = 2 AND project_id <> 0")
        broken = await stub.VerifyAuditLog(admin_pb2.VerifyAuditLogRequest(parent=DEMO), metadata=key)
        assert (broken.intact, broken.first_broken_sequence) == (False, 2)
        assert "entry 2" in broken.explanation


async def test_entries_come_newest_first_in_pages_and_by_filter(suite: Suite):
    async with suite(admin) as served:
        stub, key = AdminServiceStub(served.channel), served.key("admin")
        for name in ("viewer", "admin", "viewer"):
            await stub.GetProject(admin_pb2.GetProjectRequest(name=DEMO), metadata=served.key(name))
        request = admin_pb2.ListAuditEntriesRequest(
            parent=DEMO, page_size=2, action="tidemark.v1.AdminService.GetProject"
        )
        first = await stub.ListAuditEntries(request, metadata=key)
        assert [made.sequence for made in first.entries] == [3, 2]
        request.page_token = first.next_page_token
        second = await stub.ListAuditEntries(request, metadata=key)
        assert ([made.sequence for made in second.entries], second.next_page_token) == ([1], "")
        viewer = f"{DEMO}/keys/{served.secrets['viewer'].split('_')[1]}"
        assert [made.sequence for made in await entries(served, actor=viewer)] == [3, 1]


async def test_a_call_given_up_by_its_caller_is_recorded_as_cancelled(suite: Suite, monkeypatch):
    async with suite(admin) as served:
        started = asyncio.Event()

        async def slow(pool, project_id):
            started.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(audit, "verify", slow)
        stub, key = AdminServiceStub(served.channel), served.key("admin")
        given_up = stub.VerifyAuditLog(admin_pb2.VerifyAuditLogRequest(parent=DEMO), metadata=key)
        waiting = asyncio.ensure_future(given_up.code())
        await started.wait()
        given_up.cancel()
        with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await waiting
        async with asyncio.timeout(10):
            while "CANCELLED" not in {made.outcome for made in await entries(served)}:
                pass
