"""The log: Redis Streams `tm:{p}:log`, one for each partition, and what is remembered beside them in the same slot.

`servicer` appends encoded entries by the function in `append.lua` and is told what became of them; `writer` reads from its
stored position, and after its commit trims, reports how far it came and announces the commit on `tm:commits`.
Backlog is told by two totals that only grow: what was appended (counted here, with the append) less what was committed
(counted in the database, with the rows).
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from redis import exceptions
from redis.asyncio import Redis

from services.ingest.entry import Account
from services.kit import cluster
from services.kit.errors import Exhausted, Unavailable
from services.kit.keys import COMMITS, critical_key, log_key, meta_key, once_key, producer_key, projects_key

DISK_MS = 5000
"""How long an append may take to reach the disk."""
MISSED_SECONDS = 1.0
"""After how long without word of a commit the log is asked for it."""
_LIBRARY = (Path(__file__).parent / "append.lua").read_text()
log = logging.getLogger(__name__)

Entry = tuple[str, Mapping[bytes, bytes]]
"""The id of an entry and its fields."""


def order(entry_id: str) -> tuple[int, int]:
    """What entry ids sort by."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


class Forgotten(exceptions.RedisError):
    """The log knows less than was committed out of it: it was emptied, or restored from an older file."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: `outcome` is `appended`, `repeated`, `gap`, `fenced` or `unknown` as `append.lua` says."""

    outcome: str
    value: str
    """The entry id, the sequence expected, or the epoch at work."""


class Log:
    """The log as `servicer` and `writer` use it."""

    def __init__(self, redis: Redis, *, wait_for_disk: bool = False) -> None:
        """`wait_for_disk` asks for a durable append where Redis does not sync every write by itself."""
        self._redis, self._wait_for_disk = redis, wait_for_disk

    async def prepare(self) -> None:
        """Loads the append function; call once before the first append."""
        await self._redis.function_load(_LIBRARY, replace=True)

    async def append(
        self,
        partition: int,
        producer: tuple[int, str, int, int],
        known: tuple[int, int] | None,
        received: int,
        entry: tuple[bytes, bytes],
        *,
        durable: bool = True,
        once: str = "",
        critical: Sequence[bytes] = (),
    ) -> Appended:
        """Appends `entry` of `producer` (project, id, epoch, sequence), `known` to the database as (epoch, sequence).

        A batch with the token `once` is appended unless one of its project with the same token was tried within an hour. `critical` are messages of
        `critical.messages` for those who follow critical events.

        Raises `Exhausted` when Redis is out of memory or disk, `Unavailable` when it does not answer.
        """
        project_id, producer_id, epoch, sequence = producer
        keys = (
            log_key(partition),
            producer_key(partition, f"{project_id}:{producer_id}"),
            meta_key(partition),
            projects_key(partition),
            critical_key(partition, project_id),
            once_key(partition, project_id, once),
        )
        known_epoch, known_sequence = known or ("", "")
        token = "once" if once else ""
        arguments = (
            *(epoch, sequence, known_epoch, known_sequence, project_id, received),
            *(*entry, token, *critical),
        )
        try:
            reply = await self._call(
                "tidemark_append_2", keys, arguments, to_disk=durable and self._wait_for_disk
            )
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise Unavailable("the log does not answer; retry") from error
        except exceptions.ResponseError as error:
            if isinstance(error, exceptions.OutOfMemoryError) or str(error).startswith("MISCONF"):
                raise Exhausted(
                    "the log is out of memory or disk", retry_after=1.0, reason="LOG_FULL"
                ) from error
            raise
        outcome, *value = (part.decode() if isinstance(part, bytes) else str(part) for part in reply)
        return Appended(outcome, value[0] if value else "")

    async def _call(
        self, function: str, keys: Sequence[str], arguments: Sequence[Any], *, to_disk: bool = False
    ) -> list[Any]:
        try:
            return await self._called(function, keys, arguments, to_disk)
        except exceptions.ResponseError as error:
            if "Function not found" not in str(error):
                raise
            await self.prepare()
            return await self._called(function, keys, arguments, to_disk)

    async def _called(
        self, function: str, keys: Sequence[str], arguments: Sequence[Any], to_disk: bool
    ) -> list[Any]:
        if not to_disk:
            return await self._redis.fcall(function, len(keys), *keys, *arguments)  # type: ignore[no-any-return, misc]
        # WAITAOF waits for what its own connection wrote, and says how many disks have it rather than failing.
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.fcall(function, len(keys), *keys, *arguments)
            pipe.waitaof(1, 0, DISK_MS)
            reply, (disks, _) = await pipe.execute()
        if not disks:
            raise Unavailable(f"the log did not reach its disk within {DISK_MS} ms; retry")
        return reply  # type: ignore[no-any-return]

    async def read(
        self, positions: Mapping[int, str], count: int, block_ms: int | None
    ) -> dict[int, list[Entry]]:
        """At most `count` entries of each partition after its position; waits `block_ms` for the first, or not at all."""
        streams: dict[Any, Any] = {log_key(partition): position for partition, position in positions.items()}
        partitions = {log_key(partition).encode(): partition for partition in positions}
        reply: Any = await self._redis.xread(streams, count=count, block=block_ms)
        return {
            partitions[name]: [(entry_id.decode(), fields) for entry_id, fields in entries]
            for name, entries in reply
        }

    async def totals(self, partitions: Sequence[int]) -> list[tuple[int, int]]:
        """Rows and bytes appended to each partition since the beginning."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hmget(meta_key(partition), "received", "bytes")
            return [(int(received or 0), int(size or 0)) for received, size in await pipe.execute()]

    async def committed(
        self, partition: int, last_id: str, received: int, size: int, before: int = 0
    ) -> None:
        """Trims what is committed and says how far; `received` and `size` are the database's totals. Never goes back.

        Raises `Forgotten` where the log was not told of the commit that brought `before` bytes in all.
        """
        milliseconds, number = order(last_id)
        arguments = (f"{milliseconds}-{number + 1}", last_id, received, size, before)
        if await self._call("tidemark_committed_2", (log_key(partition), meta_key(partition)), arguments):
            raise Forgotten(f"the log of partition {partition} has forgotten what is committed")

    async def remembers(self, partition: int, last_id: str, size: int) -> bool:
        """Whether the log was told of the last commit, of `size` bytes in all, or still holds the last entry of it."""
        told: Any = await self._redis.hget(meta_key(partition), "committed_bytes")  # type: ignore[misc]
        if int(told or 0) >= size:
            return True
        return bool(await self._redis.xrange(log_key(partition), min=last_id, max=last_id))

    async def announce(self, commit: Mapping[str, object]) -> None:
        """Tells everybody who watches what was committed."""
        await self._redis.publish(COMMITS, orjson.dumps(commit))

    async def backlog_bytes(self, partitions: int) -> int:
        """Bytes in the log that are not committed, over all partitions."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(partitions):
                pipe.hmget(meta_key(partition), "bytes", "committed_bytes")
            return sum(max(0, int(size or 0) - int(done or 0)) for size, done in await pipe.execute())

    async def backlog_seconds(self, partitions: int) -> float:
        """For how long the oldest entry has been in the log that is not committed; 0 where all are. By the clock of Redis alone."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(partitions):
                pipe.hget(meta_key(partition), "last_id")
            for partition, last_id in enumerate(await pipe.execute()):
                pipe.xrange(log_key(partition), min=f"({(last_id or b'0-0').decode()}", count=1)
            found = await pipe.execute()
        clocks = await cluster.clocks(self._redis, map(log_key, range(partitions)))
        waiting = (
            now - int(entries[0][0].partition(b"-")[0]) / 1e3
            for now, entries in zip(clocks, found)
            if entries
        )
        return max(0.0, *waiting, 0.0)

    async def last_generated_id(self, partition: int) -> str | None:
        """The newest id that the partition's stream has given out; None when there is no stream."""
        try:
            info = await self._redis.xinfo_stream(log_key(partition))
        except exceptions.ResponseError:
            return None
        last = info["last-generated-id"]
        return last.decode() if isinstance(last, bytes) else str(last)

    async def account(self, partition: int, last_id: str) -> tuple[Account, list[Mapping[bytes, bytes]]]:
        """What the log has counted of a partition, and every entry after `last_id`, of the same instant."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(meta_key(partition), "received", "bytes")
            pipe.hgetall(projects_key(partition))
            pipe.xrange(log_key(partition), min=f"({last_id}")
            (received, size), projects, entries = await pipe.execute()
        counted = Account(
            int(received or 0),
            int(size or 0),
            {int(project): int(rows) for project, rows in projects.items()},
        )
        return counted, [fields for _, fields in entries]

    async def correct(self, partition: int, counted: Account, right: Account) -> None:
        """Changes the totals by what `counted` differs from `right`; what is appended meanwhile stays counted."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(meta_key(partition), "received", right.received - counted.received)
            pipe.hincrby(meta_key(partition), "bytes", right.size - counted.size)
            for project in {*counted.projects, *right.projects}:
                difference = right.projects.get(project, 0) - counted.projects.get(project, 0)
                pipe.hincrby(projects_key(partition), str(project), difference)
            await pipe.execute()

    async def catch_up(self, partition: int, last_id: str) -> None:
        """Lets new ids sort after `last_id`, and forgets the producers, of whom the database knows more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(log_key(partition), {"h": b""}, id=last_id)
            pipe.xtrim(log_key(partition), maxlen=0, approximate=False)
            await pipe.execute()
        holder = cluster.holder(self._redis, log_key(partition))
        async for key in holder.scan_iter(match=producer_key(partition, "*"), count=1000):
            await holder.unlink(key)


class Commits:
    """How far each partition is committed, as announced; lets `servicer` hold an answer back until its batch is."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._reached: dict[int, tuple[int, int]] = {}
        self._changed = asyncio.Condition()

    async def listen(self, draining: asyncio.Event) -> None:
        """Worker: follows `tm:commits` until `draining`; after a lost connection it subscribes again."""
        while not draining.is_set():
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(COMMITS)
                    while not draining.is_set():
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=0.2)
                        if message:
                            await self._heard(message["data"])
            except exceptions.RedisError:
                log.warning("the announcements of commits are interrupted; subscribing again")
                await asyncio.sleep(0.2)

    async def reach(self, partition: int, entry_id: str) -> None:
        """Returns when the entry is committed."""
        wanted = order(entry_id)

        def reached() -> bool:
            return self._reached.get(partition, (0, 0)) >= wanted

        async with self._changed:
            while not reached():
                try:
                    # Counted from here, not from the last announcement: those of other partitions never cease.
                    async with asyncio.timeout(MISSED_SECONDS):
                        await self._changed.wait_for(reached)
                except TimeoutError:
                    # An announcement can be lost with its connection; what the writer left in the hash cannot.
                    last_id: Any = await self._redis.hget(meta_key(partition), "last_id")  # type: ignore[misc]
                    if last_id:
                        known = self._reached.get(partition, (0, 0))
                        self._reached[partition] = max(known, order(last_id.decode()))

    async def _heard(self, data: bytes) -> None:
        """Anybody can publish: what is no announcement must not end the process."""
        try:
            commit = orjson.loads(data)
            partition, reached = int(commit["partition"]), order(commit["last_id"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("an announcement is passed over that cannot be read: %r", error)
            return
        await self._advance(partition, reached)

    async def _advance(self, partition: int, reached: tuple[int, int]) -> None:
        async with self._changed:
            self._reached[partition] = max(self._reached.get(partition, (0, 0)), reached)
            self._changed.notify_all()
