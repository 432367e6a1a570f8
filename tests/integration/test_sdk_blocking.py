"""The synchronous client, and watching over interruptions."""

import asyncio
import subprocess
import sys
import threading

import pytest

from services.kit import errors as kit
from tests.integration.counterpart import Ingest, Query, serving
from tidemark import Client, errors, questions
from tidemark.blocking import Client as BlockingClient

LEAVING = """
import sys
from tidemark.blocking import Client

tidemark = Client(sys.argv[1], close_timeout=float(sys.argv[2]))
tidemark.track("last")
"""


def in_thread(work):
    """The result of a blocking function, with the test's event loop free to serve it."""
    return asyncio.to_thread(work)


def test_threads_track_into_one_client():
    ingest = Ingest()

    def work(address):
        with BlockingClient(address, key="k") as tidemark:

            def track():
                for _ in range(500):
                    tidemark.track("e", properties={"a": 1})

            threads = [threading.Thread(target=track) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            tidemark.flush()
            assert tidemark.unacknowledged == 0
            return tidemark.stats.acknowledged

    async def run():
        async with serving(ingest) as address:
            return await in_thread(lambda: work(address))

    assert asyncio.run(run()) == 2000
    assert len({event.event_id for event in ingest.stored}) == 2000


def test_a_program_that_just_ends_sends_what_is_left():
    ingest = Ingest()

    async def run():
        async with serving(ingest) as address:
            command = [sys.executable, "-c", LEAVING, address, "5"]
            return await in_thread(
                lambda: subprocess.run(command, check=True, capture_output=True, text=True)
            )

    assert asyncio.run(run()).stderr == ""
    assert [event.name for event in ingest.stored] == ["last"]


def test_a_program_that_cannot_send_ends_in_time_and_names_what_is_left():
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING, "127.0.0.1:1", "0.2"],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "at exit: 1 events were not acknowledged and are lost" in ended.stderr


def test_closing_without_a_server_says_what_is_lost():
    tidemark = BlockingClient("127.0.0.1:1", close_timeout=0.1)
    tidemark.record("m", 1.0)
    with pytest.raises(errors.Undelivered, match="1 points were not acknowledged and are lost"):
        tidemark.close()
    tidemark.close()


def test_a_watch_goes_on_where_it_was_interrupted():
    query = Query()

    async def run():
        changes = []
        async with serving(query) as address, Client("", address) as tidemark:
            async for change in tidemark.watch(questions.events()):
                changes.append((change.kind, change.cursor))
                if len(changes) == 3:
                    break
        return changes

    assert asyncio.run(run()) == [("snapshot", "c1"), ("delta", "c2"), ("delta", "c3")]
    assert query.cursors == ["", "c1", "c2"]


def test_a_watch_that_is_not_allowed_ends():
    async def run():
        async with serving(Query(refuses=kit.Denied())) as address, Client("", address) as tidemark:
            async for _ in tidemark.watch(questions.events()):
                pass

    with pytest.raises(errors.Denied):
        asyncio.run(run())


def test_a_blocking_watch_is_an_iterator():
    query = Query()

    def work(address):
        with BlockingClient("", address) as tidemark:
            watching = iter(tidemark.watch(questions.events()))
            return [next(watching).kind for _ in range(2)]

    async def run():
        async with serving(query) as address:
            return await in_thread(lambda: work(address))

    assert asyncio.run(run()) == ["snapshot", "delta"]
