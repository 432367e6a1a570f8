"""Runs a target: opens what it needs, starts its servicers and workers, and ends it in order.

`services/__main__.py` hands in the builders of a target. Every RPC goes through `rpc.py`.
"""

import asyncio
import functools
import gc
import ipaddress
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.kit import metrics, postgres, redis, tracing
from services.kit.audit import Audit
from services.kit.errors import BadSetting
from services.kit.exposition import exposed
from services.kit.http import answering
from services.kit.identity import Directory
from services.kit.migrate import require_migrated
from services.kit.rpc import Gate, KeylessGate
from services.kit.service import Keyless, Resources, Service
from services.kit.settings import Settings
from services.kit.tls import Certificates

Builder = Callable[[Resources], Awaitable[Service]]

METRICS_PORTS = {
    "ingest": 9101,
    "writer": 9102,
    "query": 9103,
    "gateway": 9104,
    "mirror": 9105,
    "insights": 9106,
    "reports": 9107,
}

_GATE_CONNECTIONS = 3

log = logging.getLogger(__name__)


async def serve(target: str, builders: Sequence[Builder], settings: Settings) -> None:
    """Runs a target until SIGTERM, SIGINT or the failure of one of its workers, which is raised."""
    require_safe(settings)
    with tracing.exporting(target, settings):
        await _served(target, builders, settings)


async def _served(target: str, builders: Sequence[Builder], settings: Settings) -> None:
    async with opened(settings) as resources:
        _drain_on_signals(resources.draining)
        services = [await build(resources) for build in builders]
        # What start-up made lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        metrics.TLS_EXPIRY.set_function(Certificates(settings).end)
        with exposed(settings.metrics_port or METRICS_PORTS[target], settings):
            async with working(services, resources), AsyncExitStack() as stack:
                if any(service.servicers for service in services):
                    port = getattr(settings, f"{target}_port")
                    await stack.enter_async_context(listening(services, resources, port))
                for app in (service.app for service in services if service.app is not None):
                    await stack.enter_async_context(
                        answering(app, settings, getattr(settings, f"{target}_port"))
                    )
                for each in (service.keyless for service in services if service.keyless is not None):
                    await stack.enter_async_context(unlocked(each, resources))
                await stack.enter_async_context(probed(settings))
                await resources.draining.wait()
    # Or the interpreter would leave it behind, which libraries complain of.
    gc.unfreeze()
    log.info("%s has ended", target)


def require_safe(settings: Settings) -> None:
    """Raises `BadSetting` where keys would travel in the clear, or where TLS is set up halfway."""
    if not settings.tls_cert_file:
        if settings.tls_key_file or settings.tls_client_ca_file:
            raise BadSetting(
                "TIDEMARK_TLS_CERT_FILE is empty and other TLS settings are not; set it, or none"
            )
        if not settings.insecure_remote and not _is_loopback(settings.host):
            raise BadSetting(
                f"TIDEMARK_HOST is {settings.host!r}, beyond loopback, and there is no TLS; set TIDEMARK_TLS_CERT_FILE "
                "and TIDEMARK_TLS_KEY_FILE, or TIDEMARK_INSECURE_REMOTE where the network encrypts"
            )
        return
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file or None)
    except OSError as error:
        raise BadSetting(
            f"TIDEMARK_TLS_CERT_FILE {settings.tls_cert_file!r} and TIDEMARK_TLS_KEY_FILE {settings.tls_key_file!r} "
            f"must be PEM files of a certificate and its private key: {error}"
        ) from error
    try:
        if settings.tls_client_ca_file:
            context.load_verify_locations(settings.tls_client_ca_file)
    except OSError as error:
        raise BadSetting(
            f"TIDEMARK_TLS_CLIENT_CA_FILE is {settings.tls_client_ca_file!r}; name a PEM file of an authority: {error}"
        ) from error


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Resources]:
    """The pool and the Redis client of a process; both servers probed, the database migrated."""
    async with (
        postgres.pool(settings.database_url, settings.pool_size) as pool,
        redis.client(settings.redis_url) as client,
    ):
        async with pool.connection() as connection:
            await require_migrated(connection)
        yield Resources(settings, pool, client)


@asynccontextmanager
async def listening(services: Sequence[Service], resources: Resources, port: int) -> AsyncIterator[int]:
    """A started server of all servicers on `port`, which it gives, and on the ports that services ask for.

    On leaving, calls under way get `drain_seconds` to end.
    """
    settings = resources.settings
    # Connections of its own: slow questions never keep callers from being identified and recorded.
    async with postgres.pool(settings.database_url, _GATE_CONNECTIONS, "gate") as pool:
        directory, audit = Directory(pool, resources.redis), Audit(pool)
        server = grpc.aio.server(
            interceptors=[Gate(directory, audit, settings.call_seconds, settings.edge_secrets)],
            options=_options(settings),
        )
        names = []
        for servicer in (servicer for service in services for servicer in service.servicers):
            servicer.add(servicer.implementation, server)
            names.append(_service_name(servicer.add))
        answers = await _health(names, server)
        if settings.reflection:
            reflection.enable_server_reflection(
                [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server
            )
        bound = _bind(server, settings, port)
        besides = [_bind(server, settings, each) for service in services for each in service.ports]
        tasks = [
            asyncio.create_task(_worker(run, resources.draining)) for run in (audit.run, directory.watch)
        ]
        await server.start()
        for each in (bound, *besides):
            log.info("listening on %s:%d: %s", settings.host, each, ", ".join(names))
        try:
            yield bound
        finally:
            resources.draining.set()
            await answers.enter_graceful_shutdown()
            await server.stop(settings.drain_seconds)
            await _end(tasks)


@asynccontextmanager
async def unlocked(keyless: Keyless, resources: Resources) -> AsyncIterator[int]:
    """A started server of what asks for no key, on its port, which it gives; with TLS where the other ports have it, and there as well
    only for callers with a certificate where one is asked for."""
    settings = resources.settings
    server = grpc.aio.server(interceptors=[KeylessGate(settings.call_seconds)], options=_options(settings))
    names = [_service_name(servicer.add) for servicer in keyless.servicers]
    for servicer in keyless.servicers:
        servicer.add(servicer.implementation, server)
    answers = await _health(names, server)
    bound = _bind(server, settings, keyless.port)
    await server.start()
    log.info("listening on %s:%d without keys: %s", settings.host, bound, ", ".join(names))
    try:
        yield bound
    finally:
        resources.draining.set()
        await answers.enter_graceful_shutdown()
        await server.stop(settings.drain_seconds)


@asynccontextmanager
async def probed(settings: Settings) -> AsyncIterator[None]:
    """Health for probes on `health_port`, where one is set: SERVING from here on, and nothing is answered once we leave."""
    if not settings.health_port:
        yield
        return
    server = grpc.aio.server()
    await _health((), server)
    _bind(server, replace(settings, tls_cert_file=""), settings.health_port)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@asynccontextmanager
async def working(services: Sequence[Service], resources: Resources) -> AsyncIterator[None]:
    """Runs the workers of all services; on leaving, they have `drain_seconds` to finish. The first failure is raised."""
    workers = [
        asyncio.create_task(_worker(work, resources.draining))
        for service in services
        for work in service.workers
    ]
    try:
        yield
    finally:
        resources.draining.set()
        if workers:
            _, late = await asyncio.wait(workers, timeout=resources.settings.drain_seconds)
            if late:
                log.warning("%d workers did not end within %s s", len(late), resources.settings.drain_seconds)
        await _end(workers)


async def _worker(work: Callable[[], Awaitable[None]], draining: asyncio.Event) -> None:
    """A worker that ends, well or badly, while it should run ends the process."""
    try:
        await work()
        if not draining.is_set():
            raise RuntimeError(f"{work} has ended by itself")
    finally:
        draining.set()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels what still runs, and raises the first failure."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _health(names: Sequence[str], server: grpc.aio.Server) -> health.aio.HealthServicer:
    answers = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(answers, server)
    for name in names:
        await answers.set(name, health_pb2.HealthCheckResponse.SERVING)
    return answers


def _drain_on_signals(draining: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def drain(number: signal.Signals) -> None:
        log.info("%s: draining", number.name)
        draining.set()
        # A second signal of the same kind ends the process at once.
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, functools.partial(drain, number))


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", settings.max_streams),
        ("grpc.max_connection_age_ms", int(settings.connection_seconds * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.drain_seconds * 1000)),
        # Clients behind NATs ping often, also without calls; a dead client is noticed within a minute.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_time_ms", 40_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]


def _bind(server: grpc.aio.Server, settings: Settings, port: int) -> int:
    address = f"[{settings.host}]:{port}" if ":" in settings.host else f"{settings.host}:{port}"
    try:
        if settings.tls_cert_file:
            return int(server.add_secure_port(address, Certificates(settings).credentials()))
        return int(server.add_insecure_port(address))
    except RuntimeError as error:
        raise BadSetting(
            f"cannot listen on {address}; is something else listening there? ({error})"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _service_name(add: Callable[..., None]) -> str:
    """`tidemark.v1.AdminService` of the generated `add_AdminServiceServicer_to_server`."""
    package = add.__module__.rpartition(".")[0]
    return f"{package}.{add.__name__.removeprefix('add_').removesuffix('Servicer_to_server')}"
