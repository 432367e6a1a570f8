"""Acceptance of the data pipeline: events and metric points through the SDK into the database, on the real suite."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg

import tidemark
from tests.deployment import Tenant, until
from tidemark import questions
from tidemark.records import Rejection, Series

FLOOR_PER_MINUTE = 1_000_000
STORED = """
SELECT count(*), count(DISTINCT event_id) FROM tidemark.events JOIN tidemark.projects USING (project_id) WHERE slug = %s
"""


def stored(tenant: Tenant) -> tuple[int, int]:
    """Rows of the project's events, and different ids among them."""
    with psycopg.connect(tenant.suite.postgres.url) as connection:
        row = connection.execute(STORED, (tenant.project.removeprefix("projects/"),)).fetchone()
        assert row
        return row[0], row[1]


async def fill(client: tidemark.Client, count: int, start: int = 0) -> None:
    """Tracks `count` events, waiting for room as a careful producer does."""
    for number in range(start, start + count):
        try:
            client.track(
                f"page_{number % 20}",
                user_id=f"user-{number % 5000}",
                session_id=f"session-{number % 700}",
                properties={"number": number, "country": "DE", "amount": 12.5},
            )
        except tidemark.BufferFull:
            await client.ready()
            client.track(
                f"page_{number % 20}", user_id=f"user-{number % 5000}", properties={"number": number}
            )
        if number % 500 == 0:
            await asyncio.sleep(0)
    await client.flush()


async def test_high_volume_ingestion(tenant: Tenant) -> None:
    """More than a million events a minute from two producers, all committed, each exactly once, the ledger balanced."""
    count = 150_000
    async with tenant.client(1) as first, tenant.client(2) as second:
        began = time.perf_counter()
        await asyncio.gather(fill(first, count), fill(second, count, start=count))
        acknowledged = time.perf_counter() - began
        ledger = await tenant.settled(first)
        seconds = time.perf_counter() - began
        assert first.stats.rejected == second.stats.rejected == 0
    per_minute = 2 * count / seconds * 60
    print(f"\n{per_minute:,.0f} events a minute committed, {2 * count / acknowledged * 60:,.0f} acknowledged")
    assert ledger.total.received == ledger.total.stored == 2 * count
    assert ledger.balanced
    assert stored(tenant) == (2 * count, 2 * count)
    assert per_minute > FLOOR_PER_MINUTE


async def test_bad_events_are_rejected_with_reasons_and_the_rest_is_stored(tenant: Tenant) -> None:
    rejections: list[Rejection] = []
    async with tenant.client(on_rejection=rejections.append) as client:
        for number in range(100):
            client.track("good", properties={"number": number})
        client.track("")
        client.track("far_ahead", occurred_at=datetime.now(UTC) + timedelta(days=2))
        client.track("deep", properties=_nested(40))
        client.record("fine", 1.0)
        client.record("not_a_number", float("nan"))
        await client.flush()
        ledger = await tenant.settled(client)
    assert Counter(rejection.field.split(".")[-1] for rejection in rejections) == Counter(
        name=1, occurred_at=1, properties=1, value=1
    )
    assert (ledger.total.received, ledger.total.stored, ledger.total.rejected) == (105, 101, 4)
    assert ledger.balanced


def _nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {"end": 1}
    for _ in range(levels):
        value = {"in": value}
    return value


async def test_real_time_processing(tenant: Tenant) -> None:
    """A watched series follows what is committed; late events land in their bucket; killed processes change nothing."""
    now = datetime.now(UTC)
    watched = questions.series(
        "ping", interval="minute", start=now - timedelta(hours=2), end=now + timedelta(minutes=30)
    )
    async with tenant.client() as client:
        changes = client.watch(watched)
        snapshot = await anext(changes)
        assert snapshot.kind == "snapshot"
        assert _total(snapshot.answer) == 0

        began = time.perf_counter()
        client.track("ping")
        change = await until(changes, lambda change: _total(change.answer) == 1)
        visible = time.perf_counter() - began
        assert change.kind == "delta"
        assert visible < 2.0, f"an event took {visible:.3f} s to be seen"

        late = now - timedelta(hours=1)
        client.track("ping", occurred_at=late)
        change = await until(changes, lambda change: _total(change.answer) == 2)
        assert isinstance(change.answer, Series)
        at = change.answer.starts.index(late.replace(second=0, microsecond=0))
        assert change.answer.lines[0].values[at] == 1

        for name in ("writer-1", "ingest-1", "writer-2"):
            client.track("ping")
            member = tenant.suite.members[name]
            member.kill()
            member.spawn()
            client.track("ping")
            await client.flush()
        change = await until(changes, lambda change: _total(change.answer) == 8)
        await changes.aclose()
        ledger = await tenant.settled(client)
        assert ledger.balanced
        assert ledger.total.stored == 8
    assert stored(tenant) == (8, 8)


def _total(answer: object) -> float:
    """The total of a series of one line; NaN and no answer count as -1 and 0."""
    if not isinstance(answer, Series):
        return -1
    return sum(line.total for line in answer.lines if line.total == line.total)
