"""Streams without an end: how to begin one comes in, its messages go out, over all interruptions."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc.aio

from tidemark import errors


async def followed(begin: Callable[[str], Any]) -> AsyncGenerator[Any, None]:
    """The messages of the stream that `begin` opens behind a cursor. After an interruption it goes on behind the last one; raises
    what another attempt would not cure.
    """
    cursor, attempt = "", 0
    while True:
        call = begin(cursor)
        try:
            async for message in call:
                cursor, attempt = message.cursor, 0
                yield message
            pause = 0.0
        except grpc.aio.AioRpcError as error:
            failure = errors.from_rpc(error)
            if isinstance(failure, errors.PERMANENT):
                raise failure from error
            pause = failure.retry_after or 0.0
        finally:
            call.cancel()
        attempt += 1
        await asyncio.sleep(max(pause, min(5.0, 0.1 * 2 ** min(attempt, 6)) * random.uniform(0.5, 1.0)))  # noqa: S311 - jitter
