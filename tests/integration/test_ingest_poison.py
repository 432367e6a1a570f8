"""What cannot be committed is set aside, all else is committed, and a partition with too much of it waits for somebody to look."""

import asyncio
import logging
from typing import Any

import pytest

from services.ingest.writer import Writer
from services.kit.keys import log_key, partition_of
from services.kit.settings import Settings
from tests.conftest import counted
from tests.ingesting import entry_fields, event, point
from tests.integration.test_ingest_writer import PARTITIONS, Stage, staged
from tests.polling import until

POISON = "poison"
HERE = partition_of(1, "web-1", PARTITIONS)
_LETTERS = """
SELECT reason, message, kind, rows, name, count(*) FROM dead_letters GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
_STANDING = "SELECT paused_at IS NOT NULL, paused_because FROM partitions WHERE partition = %s"
_RESUME = """
UPDATE partitions SET paused_at = NULL, paused_because = '', resumed_to = %s WHERE partition = %s
"""


async def refuse(stage: Stage, table: str = "events", column: str = "name", value: str = POISON) -> None:
    """Makes the database refuse rows by a rule that the writer knows nothing of."""
    await stage.books.connection.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({column} <> '{value}')"
    )


async def letters(stage: Stage, count: int) -> None:
    """Returns when so many rows are dead-lettered and open."""

    async def are_there() -> bool:
        rows = "SELECT coalesce(sum(rows), 0) FROM dead_letters WHERE state = 1"
        return bool(await stage.books.value(rows) == count)

    await until(are_there)


async def paused(stage: Stage, partition: int = HERE) -> str:
    """Returns when the partition is paused; gives why."""

    async def is_paused() -> str:
        ((pausing, because),) = await stage.books.rows(_STANDING, partition)
        return str(because) if pausing else ""

    return await until(is_paused)


def bad(*numbers: int) -> list[Any]:
    return [event(number, name=POISON) for number in numbers]


# --- poison -----------------------------------------------------------------------------------------------------------


async def test_one_poisoned_batch_of_many_is_found_and_set_aside(settings: Settings) -> None:
    async with staged(settings) as stage:
        await refuse(stage)
        for sequence in range(1, 21):
            rows = [event(10 * sequence), event(10 * sequence + 1, name=POISON if sequence == 13 else "good")]
            await stage.append(*rows, sequence=sequence)
        before = counted("tidemark_writer_restarts_total", reason="poisoned")
        async with stage.writer():
            await stage.stored(38)
            await letters(stage, 2)
            assert counted("tidemark_writer_restarts_total", reason="poisoned") == before + 1
            await stage.append(event(999), sequence=21)
            await stage.stored(39)
        ((reason, message, *_), other) = await stage.books.rows(_LETTERS)
        assert reason == "POISON"
        assert 'violates check constraint "refused"' in message
        assert {other[4], (await stage.books.rows(_LETTERS))[0][4]} == {"clicked", POISON}
        assert (await stage.checked()) == {
            "received": 41, "stored": 39, "duplicate": 0, "rejected": 0, "dead": 2,
        }  # fmt: skip


async def test_poison_in_several_partitions_holds_up_none(settings: Settings) -> None:
    async with staged(settings) as stage:
        await refuse(stage)
        for number in range(24):
            name = f"web-{number}"
            rows = bad(1) if number % 5 == 0 else [event(1000 + number)]
            await stage.append(*rows, name=name, sequence=1)
            await stage.append(point(1.0), point(2.0), name=f"host-{number}", sequence=1)
        async with stage.writer():
            await stage.stored(19 + 48)
            await letters(stage, 5)
        assert (await stage.checked())["dead"] == 5


async def test_poison_that_comes_while_the_writer_is_at_work_is_set_aside(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer():
        await refuse(stage)
        for sequence in range(1, 61):
            await stage.append(event(sequence, name=POISON if sequence % 20 == 0 else "x"), sequence=sequence)
        await stage.stored(57)
        await letters(stage, 3)
        assert (await stage.checked())["dead"] == 3


async def test_poison_beyond_the_limits_of_the_database_is_set_aside(settings: Settings) -> None:
    """An error of class 54 is an operational one, and no absence."""
    async with staged(settings) as stage, stage.writer():
        await stage.books.connection.execute(
            "CREATE INDEX ON events ((repeat(md5(name), CASE WHEN name = 'poison' THEN 1 ELSE 0 END) || properties::text))"
        )
        noise = ",".join(f'"{hash_}"' for hash_ in (await stage.books.rows(_NOISE))[0][0])
        await stage.append(
            event(1, name=POISON, properties_json=b'{"a":[' + noise.encode() + b"]}"), sequence=1
        )
        await stage.append(event(2), sequence=2)
        await stage.stored(1)
        await letters(stage, 1)
        ((reason, message, *_),) = await stage.books.rows(_LETTERS)
        assert (reason, "index row" in message) == ("POISON", True)


_NOISE = "SELECT array_agg(md5(n::text)) FROM generate_series(1, 1500) AS n"


async def test_an_entry_that_cannot_even_become_a_dead_letter_pauses_its_partition_alone(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(settings) as stage, stage.writer():
        await refuse(stage, "ledger", "producer_id", "web-1")
        await stage.append(event(1), sequence=1)
        with caplog.at_level(logging.ERROR):
            because = await paused(stage)
        assert because.startswith("entry ")
        assert "cannot even be kept as dead letters" in because
        others = [name for number in range(20) if partition_of(1, name := f"x-{number}", PARTITIONS) != HERE]
        for name in others:
            await stage.append(event(1000 + int(name[2:])), name=name, sequence=1)
        await until(lambda: _count(stage, len(others)))
        assert await stage.redis.xlen(log_key(HERE)) == 1
        await stage.books.connection.execute("ALTER TABLE ledger DROP CONSTRAINT refused")
        await stage.books.connection.execute(_RESUME, ("0-0", HERE))
        await stage.stored(len(others) + 1)
        assert (await stage.checked())["dead"] == 0


async def _count(stage: Stage, count: int) -> bool:
    return bool(await stage.books.value("SELECT count(*) FROM events") == count)


# --- pausing ----------------------------------------------------------------------------------------------------------


async def test_a_partition_pauses_where_too_much_of_it_cannot_be_stored_and_the_others_go_on(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(settings) as stage:
        await refuse(stage)
        for sequence in range(1, 11):
            await stage.append(*bad(*range(10 * sequence, 10 * sequence + 10)), sequence=sequence)
        with caplog.at_level(logging.ERROR):
            async with stage.writer(dead_letter_rows=40):
                because = await paused(stage)
                assert because.startswith("40 of 40 recent rows cannot be stored, more than 50%")
                name = next(f"x-{n}" for n in range(20) if partition_of(1, f"x-{n}", PARTITIONS) != HERE)
                await stage.append(event(1000), name=name, sequence=1)
                await until(lambda: _count(stage, 1))
                await letters(stage, 40)
                assert await stage.redis.xlen(log_key(HERE)) == 6
                assert counted("tidemark_writer_paused_partitions") == 1
                assert await stage.log.backlog_bytes(PARTITIONS) > 0
                assert (await stage.owners())[HERE] == "writer-1"
                # Once resumed, what waits becomes letters however much it is, and what comes later counts anew.
                newest = await stage.log.last_generated_id(HERE)
                await stage.books.connection.execute(_RESUME, (newest, HERE))
                await letters(stage, 100)
                await until(stage.nothing_in_flight)
                await stage.append(*bad(*range(500, 539)), sequence=11)
                await letters(stage, 139)
                await stage.append(*bad(*range(600, 602)), sequence=12)
                assert (await paused(stage)).startswith("41 of 41 recent rows")
        assert any(f"partition {HERE} pauses" in record.getMessage() for record in caplog.records)
        assert (await stage.books.balanced())["dead"] == 141


async def test_a_paused_partition_stays_paused_with_its_next_writer_and_its_watermark_stands(
    settings: Settings,
) -> None:
    async with staged(settings) as stage:
        await stage.append(event(1), sequence=1)
        async with stage.writer():
            await stage.stored(1)
        await stage.books.connection.execute("UPDATE partitions SET paused_at = now(), paused_because = 'x'")
        await stage.append(event(2), sequence=2)
        watermark = f"SELECT watermark FROM partitions WHERE partition = {HERE}"
        stood = await stage.books.value(watermark)
        async with stage.writer("writer-2", lease_seconds=0.6):
            await stage.owned({"writer-2"})
            seen = "SELECT seen_at FROM writers WHERE writer = 'writer-2'"
            first = await stage.books.value(seen)

            async def has_beaten() -> bool:
                return bool(await stage.books.value(seen) > first)

            await until(has_beaten)
            assert await stage.books.value(watermark) == stood
            assert await _count(stage, 1)
            await stage.books.connection.execute("UPDATE partitions SET paused_at = NULL")
            await stage.stored(2)


async def test_faults_of_schemas_and_rules_never_pause_a_partition(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer(dead_letter_rows=10):
        for number in range(5):
            rows = [event(100 * number + row) for row in range(20)]
            fields = entry_fields(*rows, faults=dict.fromkeys(range(20), ("RULE", "name", "?")), sequence=0)
            await stage.log.append(HERE, (1, "web-1", 1, 0), None, 20, (fields[b"h"], fields[b"e"]))
            await letters(stage, 20 * (number + 1))
        await stage.append(event(9999), sequence=1)
        await stage.stored(1)
        assert (await stage.checked())["dead"] == 100


async def test_corrupt_entries_pause_a_partition_too(settings: Settings) -> None:
    async with staged(settings) as stage, stage.writer(dead_letter_rows=5):
        for _ in range(5):
            await stage.redis.xadd(log_key(HERE), {"h": b"damaged", "e": b""})
        assert "5 of 5 recent rows" in await paused(stage)
        assert (await stage.books.balanced())["dead"] == 5


async def test_a_writer_that_dies_among_poison_leaves_books_that_balance(settings: Settings) -> None:
    versions = "SELECT sum(version) FROM partitions"
    async with staged(settings) as stage:
        await refuse(stage)
        for sequence in range(1, 41):
            await stage.append(event(sequence, name=POISON if sequence % 7 == 0 else "x"), sequence=sequence)
        for _ in range(4):
            known = await stage.books.value(versions)
            task = asyncio.create_task(Writer(stage.log, settings, "writer-1", asyncio.Event()).run())

            async def has_committed(known: int = known) -> bool:
                return bool(await stage.books.value(versions) > known)

            await until(has_committed)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if await stage.nothing_in_flight():
                break
        async with stage.writer():
            await stage.stored(35)
            await letters(stage, 5)
        assert (await stage.checked())["duplicate"] == 0
