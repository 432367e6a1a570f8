"""What tests stand on: real servers, a migrated database of their own, and services served in this process.

`async def` tests run in an event loop of their own. Nothing here fakes PostgreSQL or Redis.

    async def test_a_viewer_reads_its_project(suite: Suite) -> None:
        async with suite(admin) as served:
            stub = AdminServiceStub(served.channel)
            await stub.GetProject(GetProjectRequest(name="projects/demo"), metadata=served.key("viewer"))
"""

import asyncio
import inspect
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import grpc.aio
import hypothesis
import prometheus_client
import psycopg
import pytest
import redis
from google.rpc import error_details_pb2, status_pb2
from psycopg import sql

from deploy.local.accounts import cache_folder, server_account
from deploy.local.packages import provision
from deploy.local.ports import free_port
from deploy.local.servers import Postgres, Redis
from services.admin.service import bootstrap
from services.kit.migrate import migrate
from services.kit.server import Builder, listening, opened, working
from services.kit.service import Resources
from services.kit.settings import Settings

# Tables are as wide as the terminal, and what is printed must not depend on who runs the tests.
os.environ["COLUMNS"] = "100"
# The same examples on every run, and no limit of time on a machine that others share.
hypothesis.settings.register_profile("tidemark", derandomize=True, deadline=None)
hypothesis.settings.load_profile("tidemark")

_KEYS = {
    "operator": "TIDEMARK_ADMIN_KEY",
    "admin": "TIDEMARK_PROJECT_ADMIN_KEY",
    "ingest": "TIDEMARK_INGEST_KEY",
    "viewer": "TIDEMARK_VIEWER_KEY",
}


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an `async def` test to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@dataclass(frozen=True)
class Servers:
    """Where PostgreSQL and Redis answer."""

    database_url: str
    redis_url: str

    def url_of(self, database: str) -> str:
        """The URL of another database of the same server."""
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers of our own, or those of TIDEMARK_TEST_DATABASE_URL and TIDEMARK_TEST_REDIS_URL."""
    database_url = os.environ.get("TIDEMARK_TEST_DATABASE_URL")
    redis_url = os.environ.get("TIDEMARK_TEST_REDIS_URL")
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    programs = provision(cache_folder(server_account()), print)
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as folder:
        root = Path(folder)
        root.chmod(0o711)  # The servers may run as another account.
        # What a power failure would lose no test looks at, and syncing is half of their time.
        fast = {"fsync": "off", "full_page_writes": "off", "timescaledb.max_background_workers": "0"}
        with (
            Postgres(programs, root / "postgres", free_port(), settings=fast) as postgres,
            Redis(programs, root / "redis", free_port()) as cache,
        ):
            yield Servers(database_url or postgres.url, redis_url or cache.url)


@pytest.fixture(scope="session")
def template(servers: Servers) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = f"tidemark_template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        asyncio.run(migrate(servers.url_of(name), Settings().partitions, say=lambda line: None))
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield name
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def cloned(servers: Servers, template: str) -> Iterator[str]:
    """The URL of a copy of the database `template`, for as long as the context lasts."""
    name = f"tidemark_test_{uuid.uuid4().hex[:12]}"
    # Copying files takes 20 ms where copying through the WAL takes 300.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY = FILE_COPY")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        yield servers.url_of(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(servers: Servers, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database of this test's own."""
    with cloned(servers, template) as url:
        yield url


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def settings(database: str, redis_url: str) -> Settings:
    """Settings with which a target runs on this test's database, with ports of its own."""
    return Settings(
        database_url=database,
        redis_url=redis_url,
        ingest_port=free_port(),
        query_port=free_port(),
        otlp_port=0,
        metrics_port=free_port(),
        drain_seconds=5.0,
        pool_size=4,
    )


@dataclass(frozen=True)
class Served:
    """Services under way in this process, the project `demo`, and its keys."""

    resources: Resources
    port: int
    channel: grpc.aio.Channel
    secrets: dict[str, str]

    def key(self, name: str) -> tuple[tuple[str, str], ...]:
        """The metadata of a call with a key: operator (whole installation), admin, ingest or viewer."""
        return (("authorization", f"Bearer {self.secrets[name]}"),)


Suite = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def suite(settings: Settings) -> Suite:
    """Serves what the builders build, on one port: `async with suite(query, admin, pool_size=2) as served`."""

    @asynccontextmanager
    async def serve(*builders: Builder, **changes: object) -> AsyncIterator[Served]:
        own = free_port()
        # Services that call another one find it where all are.
        here = f"127.0.0.1:{own}"
        ours = replace(settings, query_address=here, insights_address=here, **changes)  # type: ignore[arg-type]
        made = await bootstrap(ours)
        async with opened(ours) as resources:
            services = [await build(resources) for build in builders]
            async with (
                working(services, resources),
                listening(services, resources, own) as port,
                grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
            ):
                secrets = {name: made[variable] for name, variable in _KEYS.items()}
                yield Served(resources, port, channel, secrets)

    return serve


def counted(name: str, **labels: str) -> float:
    """What a metric of this process stands at."""
    return prometheus_client.REGISTRY.get_sample_value(name, labels) or 0.0


@dataclass(frozen=True)
class Refusal:
    """How a call has failed, as its caller sees it."""

    code: str
    reason: str
    message: str
    metadata: dict[str, str]
    trailing: dict[str, str | bytes]
    violations: list[str]


async def refusal(call: Awaitable[object]) -> Refusal:
    """The error of a call that must fail; `reason` and `metadata` are those of its ErrorInfo."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    trailing = dict(error.trailing_metadata())
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(trailing.get("grpc-status-details-bin", b"")).details:
        detail.Unpack(info)
        detail.Unpack(bad)
    violations = [violation.field for violation in bad.field_violations]
    return Refusal(error.code().name, info.reason, error.details(), dict(info.metadata), trailing, violations)
