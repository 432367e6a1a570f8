"""The Redis client, opened once the server is there, new enough, and configured to lose nothing; of a cluster, every master."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from services.kit.cluster import Address, Cluster, masters
from services.kit.errors import BadSetting
from services.kit.log import redacted

TIMEOUT_SECONDS = 15.0
"""How long one answer may take; every BLOCK must be shorter."""
CONNECTIONS = 100
"""Of one process; more calls at once wait for their turn."""
PATIENCE_SECONDS = 60.0
"""How long a server that is starting is waited for."""
REDIS = (7, 2)
"""The oldest version that will do."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    """A client of a server that has been probed; a broken connection is retried for about a second.

    `redis+cluster://` and `rediss+cluster://` name servers of a cluster, of which one is enough: they tell of the others.
    """
    try:
        redis = _cluster(url) if urlsplit(url).scheme.endswith("+cluster") else _server(url)
    except ValueError as error:
        raise BadSetting(
            f"TIDEMARK_REDIS_URL is {redacted(url)!r}; write redis://host:port/0, or of a cluster "
            f"redis+cluster://host:port,host:port: {error}"
        ) from error
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(redis)
        await _answering(redis, url)
        for each in masters(redis):
            await probe(each)
        if isinstance(redis, Cluster):
            stack.push_async_callback(_ended, asyncio.create_task(redis.follow()))
        yield redis


def _server(url: str) -> Redis:
    # Over its limit a pool of the usual kind fails calls that need only wait.
    connections = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=5.0,
        health_check_interval=30,
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries=5),
    )
    return Redis.from_pool(connections)


def _cluster(url: str) -> Cluster:
    """Raises `ValueError` for what is no URL of a cluster."""
    parts = urlsplit(url)
    if parts.path.strip("/0"):
        raise ValueError("a cluster has the database 0 alone")
    user, at, hosts = parts.netloc.rpartition("@")

    def connect(address: Address) -> Redis:
        host, port = address
        place = f"{user}{at}[{host}]:{port}" if ":" in host else f"{user}{at}{host}:{port}"
        return _server(
            urlunsplit(parts._replace(scheme=parts.scheme.removesuffix("+cluster"), netloc=place, path=""))
        )

    seeds = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return Cluster([(each.hostname or "", each.port or 6379) for each in seeds], connect)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def probe(redis: Redis) -> None:
    """Raises `BadSetting` where Redis is too old, may evict what it holds, or writes nothing to disk."""
    info: dict[str, Any] = await redis.info("everything")
    if tuple(int(part) for part in info["redis_version"].split(".")[:2]) < REDIS:
        needed = ".".join(map(str, REDIS))
        raise BadSetting(f"Redis is version {info['redis_version']}; Tidemark needs {needed} or newer")
    if info["maxmemory_policy"] != "noeviction":
        raise BadSetting(
            f"Redis has maxmemory-policy {info['maxmemory_policy']}, which deletes accepted events; set noeviction"
        )
    _require_aof(info)


async def durability(redis: Redis) -> Literal["always", "everysec"]:
    """What an answered write survives: with `always` a power failure, with `everysec` all but its last second. Of a cluster, what it does
    on every master."""
    told = [await _durability(each) for each in masters(redis)]
    return "always" if all(policy == "always" for policy in told) else "everysec"


async def _durability(redis: Redis) -> Literal["always", "everysec"]:
    _require_aof(await redis.info("persistence"))
    try:
        policy = (await redis.config_get("appendfsync")).get("appendfsync", "everysec")
    except exceptions.ResponseError:
        # Hosted servers hide their configuration; the weaker promise is the safe one.
        log.warning("Redis does not tell its appendfsync; everysec is assumed")
        policy = "everysec"
    if policy == "no":
        raise BadSetting("Redis has appendfsync no, which loses accepted events with a crash; set always")
    return "always" if policy == "always" else "everysec"


def _require_aof(info: dict[str, Any]) -> None:
    if not info["aof_enabled"]:
        raise BadSetting(
            "Redis has appendonly no, which loses accepted events with a crash; set appendonly yes"
        )


async def _answering(redis: Redis, url: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if isinstance(redis, Cluster):
                await redis.look()
            for each in masters(redis):
                await each.ping()
            return
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            left = give_up_at - time.monotonic()
            if left <= 0 or isinstance(error, exceptions.AuthenticationError):
                raise BadSetting(
                    f"Redis at {redacted(url)} does not answer: {error}; see TIDEMARK_REDIS_URL"
                ) from error
            log.info("waiting %.0f s more for Redis: %s", left, error)
            await asyncio.sleep(min(1.0, left))
