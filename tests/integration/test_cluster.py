"""The log on a real cluster of Redis: commands find the master of their key, and go on finding it when slots move."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from redis import exceptions

from deploy.local.servers import Redis
from services.ingest.stream import Appended, Commits, Log
from services.kit.cluster import Cluster, clocks, holder
from services.kit.cluster import masters as masters_of
from services.kit.errors import BadSetting, Unavailable
from services.kit.keys import log_key, meta_key
from services.kit.redis import client, durability
from tests.clustering import Masters, masters
from tests.polling import until

PARTITIONS = 8
ALL = range(PARTITIONS)
BEGINNING = dict.fromkeys(ALL, "0-0")


@pytest.fixture(scope="module")
def started() -> Iterator[Masters]:
    """Three masters."""
    with masters() as made:
        yield made


@pytest.fixture
def cluster(started: Masters) -> Masters:
    """The same, empty."""
    for server in started.servers:
        started.ask(server, "FLUSHALL")
        started.ask(server, "FUNCTION", "FLUSH")
    return started


@asynccontextmanager
async def opened(cluster: Masters, **options: Any) -> AsyncIterator[tuple[Cluster, Log]]:
    async with client(cluster.url) as redis:
        assert isinstance(redis, Cluster)
        log = Log(redis, **options)
        await log.prepare()
        yield redis, log


async def append(log: Log, partition: int, sequence: int = 1) -> Appended:
    return await log.append(partition, (1, f"web-{partition}", 1, sequence), (0, 0), 3, (b"head", b"rows"))


async def test_one_server_of_a_cluster_tells_of_the_others_and_each_takes_its_share(cluster: Masters) -> None:
    async with opened(cluster) as (redis, log):
        assert len(masters_of(redis)) == 3
        assert [(await append(log, each)).outcome for each in ALL] == ["appended"] * PARTITIONS
        assert [(await append(log, each)).outcome for each in ALL] == ["repeated"] * PARTITIONS
        assert await log.totals(ALL) == [(3, 8)] * PARTITIONS
        assert await log.backlog_bytes(PARTITIONS) == 8 * PARTITIONS
        found = await log.read(BEGINNING, 10, 1000)
        assert [[fields[b"e"] for _, fields in found[each]] for each in ALL] == [[b"rows"]] * PARTITIONS
        for each in ALL:
            await log.committed(each, found[each][-1][0], 3, 8)
        assert await log.backlog_bytes(PARTITIONS) == 0
        counted, waiting = await log.account(5, found[5][-1][0])
        assert (counted.received, waiting) == (3, [])
    held = [int(cluster.ask(server, "DBSIZE")) for server in cluster.servers]
    assert all(held)


async def test_whoever_waits_reads_what_comes_to_any_master(cluster: Masters) -> None:
    async with opened(cluster) as (_, log):
        positions = BEGINNING
        assert await log.read(positions, 10, 50) == {}
        for partition in (0, 1, 3):
            waiting = asyncio.create_task(log.read(positions, 10, 10_000))
            await append(log, partition)
            found = await waiting
            assert list(found) == [partition]
            positions = positions | {partition: found[partition][-1][0]}


async def test_announcements_are_heard_whichever_master_takes_them(cluster: Masters) -> None:
    async with opened(cluster) as (redis, _), opened(cluster) as (_, log):
        commits, draining = Commits(redis), asyncio.Event()
        listening = asyncio.create_task(commits.listen(draining))

        async def heard() -> bool:
            await log.announce({"partition": 6, "last_id": "7-1"})
            return commits._reached.get(6) == (7, 1)

        await until(heard)
        draining.set()
        await listening


async def test_a_slot_that_has_moved_is_found_at_its_new_master(cluster: Masters) -> None:
    async with opened(cluster) as (_, log):
        await append(log, 3)
        before = cluster.holder(log_key(3))
        after = next(server for server in cluster.servers if server is not before)
        slot = int(cluster.ask(before, "CLUSTER", "KEYSLOT", log_key(3)))
        with moving(cluster, slot, before, after):
            # Half way, what is there already is written on, and what is not has to be sent again.
            with pytest.raises(Unavailable):
                await log.append(3, (1, "another", 1, 1), (0, 0), 1, (b"", b""))
            migrate(cluster, slot, before, after)
        assert (await append(log, 3, 2)).outcome == "appended"
        assert (await log.totals(ALL))[3] == (6, 16)
        assert int(cluster.ask(after, "HGET", meta_key(3), "received")) == 6
        with moving(cluster, slot, after, before):
            migrate(cluster, slot, after, before)

        async def totals() -> list[tuple[int, int]]:
            # Of several commands some may be done, so who sent them is told to begin anew.
            with suppress(exceptions.ConnectionError):
                return await log.totals(ALL)
            return []

        assert (await until(totals))[3] == (6, 16)


@contextmanager
def moving(cluster: Masters, slot: int, source: Redis, target: Redis) -> Iterator[None]:
    """A slot on its way, as `redis-cli --cluster reshard` moves it."""
    here, there = (cluster.ask(each, "CLUSTER", "MYID") for each in (source, target))
    cluster.ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", here)
    cluster.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", there)
    yield
    for each in (target, *cluster.servers):
        cluster.ask(each, "CLUSTER", "SETSLOT", slot, "NODE", there)


def migrate(cluster: Masters, slot: int, source: Redis, target: Redis) -> None:
    """Brings the keys of a slot to another master."""
    keys = cluster.ask(source, "CLUSTER", "GETKEYSINSLOT", slot, 100)
    place = ("127.0.0.1", target.port, "", 0, 5000, "AUTH", cluster.password, "KEYS", *keys)
    cluster.ask(source, "MIGRATE", *place)


async def test_functions_that_a_master_has_lost_are_loaded_again(cluster: Masters) -> None:
    async with opened(cluster) as (_, log):
        cluster.ask(cluster.holder(log_key(2)), "FUNCTION", "FLUSH")
        assert (await append(log, 2)).outcome == "appended"


async def test_what_one_transaction_touches_has_one_tag(cluster: Masters) -> None:
    async with opened(cluster) as (redis, _), redis.pipeline(transaction=True) as pipe:
        for partition in ALL:
            pipe.hincrby(meta_key(partition), "received", 1)
        with pytest.raises(exceptions.ClusterCrossSlotError):
            await pipe.execute()


async def test_an_append_waits_for_the_disk_of_its_master(cluster: Masters) -> None:
    async with opened(cluster, wait_for_disk=True) as (redis, log):
        assert await durability(redis) == "always"
        assert (await append(log, 4)).outcome == "appended"


async def test_every_key_has_the_clock_of_its_master(cluster: Masters) -> None:
    async with opened(cluster) as (redis, log):
        keys = [log_key(each) for each in ALL]
        told = await clocks(redis, keys)
        same = {holder(redis, key): now for key, now in zip(keys, told)}
        assert len(same) == 3
        assert told == [same[holder(redis, key)] for key in keys]
        await append(log, 1)
        assert 0 <= await log.backlog_seconds(PARTITIONS) < 60


@pytest.mark.parametrize(
    ("change", "message"), [("/3", "database 0 alone"), (":port", "write redis"), ("", "is no cluster")]
)
async def test_a_url_that_is_none_of_a_cluster_is_refused(redis_url: str, change: str, message: str) -> None:
    url = redis_url.removesuffix("/0").replace("redis:", "redis+cluster:") + change
    with pytest.raises(BadSetting, match=message):
        async with client(url):
            pass
