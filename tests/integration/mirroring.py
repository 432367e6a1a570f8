"""A database that is mirrored to segments now and then, for tests of what reads and writes them: rows of every kind, and two readers."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis.asyncio import Redis

from services.kit.postgres import connect, conninfo, pool
from services.kit.settings import Settings
from services.kit.turns import Turns
from services.query.columnar import source
from services.query.columnar.scan import Scan
from services.query.columnar.source import Bulk
from services.query.columnar.worker import Desk, Session
from services.query.plan import plan
from services.query.question import Series, Table
from services.query.shape import result, table
from services.query.store import Store
from services.query.stream import Log
from tests.conftest import Servers, cloned
from tests.integration.history import Happened, commit
from tidemark.v1 import question_pb2 as q

BEGIN = datetime(2026, 2, 26, 5, 17, 3, 250_000, tzinfo=UTC)
"""Two days before a month ends."""
DAYS = 5
LATER = BEGIN + timedelta(days=365)

TEXTS = ["", "1", "true", "null", "Ärger", "ärger\n", 'a"b\\c', "x/y~z", "日本", "1.50", "-"]
NUMBERS = ["1", "1.0", "-2.5", "0", "20.0", "0.00001", "0.1", "123456.789", "-0.0", "1e16"]
OTHERS = ["true", "false", "null", "[]", "{}", '{"b": 1}', '{"b": "x", "0": null}', '[1, "y"]']
WILD = [*NUMBERS, *OTHERS, "1.50", "1e-320", "1e305", "9007199254740993", "123456789012345678901234567890",
    "0.1000000000000000055511151231257827", '{"b": {"c": 1.50}}', '[{"b": 2}, 2.50]', '{"0": {"c": null}}']  # fmt: skip
"""Numbers and nested values of which segments cannot tell all that may be asked."""
KEYS = ["a", "a.b", "k", "deep", "Größe", "q\"'$1", ""]


def document(random: Random, *, wild: bool) -> str | None:
    """A JSON document, as a producer may send it."""
    if random.random() < 0.1:
        return None
    members = []
    for key in random.sample(KEYS, random.randrange(len(KEYS))):
        others = WILD if wild else [random.choice(NUMBERS), random.choice(OTHERS)]
        value = random.choice([json.dumps(random.choice(TEXTS)), random.choice(others)])
        members.append(f"{json.dumps(key)}: {value}")
    if random.random() < 0.3:
        # More keys than a segment has columns for.
        value = random.choice([*NUMBERS, '"y"'])
        members.append(f'"x{random.randrange(80)}": {value}')
    return "{" + ", ".join(members) + "}"


@dataclass
class Stage:
    """A database that is mirrored now and then, and what answers from it: with segments and without."""

    url: str
    folder: str
    redis_url: str
    runner: asyncio.Runner
    mixed: Store
    plain: Store
    wild: bool
    random: Random

    @property
    def settings(self) -> Settings:
        return Settings(
            database_url=self.url, redis_url=self.redis_url, segments_folder=self.folder, mirror_rows=1,
            mirror_seconds=0.0, mirror_grace_seconds=0.0,
        )  # fmt: skip

    def happen(self, count: int, days: float = DAYS, since: datetime = BEGIN) -> None:
        """Commits events of every kind."""
        random = self.random
        happened = [
            Happened(
                # Many at the same instants.
                since
                + timedelta(
                    seconds=random.choice(
                        [random.uniform(0, days * 86_400), 3600.0 * random.randrange(int(days * 24))]
                    )
                ),
                random.choice("abcd"),
                random.choice([None, "", *(f"u{i}" for i in range(12)), "Ünal"]) or None,
                type=random.choice([1, 2]),
                partition=random.randrange(3),
                event_id=uuid.UUID(int=random.getrandbits(128)),
            )
            for _ in range(count)
        ]
        with psycopg.connect(conninfo(self.url)) as connection:
            commit(connection, happened)
            with connection.cursor() as cursor:
                cursor.executemany(
                    "UPDATE events SET properties = %s::jsonb, context = %s::jsonb, session_id = %s WHERE event_id = %s",
                    [
                        (
                            document(random, wild=self.wild),
                            document(random, wild=self.wild),
                            random.choice([None, "s1", "s2"]),
                            each.event_id,
                        )
                        for each in happened
                    ],
                )

    def mirror(self, merges: int = 0, *, sweep: bool = False, settings: Settings | None = None) -> None:
        """One round of the mirror."""

        async def once() -> None:
            async with self.session(settings) as session:
                await session.cut_all(asyncio.Event())
                for _ in range(merges):
                    await session.merge_one()
                if sweep:
                    await session.sweep()

        self.runner.run(once())

    def erase(self) -> None:
        """Removes from segments what has left the hypertable."""

        async def once() -> None:
            async with self.session() as session:
                await session.erase()

        self.runner.run(once())

    def execute(self, statement: str, *parameters: object) -> None:
        """Changes what the database says."""
        with psycopg.connect(conninfo(self.url), autocommit=True) as connection:
            connection.execute(statement, parameters or None)  # type: ignore[arg-type]

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        with psycopg.connect(conninfo(self.url), autocommit=True) as connection:
            return connection.execute(statement, parameters or None).fetchall()  # type: ignore[arg-type]

    def scanned(self, store_: Store, scan: Scan) -> pa.Table:
        """The table of a bulk scan, its dictionaries as they are."""

        async def read_() -> pa.Table:
            async with store_.snapshot(1, 30.0) as snapshot:
                return await snapshot.scan(scan)

        return self.runner.run(read_())

    def answered(
        self, store_: Store, question: Series | Table
    ) -> tuple[q.SeriesResult | q.TableResult, bool]:
        """The answer, and whether segments gave it."""

        async def read_() -> tuple[q.SeriesResult | q.TableResult, bool]:
            planned = plan(question)
            async with store_.snapshot(1, 30.0) as snapshot:
                reading = await snapshot.series(planned)
            shaped = result if isinstance(question, Series) else table
            return shaped(planned, reading, LATER), reading.mirrored

        return self.runner.run(read_())

    def whole(self) -> None:
        """Checks that every event is in exactly one place: a segment that is read, or behind the frontier."""
        ids = [
            str(each)
            for (place,) in self.rows(
                "SELECT project_id || '/' || segment_id || '.parquet' FROM segments WHERE retired_at IS NULL"
            )
            for each in pq.read_table(Path(self.folder, place))["event_id"].to_pylist()
        ]
        behind = (
            "SELECT event_id FROM events WHERE (batch_id >> 12) >="
            " coalesce((SELECT batches[(batch_id & 4095) + 1] FROM frontiers WHERE frontiers.project_id = events.project_id), 0)"
        )
        ids += [str(each) for (each,) in self.rows(behind)]
        stored = [str(each) for (each,) in self.rows("SELECT event_id FROM events")]
        assert sorted(ids) == sorted(stored)
        assert self.rows("SELECT sum(stored)::int FROM ledger") == [(len(stored),)]

    @asynccontextmanager
    async def session(self, settings: Settings | None = None) -> AsyncIterator[Session]:
        """A mirror's session, which has not been elected."""
        chosen = settings or self.settings
        async with (
            await connect(self.url) as connection,
            pool(self.url, 1) as opened,
            Redis.from_url(self.redis_url) as redis,
        ):
            with closing(Desk(chosen)) as desk:
                yield Session(desk, connection, opened, Log(redis), chosen)


@asynccontextmanager
async def stores(url: str, folder: str) -> AsyncIterator[tuple[Store, Store]]:
    """A store that reads segments, and one that does not."""
    draining = asyncio.Event()
    async with pool(url, 2) as opened:
        bulks = [Bulk(conninfo(url), 1, folder), Bulk(conninfo(url), 1)]
        yield Store(opened, Turns(1, 1), bulks[0]), Store(opened, Turns(1, 1), bulks[1])
        draining.set()
        for each in bulks:
            await each.close(draining)


@pytest.fixture
def stage(
    servers: Servers,
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Stage]:
    """An empty stage on which segments are read however few rows they hold; with the parameter True for wild values."""
    monkeypatch.setattr(source, "LEAST_ROWS", 0)
    monkeypatch.setattr(source, "LEAST_SHARE", 0.0)
    folder = str(tmp_path / "segments")
    with cloned(servers, template) as url, asyncio.Runner() as runner:
        made = stores(url, folder)
        mixed, plain = runner.run(made.__aenter__())
        yield Stage(
            url, folder, servers.redis_url, runner, mixed, plain, getattr(request, "param", False), Random(3)
        )
        runner.run(made.__aexit__(None, None, None))
