"""What a project does not keep goes, whole and from everywhere, and nothing else; the ledger balances before, meanwhile and after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import AsyncConnection
from redis.asyncio import Redis

from services.admin.service import admin
from services.ingest.retention import store
from services.ingest.retention.policy import TABLES, Cut, Policy
from services.ingest.retention.worker import Session
from services.ingest.service import ingest, writer
from services.kit.calendar import Span
from services.kit.postgres import connect, conninfo
from services.kit.settings import Settings
from services.query.columnar.scan import Scan
from services.query.filter import EVERYTHING
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, Point, commit
from tests.integration.mirroring import Stage as Mirroring
from tests.integration.mirroring import stage as mirroring
from tests.polling import until
from tidemark.v1 import query_pb2, retention_pb2
from tidemark.v1.query_pb2_grpc import QueryServiceStub
from tidemark.v1.retention_pb2_grpc import RetentionServiceStub

__all__ = ["mirroring"]

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = NOW.replace(hour=0) - 7 * DAY
"""The first instant of what is kept for seven days."""


@dataclass
class Stage:
    """A database with some history, and what removes it."""

    url: str
    connection: AsyncConnection[Any]
    session: Session

    def happen(self, *days: int, project: int = 1, received: int = 0, each: int = 50) -> None:
        """Commits events and points of so many days ago, received so many days ago."""
        rows: list[Happened | Point] = []
        for day in days:
            at = NOW - day * DAY
            rows += [Happened(at + timedelta(minutes=i), partition=i % 3) for i in range(each)]
            rows += [Point(at + timedelta(minutes=i), float(i), partition=i % 3) for i in range(each)]
        with psycopg.connect(conninfo(self.url)) as connection:
            commit(connection, rows, project, received_at=NOW - received * DAY)

    async def keep(self, policy: Policy, project: int = 1) -> None:
        """Decides how long a project keeps its data."""
        await self.connection.execute(
            "INSERT INTO retention (project_id, raw_days, minute_days, hour_days, day_days, ledger_days, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT (project_id) DO UPDATE SET raw_days = excluded.raw_days,"
            " ledger_days = excluded.ledger_days, updated_at = now()",
            (
                project,
                policy.raw_days,
                policy.minute_days,
                policy.hour_days,
                policy.day_days,
                policy.ledger_days,
            ),
        )

    async def apply(self) -> None:
        """One round."""
        await self.session.apply(NOW, asyncio.Event())

    async def value(self, statement: str) -> Any:
        """What the database says."""
        [(found,)] = await (await self.connection.execute(statement)).fetchall()
        return found

    async def counts(self, project: int = 1) -> dict[str, int]:
        """Rows of each table of a project."""
        asked = "SELECT count(*) FROM {} WHERE project_id = {}"
        return {table: await self.value(asked.format(table, project)) for table, *_ in TABLES}

    async def accounted(self) -> bool:
        """Whether every batch's rows are there or known to be removed."""
        return bool(
            await self.value(
                "SELECT count(*) = 0 FROM batches WHERE stored <> coalesce((SELECT rows FROM removed_rows"
                " WHERE removed_rows.batch_id = batches.batch_id), 0)"
                " + (SELECT count(*) FROM events WHERE events.batch_id = batches.batch_id)"
                " + (SELECT count(*) FROM metric_points WHERE metric_points.batch_id = batches.batch_id)"
            )
        )


@pytest.fixture
def projects(database: str) -> str:
    """Two projects."""
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute("INSERT INTO projects (slug) VALUES ('one'), ('two')")
    return database


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Stage]:
    async with (
        await connect(settings.database_url) as connection,
        Redis.from_url(settings.redis_url) as redis,
    ):
        yield Stage(settings.database_url, connection, Session(connection, redis, settings))


async def test_raw_rows_go_and_rollups_stay(projects: str, settings: Settings) -> None:
    async with opened(settings) as stage:
        stage.happen(1, 7, 8, 40)
        stage.happen(8, project=2)
        before, theirs = await stage.counts(), await stage.counts(2)
        await stage.keep(Policy(raw_days=7))
        await stage.apply()
        after = await stage.counts()
        # A day that began more than seven days before this one is gone, all of it.
        assert (after["events"], after["metric_points"]) == (100, 100)
        assert (
            await stage.value(f"SELECT count(*) FROM events WHERE project_id = 1 AND occurred_at < '{KEPT}'")
            == 0
        )
        unchanged = set(before) - {"events", "metric_points"}
        assert {table: after[table] for table in unchanged} == {table: before[table] for table in unchanged}
        assert await stage.counts(2) == theirs
        assert await stage.accounted()


async def test_each_table_has_its_days(projects: str, settings: Settings) -> None:
    async with opened(settings) as stage:
        stage.happen(0, 10, 100, 1000)
        await stage.keep(Policy(minute_days=5, hour_days=50, day_days=500))
        days = "SELECT count(DISTINCT date_trunc('day', bucket)) FROM {} WHERE project_id = 1"
        await stage.apply()
        assert [await stage.value(days.format(f"rollups_{width}")) for width in ("1m", "1h", "1d")] == [
            1,
            2,
            3,
        ]
        assert (await stage.counts())["events"] == 200


async def test_a_batch_stays_as_long_as_one_of_its_rows(projects: str, settings: Settings) -> None:
    async with opened(settings) as stage:
        stage.happen(8, received=8)
        stage.happen(2, received=8)
        stage.happen(0)
        await stage.keep(Policy(raw_days=3, ledger_days=5))
        await stage.apply()
        assert await stage.accounted()
        found = "SELECT count(*) FROM batches WHERE received_at < '2026-03-05'"
        assert await stage.value(found) == 3, "one of each partition, whose rows are kept"
        assert await stage.value("SELECT count(*) FROM ledger WHERE minute < '2026-03-05'") == 0
        assert (
            await stage.value(
                "SELECT count(*) FROM removed_rows WHERE batch_id NOT IN (SELECT batch_id FROM batches)"
            )
            == 0
        )


async def test_nothing_is_looked_for_twice_a_day(projects: str, settings: Settings) -> None:
    async with opened(settings) as stage:
        stage.happen(8)
        await stage.keep(Policy(raw_days=7))
        await stage.connection.execute("UPDATE retention SET updated_at = %s", (NOW - DAY,))
        await stage.apply()
        removals = await stage.value("SELECT removals FROM retention")
        await stage.connection.execute("DELETE FROM commits")
        await stage.apply()
        assert await stage.value("SELECT removals FROM retention") == removals
        # What comes and is too old already is found at once.
        await stage.connection.execute("UPDATE retention SET applied_at = %s", (NOW,))
        await stage.connection.execute("UPDATE retention SET applied_at = now() WHERE now() < applied_at")
        stage.happen(9)
        await stage.connection.execute("UPDATE commits SET committed_at = %s + interval '1 s'", (NOW,))
        await stage.apply()
        assert (await stage.counts())["events"] == 0


async def test_chunks_that_nobody_keeps_are_dropped_and_accounted_for(
    projects: str, settings: Settings
) -> None:
    chunks = "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'events'"
    async with opened(settings) as stage:
        for project in (1, 2):
            stage.happen(1, 30, 60, project=project)
        await stage.keep(Policy(raw_days=7))
        await stage.apply()
        assert await stage.value(chunks) == 3, "the other project keeps its rows"
        assert (await stage.counts(2))["events"] == 150
        await stage.keep(Policy(raw_days=14), 2)
        await stage.apply()
        assert await stage.value(chunks) == 1
        assert (await stage.counts())["events"] == (await stage.counts(2))["events"] == 50
        assert await stage.accounted()


async def test_a_chunk_that_something_comes_into_is_not_dropped(projects: str, settings: Settings) -> None:
    async with opened(settings) as stage:
        stage.happen(30)
        await stage.keep(Policy(raw_days=7))
        await stage.connection.execute("DELETE FROM projects WHERE project_id = 2")
        [chunk] = await store.chunks(stage.connection, Cut("events", "occurred_at", KEPT))
        with pytest.MonkeyPatch.context() as patch:
            # The statement that looks for commits meanwhile is preceded by one.
            late = "WITH late AS (INSERT INTO commits SELECT 0, 999, 1, now(), tstzmultirange(tstzrange('-infinity', now()))) "
            patch.setattr(store, "_COUNT_CHUNK", late + store._COUNT_CHUNK)
            assert not await store.drop(stage.connection, "events", chunk)
        assert (await stage.counts())["events"] == 50
        assert await stage.value("SELECT count(*) FROM removed_rows") == 0
        assert await store.drop(stage.connection, "events", chunk)
        assert (await stage.counts())["events"] == 0
        assert await stage.accounted()


def test_segments_lose_what_is_too_old(mirroring: Mirroring) -> None:
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    mirroring.happen(60, days=20, since=begin)
    mirroring.happen(30, days=20, since=begin - timedelta(days=40))
    mirroring.mirror()
    before = begin + timedelta(days=10)
    mirroring.execute("DELETE FROM events WHERE occurred_at < %s", before)
    mirroring.execute("INSERT INTO projects (slug) VALUES ('one')")
    mirroring.execute(
        "INSERT INTO retention (project_id, raw_days, updated_at, applied_at, raw_before) VALUES (1, 1, now(), now(), %s)",
        before,
    )
    mirroring.erase()
    held = [
        at
        for (place,) in mirroring.rows(
            "SELECT project_id || '/' || segment_id || '.parquet' FROM segments WHERE retired_at IS NULL"
        )
        for at in pq.read_table(f"{mirroring.folder}/{place}")["occurred_at"].to_pylist()
    ]
    assert held
    assert min(held) >= before
    scan = Scan(Span(begin - timedelta(days=60), begin + timedelta(days=60)), EVERYTHING, anonymous=True)
    assert (
        mirroring.scanned(mirroring.mixed, scan).to_pylist()
        == mirroring.scanned(mirroring.plain, scan).to_pylist()
    )


@dataclass(frozen=True)
class Asking:
    """Calls as an admin makes them."""

    served: Served

    @property
    def stub(self) -> Any:
        """RetentionService."""
        return RetentionServiceStub(self.served.channel)

    async def update(self, **fields: Any) -> retention_pb2.Retention:
        """Changes the retention of the project."""
        retention = retention_pb2.Retention(name="projects/demo/retention", **fields)
        request = retention_pb2.UpdateRetentionRequest(retention=retention)
        return (await self.stub.UpdateRetention(request, metadata=self.served.key("admin"))).retention

    async def read(self) -> retention_pb2.Retention:
        """The retention of the project."""
        request = retention_pb2.GetRetentionRequest(name="projects/demo/retention")
        return (await self.stub.GetRetention(request, metadata=self.served.key("viewer"))).retention


async def test_it_is_read_and_changed(suite: Suite) -> None:
    async with suite(ingest) as served:
        asking = Asking(served)
        first = await asking.read()
        assert (first.raw_days, first.HasField("update_time"), first.HasField("applied_at")) == (
            0,
            False,
            False,
        )
        changed = await asking.update(raw_days=30, day_days=36_500, etag=first.etag)
        assert await asking.read() == changed
        assert (changed.raw_days, changed.day_days, changed.HasField("update_time")) == (30, 36_500, True)
        assert (await refusal(asking.update(raw_days=1, etag=first.etag))).reason == "ETAG_MISMATCH"
        assert (await refusal(asking.update(hour_days=36_501))).violations == ["retention.hour_days"]
        assert (await refusal(asking.update(raw_days=-1))).violations == ["retention.raw_days"]


async def test_what_is_too_old_goes_by_itself_and_the_ledger_balances(suite: Suite) -> None:
    async with suite(ingest, writer, query, admin, retention_seconds=0.1) as served:
        url = served.resources.settings.database_url
        now = datetime.now(UTC).replace(microsecond=0)
        with psycopg.connect(conninfo(url)) as connection:
            for day in (0, 10, 20):
                rows = [Happened(now - day * DAY - timedelta(minutes=i)) for i in range(40)]
                commit(connection, rows, received_at=now - timedelta(days=day, minutes=5))
        asking = Asking(served)
        await asking.update(raw_days=5, ledger_days=15)

        async def applied() -> bool:
            return (await asking.read()).HasField("applied_at")

        await until(applied, 60.0)
        async with await connect(url) as connection_:
            [(left,)] = await (await connection_.execute("SELECT count(*) FROM events")).fetchall()
        assert left <= 40
        stub = QueryServiceStub(served.channel)
        for hours in (23, 24 * 12, 24 * 30):
            request = query_pb2.GetLedgerRequest(project="projects/demo")
            request.time_range.start.FromDatetime(now - timedelta(hours=hours))
            request.time_range.end.FromDatetime(now + timedelta(minutes=1))
            found = await stub.GetLedger(request, metadata=served.key("viewer"))
            assert found.balanced
            # Of twenty days ago nothing is told; of ten, that forty were received and stored.
            assert found.total.stored == (40 if hours == 23 else 80)
        ten = query_pb2.GetLedgerRequest(project="projects/demo")
        ten.time_range.start.FromDatetime(now - timedelta(days=10, hours=1))
        ten.time_range.end.FromDatetime(now - timedelta(days=9, hours=23))
        found = await stub.GetLedger(ten, metadata=served.key("viewer"))
        assert (found.balanced, found.total.stored) == (True, 40), "counted by rows, all of which are gone"
