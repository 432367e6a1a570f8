"""A person is removed from everywhere, for good, whoever dies meanwhile; what is known of others stays as it was."""

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from psycopg import sql
from redis.asyncio import Redis

from deploy.local.ports import free_port
from deploy.local.suite import ROOT
from services.admin.service import admin, bootstrap
from services.ingest.erasure import certificate
from services.ingest.erasure import store as erasures
from services.ingest.erasure.worker import Eraser
from services.ingest.service import ingest, writer
from services.ingest.store import Fenced
from services.kit.calendar import Span
from services.kit.postgres import connect
from services.kit.settings import Settings
from services.query.columnar import store as segments
from services.query.columnar.scan import Scan
from services.query.columnar.segment import FAN_IN
from services.query.filter import EVERYTHING
from services.query.service import mirror, query
from tests.conftest import Served, Suite, refusal
from tests.ingesting import NOW_US, entry_fields, event, event_batch
from tests.integration.committing import Desk, desk
from tests.integration.mirroring import BEGIN
from tests.integration.mirroring import Stage as Mirroring
from tests.integration.mirroring import stage as mirroring
from tests.polling import until
from tidemark import questions
from tidemark.v1 import cohort_pb2, event_pb2, ingest_pb2, query_pb2, question_pb2, retention_pb2, window_pb2
from tidemark.v1.cohort_pb2_grpc import CohortServiceStub
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub
from tidemark.v1.retention_pb2_grpc import RetentionServiceStub
from tidemark.v1.window_pb2_grpc import WindowServiceStub

__all__ = ["mirroring"]

GONE = "ann-of-the-green-house"
"""The person; a text that stands nowhere by chance."""
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
BEGIN_US = NOW_US - 10 * DAY_US  # The 22nd of December.
COUNTED = window_pb2.WindowAggregate(id="n", aggregation=question_pb2.AGGREGATION_COUNT)
COMPLETE = retention_pb2.Erasure.STATE_COMPLETE
COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
SPAN: questions.When = {"start": "2025-12-20", "end": "2026-01-10"}
FILES = "SELECT project_id || '/' || segment_id || '.parquet' FROM segments WHERE retired_at IS NULL"
TABLES = """
SELECT table_name FROM information_schema.tables WHERE table_schema = 'tidemark' AND table_type = 'BASE TABLE'
"""


@dataclass(frozen=True)
class Stage:
    """Services under way."""

    served: Served

    async def send(self, *events: event_pb2.Event, producer: str = "web-1") -> None:
        """Has events committed."""
        stub = IngestServiceStub(self.served.channel)
        request = ingest_pb2.PublishBatchRequest(
            batch=event_batch(*events, sequence=0, name=producer), ack_mode=COMMITTED
        )
        answer = await stub.PublishBatch(request, metadata=self.served.key("ingest"))
        assert not answer.rejections

    async def erase(self, user_id: str = GONE) -> retention_pb2.Erasure:
        """Asks for an erasure."""
        request = retention_pb2.EraseUserRequest(parent="projects/demo", user_id=user_id)
        stub = RetentionServiceStub(self.served.channel)
        return (await stub.EraseUser(request, metadata=self.served.key("admin"))).erasure

    async def completed(self, name: str) -> retention_pb2.Erasure:
        """The certificate, once there is one."""
        stub = RetentionServiceStub(self.served.channel)

        async def look() -> retention_pb2.Erasure | None:
            request = retention_pb2.GetErasureRequest(name=name)
            found = (await stub.GetErasure(request, metadata=self.served.key("admin"))).erasure
            return found if found.state == COMPLETE else None

        return await until(look, 60.0)

    async def people(self) -> list[str]:
        """Whom questions find."""
        asked = questions.table(measure=["count"], by=["user_id"], top=100, **SPAN)
        request = query_pb2.RunQueryRequest(project="projects/demo", query=asked)
        answer = await QueryServiceStub(self.served.channel).RunQuery(
            request, metadata=self.served.key("viewer")
        )
        return sorted(row.group[0] for row in answer.table.rows)

    async def balanced(self) -> bool:
        """What the ledger says of itself."""
        request = query_pb2.GetLedgerRequest(project="projects/demo")
        stub = QueryServiceStub(self.served.channel)
        return bool((await stub.GetLedger(request, metadata=self.served.key("viewer"))).balanced)


@asynccontextmanager
async def staged(suite: Suite, **changes: object) -> AsyncIterator[Stage]:
    async with suite(ingest, writer, query, admin, mirror, **changes) as served:
        yield Stage(served)


def history(
    user_id: str, first: int, days: Sequence[int] = (0, 1, 2), each: int = 20
) -> list[event_pb2.Event]:
    """Events of somebody on several days, of two names."""
    return [
        event(
            first + 1000 * day + i,
            at_us=BEGIN_US + day * DAY_US + i * HOUR_US // 2,
            user_id=user_id,
            name="ordered" if i % 3 else "clicked",
        )
        for day in days
        for i in range(each)
    ]


async def found_in(url: str, text: str) -> list[str]:
    """The tables of which some row holds a text, as text or as bytes."""
    found = []
    async with await connect(url) as connection:
        for (table,) in await (await connection.execute(TABLES)).fetchall():
            asked = sql.SQL(
                "SELECT count(*) FROM {} AS t WHERE position(%s IN t::text) > 0 OR position(%s IN t::text) > 0"
            )
            cursor = await connection.execute(
                asked.format(sql.Identifier(table)), (text, text.encode().hex())
            )
            ((count,),) = await cursor.fetchall()
            found += [table] if count else []
    return found


async def redis_holds(redis: Redis, text: str) -> list[bytes]:
    """The keys of Redis that hold a text, in their name or in what they hold."""
    return [
        key
        async for key in redis.scan_iter(count=1000)
        if text.encode() in key or text.encode() in (await redis.dump(key) or b"")
    ]


async def test_a_person_is_in_nothing_any_more_and_all_else_is_as_it_was(suite: Suite, tmp_path: Any) -> None:
    folder = tmp_path / "segments"
    changes = {"segments_folder": str(folder), "mirror_seconds": 0.0, "mirror_rows": 1}
    async with staged(suite, **changes) as stage:
        url = stage.served.resources.settings.database_url
        cohorts = CohortServiceStub(stage.served.channel)
        cohort = cohort_pb2.Cohort(people=cohort_pb2.CohortPeople(user_ids=[GONE, "bob"]))
        await cohorts.CreateCohort(
            cohort_pb2.CreateCohortRequest(parent="projects/demo", cohort_id="vip", cohort=cohort),
            metadata=stage.served.key("admin"),
        )
        for key in (["user_id"], []):
            window = window_pb2.Window(display_name="hours", key=key, aggregates=[COUNTED])
            window.tumbling.size.seconds = 3600
            window.allowed_lateness.seconds = 30 * 86_400
            await WindowServiceStub(stage.served.channel).CreateWindow(
                window_pb2.CreateWindowRequest(parent="projects/demo", window=window),
                metadata=stage.served.key("admin"),
            )
        alarm = event(1, at_us=BEGIN_US, user_id=GONE, type=event_pb2.EVENT_TYPE_ERROR_EVENT, name="failed")
        await stage.send(*history(GONE, 10_000), *history("bob", 20_000), alarm)
        await stage.send(*history(GONE, 30_000, (2, 3)), *history("eve", 40_000, (1, 3)), producer="web-2")
        async with desk_of(url) as books:
            kept = await without(books, GONE)

            async def mirrored() -> bool:
                return bool(
                    await books.value("SELECT sum(rows) = 201 FROM segments WHERE retired_at IS NULL")
                )

            await until(mirrored)
            assert set(await stage.people()) >= {GONE, "bob", "eve"}
            assert sorted(await found_in(url, GONE)) == ["cohort_people", "events", "window_results"]
            assert len(await redis_holds(stage.served.resources.redis, GONE)) == 1  # What is critical.

            asked = await stage.erase()
            found = await stage.completed(asked.name)

            await books.assert_rollups_equal_rows()
            assert await without(books, GONE) == kept
            parts = {part.place: part.count for part in found.parts}
            assert parts["events"] == 101
            assert parts["cohorts"] == 1
            assert parts["segments"] >= 1
            assert parts["dead_letters"] == 0
            assert parts["rollups_1d"] >= 8
            assert parts["windows"] > 0
            counts = await books.rows(
                "SELECT sum(count), sum(dropped_count) FROM window_results GROUP BY window_number"
            )
            assert [sum(row) for row in counts] == 2 * [len(kept)], (
                "each window has every event of the others once"
            )
            assert found.user_sha256 == certificate.user_sha256(found.name, GONE)
        assert await found_in(url, GONE) == []
        assert [file.name for file in folder.rglob("*.parquet") if GONE.encode() in file.read_bytes()] == []
        assert await redis_holds(stage.served.resources.redis, GONE) == []
        assert await stage.people() == ["bob", "eve"]
        assert await stage.balanced()
        listed = await cohorts.GetCohort(
            cohort_pb2.GetCohortRequest(name="projects/demo/cohorts/vip"), metadata=stage.served.key("admin")
        )
        assert list(listed.cohort.people.user_ids) == ["bob"]


async def without(books: Desk, user_id: str) -> list[tuple[Any, ...]]:
    """Everything that is known of the events of others."""
    return await books.rows(
        "SELECT event_id, occurred_at, batch_id, name, user_id FROM events WHERE user_id <> %s ORDER BY event_id",
        user_id,
    )


@asynccontextmanager
async def desk_of(url: str) -> AsyncIterator[Desk]:
    """The books of a database whose partitions others write."""
    async with await connect(url) as connection:
        yield Desk(connection, None, {})  # type: ignore[arg-type]


@dataclass
class Books:
    """A writer's desk, and an eraser that takes one step at a time, as if it were killed after each."""

    desk: Desk
    url: str
    redis: Redis

    async def ask(self, user_id: str = GONE) -> None:
        """Asks for an erasure of whom nothing is in the log any more."""
        await self.desk.rows(
            "INSERT INTO erasures (erasure_id, project_id, user_id, user_sha256, requested_by, waits_for)"
            " VALUES ('e' || md5(%s), 1, %s, '', 'me', '{}') RETURNING 1",
            user_id,
            user_id,
        )

    async def step(self) -> bool:
        """The next step, taken by whom nobody has seen before."""
        async with await connect(self.url) as connection:
            return await Eraser(connection, self.redis).step()

    async def erase(self) -> list[str]:
        """Takes all steps; the state of the erasures after each."""
        states = []
        while await self.step():
            states.append(await self.desk.value("SELECT string_agg(state::text, '') FROM erasures"))
        return states


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Books]:
    await bootstrap(settings)
    async with desk(settings.database_url) as made, Redis.from_url(settings.redis_url) as redis:
        yield Books(made, settings.database_url, redis)


async def test_every_step_can_be_the_last_one_of_its_process(settings: Settings) -> None:
    async with opened(settings) as books:
        await books.desk.commit(entry_fields(*history(GONE, 1000, (0, 1, 5)), *history("bob", 9000, (0, 5))))
        await books.ask()
        # It begins, searches, removes three days, then what Redis holds, and is complete.
        assert await books.erase() == ["2", "2", "2", "2", "2", "2", "3"]
        assert await books.desk.value("SELECT count(*) FROM events WHERE user_id <> 'bob'") == 0
        await books.desk.assert_rollups_equal_rows()
        assert await books.desk.value("SELECT sum(rows) FROM removed_rows") == 60
        assert await books.desk.value("SELECT count(*) FROM erasures WHERE user_id IS NOT NULL") == 0
        assert not await books.step()


async def test_a_writer_that_remembers_the_person_does_not_bring_them_back(settings: Settings) -> None:
    async with opened(settings) as books:
        await books.desk.commit(entry_fields(*history(GONE, 1000, (0,)), *history("bob", 9000, (0,))))
        await books.ask()
        await books.erase()
        later = entry_fields(*history("eve", 5000, (0,)), sequence=2)
        with pytest.raises(Fenced):
            await books.desk.commit(later)
        async with desk(books.url, writer="writer-2") as fresh:
            await fresh.connection.execute("UPDATE partitions SET leased_until = '-infinity'")
        async with desk(books.url, writer="writer-2") as fresh:
            await fresh.commit(later)
            await fresh.assert_rollups_equal_rows()


async def test_what_is_committed_while_a_day_is_counted_is_counted_too(settings: Settings) -> None:
    async with opened(settings) as books:
        await books.desk.commit(entry_fields(*history(GONE, 1000, (0,)), *history("bob", 9000, (0,))))
        await books.ask()
        await books.step()
        await books.step()
        async with await connect(books.url) as connection:
            [work] = await erasures.under_way(connection)
            day = await erasures.next_day(connection, work)
            assert day is not None
            plain = erasures._recounted

            async def disturbed(*arguments: Any) -> Any:
                found = await plain(*arguments)
                await books.desk.commit(entry_fields(*history("eve", 5000, (0,)), sequence=2))
                return found

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(erasures, "_recounted", disturbed)
                assert await erasures.erase(connection, work, day, locked=False) is None
            assert (
                await books.desk.value("SELECT count(*) FROM events WHERE user_id NOT IN ('bob', 'eve')")
                == 20
            )
            assert await erasures.erase(connection, work, day, locked=True)
        await books.desk.assert_rollups_equal_rows()
        assert await books.desk.value("SELECT count(*) FROM events WHERE user_id NOT IN ('bob', 'eve')") == 0


async def test_dead_letters_of_the_person_go_and_those_of_others_stay(settings: Settings) -> None:
    letters = (
        "INSERT INTO dead_letters (project_id, batch_id, received_at, reason, message, content, user_id)"
        " VALUES (1, 0, now(), %s, '', %s, %s) RETURNING dead_letter_id"
    )
    async with opened(settings) as books:

        async def letter(content: bytes, user_id: str | None = None, reason: str = "UNSTORABLE") -> int:
            [(number,)] = await books.desk.rows(letters, reason, content, user_id)
            return int(number)

        await letter(b'{"user_id": "ann"}', "ann")
        await letter(b'{"user_id": "ann", "properties": "{}"}')
        await letter(b"h 00\ne \0\0ann\0", reason="CORRUPT")
        kept = [
            await letter(b'{"user_id": "joann", "name": "ann"}'),
            await letter(b'{"user_id": "bob"}', "bob"),
            await letter(b"h 00\ne \0\0bob\0", reason="CORRUPT"),
        ]
        await books.ask("ann")
        await books.erase()
        assert [
            row[0] for row in await books.desk.rows("SELECT dead_letter_id FROM dead_letters ORDER BY 1")
        ] == kept
        assert await books.desk.value("SELECT count FROM erasure_parts WHERE place = 'dead_letters'") == 3


async def test_buckets_whose_rows_retention_has_removed_are_left(settings: Settings) -> None:
    async with opened(settings) as books:
        await books.desk.commit(entry_fields(*history(GONE, 1000, (0, 1)), *history("bob", 9000, (0, 1))))
        before = await books.desk.rows("SELECT * FROM rollups_1d WHERE bucket < '2025-12-23' ORDER BY name")
        await books.desk.connection.execute(
            "INSERT INTO retention (project_id, raw_before) VALUES (1, '2025-12-23')"
        )
        await books.desk.connection.execute(
            "DELETE FROM events WHERE occurred_at < '2025-12-23' AND user_id = 'bob'"
        )
        await books.ask()
        await books.erase()
        assert await books.desk.value("SELECT count(*) FROM events WHERE user_id <> 'bob'") == 0
        assert (
            await books.desk.rows("SELECT * FROM rollups_1d WHERE bucket < '2025-12-23' ORDER BY name")
            == before
        )
        assert await books.desk.value("SELECT sum(count) FROM rollups_1d WHERE bucket >= '2025-12-23'") == 20
        assert "Buckets before 2025-12-23 were left" in await books.desk.value(
            "SELECT notes[1] FROM erasures"
        )


async def test_it_waits_for_what_is_in_the_log(settings: Settings) -> None:
    async with opened(settings) as books:
        await books.ask()
        await books.desk.connection.execute("UPDATE erasures SET waits_for = '{0-0,1700000000000-7}'")
        assert not await books.step()
        await books.desk.connection.execute(
            "UPDATE partitions SET last_id = '1700000000000-10' WHERE partition = 1"
        )
        assert await books.step()


async def test_it_waits_for_a_mirror_that_is_at_work(settings: Settings) -> None:
    async with opened(settings) as books, await connect(books.url) as mirroring:
        await mirroring.execute("SELECT pg_advisory_lock(hashtext('tidemark mirror'))")
        await books.ask()
        assert (await books.erase())[-1] == "2"
        await mirroring.execute("UPDATE erasures SET segments_at = now()")
        assert await books.erase() == ["3"]


@contextmanager
def writer_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The target as a process, killed at the end."""
    own = {
        "TIDEMARK_DATABASE_URL": settings.database_url,
        "TIDEMARK_REDIS_URL": settings.redis_url,
        "TIDEMARK_METRICS_PORT": str(free_port()),
        "TIDEMARK_LEASE_SECONDS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "writer"],
        cwd=ROOT,
        env={**os.environ, **own},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_it_goes_on_whoever_is_killed(suite: Suite, settings: Settings) -> None:
    days = range(-80, 10)
    async with suite(ingest, query, admin) as served:
        stage = Stage(served)
        stub = IngestServiceStub(served.channel)

        async def send(*events: event_pb2.Event, producer: str) -> None:
            batch = event_batch(*events, sequence=0, name=producer)
            request = ingest_pb2.PublishBatchRequest(batch=batch)
            await stub.PublishBatch(request, metadata=served.key("ingest"))

        await send(*history(GONE, 1_000_000, days, each=6), producer="web-1")
        await send(*history("bob", 2_000_000, days, each=6), producer="web-2")
        asked = await stage.erase()
        async with desk_of(settings.database_url) as books:
            for round_ in range(3):
                with writer_process(settings):

                    async def further(least: int = 20 * (round_ + 1)) -> bool:
                        done = await books.value("SELECT coalesce(sum(rows), 0) / 6 FROM removed_rows")
                        return bool(done >= least)

                    await until(further, 60.0)
                    # Whoever owns the partitions goes on writing meanwhile, and into the same buckets.
                    await send(*history("eve", 3_000_000 + round_ * 200_000, days, each=3), producer="web-1")
            with writer_process(settings):
                assert (await stage.completed(asked.name)).parts[0].count == 6 * len(days)

                async def settled() -> bool:
                    return bool(await books.value(f"SELECT count(*) = {(6 + 9) * len(days)} FROM events"))

                await until(settled, 60.0)
            await books.assert_rollups_equal_rows()
        assert await found_in(settings.database_url, GONE) == []
        assert await stage.balanced()


async def test_what_comes_later_is_new_data(suite: Suite) -> None:
    async with staged(suite) as stage:
        await stage.send(*history(GONE, 1000, (0,)))
        await stage.completed((await stage.erase()).name)
        await stage.send(*history(GONE, 90_000, (0,), each=3), *history("bob", 50_000, (0,)))
        async with desk_of(stage.served.resources.settings.database_url) as books:
            assert await books.value("SELECT count(*) FROM events WHERE user_id <> 'bob'") == 3
            await books.assert_rollups_equal_rows()
        assert await stage.balanced()


async def test_the_same_erasure_is_under_way_once(suite: Suite) -> None:
    async with suite(ingest, admin) as served:  # Without a writer nothing goes on.
        stage = Stage(served)
        first = await stage.erase()
        assert (await stage.erase()).name == first.name
        assert (await stage.erase("bob")).name != first.name
        stub = RetentionServiceStub(served.channel)
        pages, token = [], ""
        while token or not pages:
            request = retention_pb2.ListErasuresRequest(parent="projects/demo", page_size=1, page_token=token)
            page = await stub.ListErasures(request, metadata=served.key("admin"))
            pages.append([each.name for each in page.erasures])
            token = page.next_page_token
        assert [len(each) for each in pages] == [1, 1]
        assert pages[1] == [first.name]
        unknown = retention_pb2.GetErasureRequest(name="projects/demo/erasures/e000")
        assert (
            await refusal(stub.GetErasure(unknown, metadata=served.key("admin")))
        ).reason == "ERASURE_NOT_FOUND"
        nobody = retention_pb2.EraseUserRequest(parent="projects/demo")
        assert (await refusal(stub.EraseUser(nobody, metadata=served.key("admin")))).violations == ["user_id"]


PERSON = "Ünal"


def erase_rows(mirroring: Mirroring) -> None:
    """Removes the person from the hypertable, and says that segments are next."""
    mirroring.execute("INSERT INTO projects (slug) VALUES ('one') ON CONFLICT DO NOTHING")
    mirroring.execute("DELETE FROM events WHERE user_id = %s", PERSON)
    # The stage asks the ledger how many rows there are.
    mirroring.execute(
        "UPDATE ledger SET stored = stored - (SELECT sum(stored) FROM ledger) + (SELECT count(*) FROM events)"
        " WHERE minute = (SELECT max(minute) FROM ledger)"
    )
    mirroring.execute(
        "INSERT INTO erasures (erasure_id, project_id, user_id, user_sha256, requested_by, waits_for, state, events_at, batches)"
        " SELECT 'e' || md5(random()::text), 1, %s, '', '', '{}', 2, now(), array_agg(batches ORDER BY partition) FROM partitions",
        PERSON,
    )


def holding(mirroring: Mirroring) -> list[str]:
    """The files that hold the person."""
    files = sorted(Path(mirroring.folder).glob("*/*.parquet"))
    return [file.name for file in files if PERSON in pq.read_table(file)["user_id"].to_pylist()]


def cleaned(mirroring: Mirroring) -> bool:
    """Whether the mirror says that no segment holds the person."""
    return mirroring.rows("SELECT segments_at IS NOT NULL FROM erasures") == [(True,)]


def assert_as_rows(mirroring: Mirroring) -> None:
    """Questions are answered from segments as from rows."""
    scan = Scan(Span(BEGIN - timedelta(days=60), BEGIN + timedelta(days=60)), EVERYTHING, anonymous=True)
    found = mirroring.scanned(mirroring.mixed, scan)
    assert found.to_pylist() == mirroring.scanned(mirroring.plain, scan).to_pylist()
    mirroring.whole()


def test_segments_are_written_anew_and_old_files_go_at_once(mirroring: Mirroring) -> None:
    patient = replace(mirroring.settings, mirror_grace_seconds=600.0)
    for _ in range(FAN_IN):
        mirroring.happen(60, days=3)
        mirroring.mirror(settings=patient)
    mirroring.mirror(merges=2, settings=patient)
    mirroring.happen(60, days=3, since=BEGIN - timedelta(days=40))
    mirroring.mirror(settings=patient)
    live = len({place.partition("/")[2] for (place,) in mirroring.rows(FILES)} & set(holding(mirroring)))
    one = Path(mirroring.folder, mirroring.rows(FILES)[0][0])
    one.with_stem(str(uuid.uuid4())).write_bytes(one.read_bytes())  # Written by a mirror that was killed.
    assert len(holding(mirroring)) > FAN_IN > live > 0
    erase_rows(mirroring)
    mirroring.erase()
    assert cleaned(mirroring)
    assert holding(mirroring) == []
    assert len(list(Path(mirroring.folder).glob("*/*.parquet"))) == len(mirroring.rows(FILES))
    assert mirroring.rows("SELECT count::int FROM erasure_parts WHERE place = 'segments'") == [(live,)]
    assert_as_rows(mirroring)


def test_a_mirror_that_dies_while_it_writes_anew_does_it_again(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirroring.happen(60, days=3)
    mirroring.mirror()
    erase_rows(mirroring)

    async def die(*arguments: object) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(segments, "cleaned", die)
        with pytest.raises(ConnectionError):
            mirroring.erase()
    assert holding(mirroring)
    assert not cleaned(mirroring)
    mirroring.erase()
    assert cleaned(mirroring)
    assert holding(mirroring) == []
    assert_as_rows(mirroring)


def test_a_person_alone_in_a_segment_leaves_none(mirroring: Mirroring) -> None:
    mirroring.happen(30, days=3)
    mirroring.execute("UPDATE events SET user_id = %s", PERSON)
    mirroring.mirror()
    erase_rows(mirroring)
    mirroring.erase()
    assert cleaned(mirroring)
    assert list(Path(mirroring.folder).glob("*/*.parquet")) == []
    mirroring.whole()


def test_a_damaged_segment_is_mirrored_anew_without_the_person(mirroring: Mirroring) -> None:
    mirroring.happen(60, days=3)
    mirroring.mirror()
    file = Path(mirroring.folder, mirroring.rows(FILES)[0][0])
    file.write_bytes(file.read_bytes()[:-100])
    erase_rows(mirroring)
    mirroring.erase()
    mirroring.erase()
    assert cleaned(mirroring)
    assert list(Path(mirroring.folder).glob("*/*.parquet")) == []
    mirroring.mirror()
    assert holding(mirroring) == []
    assert_as_rows(mirroring)


def test_what_a_person_did_after_the_erasure_stays_in_segments(mirroring: Mirroring) -> None:
    mirroring.happen(60, days=3)
    mirroring.mirror()
    erase_rows(mirroring)
    mirroring.happen(60, days=3)
    mirroring.mirror()
    mirroring.erase()
    assert cleaned(mirroring)
    assert len(holding(mirroring)) == 1
    assert_as_rows(mirroring)
