"""Shares a process among projects: who wants to work for one gets a turn, waits for it, or is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.kit.errors import Exhausted


@dataclass(slots=True)
class _Queue:
    free: asyncio.Semaphore
    users: int = 0
    refusable: int = 0


class Turns:
    """Lets so many questions of each project run at once and so many more wait."""

    def __init__(self, running: int, waiting: int, noun: str = "questions") -> None:
        self._running, self._most, self._noun = running, running + waiting, noun
        self._queues: dict[int, _Queue] = {}

    @asynccontextmanager
    async def turn(self, project_id: int, *, patient: bool = False) -> AsyncIterator[None]:
        """A turn of the project, when it comes. Raises `Exhausted` when too many wait; who is patient waits all the same."""
        queue = self._queues.setdefault(project_id, _Queue(asyncio.Semaphore(self._running)))
        if not patient and queue.refusable >= self._most:
            raise Exhausted(
                f"{queue.refusable} {self._noun} of this project run or wait, the limit is {self._most}: ask again later",
                retry_after=1.0,
                reason=f"TOO_MANY_{self._noun.upper()}",
            )
        queue.users += 1
        queue.refusable += not patient
        try:
            async with queue.free:
                yield
        finally:
            queue.users -= 1
            queue.refusable -= not patient
            if not queue.users:
                self._queues.pop(project_id, None)
