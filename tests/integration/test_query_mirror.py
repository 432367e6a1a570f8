"""The mirror: whatever happens to it, every event is in exactly one place, and questions are answered as if it were not there."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local.ports import free_port
from deploy.local.suite import ROOT
from services.kit.calendar import Span
from services.kit.keys import meta_key
from services.kit.postgres import connect
from services.query.columnar import store, worker
from services.query.columnar.scan import Scan, Text
from services.query.columnar.segment import FAN_IN, Frontier
from services.query.columnar.store import Outrun
from services.query.fields import field
from services.query.filter import EVERYTHING, Members
from tests import polling
from tests.conftest import counted
from tests.integration.mirroring import BEGIN, DAYS, Stage, stage
from tidemark.v1 import question_pb2 as q

__all__ = ["stage"]

SPAN = Span(BEGIN - timedelta(days=60), BEGIN + timedelta(days=60))
ALL = Scan(SPAN, EVERYTHING, (Text("k", field("properties.k", q.SOURCE_EVENTS, "field")),), anonymous=True)
LIVE = "SELECT count(*)::int FROM segments WHERE retired_at IS NULL"


def files(stage: Stage) -> list[Path]:
    return sorted(Path(stage.folder).glob("*/*.parquet"))


def assert_answers_are_those_of_rows(stage: Stage, source: str = "DATA_SOURCE_SEGMENT") -> None:
    found = stage.scanned(stage.mixed, ALL)
    assert found.to_pylist() == stage.scanned(stage.plain, ALL).to_pylist()
    assert found.schema.metadata[b"source"].decode() == source


def fallen_back() -> float:
    return counted("tidemark_segment_fallbacks_total", reason="broken")


def test_what_comes_late_is_in_a_segment_of_its_month(stage: Stage) -> None:
    stage.happen(50, days=1)
    stage.mirror()
    stage.happen(5, days=1, since=BEGIN - timedelta(days=40))
    stage.whole()
    stage.mirror()
    assert stage.rows("SELECT month::text, sum(rows)::int FROM segments GROUP BY month ORDER BY month") == [
        ("2026-01-01", 5),
        ("2026-02-01", 50),
    ]
    stage.whole()
    assert_answers_are_those_of_rows(stage)


def test_the_tail_alone_is_read_from_rows(stage: Stage) -> None:
    stage.happen(30)
    stage.mirror()
    stage.happen(7, days=1)
    stage.whole()
    assert_answers_are_those_of_rows(stage)


def test_without_anything_mirrored_rows_answer(stage: Stage) -> None:
    assert_answers_are_those_of_rows(stage, "DATA_SOURCE_RAW")
    stage.happen(30)
    assert_answers_are_those_of_rows(stage, "DATA_SOURCE_RAW")


def test_small_segments_become_one(stage: Stage) -> None:
    for _ in range(FAN_IN):
        stage.happen(20, days=1)
        stage.mirror()
    assert stage.rows(LIVE) == [(FAN_IN,)]
    stage.mirror(merges=2)
    assert stage.rows(LIVE) == [(1,)]
    stage.whole()
    assert_answers_are_those_of_rows(stage)
    assert len(files(stage)) == FAN_IN + 1
    stage.mirror(sweep=True)
    assert len(files(stage)) == 1
    assert stage.rows("SELECT count(*)::int FROM segments") == [(1,)]
    assert_answers_are_those_of_rows(stage)


def test_what_a_question_reads_is_kept_until_it_has_ended(stage: Stage) -> None:
    for _ in range(FAN_IN):
        stage.happen(20, days=1)
        stage.mirror()

    async def ask() -> tuple[int, str]:
        async with stage.mixed.snapshot(1, 30.0) as snapshot:
            await snapshot.facts()
            patient = replace(stage.settings, mirror_grace_seconds=600.0)
            async with stage.session(patient) as session:
                await session.merge_one()
                await session.sweep()
            table = await snapshot.scan(ALL)
            return len(table), table.schema.metadata[b"source"].decode()

    before = fallen_back()
    assert stage.runner.run(ask()) == (FAN_IN * 20, "DATA_SOURCE_SEGMENT")
    assert fallen_back() == before


def damages() -> dict[str, Callable[[Path], object]]:
    return {
        "missing": lambda file: file.unlink(),
        "cut short": lambda file: os.truncate(file, file.stat().st_size // 2),
        "overwritten": lambda file: file.write_bytes(b"\0" * file.stat().st_size),
    }


@pytest.mark.parametrize("damage", damages())
def test_rows_answer_where_a_file_is_damaged_and_it_is_written_anew(stage: Stage, damage: str) -> None:
    stage.happen(60, days=1)
    stage.mirror()
    damages()[damage](files(stage)[0])
    before = fallen_back()
    assert_answers_are_those_of_rows(stage, "DATA_SOURCE_RAW")
    assert fallen_back() == before + 1
    # The frontier begins anew once the damage is found, and everything is mirrored again.
    stage.mirror(sweep=True)
    stage.mirror()
    stage.whole()
    assert_answers_are_those_of_rows(stage)


def test_a_file_that_nobody_knows_is_removed(stage: Stage) -> None:
    stage.happen(10, days=1)
    stage.mirror()
    left = Path(stage.folder, "1", "0a1b2c3d-0000-4000-8000-000000000000.parquet")
    left.write_bytes(b"half of a segment")
    patient = replace(stage.settings, mirror_grace_seconds=600.0)
    stage.mirror(sweep=True, settings=patient)
    assert left.exists()
    stage.mirror(sweep=True)
    assert not left.exists()
    assert_answers_are_those_of_rows(stage)


def test_few_new_rows_wait_for_more_or_for_their_time(stage: Stage) -> None:
    patient = replace(stage.settings, mirror_rows=100, mirror_seconds=3600.0)
    stage.happen(10, days=1)
    stage.mirror(settings=patient)
    assert stage.rows(LIVE) == [(1,)]
    stage.happen(99, days=1)
    stage.mirror(settings=patient)
    assert stage.rows(LIVE) == [(1,)]
    stage.happen(1, days=1)
    stage.mirror(settings=patient)
    assert stage.rows(LIVE) == [(2,)]


def test_writers_that_are_behind_are_waited_for(stage: Stage) -> None:
    async def appended(count: int) -> None:
        async with Redis.from_url(stage.redis_url) as redis:
            await redis.hset(meta_key(0), "received", count)

    patient = replace(stage.settings, mirror_seconds=3600.0)
    stage.happen(10, days=1)
    stage.runner.run(appended(10 + worker.BEHIND_ROWS))
    stage.mirror(settings=patient)
    assert stage.rows(LIVE) == [(0,)]
    stage.runner.run(appended(10))
    stage.mirror(settings=patient)
    assert stage.rows(LIVE) == [(1,)]


def test_one_of_two_mirrors_is_elected(stage: Stage) -> None:
    async def elect() -> list[bool]:
        async with await connect(stage.url) as one, await connect(stage.url) as two:
            found = [await store.elected(one), await store.elected(two)]
            await one.close()
            # The server notices a moment later.
            return [*found, await polling.until(lambda: store.elected(two))]

    assert stage.runner.run(elect()) == [True, False, True]


def test_a_mirror_that_was_outrun_changes_nothing(stage: Stage) -> None:
    stage.happen(10, days=1)
    stage.mirror()
    before = stage.rows("SELECT batches, versions, received FROM frontiers")

    async def advance() -> None:
        async with await connect(stage.url) as connection:
            await store.advance(connection, 1, Frontier((), (), 0), Frontier((9,), (9,), 9), [])

    with pytest.raises(Outrun):
        stage.runner.run(advance())
    assert stage.rows("SELECT batches, versions, received FROM frontiers") == before


def test_people_of_a_cohort_are_found_in_segments(stage: Stage) -> None:
    stage.happen(200)
    stage.mirror()
    stage.happen(20)
    of = replace(ALL, condition=Members("projects/p/cohorts/c", ("u1", "u5", "nobody")))
    found = stage.scanned(stage.mixed, of)
    assert {row["user"] for row in found.to_pylist()} == {"u1", "u5"}
    assert found.to_pylist() == stage.scanned(stage.plain, of).to_pylist()


def test_cuts_keep_one_row_of_each_user_and_piece_of_time(stage: Stage) -> None:
    stage.happen(400)
    stage.mirror()
    days = tuple(BEGIN + timedelta(days=day) for day in range(DAYS - 1))
    asked = replace(ALL, columns=(), cuts=days)
    found, every = (stage.scanned(each, asked).to_pylist() for each in (stage.mixed, stage.plain))

    def told(rows: list[dict[str, object]]) -> set[tuple[object, int]]:
        edges = [int(day.timestamp() * 1e6) for day in days]
        return {(row["user"], sum(edge <= row["at"] for edge in edges)) for row in rows}  # type: ignore[operator]

    assert told(found) == told(every)
    assert len(found) < len(every)
    last = int(days[-1].timestamp() * 1e6)
    assert [row for row in found if row["at"] >= last] == [row for row in every if row["at"] >= last]
    # Each of the two segments tells of a piece of time by itself.
    pieces = {each for each in told(every) if each[1] < len(days)}
    assert len([row for row in found if row["at"] < last]) <= 2 * len(pieces)


def test_a_caller_who_goes_away_ends_the_reading(stage: Stage) -> None:
    stage.happen(50)
    stage.mirror()

    async def leave() -> int:
        async with stage.mixed.snapshot(1, 30.0) as snapshot:
            asking = asyncio.create_task(snapshot.scan(ALL))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        async with stage.mixed.snapshot(1, 30.0) as snapshot:
            return len(await snapshot.scan(ALL))

    assert stage.runner.run(leave()) == 50


def test_a_connection_that_was_lost_is_opened_anew(stage: Stage) -> None:
    stage.happen(30)
    stage.mirror()
    stage.happen(5)
    assert_answers_are_those_of_rows(stage)
    stage.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert_answers_are_those_of_rows(stage)


@contextmanager
def mirror_process(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """The target as a process, killed at the end."""
    own = {
        "TIDEMARK_DATABASE_URL": stage.url,
        "TIDEMARK_REDIS_URL": stage.redis_url,
        "TIDEMARK_SEGMENTS_FOLDER": stage.folder,
        "TIDEMARK_METRICS_PORT": str(free_port()),
        "TIDEMARK_MIRROR_ROWS": "1",
        "TIDEMARK_MIRROR_SECONDS": "0",
        "TIDEMARK_MIRROR_GRACE_SECONDS": "600",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "mirror"],
        cwd=ROOT,
        env={**os.environ, **own},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_mirror_that_is_killed_loses_nothing_and_counts_nothing_twice(stage: Stage) -> None:
    stage.happen(100)
    stage.mirror()
    for _ in range(5):
        # Two of them: one works, the other waits to take over.
        with mirror_process(stage) as one, mirror_process(stage) as two:
            for _ in range(3):
                known = len(files(stage))
                stage.happen(30)
                # A new file is there before any row tells of it: whoever made it dies now, or just after it told.
                until(lambda known=known: len(files(stage)) > known)  # type: ignore[misc]
                if stage.random.random() < 0.5:
                    one.kill()
            assert two.poll() is None
        stage.whole()
        assert_answers_are_those_of_rows(stage)
    stage.mirror(merges=5)
    stage.whole()
    assert_answers_are_those_of_rows(stage)
    stage.mirror(sweep=True)
    assert len(files(stage)) == stage.rows(LIVE)[0][0]
    stage.whole()
    assert_answers_are_those_of_rows(stage)
