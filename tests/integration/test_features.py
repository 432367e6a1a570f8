"""ReadFeatures through gRPC, on a real database: what the server sends is what the pure modules say of the same events, wherever
they lie.
"""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc.aio
import psycopg
import pyarrow as pa

from services.query.behaviour.timeline import Timeline
from services.query.features.reading import scan
from services.query.features.request import read
from services.query.features.table import Table
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, commit
from tests.integration.mirroring import BEGIN, DAYS, LATER, Stage, stage
from tests.polling import until
from tests.unit.query.featuring import BERLIN, DAY, START, Event, featured, spec
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1.feature_pb2_grpc import FeatureServiceStub

__all__ = ["stage"]

COLUMNS: dict[str, Any] = {
    "event_names": ["a", "b"],
    "sum_fields": ["properties.n"],
    "fields": ["properties.plan", "properties.n", "name"],
}
CUTS = spec(START, START + 3 * DAY, did="b", window=DAY, **COLUMNS)
POINTS = spec(
    points="a",
    over=(START - 5 * DAY, START + 5 * DAY),
    did="a",
    window=DAY,
    match=["properties.plan"],
    **COLUMNS,
)


def lived() -> list[Event]:
    """What a few people did around START, some of it at the same instants."""
    names, users, plans = "abc", ["ann", "bob", "çem", "dan"], ["free", "paid", None]
    return [
        Event(
            START + timedelta(hours=7 * (i * 37 % 50 - 25)),
            i,
            names[i % 3],
            users[i * i % 4],
            [None, "s1"][i % 2],
            {key: value for key, value in (("plan", plans[i % 5 % 3]), ("n", i / 4)) if value is not None},
        )
        for i in range(150)
    ]


def stored(events: list[Event]) -> list[Happened]:
    return [
        Happened(
            e.at,
            e.name,
            e.user,
            e.properties,
            event_id=uuid.UUID(int=e.id),
            session_id=e.session,
            partition=e.id % 3,
        )
        for e in events
    ]


@asynccontextmanager
async def asking(suite: Suite, database: str, events: list[Event], **changes: Any) -> AsyncIterator[Served]:
    async with suite(query, **changes) as served:
        with psycopg.connect(database) as connection:
            commit(connection, stored(events))
            # What was received up to now is all there is.
            connection.execute("UPDATE partitions SET watermark = now()")
        yield served


async def answers(served: Served, asked: pb.FeatureSpec, **others: Any) -> list[pb.ReadFeaturesResponse]:
    request = pb.ReadFeaturesRequest(spec=asked, **others)
    call = FeatureServiceStub(served.channel).ReadFeatures(request, metadata=served.key("viewer"))
    return [answer async for answer in call]


def table(found: list[pb.ReadFeaturesResponse]) -> pa.Table:
    return pa.ipc.open_stream(b"".join(each.chunk for each in found)).read_all()


async def test_the_table_is_that_of_the_events_themselves(suite: Suite, database: str) -> None:
    async with asking(suite, database, lived()) as served:
        for asked in (CUTS, POINTS):
            found = await answers(served, asked)
            made, about = table(found), found[-1].metadata
            assert made.equals(featured(asked, lived(), zone=ZoneInfo("UTC")))
            assert [each.HasField("metadata") for each in found] == [False] * (len(found) - 1) + [True]
            assert found[-1].rows == about.total_rows == len(made) > 0
            assert hashlib.sha256(b"".join(each.chunk for each in found)).hexdigest() == about.sha256
            assert about.query.HasField("watermark")
            again = await answers(served, asked)
            assert again[-1].metadata.sha256 == about.sha256


async def test_some_people_and_fewer_rows_can_be_asked_for(suite: Suite, database: str) -> None:
    async with asking(suite, database, lived()) as served:
        of_ann = table(await answers(served, POINTS, user_ids=["ann", "nobody"]))
        assert set(of_ann["user_id"].to_pylist()) == {"ann"}
        fewer = await answers(served, POINTS, max_rows=3)
        assert len(table(fewer)) == 3
        assert fewer[-1].metadata.total_rows > 3
        nobody = await answers(served, CUTS, user_ids=["nobody"])
        assert len(table(nobody)) == 0


async def test_what_is_wrong_is_refused_with_its_field(suite: Suite) -> None:
    async with suite(query) as served:
        refused = await refusal(answers(served, pb.FeatureSpec()))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["spec.cuts"])


async def test_who_waits_too_long_is_told(suite: Suite, database: str) -> None:
    async with asking(suite, database, lived(), export_seconds=1e-6) as served:
        assert (await refusal(answers(served, CUTS))).code == "DEADLINE_EXCEEDED"


async def test_too_many_at_once_are_refused_and_who_goes_away_makes_room(suite: Suite, database: str) -> None:
    async with asking(suite, database, lived(), export_concurrency=1, query_queue=0) as served:
        with psycopg.connect(database) as locking, psycopg.connect(database, autocommit=True) as watching:

            async def waits() -> bool:
                found = watching.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
                return found is not None and found[0] > 0

            async def ended() -> bool:
                return not await waits()

            locking.execute("LOCK TABLE tidemark.events IN ACCESS EXCLUSIVE MODE")
            first = asyncio.create_task(answers(served, CUTS))
            await until(waits)
            assert (await refusal(answers(served, CUTS))).reason == "TOO_MANY_FEATURES"
            first.cancel()
            await until(ended)
            locking.rollback()

        async def answered() -> bool:
            # The turn comes back a moment after the database has.
            with contextlib.suppress(grpc.aio.AioRpcError):
                return bool(await answers(served, CUTS))
            return False

        await until(answered)


def test_segments_and_the_hypertable_give_the_same_table(stage: Stage) -> None:
    middle = BEGIN + timedelta(days=DAYS / 2)
    columns = {**COLUMNS, "sum_fields": ["properties.k"], "fields": ["properties.k", "context.a", "type"]}
    asked = (
        spec(middle, BEGIN + timedelta(days=DAYS), did="c", window=DAY, **columns),
        spec(points="b", over=(BEGIN, LATER), did="a", window=DAY, match=["session_id"], **columns),
    )
    stage.happen(600)
    stage.mirror()
    stage.happen(300)
    assert built(stage, asked, stage.mixed) == built(stage, asked, stage.plain)
    stage.mirror(merges=3)
    both = built(stage, asked, stage.plain)
    assert built(stage, asked, stage.mixed) == both
    # Who is erased has left both.
    stage.execute("DELETE FROM events WHERE user_id = 'u1'")
    assert [each.filter(pa.compute.not_equal(each["user_id"], "u1")) for each in both] == built(
        stage, asked, stage.plain
    )


def built(stage: Stage, specs: tuple[pb.FeatureSpec, ...], store: Any) -> list[pa.Table]:
    found = []
    for asked in specs:
        wanted = read(pb.ReadFeaturesRequest(spec=asked), BERLIN, LATER)
        made = Table(wanted, Timeline(stage.scanned(store, scan(wanted))), BERLIN)
        found.append(pa.Table.from_batches(list(made.batches()), made.schema))
        assert len(found[-1])
    return found
