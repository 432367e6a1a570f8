"""The loop of continuous work: does a step again and again, and outlives the absence of PostgreSQL and of other services."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg_pool import PoolTimeout

from services.kit.errors import Error

MAX_BACKOFF_SECONDS = 10.0

log = logging.getLogger(__name__)


async def repeat(
    step: Callable[[], Awaitable[bool]],
    draining: asyncio.Event,
    rest: float,
    news: asyncio.Event | None = None,
) -> None:
    """Worker: does `step` until `draining`, anew at once when it has found something to do, else after `rest` seconds or with `news`."""
    failures = 0
    while not draining.is_set():
        if news is not None:
            # Whatever is told from here on, this step or the next one finds.
            news.clear()
        try:
            busy, failures = await step(), 0
        except (psycopg.Error, PoolTimeout, OSError, Error) as error:
            busy, failures = False, failures + 1
            log.warning("work is interrupted and goes on later: %s", " ".join(str(error).split()))
        if not busy:
            await pause(draining, min(MAX_BACKOFF_SECONDS, rest * 2**failures), news)


async def pause(draining: asyncio.Event, seconds: float, news: asyncio.Event | None = None) -> None:
    """Waits so long, and neither once `draining` nor once there is `news`."""
    waits = [asyncio.ensure_future(each.wait()) for each in (draining, news) if each is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
