"""What Redis tells: how much the log has taken in, and when something was committed."""

import asyncio
import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.kit import cluster
from services.kit.calendar import Span
from services.kit.instant import at
from services.kit.keys import COMMITS, log_key, meta_key, projects_key
from services.query.state import Facts

_RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


class Log:
    """The log's own counters, by partition; 0 where it has not met anything."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def in_flight(self, facts: Facts) -> int | None:
        """Events and points of a project appended beyond those committed; None while Redis is away. Of what has passed, what was known.

        Answers come from the database and do not need Redis: only how complete they are cannot be told without it.
        """
        if facts.passed:
            return facts.in_flight
        try:
            return max(0, await self.received(facts.project_id, len(facts.totals)) - facts.received)
        except RedisError as error:
            log.warning("completeness is unknown until Redis answers: %s", error)
            return None

    async def received(self, project_id: int, partitions: int) -> int:
        """Events and points of a project ever appended."""
        return sum(await self._fields((projects_key(p), str(project_id)) for p in range(partitions)))

    async def appended(self, partitions: int) -> list[tuple[int, int]]:
        """By partition: events and points, and bytes, ever appended."""
        counts = await self._fields(
            (meta_key(p), name) for p in range(partitions) for name in ("received", "bytes")
        )
        return list(zip(counts[::2], counts[1::2]))

    async def waiting(self, committed: Sequence[str]) -> list[float]:
        """By partition: for how many seconds the first entry after the one `committed` is in the log; 0 where there is none."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition, last_id in enumerate(committed):
                pipeline.xrange(log_key(partition), min=f"({last_id}", count=1)
            entries = await pipeline.execute()
        clocks = await cluster.clocks(self._redis, map(log_key, range(len(committed))))
        return [
            max(0.0, now - _appended_at(found[0][0])) if found else 0.0 for now, found in zip(clocks, entries)
        ]

    async def memory(self, partitions: int) -> int:
        """Bytes that the log takes in Redis."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in range(partitions):
                pipeline.memory_usage(log_key(partition))
            return sum(found or 0 for found in await pipeline.execute())

    async def version(self) -> str:
        """Version of Redis."""
        return str((await self._redis.info("server"))["redis_version"])

    async def _fields(self, places: Iterable[tuple[str, str]]) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, name in places:
                pipeline.hget(key, name)
            return [int(found or 0) for found in await pipeline.execute()]


def _appended_at(entry_id: bytes) -> float:
    """Seconds since 1970, by the log's clock."""
    return int(entry_id.partition(b"-")[0]) / 1000


@dataclass(eq=False, slots=True)
class Bell:
    """Rings when something is committed that its owner watches; what it was, the database tells."""

    project_id: int
    span: Span
    """The time watched, in which a commit matters; its owner moves it on."""
    names: frozenset[str] | None = None
    """The names watched; None for all."""
    rung: asyncio.Event = field(default_factory=asyncio.Event)


class Commits:
    """Follows the writers' announcements and rings the bells they concern."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._bells: set[Bell] = set()
        self.versions: dict[int, int] = {}
        """By partition: how many commits were announced."""
        self.missed_at = -math.inf
        """Until when announcements may have been missed, by the monotonic clock."""

    @contextmanager
    def bell(self, bell: Bell) -> Iterator[Bell]:
        """Hangs a bell up for as long as the context lasts."""
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    async def follow(self, draining: asyncio.Event) -> None:
        """Worker: listens until `draining`. After a lost connection it rings every bell."""
        while not draining.is_set():
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(COMMITS)
                    while not draining.is_set():
                        message = await channel.get_message(timeout=1.0)
                        if message is not None and message["type"] == "message":
                            self._heard(message["data"])
                        elif message is not None:
                            # Subscribed, perhaps anew after a connection was lost, and announcements with it.
                            self._ring_all()
            except RedisError as error:
                log.warning("announcements of commits are lost until Redis answers: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _heard(self, data: bytes) -> None:
        """Anybody can publish: what is no announcement must not end the process."""
        try:
            self._announce(data)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            log.warning("an announcement cannot be read, so everything is looked at: %r", error)
            self._ring_all()

    def _announce(self, data: bytes) -> None:
        """Rings the bells whose project, names and time a commit touched; not told which names, it may be all of them."""
        commit = orjson.loads(data)
        if "version" in commit:
            partition, version = int(commit["partition"]), int(commit["version"])
            self.versions[partition] = max(version, self.versions.get(partition, 0))
        touched = {
            int(project): [Span(at(start), at(end)) for start, end in spans]
            for project, spans in commit["projects"].items()
        }
        names = {int(project): stored for project, stored in commit.get("names", {}).items()}
        for bell in self._bells:
            stored = names.get(bell.project_id)
            if stored is not None and bell.names is not None and bell.names.isdisjoint(stored):
                continue
            if any(bell.span.overlaps(span) for span in touched.get(bell.project_id, ())):
                bell.rung.set()

    def _ring_all(self) -> None:
        self.missed_at = time.monotonic()
        for bell in self._bells:
            bell.rung.set()
