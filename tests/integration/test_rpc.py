"""What happens around every handler: errors, deadlines, request ids and metrics."""

import asyncio
import uuid
from typing import Any

import grpc
import grpc.aio
import psycopg
import pytest

from services.admin.service import admin
from services.kit.errors import Exhausted
from tests.conftest import Served, Suite, counted, refusal
from tests.integration.answering import ingest_of, query_of
from tidemark.v1 import admin_pb2, ingest_pb2, query_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub


def run_query(served: Served, key: str = "viewer", **options: Any):
    stub = served.channel.unary_unary(
        "/tidemark.v1.QueryService/RunQuery",
        request_serializer=query_pb2.RunQueryRequest.SerializeToString,
        response_deserializer=query_pb2.RunQueryResponse.FromString,
    )
    metadata = (*served.key(key), *options.pop("metadata", ()))
    return stub(query_pb2.RunQueryRequest(), metadata=metadata, **options)


def get_demo(channel: grpc.aio.Channel, metadata: Any, **options: Any):
    return AdminServiceStub(channel).GetProject(
        admin_pb2.GetProjectRequest(name="projects/demo"), metadata=metadata, **options
    )


# --- errors -----------------------------------------------------------------------------------------------------------


async def test_an_internal_error_tells_an_incident_and_nothing_else(suite: Suite, caplog):
    async def broken(request, context):
        raise KeyError("the secret recipe")

    async with suite(query_of(RunQuery=broken)) as served:
        refused = await refusal(run_query(served))
        assert (refused.code, refused.reason) == ("INTERNAL", "INTERNAL")
        incident = refused.metadata["incident"]
        assert refused.message == f"internal error, incident {incident}"
        assert "recipe" not in repr(refused)
        (record,) = (record for record in caplog.records if incident in record.getMessage())
        assert "the secret recipe" in str(record.exc_info)


async def test_exhaustion_tells_when_to_retry_in_both_ways(suite: Suite):
    async def full(request, context):
        raise Exhausted("the backlog is full", retry_after=1.5)

    async with suite(query_of(RunQuery=full)) as served:
        refused = await refusal(run_query(served))
        assert refused.code == "RESOURCE_EXHAUSTED"
        assert refused.trailing["grpc-retry-pushback-ms"] == "1500"


async def test_a_lost_database_is_unavailable_and_comes_back(suite: Suite, servers, database):
    async with suite(admin) as served:
        await get_demo(served.channel, served.key("viewer"))
        name = database.rpartition("/")[2]
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            assert (await refusal(get_demo(served.channel, served.key("viewer")))).code == "UNAVAILABLE"
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        async with asyncio.timeout(20):
            while (
                code := await get_demo(served.channel, served.key("viewer")).code()
            ) is not grpc.StatusCode.OK:
                assert code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xc3\x28"], ids=["garbage", "cut", "not-utf-8"]
)
async def test_a_request_that_cannot_be_read_is_invalid(suite: Suite, data):
    async with suite(admin) as served:
        stub = served.channel.unary_unary("/tidemark.v1.AdminService/GetProject")
        refused = await refusal(stub(data, metadata=served.key("viewer")))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")
        assert len(refused.violations) == 1
        assert (await refusal(stub(data))).code == "UNAUTHENTICATED"


async def test_a_bad_message_in_a_stream_ends_the_stream(suite: Suite):
    async with suite(ingest_of()) as served:
        stream = served.channel.stream_stream("/tidemark.v1.IngestService/Publish")(
            metadata=served.key("ingest")
        )
        good = ingest_pb2.PublishRequest(batch={"producer": {"sequence": 7}}).SerializeToString()
        await stream.write(good)
        assert ingest_pb2.PublishResponse.FromString(await stream.read()).sequence == 7
        await stream.write(b"\xff\xff\xff")
        refused = await refusal(stream.read())
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")


async def test_a_message_larger_than_allowed_is_refused_and_the_server_lives(suite: Suite):
    async with suite(admin, max_message_bytes=10_000) as served:
        stub = AdminServiceStub(served.channel)
        large = admin_pb2.GetProjectRequest(name="x" * 20_000)
        assert (
            await refusal(stub.GetProject(large, metadata=served.key("viewer")))
        ).code == "RESOURCE_EXHAUSTED"
        await get_demo(served.channel, served.key("viewer"))


async def test_an_unknown_method_is_unimplemented(suite: Suite):
    async with suite(admin) as served:
        stub = served.channel.unary_unary("/tidemark.v1.AdminService/Nothing")
        assert (await refusal(stub(b"", metadata=served.key("admin")))).code == "UNIMPLEMENTED"


async def test_a_stream_handler_that_is_no_generator_is_a_mistake_found_at_its_first_call(
    suite: Suite, caplog
):
    async def writes(request, context):
        await context.write(query_pb2.WatchQueryResponse())

    async with suite(query_of(WatchQuery=writes)) as served:
        stub = served.channel.unary_stream("/tidemark.v1.QueryService/WatchQuery")
        refused = await refusal(stub(b"", metadata=served.key("viewer")).read())
        assert refused.code in {"INTERNAL", "UNKNOWN"}


# --- deadlines --------------------------------------------------------------------------------------------------------


async def test_a_call_without_a_deadline_gets_the_servers(suite: Suite):
    ended = asyncio.Event()

    async def endless(request, context):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with suite(query_of(RunQuery=endless), call_seconds=0.1) as served:
        refused = await refusal(run_query(served))
        assert (refused.code, refused.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        assert ended.is_set()


async def test_a_callers_deadline_ends_the_handler(suite: Suite):
    ended = asyncio.Event()

    async def endless(request, context):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with suite(query_of(RunQuery=endless)) as served:
        assert (await refusal(run_query(served, timeout=0.2))).code == "DEADLINE_EXCEEDED"
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_timeout_inside_a_handler_is_not_taken_for_the_deadline(suite: Suite):
    async def impatient(request, context):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async with suite(query_of(RunQuery=impatient)) as served:
        assert (await refusal(run_query(served))).code == "INTERNAL"


# --- request ids and metrics ------------------------------------------------------------------------------------------


async def test_the_callers_request_id_comes_back(suite: Suite):
    async with suite(admin) as served:
        metadata = (*served.key("viewer"), ("x-request-id", "abc-123"))
        answered = get_demo(served.channel, metadata)
        await answered
        assert dict(await answered.trailing_metadata())["x-request-id"] == "abc-123"
        refused = await refusal(get_demo(served.channel, (("x-request-id", "abc-124"),)))
        assert refused.trailing["x-request-id"] == "abc-124"


@pytest.mark.parametrize("given", ["", "two words", "x" * 101, "ü".encode().decode("latin-1")])
async def test_without_a_usable_request_id_one_is_made(suite: Suite, given):
    async with suite(admin) as served:
        metadata = [*served.key("viewer"), *([("x-request-id", given)] if given.isascii() else [])]
        answered = get_demo(served.channel, metadata)
        await answered
        assert uuid.UUID(dict(await answered.trailing_metadata())["x-request-id"])


async def test_unary_calls_are_counted_by_code(suite: Suite):
    rpc = {"grpc_type": "unary", "grpc_service": "tidemark.v1.AdminService", "grpc_method": "GetProject"}

    def counts() -> list[float]:
        return [
            counted("grpc_server_started_total", **rpc),
            counted("grpc_server_handled_total", **rpc, grpc_code="OK"),
            counted("grpc_server_handled_total", **rpc, grpc_code="Unauthenticated"),
            counted("grpc_server_handled_total", **rpc, grpc_code="PermissionDenied"),
            counted("grpc_server_msg_received_total", **rpc),
            counted("grpc_server_msg_sent_total", **rpc),
            counted("grpc_server_handling_seconds_count", **rpc),
        ]

    async with suite(admin) as served:
        before = counts()
        await get_demo(served.channel, served.key("viewer"))
        await refusal(get_demo(served.channel, ()))
        await refusal(get_demo(served.channel, served.key("ingest")))
        assert [now - then for now, then in zip(counts(), before, strict=True)] == [3, 1, 1, 1, 1, 1, 3]


async def test_messages_of_streams_are_counted_one_by_one(suite: Suite):
    publish = {
        "grpc_type": "bidi_stream",
        "grpc_service": "tidemark.v1.IngestService",
        "grpc_method": "Publish",
    }
    watch = {
        "grpc_type": "server_stream",
        "grpc_service": "tidemark.v1.QueryService",
        "grpc_method": "WatchQuery",
    }

    def counts() -> list[float]:
        return [
            *(
                counted(f"grpc_server_msg_{what}_total", **rpc)
                for rpc in (publish, watch)
                for what in ("received", "sent")
            ),
            *(counted("grpc_server_handled_total", **rpc, grpc_code="OK") for rpc in (publish, watch)),
        ]

    async with suite(ingest_of(), query_of()) as served:
        before = counts()
        stream = served.channel.stream_stream("/tidemark.v1.IngestService/Publish")(
            metadata=served.key("ingest")
        )
        for sequence in range(5):
            await stream.write(
                ingest_pb2.PublishRequest(batch={"producer": {"sequence": sequence}}).SerializeToString()
            )
            assert ingest_pb2.PublishResponse.FromString(await stream.read()).sequence == sequence
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        request = query_pb2.WatchQueryRequest(cursor="3").SerializeToString()
        watched = served.channel.unary_stream("/tidemark.v1.QueryService/WatchQuery")(
            request, metadata=served.key("viewer")
        )
        assert len([answer async for answer in watched]) == 3
        assert [now - then for now, then in zip(counts(), before, strict=True)] == [5, 5, 1, 3, 1, 1]


async def test_a_caller_that_goes_away_is_counted_as_canceled(suite: Suite):
    rpc = {"grpc_type": "unary", "grpc_service": "tidemark.v1.QueryService", "grpc_method": "RunQuery"}
    started, ended = asyncio.Event(), asyncio.Event()

    async def endless(request, context):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with suite(query_of(RunQuery=endless)) as served:
        before = counted("grpc_server_handled_total", **rpc, grpc_code="Canceled")
        given_up = run_query(served)
        waiting = asyncio.ensure_future(given_up.code())
        await started.wait()
        given_up.cancel()
        await waiting
        await asyncio.wait_for(ended.wait(), 5)
    assert counted("grpc_server_handled_total", **rpc, grpc_code="Canceled") == before + 1
