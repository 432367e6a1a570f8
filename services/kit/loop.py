"""The loop of continuous work: does a step again and again, and outlives the absence of PostgreSQL and of other services."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import PoolTimeout

from services.kit.errors import Error

MAX_BACKOFF_SECONDS = 10.0

log = logging.getLogger(__name__)


async def repeat(step: Callable[[], Awaitable[bool]], draining: asyncio.Event, rest: float) -> None:
    """Worker: does `step` until `draining`, anew at once when it has found something to do, else after `rest` seconds."""
    failures = 0
    while not draining.is_set():
        try:
            busy, failures = await step(), 0
        except (psycopg.Error, PoolTimeout, OSError, Error) as error:
            busy, failures = False, failures + 1
            log.warning("work is interrupted and goes on later: %s", " ".join(str(error).split()))
        if not busy:
            await pause(draining, min(MAX_BACKOFF_SECONDS, rest * 2**failures))


async def pause(draining: asyncio.Event, seconds: float) -> None:
    """Waits so long, and not once `draining`."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(draining.wait(), seconds)
