"""What the world does to a running suite: disks fill, memory ends, servers and networks go away, clocks jump, files are restored.

No acknowledged event is lost, memory stays bounded, nobody has to restart what is ours, and where something is lost outside our
control an alarm says so. `TIDEMARK_FAULT_SECONDS` (8) is how long the database is away; `make chaos` keeps it away for a minute.
"""

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import tidemark
from tests.chaos.failing import BURST, RECOVERY_LIMIT, World, cutting, frozen, load, world
from tests.polling import until
from tidemark.buffer import Limits

AWAY_SECONDS = float(os.environ.get("TIDEMARK_FAULT_SECONDS", "8"))
HOUR = 3600
CLOCK = """
import os, time

_clock = time.time_ns


def time_ns():
    with open(os.environ["TIDEMARK_TEST_CLOCK"]) as file:
        return _clock() + int(file.read() or 0) * 1_000_000_000


time.time_ns, time.time = time_ns, lambda: time_ns() / 1e9
"""
"""A module that Python imports as it starts: the clock of its process is so many seconds ahead as a file says."""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    """A suite that goes through all of it."""
    with tempfile.TemporaryDirectory(prefix="tidemark-faults-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with world(folder) as made:
            yield made


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_the_database_is_away(here: World, how: str) -> None:
    postgres, refused = here.suite.postgres, here.metric("ingest-1", "tidemark_ingest_refused_total")
    async with load(here) as under:
        if how == "killed":
            postgres.kill()
            await asyncio.sleep(AWAY_SECONDS)
            await under.held_up()
            postgres.start()
        else:
            with frozen(postgres):
                await asyncio.sleep(AWAY_SECONDS)
                await under.held_up()
    # Producers were held back when the log had as much as it may.
    assert here.metric("ingest-1", "tidemark_ingest_refused_total") > refused


async def test_the_disk_of_the_database_is_full(here: World) -> None:
    if "postgres" not in here.disks:
        pytest.skip("a file system of its own takes the rights of root")
    disk, postgres = here.disks["postgres"], here.suite.postgres
    interrupted = here.metric("writer-1", "tidemark_writer_restarts_total", reason="unavailable")

    async def noticed() -> bool:
        return (
            here.metric("writer-1", "tidemark_writer_restarts_total", reason="unavailable") > interrupted + 1
        )

    async with load(here) as under:
        disk.fill()
        try:
            await until(noticed, RECOVERY_LIMIT)
            await under.held_up()
        finally:
            disk.free()
        if not postgres.ready():
            postgres.start()  # As its supervisor does; without room to recover in it ends.


async def test_the_disk_of_the_log_is_full(here: World) -> None:
    if "redis" not in here.disks:
        pytest.skip("a file system of its own takes the rights of root")
    disk, log = here.disks["redis"], here.suite.redis

    async def ended() -> bool:
        return log.identity() is None

    async with load(here) as under:
        disk.fill()
        try:
            await until(ended, RECOVERY_LIMIT)  # It acknowledges nothing that it cannot keep.
            await under.held_up()
        finally:
            disk.free()
        log.start()


async def test_the_log_is_out_of_memory(here: World) -> None:
    writer = here.suite.members["writer-1"]
    with redis.Redis.from_url(here.suite.redis.url) as log:
        usual = log.config_get("maxmemory")["maxmemory"]
        try:
            async with load(here) as under:
                writer.freeze()
                log.config_set("maxmemory", log.info("memory")["used_memory"] + (4 << 20))
                await under.held_up()
                assert "out of memory" in str(under.client.last_error)
                writer.thaw()
                # What is committed makes room, though there is no more memory than before.
                await under.acknowledged()
        finally:
            writer.thaw()
            log.config_set("maxmemory", usual)


async def test_the_network_breaks_in_the_middle_of_a_frame(here: World) -> None:
    chance = random.Random(7)
    breaks = [chance.randrange(20_000, 200_000) for _ in range(6)]
    ingest, usual = here.suite.members["ingest-1"], here.suite.members["ingest-1"].ports
    with (
        cutting(here.suite.redis.port, [chance.randrange(20_000, 200_000) for _ in range(8)]) as to_log,
        cutting(ingest.port, breaks) as to_ingest,
    ):
        here.restart("ingest-1", TIDEMARK_REDIS_URL=_through(here.suite.redis.url, to_log.port))
        ingest.ports = [to_ingest.port, *usual[1:]]
        try:

            async def broken() -> bool:
                return to_log.cuts >= 6 and to_ingest.cuts == 6

            async with load(here):
                await until(broken, RECOVERY_LIMIT)
        finally:
            ingest.ports = usual
            here.restart("ingest-1", TIDEMARK_REDIS_URL=here.suite.redis.url)


async def test_the_clocks_of_our_processes_jump(here: World) -> None:
    clock = here.folder / "clock"
    clock.mkdir(exist_ok=True)
    (clock / "sitecustomize.py").write_text(CLOCK)
    ahead = clock / "ahead"
    ahead.write_text("0")
    there = {"PYTHONPATH": str(clock), "TIDEMARK_TEST_CLOCK": str(ahead)}
    for member in ("ingest-1", "writer-1"):
        here.restart(member, **there)
    try:
        async with load(here) as under:
            for seconds in (20 * HOUR, 0, -HOUR // 2, 3 * HOUR, 0):
                fresh = ahead.with_suffix(".new")
                fresh.write_text(str(seconds))
                fresh.replace(ahead)
                await under.acknowledged()
    finally:
        for member in ("ingest-1", "writer-1"):
            here.restart(member, PYTHONPATH="")


async def test_the_clock_of_a_producer_jumps(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jump = 0
    monkeypatch.setattr(tidemark.client, "_clock", lambda: time.time_ns() + jump * 1_000_000_000)
    before, _ = here.rows()
    async with here.tenant.client(producer_id="jumping") as client:
        for jump in (0, -400 * 24 * HOUR, HOUR // 2, 0, 3 * HOUR):  # noqa: B007 - the clock reads it
            for _ in range(BURST):
                client.track("tick")
            await client.flush()
        # What claims to be from the future is told to its producer; all else is late at most.
        assert client.stats.rejected == BURST
        assert (await here.tenant.settled(client)).balanced
    # A life whose clock is behind that of the life before is told so, and may not go on in its name.
    monkeypatch.setattr(tidemark.producer, "_now_ms", lambda: time.time_ns() // 1_000_000 - 24 * HOUR * 1000)
    client = here.tenant.client(producer_id="jumping")
    client.start()
    client.track("tick")
    with pytest.raises(tidemark.errors.Fenced):
        await client.flush()
    with pytest.raises(tidemark.errors.Undelivered):
        await client.close(0.1)
    assert here.rows() == (before + 4 * BURST, before + 4 * BURST)


async def test_the_log_is_restored_from_an_older_file(here: World) -> None:
    """What was acknowledged and not committed is lost with the newer file: an alarm tells it, and producers go on by themselves."""
    log, writer = here.suite.redis, here.suite.members["writer-1"]
    older, (before, _) = here.folder / "older", here.rows()
    async with here.tenant.client(limits=Limits(batch_seconds=0.001), close_timeout=RECOVERY_LIMIT) as client:

        async def send(count: int, *, kept: bool = True) -> None:
            for _ in range(count):
                client.track("tick", properties={"kept": kept})
            await client.flush()

        await send(100)
        await here.tenant.settled(client)
        log.stop()
        shutil.copytree(log.data, older)
        log.start()
        await send(200)
        await here.tenant.settled(client)
        alarms = here.metric("writer-1", "tidemark_log_regressions_total")
        away = here.metric("writer-1", "tidemark_writer_restarts_total", reason="unavailable")
        writer.freeze()
        await send(30, kept=False)
        log.kill()
        writer.thaw()

        async def noticed() -> bool:
            return here.metric("writer-1", "tidemark_writer_restarts_total", reason="unavailable") > away

        await until(noticed, RECOVERY_LIMIT)
        shutil.rmtree(log.data)
        shutil.copytree(older, log.data)
        for path in (log.data, *log.data.rglob("*")):
            os.chown(path, log.folder.stat().st_uid, log.folder.stat().st_gid)
        log.start()

        async def alarmed() -> bool:
            return here.metric("writer-1", "tidemark_log_regressions_total") > alarms

        await until(alarmed, RECOVERY_LIMIT)
        await send(400)
        await here.tenant.settled(client)
        assert client.stats.gaps >= 1
        assert (client.stats.rejected, client.stats.dropped) == (0, 0)
    assert here.account()[1:] == (0, True)
    assert "is lost unless its producers send it again" in writer.log.read_text().replace("\n", " ")
    assert here.rows() == (before + 700, before + 700)


def _through(url: str, port: int) -> str:
    """The URL of a server by another port."""
    head, _, tail = url.rpartition(":")
    return f"{head}:{port}/{tail.partition('/')[2]}"
