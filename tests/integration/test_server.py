"""The one server: what stands in front of every servicer, and how a process begins and ends."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import prometheus_client
import psycopg
import pytest
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.admin.service import admin
from services.kit.errors import BadSetting, Exhausted
from services.kit.redis import durability
from services.kit.server import exposed, opened, serve
from services.kit.service import Resources, Service, Servicer
from services.kit.settings import Settings
from tests.conftest import Served, Suite, free_port, refusal
from tests.integration.answering import answering
from tidemark.v1 import admin_pb2, ingest_pb2, query_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.ingest_pb2_grpc import add_IngestServiceServicer_to_server
from tidemark.v1.query_pb2_grpc import add_QueryServiceServicer_to_server

DEMO = "projects/demo"


class Handlers:
    """Handlers that a test sets, in place of a service's."""

    def __init__(self, **handlers: Callable[..., Any]) -> None:
        self.__dict__.update(handlers)

    def __getattr__(self, name: str) -> Any:
        async def missing(request: Any, context: Any) -> None:
            raise AssertionError(name)

        return missing


def ingest_of(**handlers: Callable[..., Any]):
    async def build(resources: Resources) -> Service:
        streams = {"Publish": _echo, "RecordMetrics": _echo} | handlers
        return Service(servicers=[Servicer(add_IngestServiceServicer_to_server, Handlers(**streams))])

    return build


def query_of(**handlers: Callable[..., Any]):
    async def build(resources: Resources) -> Service:
        streams = {"WatchQuery": _count} | handlers
        return Service(servicers=[Servicer(add_QueryServiceServicer_to_server, Handlers(**streams))])

    return build


async def _echo(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[ingest_pb2.PublishResponse]:
    async for request in requests:
        yield ingest_pb2.PublishResponse(sequence=request.batch.producer.sequence)


async def _count(request: Any, context: Any) -> AsyncIterator[query_pb2.WatchQueryResponse]:
    for number in range(int(request.cursor or 0)):
        yield query_pb2.WatchQueryResponse(cursor=str(number))


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
        admin_pb2.GetProjectRequest(name=DEMO), metadata=metadata, **options
    )


def counted(name: str, **labels: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value(name, labels) or 0.0


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
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            assert (await refusal(get_demo(served.channel, served.key("viewer")))).code == "UNAVAILABLE"
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        async with asyncio.timeout(20):
            while True:
                try:
                    await get_demo(served.channel, served.key("viewer"))
                    return
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.UNAVAILABLE


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
        stream = served.channel.stream_stream("/tidemark.v1.IngestService/Publish")(metadata=served.key("ingest"))
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
        assert (await refusal(stub.GetProject(large, metadata=served.key("viewer")))).code == "RESOURCE_EXHAUSTED"
        await get_demo(served.channel, served.key("viewer"))


async def test_an_unknown_method_is_unimplemented(suite: Suite):
    async with suite(admin) as served:
        stub = served.channel.unary_unary("/tidemark.v1.AdminService/Nothing")
        assert (await refusal(stub(b"", metadata=served.key("admin")))).code == "UNIMPLEMENTED"


async def test_a_stream_handler_that_is_no_generator_is_a_mistake_found_at_its_first_call(suite: Suite, caplog):
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
    publish = {"grpc_type": "bidi_stream", "grpc_service": "tidemark.v1.IngestService", "grpc_method": "Publish"}
    watch = {"grpc_type": "server_stream", "grpc_service": "tidemark.v1.QueryService", "grpc_method": "WatchQuery"}

    def counts() -> list[float]:
        return [
            *(counted(f"grpc_server_msg_{what}_total", **rpc) for rpc in (publish, watch) for what in ("received", "sent")),
            *(counted("grpc_server_handled_total", **rpc, grpc_code="OK") for rpc in (publish, watch)),
        ]

    async with suite(ingest_of(), query_of()) as served:
        before = counts()
        stream = served.channel.stream_stream("/tidemark.v1.IngestService/Publish")(metadata=served.key("ingest"))
        for sequence in range(5):
            await stream.write(ingest_pb2.PublishRequest(batch={"producer": {"sequence": sequence}}).SerializeToString())
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


def test_metrics_are_served_over_http():
    port = free_port()
    with exposed(port, Settings()):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    assert "grpc_server_handling_seconds" in text
    assert "_created" not in text


def test_a_taken_metrics_port_is_named():
    port = free_port()
    with exposed(port, Settings()), pytest.raises(BadSetting, match=f"{port}.*set TIDEMARK_METRICS_PORT"):
        with exposed(port, Settings()):
            pass


# --- health and reflection --------------------------------------------------------------------------------------------


async def test_health_and_reflection_need_no_key(suite: Suite):
    async with suite(admin) as served:
        health = health_pb2_grpc.HealthStub(served.channel)
        for service in ("", "tidemark.v1.AdminService"):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert (await refusal(health.Check(health_pb2.HealthCheckRequest(service="nope")))).code == "NOT_FOUND"
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        (listed,) = [
            answer
            async for answer in reflection_pb2_grpc.ServerReflectionStub(served.channel).ServerReflectionInfo(iter([asked]))
        ]
        names = {service.name for service in listed.list_services_response.service}
        assert {"tidemark.v1.AdminService", "grpc.health.v1.Health"} <= names


async def test_reflection_can_be_switched_off(suite: Suite):
    async with suite(admin, reflection=False) as served:
        stream = reflection_pb2_grpc.ServerReflectionStub(served.channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        )
        with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
            async for _ in stream:
                pass


async def test_while_draining_calls_under_way_end_and_health_says_so(suite: Suite):
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        started.set()
        await release.wait()
        return query_pb2.RunQueryResponse(next_page_token="done")

    async def while_draining(served: Served) -> str:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{served.port}") as channel:
            answer = asyncio.ensure_future(run_query(replace(served, channel=channel)).code())
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            await served.resources.draining.wait()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watch.cancel()
            release.set()
            return (await answer).name

    async with suite(query_of(RunQuery=slow)) as served:
        outcome = asyncio.ensure_future(while_draining(served))
        await started.wait()
    assert await outcome == "OK"


async def test_an_endless_stream_is_told_to_end_itself(suite: Suite):
    async with suite(answering, drain_seconds=30.0) as served:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{served.port}")
        request = query_pb2.WatchQueryRequest(cursor="for ever").SerializeToString()
        watch = channel.unary_stream("/tidemark.v1.QueryService/WatchQuery")(request, metadata=served.key("viewer"))
        assert await watch.read() is not grpc.aio.EOF
        ended = asyncio.ensure_future(watch.code())
        rest = asyncio.ensure_future(watch.read())
    assert await rest is grpc.aio.EOF
    assert await ended is grpc.StatusCode.OK
    await channel.close()


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Path:
    """An authority, and a server's and a client's certificate signed by it; and a stranger's, signed by nobody known."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def key_and(request: str, name: str, *more: str) -> None:
        openssl("req", *request.split(), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}", *more)  # fmt: skip

    key_and("-x509", "authority")
    key_and("-x509", "stranger")
    for name, use in (("server", "serverAuth"), ("client", "clientAuth")):
        extensions = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", f"extendedKeyUsage={use}",
                      "-addext", "basicConstraints=CA:false")  # fmt: skip
        key_and("-x509 -CA authority.pem -CAkey authority.key", name, *extensions)
    return folder


@contextmanager
def serving(settings: Settings, certificates: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """AdminService in a process of its own, as the target query."""
    program = (
        "import asyncio, os\n"
        "from services.admin.service import admin\n"
        "from services.kit import log\n"
        "from services.kit.server import serve\n"
        "from services.kit.settings import Settings\n"
        "log.start('query', 'INFO')\n"
        "asyncio.run(serve('query', [admin], Settings.read()))\n"
    )
    variables = {f"TIDEMARK_{name.upper()}": str(value) for name, value in asdict(settings).items()}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def until(process: subprocess.Popen[str], text: str) -> str:
    """Read what the process says until a line holds `text`."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it never said {text!r}:\n{said}")


async def health_of(port: int, credentials: grpc.ChannelCredentials | None) -> int:
    target = f"localhost:{port}"
    channel = grpc.aio.secure_channel(target, credentials) if credentials else grpc.aio.insecure_channel(target)
    async with channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        return int(answer.status)


async def test_with_a_certificate_every_port_speaks_tls(settings, certificates):
    ours = replace(
        settings, tls_cert_file=str(certificates / "server.pem"), tls_key_file=str(certificates / "server.key")
    )
    authority = (certificates / "authority.pem").read_bytes()
    with serving(ours) as process:
        until(process, "listening on")
        assert await health_of(ours.query_port, grpc.ssl_channel_credentials(authority)) == 1
        for credentials in (None, grpc.ssl_channel_credentials((certificates / "stranger.pem").read_bytes())):
            assert (await refusal(health_of(ours.query_port, credentials))).code == "UNAVAILABLE"


async def test_with_a_client_authority_strangers_are_not_let_in(settings, certificates):
    ours = replace(
        settings,
        tls_cert_file=str(certificates / "server.pem"),
        tls_key_file=str(certificates / "server.key"),
        tls_client_ca_file=str(certificates / "authority.pem"),
    )
    authority = (certificates / "authority.pem").read_bytes()

    def credentials(name: str) -> grpc.ChannelCredentials:
        key, chain = ((certificates / f"{name}.{kind}").read_bytes() for kind in ("key", "pem"))
        return grpc.ssl_channel_credentials(authority, key, chain)

    with serving(ours) as process:
        until(process, "listening on")
        assert await health_of(ours.query_port, credentials("client")) == 1
        for refused in (credentials("stranger"), grpc.ssl_channel_credentials(authority)):
            assert (await refusal(health_of(ours.query_port, refused))).code == "UNAVAILABLE"


# --- a process begins and ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(settings, number):
    with serving(settings) as process:
        until(process, "listening on")
        process.send_signal(number)
        said = until(process, "query has ended")
        assert process.wait(10) == 0
        assert "Traceback" not in said


def test_a_taken_port_is_named(settings):
    with serving(settings) as first:
        until(first, "listening on")
        with serving(Settings(**{**asdict(settings), "metrics_port": free_port()})) as second:
            assert f"cannot listen on 127.0.0.1:{settings.query_port}" in until(second, "errors.BadSetting")


async def test_a_worker_that_fails_ends_the_target_with_its_error(settings):
    ended = asyncio.Event()

    async def build(resources: Resources) -> Service:
        async def fails() -> None:
            raise LookupError("lost my offset")

        async def finishes() -> None:
            await resources.draining.wait()
            ended.set()

        return Service(workers=[fails, finishes])

    with pytest.raises(LookupError, match="lost my offset"):
        await serve("writer", [build], settings)
    assert ended.is_set()


async def test_a_worker_that_ends_by_itself_ends_the_target(settings):
    async def build(resources: Resources) -> Service:
        async def stops() -> None:
            return

        return Service(workers=[stops])

    with pytest.raises(RuntimeError, match="has ended by itself"):
        await serve("writer", [build], settings)


async def test_a_worker_that_does_not_end_is_cancelled_after_the_drain(settings):
    cancelled = asyncio.Event()

    async def build(resources: Resources) -> Service:
        async def deaf() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async def drains() -> None:
            resources.draining.set()

        return Service(workers=[deaf, drains])

    await serve("writer", [build], replace(settings, drain_seconds=0.1))
    assert cancelled.is_set()


async def test_a_redis_that_may_evict_is_refused(settings, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(BadSetting, match="maxmemory-policy allkeys-lru"):
                async with opened(settings):
                    pass
        finally:
            client.config_set("maxmemory-policy", "noeviction")


async def test_a_redis_without_a_log_on_disk_is_refused(settings, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("appendonly", "no")
        try:
            with pytest.raises(BadSetting, match="appendonly no"):
                async with opened(settings):
                    pass
        finally:
            client.config_set("appendonly", "yes")


async def test_the_durability_of_redis_is_read_from_it(settings, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        before = client.config_get("appendfsync")["appendfsync"]
        try:
            async with opened(settings) as resources:
                for policy in ("always", "everysec"):
                    client.config_set("appendfsync", policy)
                    assert await durability(resources.redis) == policy
                client.config_set("appendfsync", "no")
                with pytest.raises(BadSetting, match="appendfsync no"):
                    await durability(resources.redis)
        finally:
            client.config_set("appendfsync", before)
