"""GetLineage: the way of an event and the batches of a bucket, as the rows themselves tell them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pyarrow.parquet as pq
import pytest

from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.kit.call import Project
from services.kit.postgres import conninfo
from services.query.columnar import segment
from services.query.lineage.source import lineage
from services.query.service import query
from tests.conftest import Refusal, Served, Suite, refusal
from tests.ingesting import MINUTE_US, NOW_US, event, event_id, point
from tests.integration.history import Happened, commit
from tests.integration.mirroring import BEGIN, Stage, stage
from tests.integration.test_identity import add_key, add_project, bearer
from tests.integration.test_letters import MEND, Post, paid
from tests.unit.ingest.letters.ruling import amount, hashed
from tidemark.v1 import letter_pb2
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1.pipeline_pb2_grpc import PipelineServiceStub
from tidemark.v1.question_pb2 import SOURCE_METRICS, Interval

__all__ = ["stage"]

DEMO = "projects/demo"


async def traced(served: Served, number: int, key: str = "viewer") -> list[pb.EventLineage]:
    """The ways of an event."""
    request = pb.GetLineageRequest(project=DEMO, event_id=event_id(number))
    answer = await PipelineServiceStub(served.channel).GetLineage(request, metadata=served.key(key))
    return list(answer.events)


async def bucket(
    served: Served, width: Any, name: str, page_size: int = 0, **fields: Any
) -> pb.BucketLineage:
    """The batches of a bucket that begins with the year 2026."""
    wanted = pb.RollupBucket(name=name, width=width, **fields)
    wanted.start.FromMicroseconds(NOW_US)
    request = pb.GetLineageRequest(project=DEMO, bucket=wanted, page_size=page_size)
    stub = PipelineServiceStub(served.channel)
    return (await stub.GetLineage(request, metadata=served.key("viewer"))).bucket


async def test_an_event_tells_every_step_of_its_way(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.define(amount(version=2))
        await post.rule(hashed("user_id"), version=5)
        came = paid(1, b'{"amount":5}', user_id="ada")
        began = datetime.now(UTC)
        await post.send(came, paid(2, b'{"amount":6}'))
        [way] = await traced(served, 1)
        assert way.event.event_id == came.event_id
        assert way.event.properties_json == b'{"amount": 5}'
        assert len(way.event.user_id) == 64
        assert (way.schema_version, way.dead_letter, way.segment_id) == (2, "", "")
        batch = way.batch
        assert (batch.source, batch.producer_id, batch.epoch, batch.sequence) == ("events", "web-1", 1, 0)
        assert (batch.rules_version, batch.row_count) == (5, 2)
        times = [batch.received_at, batch.appended_at, batch.committed_at]
        instants = [each.ToDatetime(UTC) for each in times]
        # The log's clock counts milliseconds.
        assert (
            began
            <= instants[0]
            <= instants[1] + timedelta(milliseconds=1)
            <= instants[2] + timedelta(seconds=1)
        )
        assert await post.rows(
            "SELECT count(*) FROM batches WHERE batch_id = %s AND entry_id = %s AND batch_id %% 4096 = %s",
            (batch.batch_id, batch.entry_id, batch.partition),
        ) == [(1,)]


async def test_a_dead_letter_has_a_way_before_its_repair_and_after(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.define(amount(version=1))
        await post.send(paid(1), name="web-7")
        [letter] = await post.letters()
        [open_] = await traced(served, 1)
        assert (open_.dead_letter, open_.HasField("event")) == (letter.name, False)
        assert (open_.batch.source, open_.batch.producer_id, open_.batch.row_count) == ("events", "web-7", 0)
        await post.repair(MEND)
        [repaired] = await traced(served, 1)
        assert (repaired.dead_letter, repaired.event.name) == (letter.name, "paid")
        assert (repaired.batch.source, repaired.batch.producer_id) == ("repair", "web-7")
        assert repaired.batch.received_at == open_.batch.received_at
        assert repaired.batch.batch_id != open_.batch.batch_id
        assert repaired.schema_version == 1
        assert repaired.batch.row_count == 1


async def test_a_letter_of_an_event_that_was_known_stands_beside_it(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.define(amount(version=1))
        await post.send(paid(1, b'{"amount":5}'))
        await post.send(paid(1))
        await post.repair(MEND)
        stored, letter = await traced(served, 1)
        assert (stored.dead_letter, stored.batch.source) == ("", "events")
        assert letter.dead_letter == (await post.letters(state=letter_pb2.DEAD_LETTER_STATE_REPAIRED))[0].name
        assert letter.event == stored.event


async def test_an_event_that_came_with_two_times_has_two_ways(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        await Post(served).send(event(1), event(1, at_us=NOW_US + MINUTE_US))
        first, second = await traced(served, 1)
        assert first.event.occurred_at.ToMicroseconds() == NOW_US
        assert second.event.occurred_at.ToMicroseconds() == NOW_US + MINUTE_US


async def test_a_batch_that_is_no_longer_kept_leaves_its_number(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.send(event(1))
        [whole] = await traced(served, 1)
        await post.rows("DELETE FROM batches")
        [left] = await traced(served, 1)
        assert left.event == whole.event
        assert left.batch == pb.BatchLineage(batch_id=whole.batch.batch_id, partition=whole.batch.partition)


@pytest.mark.parametrize(
    "width", [Interval.UNIT_MINUTE, Interval.UNIT_HOUR, Interval.UNIT_DAY], ids=["minute", "hour", "day"]
)
async def test_a_bucket_tells_the_batches_that_made_it(suite: Suite, width: Any) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.send(*(event(number) for number in range(3)), name="web-1")
        await post.send(*(event(10 + number) for number in range(5)), event(20, name="other"), name="web-2")
        await post.send(event(0), event(30, at_us=NOW_US - 1), name="web-3")
        found = await bucket(served, width, "clicked")
        assert (found.rollup_count, found.row_count, found.batch_count) == (8, 8, 2)
        assert [(batch.producer_id, batch.row_count) for batch in found.batches] == [
            ("web-2", 5),
            ("web-1", 3),
        ]
        assert (await bucket(served, width, "clicked", page_size=1)).batches == found.batches[:1]


async def test_a_bucket_of_a_metric_counts_its_points(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.send(point(1.0), point(2.0), name="host")
        found = await bucket(served, Interval.UNIT_HOUR, "cpu", source=SOURCE_METRICS)
        assert (found.rollup_count, found.row_count, found.batch_count) == (2, 2, 1)
        assert [(batch.producer_id, batch.row_count) for batch in found.batches] == [("host", 2)]


async def test_a_bucket_outlives_its_rows(suite: Suite) -> None:
    async with suite(query, ingest, writer) as served:
        post = Post(served)
        await post.send(event(1), event(2))
        await post.rows("DELETE FROM events")
        found = await bucket(served, Interval.UNIT_DAY, "clicked")
        assert (found.rollup_count, found.row_count, found.batch_count) == (2, 0, 0)


async def test_nobody_traces_what_is_not_theirs_or_not_there(suite: Suite) -> None:
    async with suite(query, ingest, writer, admin) as served:
        post = Post(served)
        await post.define(amount(version=1))
        await post.send(event(1), paid(2))
        await add_project(served, "theirs")
        key, stub = (
            bearer((await add_key(served, project="theirs")).text),
            PipelineServiceStub(served.channel),
        )

        async def refused(**subject: Any) -> Refusal:
            return await refusal(stub.GetLineage(pb.GetLineageRequest(**subject), metadata=key))

        for number in (1, 2, 3):
            found = await refused(event_id=event_id(number))
            assert (found.code, found.reason) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        nothing = pb.RollupBucket(name="clicked", width=Interval.UNIT_DAY)
        nothing.start.FromMicroseconds(NOW_US)
        assert (await refused(bucket=nothing)).reason == "BUCKET_NOT_FOUND"
        assert (await refused()).violations == ["event_id"]


# --- segments ---------------------------------------------------------------------------------------------------------


def segment_of(stage: Stage, event_: UUID, folder: str | None = None) -> str:
    """The segment that is said to hold an event."""
    request = pb.GetLineageRequest(event_id=event_.bytes)
    project = Project(1, "demo", "UTC")
    where = stage.folder if folder is None else folder
    answer = stage.runner.run(lineage(stage.plain, where, project, request, 30.0))
    return answer.events[0].segment_id


def happen(stage: Stage, count: int, first: int) -> list[UUID]:
    """Commits events of two partitions and two months."""
    ids = [UUID(int=first + number) for number in range(count)]
    rows = [
        Happened(BEGIN + timedelta(days=number % 4), partition=number % 2, event_id=each)
        for number, each in enumerate(ids)
    ]
    with psycopg.connect(conninfo(stage.url)) as connection:
        commit(connection, rows)
    return ids


def test_an_event_names_the_segment_that_holds_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.rows("INSERT INTO projects (slug) VALUES ('demo') RETURNING 1")
    waves = []
    for wave in range(4):
        waves += happen(stage, 8, 100 * wave + 1)
        stage.mirror()
    # Segments that are merged need not be neighbours, so that they overlap others in their batches.
    monkeypatch.setattr(segment, "FAN_IN", 2)
    monkeypatch.setattr(segment, "MOST_AT_ONCE", 2)
    stage.mirror(1)
    [tail, *_] = happen(stage, 8, 1000)
    live = "SELECT segment_id::text, project_id FROM segments WHERE retired_at IS NULL"
    held = {
        UUID(bytes=found.bytes): segment_id
        for segment_id, project_id in stage.rows(live)
        for found in pq.read_table(Path(stage.folder, segment.path(project_id, segment_id)))[
            "event_id"
        ].to_pylist()
    }
    assert len(set(held.values())) > 2
    for each in waves:
        assert segment_of(stage, each) == held[each]
    assert segment_of(stage, tail) == ""


def test_a_segment_whose_file_is_gone_is_not_named_where_others_might_hold_the_event(stage: Stage) -> None:
    stage.rows("INSERT INTO projects (slug) VALUES ('demo') RETURNING 1")
    [first, *_] = happen(stage, 2, 1)
    stage.mirror()
    [(only,)] = stage.rows(
        "SELECT segment_id::text FROM segments WHERE retired_at IS NULL AND %s BETWEEN first_at AND last_at",
        BEGIN,
    )
    assert segment_of(stage, first) == only
    stage.rows(
        "INSERT INTO segments SELECT gen_random_uuid(), project_id, month, first_batches, after_batches, rows, bytes, sha256,"
        " first_at, last_at, layout FROM segments WHERE segment_id = %s RETURNING 1",
        only,
    )
    assert segment_of(stage, first) == only
    Path(stage.folder, segment.path(1, only)).unlink()
    assert segment_of(stage, first) == ""
