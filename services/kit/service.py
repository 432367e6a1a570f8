"""What a target is made of: `Resources` come in, `Service` goes out, `services/kit/server.py` runs it.

A service is data. Each `services/<name>/service.py` has one plain function for each of its targets,
`async def ingest(resources: Resources) -> Service`, and `services/__main__.py` is the table of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from starlette.types import ASGIApp

from services.kit.settings import Settings

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]


@dataclass(frozen=True)
class Resources:
    """What the process has opened; closed by `services/kit/server.py` when the target ends."""

    settings: Settings
    pool: Pool
    redis: Redis
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at SIGTERM: workers finish their round and return; endless streams end themselves with UNAVAILABLE."""


@dataclass(frozen=True)
class Servicer:
    """An implementation and the generated function that registers it."""

    add: Callable[[Any, grpc.aio.Server], None]
    implementation: object


@dataclass(frozen=True)
class Keyless:
    """Servicers that ask for no key: they have a port of their own, where nothing else is answered."""

    port: int
    servicers: Sequence[Servicer]


@dataclass(frozen=True)
class Service:
    """What one builder contributes to a target."""

    servicers: Sequence[Servicer] = ()
    ports: Sequence[int] = ()
    """On which they answer besides the target's own."""
    keyless: Keyless | None = None
    """What answers callers that have no key."""
    app: ASGIApp | None = None
    """What answers plain HTTP, in a target that speaks no gRPC."""
    workers: Sequence[Callable[[], Awaitable[None]]] = ()
    """Loops that run until `draining` is set; one that fails ends the process, for the supervisor to start it anew."""
