"""The streams of critical events in Redis: where somebody stands comes in, what came since goes out as messages of `WatchCritical`."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from services.kit import cluster
from services.kit.errors import Exhausted, Unavailable
from services.kit.keys import critical_key, log_key
from services.query.critical.cursor import encode, order
from tidemark.v1.query_pb2 import WatchCriticalResponse

KEPT_MS = 3_600_000
"""How long a stream is kept after its last event."""
HEARTBEAT_SECONDS = 10.0
_WAIT_MS = 250
"""How long one reading waits for the next event; a drain is seen as soon."""
_ENTRIES = 100
_ANSWER_BYTES = 1 << 20
_FOLLOWERS = 50
"""Of one process: each holds a connection to Redis."""


class Critical:
    """The critical events of all projects."""

    def __init__(self, redis: Redis, draining: asyncio.Event) -> None:
        self._redis, self._draining = redis, draining
        self._followers = 0

    async def beginning(self, partitions: int, since_ms: int = 0) -> list[str]:
        """Where somebody begins who wants all from `since_ms` before now on."""
        return [f"{now - since_ms - 1}-0" for now in await self._now_ms(partitions)]

    async def follow(self, project_id: int, entries: Sequence[str]) -> AsyncGenerator[WatchCriticalResponse]:
        """What comes behind `entries`, one of each partition, for ever; raises `Unavailable` when the server drains."""
        if self._followers >= _FOLLOWERS:
            raise Exhausted(f"{_FOLLOWERS} follow critical events here; try again", retry_after=5.0)
        self._followers += 1
        try:
            async for message in self._followed(project_id, list(entries)):
                yield message
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise Unavailable("the log does not answer: go on with the last cursor") from error
        finally:
            self._followers -= 1

    async def _followed(self, project_id: int, entries: list[str]) -> AsyncIterator[WatchCriticalResponse]:
        clocks = await self._now_ms(len(entries))
        gap = any([await self._missed(project_id, *each, clocks[each[0]]) for each in enumerate(entries)])
        yield WatchCriticalResponse(cursor=encode(entries), gap=gap)
        spoken_at = time.monotonic()
        while not self._draining.is_set():
            read = await self._read(project_id, entries)
            for message in _answers(read, entries):
                yield message
                spoken_at = time.monotonic()
            if time.monotonic() - spoken_at > HEARTBEAT_SECONDS:
                entries = await self._moved_on(project_id, entries)
                yield WatchCriticalResponse(cursor=encode(entries))
                spoken_at = time.monotonic()
        raise Unavailable("the server is shutting down: go on elsewhere with the last cursor")

    async def _read(self, project_id: int, entries: Sequence[str]) -> list[tuple[int, str, bytes]]:
        """Partition, id and message of what is new, oldest first."""
        streams: dict[Any, Any] = {critical_key(p, project_id): entry for p, entry in enumerate(entries)}
        partitions = {name.encode(): partition for partition, name in enumerate(streams)}
        reply: Any = await self._redis.xread(streams, count=_ENTRIES, block=_WAIT_MS)
        found = [
            (partitions[name], entry_id.decode(), fields[b"e"])
            for name, entries_ in reply
            for entry_id, fields in entries_
        ]
        return sorted(found, key=lambda each: order(each[1]))

    async def _moved_on(self, project_id: int, entries: list[str]) -> list[str]:
        """`entries`, and for partitions where nothing came behind them the present: a cursor is as old as its last use."""
        present = [f"{now - 1}-0" for now in await self._now_ms(len(entries))]
        busy = {partition for partition, *_ in await self._read(project_id, entries)}
        return [
            entry if partition in busy else max(entry, present[partition], key=order)
            for partition, entry in enumerate(entries)
        ]

    async def _missed(self, project_id: int, partition: int, entry: str, now_ms: int) -> bool:
        """Whether something behind `entry` may not be there any more."""
        if now_ms - order(entry)[0] > KEPT_MS + HEARTBEAT_SECONDS * 1000:
            return True
        try:
            info: Any = await self._redis.xinfo_stream(critical_key(partition, project_id))
        except exceptions.ResponseError:
            return False
        return order(info["max-deleted-entry-id"].decode()) > order(entry)

    async def _now_ms(self, partitions: int) -> list[int]:
        """By partition, what time it is where its entries get their ids."""
        clocks = await cluster.clocks(self._redis, map(log_key, range(partitions)))
        return [int(now * 1000) for now in clocks]


def _answers(read: Sequence[tuple[int, str, bytes]], entries: list[str]) -> list[WatchCriticalResponse]:
    """Messages of bearable size; `entries` move on with them, and each has the cursor behind itself."""
    made: list[WatchCriticalResponse] = []
    for partition, entry_id, message in read:
        entries[partition] = entry_id
        if not made or made[-1].ByteSize() > _ANSWER_BYTES:
            made.append(WatchCriticalResponse())
        made[-1].MergeFromString(message)
        made[-1].cursor = encode(entries)
    return made
