"""The writer brings everything from the log to the database once, whoever dies, freezes or forgets in between."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from services.ingest import store
from services.ingest.backlog import Backlog
from services.ingest.entry import TooNew
from services.ingest.stream import Log
from services.ingest.writer import Writer
from services.kit import postgres
from services.kit.keys import COMMITS, log_key, meta_key, partition_of, projects_key
from services.kit.settings import Settings
from tests.conftest import counted
from tests.ingesting import NOW_US, entry_fields, entry_of_header, event, point
from tests.integration.committing import Desk
from tests.polling import until

PARTITIONS = 8


@dataclass
class Stage:
    """A log, a database, and producers that append as the servicer does."""

    settings: Settings
    redis: Redis
    log: Log
    books: Desk

    async def append(
        self, *rows: Any, name: str = "web-1", sequence: int = 0, epoch: int = 1, project: int = 1
    ) -> str:
        """Appends a batch; gives its entry id, or what became of it otherwise."""
        fields = entry_fields(*rows, producer_id=name, sequence=sequence, epoch=epoch, project_id=project)
        partition = partition_of(project, name, PARTITIONS)
        producer = (project, name, epoch, sequence)
        encoded = fields[b"h"], fields[b"e"]
        appended = await self.log.append(partition, producer, None, len(rows), encoded)
        if appended.outcome == "unknown":
            known = (await store.known(self.books.connection, [(project, name)])).get((project, name), (0, 0))
            appended = await self.log.append(partition, producer, known, len(rows), encoded)
        return appended.value if appended.outcome == "appended" else appended.outcome

    @asynccontextmanager
    async def writer(self, name: str = "writer-1", **changes: Any) -> AsyncIterator[asyncio.Task[None]]:
        """A writer at work, which is told to end at the end."""
        draining = asyncio.Event()
        task = asyncio.create_task(Writer(self.log, replace(self.settings, **changes), name, draining).run())
        try:
            yield task
        finally:
            draining.set()
            await asyncio.wait_for(task, 20)

    async def stored(self, count: int) -> None:
        """Returns when so many rows are stored, and nothing is in flight any more."""

        async def all_stored() -> bool:
            rows = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM metric_points) = %s"
            return (await self.books.rows(rows, count)) == [(True,)]

        await until(all_stored)
        await until(self.nothing_in_flight)

    async def nothing_in_flight(self) -> bool:
        """Whether what was appended is what is committed, by rows and bytes, and of each project."""
        committed = dict.fromkeys(range(PARTITIONS), (0, 0))
        committed |= {
            p: (r, b)
            for p, r, b in await self.books.rows("SELECT partition, received, bytes FROM partitions")
        }
        appended = await self.log.totals(range(PARTITIONS))
        by_project = {
            (p, q): r
            for p, q, r in await self.books.rows("SELECT partition, project_id, received FROM project_totals")
        }
        for partition in range(PARTITIONS):
            for project, received in (await self.redis.hgetall(projects_key(partition))).items():
                if by_project.get((partition, int(project)), 0) != int(received):
                    return False
        return (
            appended == [committed[p] for p in range(PARTITIONS)]
            and await self.log.backlog_bytes(PARTITIONS) == 0
        )

    async def owners(self) -> dict[int, str]:
        """Who holds each partition."""
        return dict(await self.books.rows("SELECT partition, owner FROM partitions WHERE owner IS NOT NULL"))

    async def owned(self, names: Iterable[str]) -> None:
        """Returns when every partition has an owner, and they are just these."""

        async def are_owned() -> bool:
            owners = await self.owners()
            return len(owners) == PARTITIONS and set(owners.values()) == set(names)

        await until(are_owned)

    async def checked(self) -> dict[str, int]:
        """The ledger, after all that can be checked was checked."""
        await self.books.assert_rollups_equal_rows()
        return await self.books.balanced()


@asynccontextmanager
async def staged(settings: Settings) -> AsyncIterator[Stage]:
    async with (
        Redis.from_url(settings.redis_url) as redis,
        await postgres.connect(settings.database_url) as connection,
    ):
        log = Log(redis)
        await log.prepare()
        yield Stage(settings, redis, log, Desk(connection, None, {}))  # type: ignore[arg-type]


def twelve(start: int) -> list[Any]:
    return [event(number, user_id=f"u{number % 5}") for number in range(start, start + 12)]


# --- the way of a batch -----------------------------------------------------------------------------------------------


async def test_what_is_appended_is_committed_and_trimmed(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        for sequence in (1, 2, 3):
            await stage.append(*twelve(sequence * 100), sequence=sequence)
            await stage.append(point(float(sequence)), name="host", sequence=sequence, project=2)
        await stage.stored(39)
        partition = partition_of(1, "web-1", PARTITIONS)
        assert await stage.redis.xlen(log_key(partition)) == 0
        assert await stage.checked() == {
            "received": 39,
            "stored": 39,
            "duplicate": 0,
            "rejected": 0,
            "dead": 0,
        }


async def test_what_was_appended_before_a_writer_came_is_committed(settings: Settings) -> None:
    async with staged(settings) as stage:
        for number in range(40):
            await stage.append(*twelve(number * 100), name=f"web-{number}", sequence=1)
        async with stage.writer(microbatch_events=50):
            await stage.stored(480)
        assert await stage.owners() == {}
        assert await stage.books.rows("SELECT * FROM writers") == []


async def test_commits_are_announced_with_what_they_touched(settings: Settings) -> None:
    async with staged(settings) as stage, stage.redis.pubsub() as channel:
        await channel.subscribe(COMMITS)
        await channel.get_message(timeout=5)
        entry_id = await stage.append(event(1), project=4)
        async with stage.writer():
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=20)
        minute = NOW_US // 60_000_000 * 60_000_000
        assert orjson.loads(message["data"]) == {
            "partition": partition_of(4, "web-1", PARTITIONS),
            "version": 1,
            "last_id": entry_id,
            "projects": {"4": [[minute, minute + 60_000_000]]},
            "names": {"4": ["clicked"]},
        }


async def test_poison_does_not_hold_up_what_follows(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        await stage.append(event(1), event(2, properties_json=b'{"a":1e-20000}'), sequence=1)
        await stage.append(event(3), sequence=2)
        await stage.stored(2)
        assert (await stage.checked())["dead"] == 1


async def test_an_entry_with_a_damaged_body_does_not_hold_up_what_follows(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        partition = partition_of(1, "web-1", PARTITIONS)
        fields = entry_fields(event(1))
        await stage.log.append(partition, (1, "web-1", 1, 1), (0, 0), 1, (fields[b"h"], fields[b"e"][::-1]))
        await stage.append(event(2), sequence=2)
        await stage.stored(1)
        assert (await stage.checked())["dead"] == 1


async def test_an_entry_of_a_later_release_stops_the_writer_and_stays_in_the_log(settings: Settings) -> None:
    async with staged(settings) as stage:
        fields = entry_of_header(v=99, kind="events")
        await stage.log.append(0, (1, "a", 1, 0), None, 1, (fields[b"h"], fields[b"e"]))
        task = asyncio.create_task(Writer(stage.log, stage.settings, "writer-1", asyncio.Event()).run())
        with pytest.raises(TooNew, match="version 99"):
            await asyncio.wait_for(task, 20)
        assert await stage.redis.xlen(log_key(0)) == 1


# --- writers that come, go and die ------------------------------------------------------------------------------------


async def test_a_writer_that_was_cut_off_goes_on_where_the_database_stands(settings: Settings) -> None:
    async with staged(settings) as stage:
        for round_ in range(4):
            await stage.append(*twelve(round_ * 100), sequence=round_ + 1)
            draining = asyncio.Event()
            task = asyncio.create_task(Writer(stage.log, settings, "writer-1", draining).run())
            if round_ % 2:
                await stage.stored(12 * (round_ + 1))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with stage.writer():
            await stage.stored(48)
        assert (await stage.checked())["duplicate"] == 0


async def test_a_writer_outlives_the_loss_of_its_database_session(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        for sequence in (1, 2, 3):
            await stage.append(*twelve(sequence * 100), sequence=sequence)
            await stage.stored(12 * sequence)
            await stage.books.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await stage.append(event(1), sequence=4)
        await stage.stored(37)
        assert (await stage.checked())["duplicate"] == 0


async def test_two_writers_share_and_the_last_one_takes_all(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer("one", lease_seconds=1.5):
        await stage.owned({"one"})
        async with stage.writer("two", lease_seconds=1.5):
            await stage.owned({"one", "two"})

            async def are_halves() -> bool:
                return sorted((await stage.owners()).values()) == ["one"] * 4 + ["two"] * 4

            await until(are_halves)
            for number in range(16):
                await stage.append(*twelve(number * 100), name=f"web-{number}", sequence=1)
            await stage.stored(16 * 12)
        await stage.owned({"one"})
        await stage.append(event(9999), name="web-0", sequence=2)
        await stage.stored(16 * 12 + 1)
        assert (await stage.checked())["duplicate"] == 0


async def test_a_commit_longer_than_the_lease_is_not_taken_for_death(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer("one", lease_seconds=3.0):
        await stage.owned({"one"})
        async with await postgres.connect(settings.database_url) as blocker:
            await blocker.execute("BEGIN")
            await blocker.execute("LOCK TABLE batches IN SHARE MODE")
            await stage.append(event(1), sequence=1)

            async def is_blocked() -> bool:
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'batches'::regclass"
                return bool(await stage.books.value(waiting))

            await until(is_blocked)
            async with stage.writer("two", lease_seconds=3.0):
                ((blocked_since,),) = await stage.books.rows("SELECT now()")

                async def have_passed() -> bool:
                    passed = "SELECT now() > %s + interval '3.5 seconds'"
                    return (await stage.books.rows(passed, blocked_since)) == [(True,)]

                await until(have_passed)
                assert set((await stage.owners()).values()) == {"one"}
                await blocker.execute("COMMIT")
                await stage.stored(1)
        partition = partition_of(1, "web-1", PARTITIONS)
        assert await stage.books.rows("SELECT batch_id FROM batches") == [(partition,)]


async def test_a_writer_that_is_fenced_begins_anew(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer(lease_seconds=30.0):
        await stage.owned({"writer-1"})
        before = counted("tidemark_writer_restarts_total", reason="fenced")
        await stage.books.connection.execute("UPDATE partitions SET epoch = epoch + 1")
        await stage.append(event(1), sequence=1)
        await stage.stored(1)
        assert counted("tidemark_writer_restarts_total", reason="fenced") == before + 1


# --- a log that has lost something ------------------------------------------------------------------------------------


async def test_an_emptied_log_is_an_alarm_and_new_events_flow(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where more than the whole backlog allowed was once committed: the lost past must not count as backlog."""
    async with staged(settings) as stage:
        async with stage.writer():
            for sequence in (1, 2, 3):
                await stage.append(*twelve(sequence * 100), sequence=sequence)
            await stage.stored(36)
        await stage.append(event(1), sequence=4)
        await stage.redis.flushall()
        before = counted("tidemark_log_regressions_total")
        with caplog.at_level(logging.ERROR):
            async with stage.writer():
                await stage.owned({"writer-1"})
                await until(stage.nothing_in_flight)
                assert counted("tidemark_log_regressions_total") == before + 1
                backlog = Backlog(stage.log, replace(settings, backlog_bytes=1000), PARTITIONS)
                assert await stage.log.backlog_bytes(PARTITIONS) == 0
                async with backlog.room(500, patience=0):
                    assert await stage.append(event(2), sequence=5) == "gap"
                    await stage.append(event(1), sequence=4)
                await stage.stored(37)
        (alarm,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert alarm.startswith(
            f"the log of partition {partition_of(1, 'web-1', PARTITIONS)} ends at None with 0 rows"
        )
        assert "Redis was emptied or restored from an older file" in alarm
        assert (await stage.checked())["stored"] == 37


async def test_a_log_restored_from_an_older_file_is_an_alarm_and_new_events_flow(settings: Settings) -> None:
    async with staged(settings) as stage:
        async with stage.writer():
            await stage.append(*twelve(100), sequence=1)
            await stage.stored(12)
            old = {key: await stage.redis.dump(key) for key in await stage.redis.keys("tm:*")}
            await stage.append(*twelve(200), sequence=2)
            await stage.stored(24)
        await stage.redis.flushall()
        for key, dump in old.items():
            await stage.redis.restore(key, 0, dump)
        before = counted("tidemark_log_regressions_total")
        async with stage.writer():
            await stage.owned({"writer-1"})
            await until(stage.nothing_in_flight)
            assert counted("tidemark_log_regressions_total") == before + 1
            assert await stage.append(*twelve(200), sequence=2) == "repeated"
            await stage.append(*twelve(300), sequence=3)
            await stage.stored(36)
        assert (await stage.checked())["duplicate"] == 0


async def test_what_came_after_the_loss_and_before_the_writer_is_committed(settings: Settings) -> None:
    """Its ids sort after the position, as the clock goes on; only the totals tell that something is missing."""
    async with staged(settings) as stage:
        async with stage.writer():
            await stage.append(*twelve(100), sequence=1)
            await stage.stored(12)
        await stage.redis.flushall()
        await stage.append(event(1), sequence=2)
        before = counted("tidemark_log_regressions_total")
        async with stage.writer():
            await stage.stored(13)
            await stage.append(event(2), sequence=3)
            await stage.stored(14)
        assert counted("tidemark_log_regressions_total") == before + 1
        assert (await stage.checked())["stored"] == 14


async def test_totals_of_a_log_with_a_damaged_entry_are_restored(settings: Settings) -> None:
    async with staged(settings) as stage:
        async with stage.writer():
            await stage.append(*twelve(100), sequence=1)
            await stage.stored(12)
        partition = partition_of(1, "web-1", PARTITIONS)
        await stage.redis.delete(meta_key(partition), projects_key(partition))
        await stage.redis.xadd(log_key(partition), {"h": b"damaged", "e": b""})
        async with stage.writer():
            await stage.append(event(1), sequence=2)
            await until(lambda: _dead_letters(stage))
        assert (await stage.books.balanced())["dead"] == 1


async def _dead_letters(stage: Stage) -> bool:
    return bool(await stage.books.value("SELECT count(*) FROM dead_letters"))


async def test_no_alarm_is_sounded_where_nothing_is_lost(settings: Settings) -> None:
    before = counted("tidemark_log_regressions_total")
    async with staged(settings) as stage:
        for sequence in (1, 2, 3):
            await stage.append(event(sequence), sequence=sequence)
            async with stage.writer():
                await stage.stored(sequence)
    assert counted("tidemark_log_regressions_total") == before


_FORGED: dict[str, Any] = {
    "v": 1, "kind": "events", "project": 1, "producer": "web-1", "epoch": 1, "sequence": 0, "sent": 0, "received": NOW_US,
    "accepted": 1, "rejected": 0, "crc": 0,
}  # fmt: skip


async def test_entries_that_no_ingest_has_written_do_not_hold_up_what_follows(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        forged = [
            entry_of_header(**_FORGED | change)
            for change in (
                {"project": 2**40},
                {"producer": "\0"},
                {"received": 10**18},
                {"sent": -1},
                {"epoch": None},
            )
        ]
        unread = b'00000000{"project":99999999999,"producer":"\\u0000","accepted":1}'
        for fields in (*forged, {b"h": unread}, {b"x": b"y"}):
            await stage.redis.xadd(log_key(partition_of(1, "web-1", PARTITIONS)), fields)
        await stage.append(event(1), sequence=1)
        await until(lambda: stage.books.value("SELECT count(*) FROM events"))
        assert await stage.books.value("SELECT count(*) FROM dead_letters") == 7
