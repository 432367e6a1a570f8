"""Segments and the hypertable give the same answers: every question is put to both, over rows of every kind, on a real database."""

import asyncio
import json
import math
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from services.kit.postgres import connect, conninfo, pool
from services.kit.settings import Settings
from services.query.calendar import Span
from services.query.columnar import source, store, worker, writer
from services.query.columnar.scan import Column, Flag, Scan, Text
from services.query.columnar.segment import FAN_IN
from services.query.columnar.source import Bulk
from services.query.columnar.worker import Desk, Session
from services.query.fields import field
from services.query.filter import EVERYTHING, condition
from services.query.plan import plan
from services.query.question import Series, Table, read
from services.query.shape import result, table
from services.query.store import Store, Turns
from services.query.stream import Log
from tests.conftest import Servers, cloned, counted
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
PATHS = [
    "user_id", "session_id", "name", "type", "properties.a", "properties.a.b", "properties.a.0", "properties.a.0.c", "properties.a.-1",
    "properties.a.b.c", "properties.k", "properties.deep", "properties.deep.b", "properties.deep.0.b", "properties.Größe",
    "properties.q\"'$1", "properties.never", "properties.x12", "properties.x33", "context.k", "context.a.b",
]  # fmt: skip


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

    def mirror(self, merges: int = 0, *, sweep: bool = False) -> None:
        """One round of the mirror."""

        async def once() -> None:
            async with self._session() as session:
                await session.cut_all(asyncio.Event())
                for _ in range(merges):
                    await session.merge_one()
                if sweep:
                    await session.sweep()

        self.runner.run(once())

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

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with (
            await connect(self.url) as connection,
            pool(self.url, 1) as opened,
            Redis.from_url(self.redis_url) as redis,
        ):
            with closing(Desk(self.settings)) as desk:
                yield Session(desk, connection, opened, Log(redis), self.settings)


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


@pytest.fixture(params=[False, True], ids=["calm", "wild"])
def stage(
    servers: Servers,
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Stage]:
    """An empty stage on which segments are read however few rows they hold."""
    monkeypatch.setattr(source, "LEAST_ROWS", 0)
    monkeypatch.setattr(source, "LEAST_SHARE", 0.0)
    folder = str(tmp_path / "segments")
    with cloned(servers, template) as url, asyncio.Runner() as runner:
        made = stores(url, folder)
        mixed, plain = runner.run(made.__aenter__())
        yield Stage(url, folder, servers.redis_url, runner, mixed, plain, request.param, Random(3))
        runner.run(made.__aexit__(None, None, None))


OPERATORS = {
    "one": [q.OPERATOR_EQUAL, q.OPERATOR_NOT_EQUAL, q.OPERATOR_IN, q.OPERATOR_NOT_IN],
    "texts": [q.OPERATOR_CONTAINS, q.OPERATOR_NOT_CONTAINS, q.OPERATOR_STARTS_WITH, q.OPERATOR_ENDS_WITH, q.OPERATOR_MATCHES,
        q.OPERATOR_NOT_MATCHES],
    "order": [q.OPERATOR_LESS, q.OPERATOR_LESS_OR_EQUAL, q.OPERATOR_GREATER, q.OPERATOR_GREATER_OR_EQUAL],
    "none": [q.OPERATOR_EXISTS, q.OPERATOR_NOT_EXISTS],
}  # fmt: skip
VALUES = [
    *(Value(string_value=each) for each in [*TEXTS, "u1", "a", "s1"]),
    *(Value(number_value=float(each)) for each in NUMBERS if abs(float(each)) < 1e300),
    Value(bool_value=True),
    Value(bool_value=False),
]


@st.composite
def comparisons(draw: st.DrawFn) -> q.Filter:
    """A comparison of some field that may be made."""
    path = draw(st.sampled_from(PATHS))
    nested = path.startswith(("properties", "context"))
    kinds = ["one", "none", *(["texts"] if path != "type" else []), *(["order"] if nested else [])]
    kind = draw(st.sampled_from(kinds))
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if path == "type":
        values = [] if kind == "none" else [Value(string_value="USER_ACTION")]
    elif kind == "none":
        values = []
    elif kind == "texts":
        plain = [
            each
            for each in TEXTS
            if not (operator in (q.OPERATOR_MATCHES, q.OPERATOR_NOT_MATCHES) and "\\" in each)
        ]
        values = [Value(string_value=draw(st.sampled_from([*plain, "är", "ÄR", "^a", "1.5"])))]
    elif kind == "order":
        values = [draw(st.sampled_from([each for each in VALUES if each.HasField("number_value")]))]
    else:
        several = operator in (q.OPERATOR_IN, q.OPERATOR_NOT_IN)
        values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3 if several else 1))
    return q.Filter(comparison=q.Comparison(field=path, operator=operator, values=values))


filters = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: q.Filter(all=q.FilterGroup(filters=found))),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: q.Filter(any=q.FilterGroup(filters=found))),
        inner.map(lambda found: q.Filter(**{"not": found})),
    ),
    max_leaves=4,
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span that begins and ends anywhere."""
    start = BEGIN + timedelta(seconds=draw(st.integers(-86_400, DAYS * 86_400)))
    return Span(start, start + timedelta(seconds=draw(st.integers(1, 6 * 86_400))))


@st.composite
def questions(draw: st.DrawFn) -> Series | Table:
    """A series or a table that only rows can answer."""
    aggregation = draw(
        st.sampled_from([name for name in q.Aggregation.keys() if not name.endswith("UNSPECIFIED")])
    )
    plain = aggregation in ("AGGREGATION_COUNT", "AGGREGATION_RATE")
    measure = q.Measure(
        aggregation=aggregation,
        name=draw(st.sampled_from(["", "", "a"])),
        field="" if plain else draw(st.sampled_from(
            PATHS if aggregation == "AGGREGATION_UNIQUES" else [each for each in PATHS if "." in each]
        )),
        quantile=draw(st.sampled_from([0.0, 0.5, 0.9])),
    )  # fmt: skip
    measures = [measure, q.Measure(aggregation=q.AGGREGATION_COUNT)]
    groups = draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))
    span = draw(spans())
    query = q.Query(time_zone="Europe/Berlin")
    query.time_range.start.FromDatetime(span.start)
    query.time_range.end.FromDatetime(span.end)
    found = q.SeriesQuestion(measures=measures, group_by=groups, top=draw(st.integers(1, 5)))
    found.filter.CopyFrom(draw(filters))
    if draw(st.booleans()):
        found.interval.unit = draw(
            st.sampled_from([q.Interval.UNIT_HOUR, q.Interval.UNIT_DAY, q.Interval.UNIT_MONTH])
        )
        query.series.CopyFrom(found)
    else:
        query.table.measures.extend(found.measures)
        query.table.group_by.extend(groups)
        query.table.filter.CopyFrom(found.filter)
        query.table.top = found.top
    question = read(query, "UTC", LATER)
    assert isinstance(question, Series | Table)
    return question


def grown(stage: Stage) -> Stage:
    """Segments of several months and sizes, merged ones among them, late rows in a tail."""
    for number in range(FAN_IN + 1):
        stage.happen(40)
        stage.mirror(merges=1 if number == FAN_IN - 1 else 0)
    stage.happen(25)
    stage.happen(10, days=1, since=BEGIN - timedelta(days=20))
    return stage


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-300) or (math.isnan(one) and math.isnan(other))


def assert_same(found: q.SeriesResult | q.TableResult, expected: q.SeriesResult | q.TableResult) -> None:
    """That two answers are the same but for the order in which doubles were added up."""
    if isinstance(expected, q.TableResult):
        assert isinstance(found, q.TableResult)
        pairs = list(zip([*found.rows, found.total], [*expected.rows, expected.total], strict=True))
    else:
        assert isinstance(found, q.SeriesResult)
        pairs = list(zip(found.series, expected.series, strict=True))
    for one, other in pairs:
        assert list(one.group) == list(other.group)
        assert one.other == other.other
        assert all(map(same, one.values, other.values)), (one, other)
        if isinstance(one, q.Series):
            assert same(one.total, other.total), (one, other)



def test_debug(stage: Stage) -> None:
    grown(stage)
    scan=Scan(Span(BEGIN,BEGIN+timedelta(days=4)),EVERYTHING,(Text("name",field("name",1,"f")),Text("s",field("session_id",1,"f"))))
    truth=[(u,n,s or None) for u,n,s in stage.rows("select user_id,name,session_id from events where user_id is not null and occurred_at>=%s and occurred_at<%s order by user_id collate \"C\",occurred_at,event_id",scan.span.start,scan.span.end)]
    for st_ in (stage.mixed,stage.plain):
        t=stage.scanned(st_,scan)
        got=[(r['user'],r['name'],r['s']) for r in t.to_pylist()]
        print(len(got),len(truth),[i for i,(a,b) in enumerate(zip(got,truth)) if a!=b][:10])
