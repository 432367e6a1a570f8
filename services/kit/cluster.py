"""Redis Cluster as one client: a command goes to the master that holds its key, a pipeline to every master whose keys are in it.

`redis.py` opens a `Cluster` where the URL names one, and whoever uses Redis does not know the difference: keys that one command or
transaction touches share a tag (`keys.py`). Who holds which slots is looked up every second and after each refusal. A command that the
masters cannot serve just now, because its slot moves or has no master, fails as if the server were away: who sent it tries again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from services.kit.errors import BadSetting

LOOK_SECONDS = 1.0
"""How often it is looked up which master holds what."""
ANSWER_SECONDS = 2.0
"""How long one master may take to tell; then another is asked."""
READ_SECONDS = 0.01
"""How often streams are looked at that somebody waits for: their keys are in different slots, and no command waits for several."""
_KEYLESS = {"PING", "INFO", "TIME", "CONFIG GET", "SCAN", "WAITAOF"}
_EVERYWHERE = {"FUNCTION LOAD"}
_NOT_NOW = (exceptions.AskError, exceptions.ClusterDownError, exceptions.TryAgainError)
log = logging.getLogger(__name__)

Address = tuple[str, int]


class Cluster(Redis):
    """The masters of a cluster."""

    def __init__(self, seeds: Sequence[Address], connect: Callable[[Address], Redis]) -> None:
        """`seeds` are servers of the cluster that tell of the others; `connect` gives the client of one server."""
        self._connect = connect
        self._clients = {address: connect(address) for address in seeds}
        self._seeds = tuple(self._clients.values())
        self.masters: list[Redis] = []
        """Every master that holds something."""
        self._told: Any = None
        self._holders: list[Redis | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        super().__init__(connection_pool=self._seeds[0].connection_pool)

    def holder(self, key: str | bytes) -> Redis:
        """The master that holds a key."""
        slot = key_slot(key.encode() if isinstance(key, str) else key)
        if (found := self._holders[slot]) is None:
            raise exceptions.ConnectionError(f"no master of the cluster holds slot {slot}")
        return found

    async def follow(self) -> None:
        """Worker: keeps looking up who holds what, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except exceptions.RedisError as error:
                log.warning("it is unknown which master holds what: %s", error)

    async def look(self) -> None:
        """Looks up which master holds what; raises `ConnectionError` where none tells."""
        reason: Exception | None = None
        # In no order: one that is cut off from the others tells of the past.
        for asked in random.sample(known := [*self._clients.values()], len(known)):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    told = await _sent(asked, ("CLUSTER SLOTS",), {})
            except (exceptions.RedisError, TimeoutError) as error:
                if "cluster support disabled" in str(error):
                    raise BadSetting(
                        "Redis is no cluster; write redis:// instead of redis+cluster://"
                    ) from error
                reason = error
                continue
            await self._learn(told, _host(asked))
            return
        raise exceptions.ConnectionError(f"no server of the cluster answers: {reason}") from reason

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Sends a command to the master of its key; those that have none to any, and libraries of functions to all."""
        if args[0] in _EVERYWHERE:
            return (await asyncio.gather(*(_sent(each, args, options) for each in self.masters)))[0]
        try:
            return await _sent(self._holder_of(args), args, options)
        except _NOT_NOW as error:
            # It was refused and not done. Most often a slot has another master, who is found at once.
            log.info("the cluster has changed: %s", error)
            await self.look()
        try:
            return await _sent(self._holder_of(args), args, options)
        except _NOT_NOW as error:
            raise _away(error) from error

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "Split":  # noqa: ARG002
        """Commands that are sent together to each master; in a transaction, whose keys share a slot, to one."""
        return Split(self, transaction)

    def pubsub(self, **options: Any) -> PubSub:
        """What is published reaches all masters, so any of them will do."""
        return self._any().pubsub(**options)

    async def xread(  # type: ignore[override]
        self, streams: Mapping[Any, Any], count: int | None = None, block: int | None = None
    ) -> list[Any]:
        """New entries of streams anywhere in the cluster; waits up to `block` milliseconds for the first."""
        until = time.monotonic() + (block or 0) / 1000
        while True:
            async with self.pipeline(transaction=False) as pipe:
                for name, after in streams.items():
                    pipe.xread({name: after}, count=count)
                found = [stream for answer in await pipe.execute() for stream in answer or ()]
            left = until - time.monotonic()
            if found or left <= 0:
                return found
            await asyncio.sleep(min(READ_SECONDS, left))

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes the clients of all servers."""
        await super().aclose(close_connection_pool)
        for client in {*self._clients.values(), *self._seeds}:
            await client.aclose()

    def _holder_of(self, args: Sequence[Any]) -> Redis:
        key = key_of(args)
        return self._any() if key is None else self.holder(key)

    def _any(self) -> Redis:
        return random.choice(self.masters or self._seeds)  # noqa: S311

    async def _learn(self, told: Any, host: str) -> None:
        """Keeps what `CLUSTER SLOTS` told: spans of slots, each with its master and that one's replicas."""
        if told == self._told:
            return
        holders: list[Redis | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        clients: dict[Address, Redis] = {}
        for first, last, master, *_ in told:
            # A server that does not know its own name is where it was asked.
            address = (master[0] or b"").decode() or host, int(master[1])
            client = clients[address] = (
                clients.get(address) or self._clients.get(address) or self._connect(address)
            )
            holders[first : last + 1] = [client] * (last + 1 - first)
        gone = {*self._clients.values()} - {*clients.values()} - {*self._seeds}
        seeds = {address: client for address, client in self._clients.items() if client in self._seeds}
        self._told, self._holders, self._clients = told, holders, seeds | clients
        self.masters = [*clients.values()]
        for client in gone:
            await client.aclose()


class Split(Pipeline):
    """Commands for several masters. One without a key goes where the one before it went."""

    def __init__(self, cluster: Cluster, transaction: bool) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """The answers, in the order of the commands."""
        stack, self.command_stack = self.command_stack, []
        shares: dict[Redis, list[int]] = {}
        holder = None
        for place, (args, _) in enumerate(stack):
            if holder is None or key_of(args) is not None:
                holder = self._cluster._holder_of(args)
            shares.setdefault(holder, []).append(place)
        if self.is_transaction and len(shares) > 1:
            raise exceptions.ClusterCrossSlotError(
                "the keys of a transaction are in different slots; give them one tag"
            )
        try:
            answers = await asyncio.gather(
                *(
                    self._asked(each, [stack[place] for place in places], raise_on_error)
                    for each, places in shares.items()
                )
            )
        except _NOT_NOW as error:
            await self._cluster.look()
            raise _away(error) from error
        found: list[Any] = [None] * len(stack)
        for places, answered in zip(shares.values(), answers):
            for place, answer in zip(places, answered):
                found[place] = answer
        return found

    async def _asked(self, holder: Redis, stack: Iterable[Any], raise_on_error: bool) -> list[Any]:
        async with holder.pipeline(transaction=self.is_transaction) as pipe:
            for args, options in stack:
                pipe.execute_command(*args, **options)  # type: ignore[no-untyped-call]
            return await pipe.execute(raise_on_error)


def masters(redis: Redis) -> list[Redis]:
    """The servers that hold something: one, or the masters of a cluster."""
    return redis.masters if isinstance(redis, Cluster) else [redis]


def holder(redis: Redis, key: str) -> Redis:
    """The server that holds a key."""
    return redis.holder(key) if isinstance(redis, Cluster) else redis


async def clocks(redis: Redis, keys: Iterable[str]) -> list[float]:
    """What time it is for each key: in seconds since 1970, by the clock of the server that holds it."""
    holders = [holder(redis, key) for key in keys]
    told: dict[Redis, float] = {}
    for each in dict.fromkeys(holders):
        seconds, microseconds = await each.time()  # type: ignore[misc]
        told[each] = seconds + microseconds / 1e6
    return [told[each] for each in holders]


def key_of(args: Sequence[Any]) -> Any:
    """The key that decides where a command goes, the first of them; None where any server will do."""
    command = args[0]
    if command in _KEYLESS:
        return None
    if command == "FCALL":
        return args[3]
    if command == "XREAD":
        return args[args.index(b"STREAMS") + 1]
    return args[1]


async def _sent(client: Redis, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    return await client.execute_command(*args, **options)  # type: ignore[no-untyped-call]


def _host(client: Redis) -> str:
    return str(client.connection_pool.connection_kwargs["host"])


def _away(error: Exception) -> exceptions.ConnectionError:
    return exceptions.ConnectionError(f"the cluster cannot serve this now: {error}")
