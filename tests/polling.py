"""Waiting in tests: for a condition, with a deadline, and no longer than it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """The first answer of `condition` that is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := await condition()):
        assert time.monotonic() < deadline, f"{condition} was not true within {seconds} s"
        await asyncio.sleep(0.01)
    return answer
