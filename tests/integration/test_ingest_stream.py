"""append.lua and its client on a real Redis: a batch enters the log once and in order, and the totals tell what is in flight."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.ingest.entry import Account
from services.ingest.stream import Appended, Commits, Log
from services.kit.errors import Exhausted, Unavailable
from services.kit.keys import COMMITS, log_key, meta_key, producer_key, projects_key
from services.kit.redis import CONNECTIONS, client
from tests.polling import until

P = 3
NEW, UNKNOWN = (0, 0), None


class Bench:
    """A log and a producer that appends to it."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.log = redis, Log(redis)

    async def append(
        self,
        sequence: int,
        *,
        epoch: int = 1,
        known: tuple[int, int] | None = NEW,
        rows: int = 1,
        project: int = 1,
        name: str = "web-1",
        body: bytes = b"rows",
    ) -> Appended:
        producer = (project, name, epoch, sequence)
        return await self.log.append(P, producer, known, rows, (b"head", body))

    async def outcome(self, sequence: int, **changes: Any) -> tuple[str, str]:
        """What became of a batch that was not appended."""
        appended = await self.append(sequence, **changes)
        return appended.outcome, appended.value

    async def entries(self) -> list[str]:
        return [entry_id.decode() for entry_id, _ in await self.redis.xrange(log_key(P))]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Bench]:
    async with Redis.from_url(url) as redis:
        await redis.function_flush()
        bench = Bench(redis)
        await bench.log.prepare()
        yield bench


def on_bench(test: Callable[[Bench], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Runs a test with a bench on an empty Redis."""

    @functools.wraps(test)
    async def run(redis_url: str) -> None:
        async with opened(redis_url) as bench:
            await test(bench)

    del run.__wrapped__  # type: ignore[attr-defined]  # pytest looks at the arguments of `run`.
    return run


# --- sequences --------------------------------------------------------------------------------------------------------


@on_bench
async def test_a_new_producer_begins_with_1(bench: Bench) -> None:
    appended = await bench.append(1)
    assert appended.outcome == "appended"
    assert await bench.entries() == [appended.value]
    assert await bench.redis.xrange(log_key(P)) == [(appended.value.encode(), {b"h": b"head", b"e": b"rows"})]
    assert await bench.outcome(2, name="other") == ("gap", "1")


@on_bench
async def test_batches_are_appended_in_order(bench: Bench) -> None:
    appended = [await bench.append(sequence) for sequence in range(1, 11)]
    assert await bench.entries() == [each.value for each in appended]


@on_bench
async def test_a_repeated_batch_is_appended_once(bench: Bench) -> None:
    for sequence in (1, 2, 3):
        await bench.append(sequence)
    for sequence in (1, 2, 3):
        assert await bench.outcome(sequence) == ("repeated", "")
    assert len(await bench.entries()) == 3
    assert await bench.log.totals([P]) == [(3, 24)]


@on_bench
async def test_a_gap_is_told_with_what_comes_next(bench: Bench) -> None:
    await bench.append(1)
    assert await bench.outcome(3) == ("gap", "2")
    assert len(await bench.entries()) == 1
    assert (await bench.append(2)).outcome == "appended"


@on_bench
async def test_an_older_epoch_is_fenced(bench: Bench) -> None:
    await bench.append(1, epoch=5)
    assert await bench.outcome(1, epoch=4) == ("fenced", "5")
    assert await bench.outcome(2, epoch=4) == ("fenced", "5")
    assert len(await bench.entries()) == 1


@on_bench
async def test_a_newer_epoch_must_begin_with_1(bench: Bench) -> None:
    for sequence in (1, 2, 3):
        await bench.append(sequence, epoch=1)
    assert await bench.outcome(4, epoch=2) == ("gap", "1")
    assert (await bench.append(4, epoch=1)).outcome == "appended"
    assert (await bench.append(1, epoch=2)).outcome == "appended"
    assert await bench.outcome(5, epoch=1) == ("fenced", "2")
    assert (await bench.append(2, epoch=2)).outcome == "appended"


@on_bench
async def test_the_largest_epoch_and_sequence_are_told_exactly(bench: Bench) -> None:
    largest = 2**53 - 1
    assert (await bench.append(largest, epoch=largest, known=(largest, largest - 1))).outcome == "appended"
    assert await bench.outcome(largest, epoch=largest) == ("repeated", "")
    assert await bench.outcome(1, epoch=largest - 1) == ("fenced", str(largest))
    assert await bench.outcome(largest, epoch=largest, name="other", known=(largest, largest - 3)) == (
        "gap",
        str(largest - 2),
    )


@on_bench
async def test_a_producer_the_log_has_not_met_is_looked_up_first(bench: Bench) -> None:
    assert await bench.outcome(8, known=UNKNOWN) == ("unknown", "")
    assert await bench.entries() == []
    assert await bench.outcome(8, known=(1, 8)) == ("repeated", "")
    assert await bench.outcome(10, known=(1, 8)) == ("gap", "9")
    assert await bench.outcome(9, known=(2, 1)) == ("fenced", "2")
    assert await bench.outcome(8, known=UNKNOWN) == ("unknown", "")
    assert (await bench.append(9, known=(1, 8))).outcome == "appended"
    assert (await bench.append(10, known=UNKNOWN)).outcome == "appended"


@on_bench
async def test_what_the_log_remembers_counts_more_than_what_the_database_knows(bench: Bench) -> None:
    """The database lags behind by what is in flight."""
    for sequence in (1, 2, 3):
        await bench.append(sequence)
    assert await bench.outcome(2, known=(1, 1)) == ("repeated", "")


@on_bench
async def test_batches_outside_any_sequence_are_always_appended(bench: Bench) -> None:
    for _ in range(3):
        assert (await bench.append(0, known=UNKNOWN)).outcome == "appended"
    assert len(await bench.entries()) == 3
    assert not await bench.redis.exists(producer_key(P, "1:web-1"))


@on_bench
async def test_producers_are_forgotten_a_day_after_their_last_batch(bench: Bench) -> None:
    await bench.append(1)
    assert 86_000 < await bench.redis.ttl(producer_key(P, "1:web-1")) <= 86_400


@on_bench
async def test_producers_of_two_projects_are_two(bench: Bench) -> None:
    await bench.append(1, project=1)
    assert (await bench.append(1, project=2)).outcome == "appended"


# --- totals and trimming ----------------------------------------------------------------------------------------------


@on_bench
async def test_totals_count_what_was_appended_and_nothing_else(bench: Bench) -> None:
    await bench.append(1, rows=5, project=1, body=b"12345")
    await bench.append(1, rows=2, project=2, body=b"")
    await bench.append(9, rows=100)
    await bench.append(1, rows=100)
    assert await bench.log.totals([P, 4]) == [(7, 13), (0, 0)]
    assert await bench.redis.hgetall(projects_key(P)) == {b"1": b"5", b"2": b"2"}
    assert await bench.log.backlog_bytes(8) == 13


@on_bench
async def test_the_oldest_entry_that_is_not_committed_tells_how_old_the_backlog_is(bench: Bench) -> None:
    assert await bench.log.backlog_seconds(8) == 0
    seconds, _ = await bench.redis.time()
    first, second = (f"{(seconds - ago) * 1000}-1" for ago in (500, 100))
    for entry_id in (first, second):
        await bench.redis.xadd(log_key(P), {"h": b""}, id=entry_id)
    assert 500 <= await bench.log.backlog_seconds(8) < 520
    # Committed entries may still be in the log: they were trimmed up to where somebody follows.
    await bench.redis.hset(meta_key(P), "last_id", first)
    assert 100 <= await bench.log.backlog_seconds(8) < 120
    await bench.log.committed(P, second, received=2, size=0)
    assert await bench.log.backlog_seconds(8) == 0


@on_bench
async def test_trimming_never_passes_the_position(bench: Bench) -> None:
    ids = [(await bench.append(sequence)).value for sequence in range(1, 6)]
    await bench.log.committed(P, ids[2], received=3, size=24)
    assert await bench.entries() == ids[3:]
    await bench.log.committed(P, ids[0], received=1, size=8)
    assert await bench.entries() == ids[3:]


@on_bench
async def test_entries_of_one_millisecond_are_trimmed_one_by_one(bench: Bench) -> None:
    for number in range(3):
        await bench.redis.xadd(log_key(P), {"h": b""}, id=f"7-{number}")
    await bench.log.committed(P, "7-1", received=2, size=2)
    assert await bench.entries() == ["7-2"]


@on_bench
async def test_nothing_is_in_flight_once_all_is_committed(bench: Bench) -> None:
    appended = await bench.append(1, rows=5)
    assert await bench.log.backlog_bytes(8) == 8
    await bench.log.committed(P, appended.value, received=5, size=8)
    assert await bench.log.backlog_bytes(8) == 0
    meta = await bench.redis.hgetall(meta_key(P))
    assert meta[b"received"] == meta[b"committed_received"] == b"5"


@on_bench
async def test_reading_begins_after_the_position(bench: Bench) -> None:
    ids = [(await bench.append(sequence, body=b"%d" % sequence)).value for sequence in (1, 2, 3)]
    found = await bench.log.read({P: ids[0], 4: "0-0"}, 10, None)
    assert [(entry_id, fields[b"e"]) for entry_id, fields in found[P]] == [(ids[1], b"2"), (ids[2], b"3")]
    assert found.keys() == {P}
    assert await bench.log.read({P: ids[2], 4: "0-0"}, 10, None) == {}
    assert [entry_id for entry_id, _ in (await bench.log.read({P: "0-0"}, 2, None))[P]] == ids[:2]


# --- when Redis has lost something ------------------------------------------------------------------------------------


@on_bench
async def test_the_function_is_loaded_again_when_redis_has_lost_it(bench: Bench) -> None:
    await bench.append(1)
    await bench.redis.function_flush()
    assert (await bench.append(2)).outcome == "appended"


@on_bench
async def test_new_ids_sort_after_the_position_of_a_log_that_was_lost(bench: Bench) -> None:
    ahead = "9999999999999-5"
    await bench.append(1)
    await bench.log.catch_up(P, ahead)
    assert await bench.entries() == []
    assert await bench.log.last_generated_id(P) == ahead
    appended = await bench.append(1, known=(1, 0))
    assert appended == Appended("appended", "9999999999999-6")
    assert (await bench.log.read({P: ahead}, 1, None))[P][0][0] == appended.value


@on_bench
async def test_producers_of_a_lost_log_are_looked_up_anew(bench: Bench) -> None:
    await bench.append(1)
    await bench.log.append(4, (1, "elsewhere", 1, 1), NEW, 1, (b"", b""))
    await bench.log.catch_up(P, "9999999999999-0")
    assert await bench.outcome(7, known=UNKNOWN) == ("unknown", "")
    assert (await bench.append(7, known=(1, 6))).outcome == "appended"
    assert await bench.redis.exists(producer_key(4, "1:elsewhere"))


@on_bench
async def test_totals_of_a_lost_log_are_corrected(bench: Bench) -> None:
    await bench.append(1, rows=2, project=1)
    counted, entries = await bench.log.account(P, "0-0")
    assert counted == Account(2, 8, {1: 2})
    assert entries == [{b"h": b"head", b"e": b"rows"}]
    await bench.append(1, rows=5, project=3)
    await bench.log.correct(P, counted, Account(102, 1008, {1: 52, 2: 50}))
    now, entries = await bench.log.account(P, "0-0")
    assert now == Account(107, 1016, {1: 52, 2: 50, 3: 5})
    assert len(entries) == 2


@on_bench
async def test_a_stream_that_is_not_there_has_no_last_id(bench: Bench) -> None:
    assert await bench.log.last_generated_id(P) is None


@on_bench
async def test_a_log_without_memory_asks_to_wait(bench: Bench) -> None:
    before = (await bench.redis.config_get("maxmemory"))["maxmemory"]
    await bench.redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Exhausted) as caught:
            await bench.append(1)
    finally:
        await bench.redis.config_set("maxmemory", before)
    assert (caught.value.reason, caught.value.retry_after) == ("LOG_FULL", 1.0)
    assert (await bench.append(1)).outcome == "appended"


async def test_a_log_that_does_not_answer_is_unavailable() -> None:
    async with Redis(port=1, retry=Retry(NoBackoff(), 0)) as redis:
        with pytest.raises(Unavailable, match="the log does not answer; retry"):
            await Log(redis).append(P, (1, "a", 1, 1), NEW, 1, (b"", b""))


@on_bench
async def test_a_commit_whose_announcement_was_lost_is_noticed_amid_those_of_others(bench: Bench) -> None:
    commits, draining = Commits(bench.redis), asyncio.Event()

    async def others() -> None:
        for number in range(1, 1000):
            await bench.log.announce({"partition": P + 1, "last_id": f"{number}-0"})
            await asyncio.sleep(0.05)

    around = [asyncio.create_task(commits.listen(draining)), asyncio.create_task(others())]
    try:
        await bench.append(1)
        (entry_id,) = await bench.entries()
        await bench.log.committed(P, entry_id, 1, 1)
        await asyncio.wait_for(commits.reach(P, entry_id), 10)
    finally:
        draining.set()
        around[1].cancel()
        await asyncio.gather(*around, return_exceptions=True)


@on_bench
async def test_what_is_no_announcement_is_passed_over(bench: Bench) -> None:
    commits, draining = Commits(bench.redis), asyncio.Event()
    listening = asyncio.create_task(commits.listen(draining))

    async def listens() -> bool:
        ((_, count),) = await bench.redis.pubsub_numsub(COMMITS)
        return bool(count)

    await until(listens)
    for data in (b"junk", b"[]", b"{}", b'{"partition":0,"last_id":7}', b'{"partition":0,"last_id":"x"}'):
        await bench.redis.publish(COMMITS, data)
    await bench.log.announce({"partition": P, "last_id": "5-0"})
    await asyncio.wait_for(commits.reach(P, "5-0"), 10)
    draining.set()
    await listening


async def test_more_calls_at_once_than_connections_wait_for_their_turn(redis_url: str) -> None:
    async with client(redis_url) as redis:
        log = Log(redis)
        await log.prepare()
        calls = (log.append(P, (1, f"p{n}", 1, 0), NEW, 1, (b"h", b"e")) for n in range(3 * CONNECTIONS))
        assert {each.outcome for each in await asyncio.gather(*calls)} == {"appended"}
