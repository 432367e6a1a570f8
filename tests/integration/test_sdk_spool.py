"""The client with a disk spool: what was tracked outlives the client, and is counted once."""

import asyncio
import subprocess
import sys
from collections import deque

import pytest

from services.kit import errors as kit
from tests.integration.counterpart import CUT, Fault, Ingest, serving
from tidemark import Client, Limits, errors

SMALL = Limits(batch_count=2, batch_seconds=0.001)
CRASHING = """
import asyncio, os, sys
from tidemark import Client, Limits

async def main():
    async with Client("127.0.0.1:1", spool=sys.argv[1], limits=Limits(batch_count=2)) as tidemark:
        for number in range(6):
            tidemark.track(f"e{number}")
        await asyncio.sleep(0)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def names(ingest):
    return [item.name for item in ingest.stored]


def client(address, folder, **options):
    return Client(
        address,
        "",
        key="k",
        environment={},
        spool=folder,
        **{"limits": SMALL, "close_timeout": 5.0} | options,
    )


def leave_undelivered(folder, count, prefix="old"):
    async def run():
        tidemark = client("127.0.0.1:1", folder, close_timeout=0.05)
        tidemark.start()
        for number in range(count):
            tidemark.track(f"{prefix}{number}")
        with pytest.raises(
            errors.Undelivered, match=f"{count} events were not acknowledged and stay in the spool"
        ):
            await tidemark.close()

    asyncio.run(run())


def deliver(ingest, folder, count=0, **options):
    async def run():
        async with serving(ingest) as address, client(address, folder, **options) as tidemark:
            for number in range(count):
                tidemark.track(f"new{number}")
            await tidemark.flush()
            return tidemark

    return asyncio.run(run())


def segments(folder):
    return sorted(folder.rglob("*.segment"))


def test_what_one_client_left_the_next_one_sends_first(tmp_path):
    leave_undelivered(tmp_path, 4)
    ingest = Ingest()
    deliver(ingest, tmp_path, 2)
    assert names(ingest) == ["old0", "old1", "old2", "old3", "new0", "new1"]
    assert not segments(tmp_path)


def test_batches_keep_their_numbers_over_a_restart(tmp_path):
    leave_undelivered(tmp_path, 4)
    ingest = Ingest()
    deliver(ingest, tmp_path, 2)
    numbers = [(request.batch.producer.epoch, request.batch.producer.sequence) for request in ingest.batches]
    assert [sequence for _, sequence in numbers] == [1, 2, 1]
    assert numbers[0][0] == numbers[1][0] < numbers[2][0]
    assert len({request.batch.producer.producer_id for request in ingest.batches}) == 1


def test_what_was_taken_before_the_restart_is_not_taken_again(tmp_path):
    """The first client's batches arrive, but it never learns so."""
    ingest = Ingest(faults=deque([Fault(CUT, taken=True, pushback_ms=60_000)]))

    async def run():
        async with serving(ingest) as address:
            tidemark = client(address, tmp_path, close_timeout=0.5)
            tidemark.start()
            tidemark.track("old0")
            with pytest.raises(errors.Undelivered):
                await tidemark.close()

    asyncio.run(run())
    deliver(ingest, tmp_path, 1)
    assert names(ingest) == ["old0", "new0"]


def test_a_killed_process_loses_nothing_that_was_batched(tmp_path):
    killed = subprocess.run([sys.executable, "-c", CRASHING, str(tmp_path)], check=False)
    assert killed.returncode == -9
    ingest = Ingest()
    deliver(ingest, tmp_path)
    assert names(ingest) == [f"e{number}" for number in range(6)]


def test_a_log_that_forgot_the_producer_gets_it_all_under_a_new_epoch(tmp_path):
    leave_undelivered(tmp_path, 4)
    ingest = Ingest(faults=deque([Fault(kit.SequenceGap(expected=9))]))
    tidemark = deliver(ingest, tmp_path, 2)
    assert sorted(names(ingest)) == ["new0", "new1", "old0", "old1", "old2", "old3"]
    assert tidemark.stats.gaps == 1
    assert not segments(tmp_path)


def test_an_earlier_life_that_fenced_itself_is_renumbered(tmp_path):
    leave_undelivered(tmp_path, 2)
    ingest = Ingest()
    ingest.producers["me"].epoch = 1 << 41
    deliver(ingest, tmp_path, producer_id="me")
    assert names(ingest) == ["old0", "old1"]


def test_a_full_spool_holds_the_rest_in_memory(tmp_path):
    ingest = Ingest()

    async def run():
        ingest.held.clear()
        async with serving(ingest) as address, client(address, tmp_path, spool_bytes=1) as tidemark:
            for number in range(10):
                tidemark.track(f"e{number}")
            await asyncio.sleep(0)
            ingest.held.set()
            await tidemark.flush()

    asyncio.run(run())
    assert names(ingest) == [f"e{number}" for number in range(10)]
    assert not segments(tmp_path)


def test_two_clients_cannot_share_a_spool(tmp_path):
    async def run():
        async with client("127.0.0.1:1", tmp_path):
            with pytest.raises(BlockingIOError, match="is the spool of another process"):
                client("127.0.0.1:1", tmp_path)

    asyncio.run(run())
