"""How much is taken and not yet committed, and what is done about it: `servicer` asks here for room before it takes a batch.

Two budgets of bytes: what this process holds in memory, and what the log holds uncommitted. Over a full one a stream waits,
so that gRPC's flow control slows its client down; when its patience ends it is refused with the time to come back after.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from services.ingest.stream import Log
from services.kit import metrics
from services.kit.errors import Exhausted, Invalid
from services.kit.loop import pause
from services.kit.settings import Settings

log = logging.getLogger(__name__)
URGENT_SHARE = 0.1
"""Of each budget, what urgent batches have beyond it."""
_BUSY_POLL_SECONDS, _IDLE_POLL_SECONDS = 0.05, 1.0


class Backlog:
    """The two budgets of one ingest process."""

    def __init__(self, log: Log, settings: Settings, partitions: int) -> None:
        self._log, self._partitions = log, partitions
        self._memory_limit, self._log_limit = settings.inflight_bytes, settings.backlog_bytes
        self.patience = settings.slow_seconds
        self._in_memory = 0
        self._in_log = 0
        self._appended = 0
        self._freed = asyncio.Condition()

    async def watch(self, draining: asyncio.Event) -> None:
        """Worker: keeps measuring the log's backlog until `draining`, often while there is one."""
        metrics.PARTITIONS.set(self._partitions)
        aged_at = 0.0
        while not draining.is_set():
            appended = self._appended
            try:
                measured = await self._log.backlog_bytes(self._partitions)
                if time.monotonic() - aged_at >= _IDLE_POLL_SECONDS:
                    metrics.BACKLOG_AGE_SECONDS.set(await self._log.backlog_seconds(self._partitions))
                    aged_at = time.monotonic()
            except RedisError as error:
                log.warning("the backlog cannot be measured: %s", error)
                await pause(draining, _IDLE_POLL_SECONDS)
                continue
            # What was appended while Redis was asked may or may not be in its answer; count it, to be safe.
            self._in_log, self._appended = measured + self._appended - appended, 0
            metrics.BACKLOG_BYTES.set(measured)
            async with self._freed:
                self._freed.notify_all()
            await pause(draining, _BUSY_POLL_SECONDS if measured or self._appended else _IDLE_POLL_SECONDS)

    @asynccontextmanager
    async def room(self, size: int, patience: float, *, urgent: bool = False) -> AsyncIterator[None]:
        """Room for a batch of `size` bytes; raises `Exhausted` when there is none within `patience` seconds.

        What is `urgent` has a share of its own beyond the budgets, so that it does not wait for what is not.
        """
        if size > self._memory_limit:
            raise Invalid("batch", f"has {size} bytes; send at most {self._memory_limit}")
        deadline = time.monotonic() + patience
        share = 1 + URGENT_SHARE if urgent else 1.0
        while (
            self._in_memory + size > self._memory_limit * share
            or self._in_log + self._appended > self._log_limit * share
        ):
            left = deadline - time.monotonic()
            if left <= 0:
                metrics.REFUSED.inc()
                raise Exhausted(
                    f"{self._in_log >> 20} MiB wait to be committed, the limit is {self._log_limit >> 20} MiB",
                    retry_after=1.0,
                    reason="BACKLOG_FULL",
                )
            async with self._freed:
                try:
                    await asyncio.wait_for(self._freed.wait(), timeout=min(left, 1.0))
                except TimeoutError:
                    continue
        self._in_memory += size
        try:
            yield
            self._appended += size
        finally:
            self._in_memory -= size
            async with self._freed:
                self._freed.notify()
