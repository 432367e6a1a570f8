"""The client under faults: nothing is lost, nothing is counted twice, and what cannot be mended is said."""

import asyncio
import logging
import time
from collections import deque

import pytest

from services.kit import errors as kit
from tests.integration.counterpart import CUT, Fault, Ingest, serving
from tidemark import Client, Limits, errors

SMALL = Limits(batch_count=2, batch_seconds=0.001)


def names(ingest):
    return [item.name for item in ingest.stored]


def client(address, **options):
    return Client(address, "", key="k", environment={}, **{"limits": SMALL, "close_timeout": 5.0} | options)


def fill(tidemark):
    for _ in range(100):
        tidemark.track("e", properties={"text": "x" * 100})


def publish(ingest, count, **options):
    """Tracks so many events, flushes, and gives the client that did."""

    async def run():
        async with serving(ingest) as address, client(address, **options) as tidemark:
            for number in range(count):
                tidemark.track(f"e{number}")
            await tidemark.flush()
            return tidemark

    return asyncio.run(run())


def test_events_arrive_in_order_in_numbered_batches():
    ingest = Ingest()
    tidemark = publish(ingest, 5)
    assert names(ingest) == [f"e{number}" for number in range(5)]
    assert [request.batch.producer.sequence for request in ingest.batches] == [1, 2, 3]
    assert (tidemark.stats.acknowledged, tidemark.stats.batches, tidemark.unacknowledged) == (5, 3, 0)


def test_metric_points_go_by_their_own_producer():
    ingest = Ingest()

    async def run():
        async with serving(ingest) as address, client(address, producer_id="me") as tidemark:
            tidemark.record("cpu", 0.5, tags={"core": "0"}, unit="1")
            tidemark.track("e")

    asyncio.run(run())
    assert set(ingest.producers) == {"me", "me.metrics"}
    assert set(names(ingest)) == {"cpu", "e"}


@pytest.mark.parametrize("taken", [False, True])
def test_a_cut_stream_is_resent_and_counted_once(taken):
    ingest = Ingest(faults=deque([None, Fault(CUT, taken=taken), None, Fault(CUT, taken=taken)]))
    tidemark = publish(ingest, 10)
    assert names(ingest) == [f"e{number}" for number in range(10)]
    assert tidemark.stats.reconnects == 2
    assert tidemark.stats.resent_batches >= 2


def test_a_server_that_is_not_there_yet_is_waited_for():
    ingest = Ingest()

    async def run():
        async with serving(Ingest()) as address:
            port = address.split(":")[1]
        async with client(address) as tidemark:
            tidemark.track("early")
            flushing = asyncio.create_task(tidemark.flush())
            while not tidemark.stats.reconnects:  # noqa: ASYNC110 - the client has no event for it
                await asyncio.sleep(0)
            async with serving(ingest, port=port):
                await flushing

    asyncio.run(run())
    assert names(ingest) == ["early"]


@pytest.mark.parametrize(
    "fault",
    [Fault(CUT, pushback_ms=400), Fault(kit.Exhausted("too much", retry_after=0.4, reason="BACKLOG"))],
    ids=["pushback", "retry-info"],
)
def test_the_server_decides_how_long_to_wait(fault):
    ingest = Ingest(faults=deque([fault]))
    began = time.monotonic()
    publish(ingest, 1)
    assert time.monotonic() - began >= 0.4
    assert names(ingest) == ["e0"]


def test_a_log_that_lost_batches_gets_a_new_epoch(caplog):
    ingest, told = Ingest(), []

    async def run():
        async with serving(ingest) as address, client(address, on_error=told.append) as tidemark:
            for number in range(4):
                tidemark.track(f"e{number}")
            await tidemark.flush()
            ingest.producers.clear()
            for number in range(4, 8):
                tidemark.track(f"e{number}")
            await tidemark.flush()
            return tidemark

    with caplog.at_level(logging.ERROR):
        tidemark = asyncio.run(run())
    assert names(ingest) == [f"e{number}" for number in range(8)]
    first, last = ingest.batches[0].batch.producer, ingest.batches[-1].batch.producer
    assert last.epoch > first.epoch
    assert last.sequence == 2
    assert tidemark.stats.gaps == 1
    assert [type(error) for error in told] == [errors.SequenceGap]
    assert "sending 2 batches again under a new epoch" in caplog.text


def test_a_fenced_producer_says_so_and_keeps_what_it_has():
    ingest = Ingest()
    ingest.producers["me"].epoch = 1 << 60

    async def run():
        async with serving(ingest) as address:
            tidemark = client(address, producer_id="me", close_timeout=0.1)
            tidemark.track("e")
            with pytest.raises(errors.Fenced):
                await tidemark.flush()
            with pytest.raises(errors.Undelivered, match="1 events were not acknowledged and are lost"):
                await tidemark.close()

    asyncio.run(run())
    assert names(ingest) == []


def test_a_bad_key_surfaces_and_a_mended_one_delivers():
    ingest, told = Ingest(refuses=kit.Unauthenticated()), []

    async def run():
        async with serving(ingest) as address, client(address, on_error=told.append) as tidemark:
            tidemark.track("e")
            with pytest.raises(errors.Unauthenticated, match="send metadata"):
                await tidemark.flush()
            ingest.refuses = None
            await tidemark.flush()

    asyncio.run(run())
    assert names(ingest) == ["e"]
    assert [type(error) for error in told] == [errors.Unauthenticated]


def test_rejections_are_told_and_counted():
    ingest, told = Ingest(rejected={"e1"}), []
    tidemark = publish(ingest, 4, on_rejection=told.append)
    assert names(ingest) == ["e0", "e2", "e3"]
    assert [(it.sequence, it.index, it.message) for it in told] == [(1, 1, "is not wanted")]
    assert tidemark.stats.rejected == 1


def test_a_callback_that_fails_does_not_stop_the_sending(caplog):
    def fail(rejection):
        raise RuntimeError("mine")

    ingest = Ingest(rejected={"e0"})
    publish(ingest, 3, on_rejection=fail)
    assert names(ingest) == ["e1", "e2"]
    assert "a callback of the client failed" in caplog.text


def test_a_batch_that_is_refused_twice_is_dropped_and_the_others_go_on():
    refused = Fault(kit.Invalid("batch.events_arrow", "is not an Arrow stream"))
    ingest, told = Ingest(faults=deque([None, refused, refused])), []
    tidemark = publish(ingest, 6, on_error=told.append)
    assert names(ingest) == ["e0", "e1", "e4", "e5"]
    assert tidemark.stats.dropped == 2
    assert [error.field for error in told] == ["batch.events_arrow"]


def test_a_full_buffer_is_refused_and_ready_waits_for_room():
    ingest = Ingest()
    limits = Limits(batch_count=2, batch_bytes=1000, buffer_bytes=2000, batch_seconds=0.001)

    async def run():
        ingest.held.clear()
        async with serving(ingest) as address, client(address, limits=limits) as tidemark:
            with pytest.raises(errors.BufferFull):
                fill(tidemark)
            taken = tidemark.unacknowledged
            waiting = asyncio.create_task(tidemark.ready())
            await asyncio.sleep(0)
            assert not waiting.done()
            ingest.held.set()
            await waiting
            tidemark.track("last")
            await tidemark.flush()
            return taken

    taken = asyncio.run(run())
    assert 5 < taken < 20
    assert len(ingest.stored) == taken + 1


def test_what_is_tracked_before_the_start_is_sent_after_it():
    ingest = Ingest()

    async def run():
        async with serving(ingest) as address:
            tidemark = client(address)
            tidemark.track("before")
            async with tidemark:
                pass

    asyncio.run(run())
    assert names(ingest) == ["before"]


def test_leaving_sends_what_is_left():
    ingest = Ingest()

    async def run():
        async with serving(ingest) as address, client(address) as tidemark:
            tidemark.track("last")

    asyncio.run(run())
    assert names(ingest) == ["last"]


def test_leaving_with_an_error_of_ones_own_keeps_that_error():
    async def run():
        async with client("127.0.0.1:1", close_timeout=0.05) as tidemark:
            tidemark.track("e")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(run())


def test_an_event_larger_than_a_batch_is_refused_at_once():
    async def run():
        async with client("127.0.0.1:1") as tidemark:
            with pytest.raises(errors.TooLarge):
                tidemark.track("e", properties={"text": "x" * (2 << 20)})

    asyncio.run(run())


def test_a_closed_client_takes_nothing():
    ingest = Ingest()
    tidemark = publish(ingest, 1)
    with pytest.raises(errors.Closed):
        tidemark.track("late")


def test_a_table_goes_through_the_same_sequence():
    pyarrow = pytest.importorskip("pyarrow")
    ingest = Ingest()

    async def run():
        async with serving(ingest) as address, client(address) as tidemark:
            tidemark.track("first")
            table = pyarrow.table(
                {"name": ["a", "b"], "occurred_at": pyarrow.array([0, 1], pyarrow.timestamp("us", "UTC"))}
            )
            assert await tidemark.publish(table) == 2
            tidemark.track("last")
            await tidemark.flush()
            return tidemark.stats

    stats = asyncio.run(run())
    assert [bool(request.batch.events_arrow) for request in ingest.batches] == [False, True, False]
    assert [request.batch.producer.sequence for request in ingest.batches] == [1, 2, 3]
    assert stats.acknowledged == 4
