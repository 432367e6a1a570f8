"""The one server: how a process begins and ends, and who may connect to it."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import grpc
import grpc.aio
import pytest
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from deploy.local.ports import free_port
from services.admin.service import admin
from services.kit.errors import BadSetting
from services.kit.exposition import exposed
from services.kit.redis import durability
from services.kit.server import opened, serve
from services.kit.service import Resources, Service
from services.kit.settings import Settings
from tests.conftest import Served, Suite, refusal
from tests.integration.answering import answering, query_of
from tidemark.v1 import query_pb2


async def code_of_query(channel: grpc.aio.Channel, served: Served) -> str:
    stub = channel.unary_unary("/tidemark.v1.QueryService/RunQuery")
    return (await stub(b"", metadata=served.key("viewer")).code()).name


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
    again = exposed(port, Settings())
    with exposed(port, Settings()), pytest.raises(BadSetting, match=f"{port}.*set TIDEMARK_METRICS_PORT"):
        again.__enter__()


# --- health and reflection --------------------------------------------------------------------------------------------


async def test_health_and_reflection_need_no_key(suite: Suite):
    async with suite(admin) as served:
        health = health_pb2_grpc.HealthStub(served.channel)
        for service in ("", "tidemark.v1.AdminService"):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert (
            await refusal(health.Check(health_pb2.HealthCheckRequest(service="nope")))
        ).code == "NOT_FOUND"
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        (listed,) = [
            answer
            async for answer in reflection_pb2_grpc.ServerReflectionStub(served.channel).ServerReflectionInfo(
                iter([asked])
            )
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
            answer = asyncio.ensure_future(code_of_query(channel, served))
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            await served.resources.draining.wait()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watch.cancel()
            release.set()
            return await answer

    async with suite(query_of(RunQuery=slow)) as served:
        outcome = asyncio.ensure_future(while_draining(served))
        await started.wait()
    assert await outcome == "OK"


async def test_an_endless_stream_is_told_to_end_itself(suite: Suite):
    async with suite(answering, drain_seconds=30.0) as served:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{served.port}")
        request = query_pb2.WatchQueryRequest(cursor="for ever").SerializeToString()
        watch = channel.unary_stream("/tidemark.v1.QueryService/WatchQuery")(
            request, metadata=served.key("viewer")
        )
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
    """Reads what the process says until a line holds `text`."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it never said {text!r}:\n{said}")


async def health_of(port: int, credentials: grpc.ChannelCredentials | None) -> int:
    target = f"localhost:{port}"
    channel = (
        grpc.aio.secure_channel(target, credentials) if credentials else grpc.aio.insecure_channel(target)
    )
    async with channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        return int(answer.status)


async def test_with_a_certificate_every_port_speaks_tls(settings, certificates):
    ours = replace(
        settings,
        tls_cert_file=str(certificates / "server.pem"),
        tls_key_file=str(certificates / "server.key"),
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
