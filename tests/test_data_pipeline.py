"""Acceptance of the data pipeline: events and metric points through the SDK into the database, on the real suite."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from google.protobuf.json_format import ParseDict

import tidemark
from deploy.local.suite import Suite, running
from tests import polling
from tests.deployment import Tenant, until
from tests.ingesting import event
from tidemark import questions
from tidemark.buffer import Limits
from tidemark.ledger import Ledger
from tidemark.records import Rejection, Series
from tidemark.v1 import rule_pb2

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


async def test_high_volume_ingestion_is_checked(tenant: Tenant) -> None:
    """In the midst of a stream every violation is counted, and who waits for the commit does not wait for the stream to end."""
    count, seconds = 60_000, []
    async with tenant.client(1) as bulk, tenant.client(2, ack_mode=tidemark.AckMode.COMMITTED) as careful:
        await bulk.schemas.create("page", {"properties": {"n": {"maximum": 8}}}, enforcement="warn")
        await judged_by(tenant, bulk, 0, "page")

        async def flood() -> None:
            for number in range(0, count, 500):
                await bulk.ready()
                for each in range(number, number + 500):
                    bulk.track("page", properties={"n": each % 10})
                await asyncio.sleep(0)
            await bulk.flush()

        flooding = asyncio.create_task(flood())
        while not flooding.done():
            began = time.perf_counter()
            careful.track("receipt")
            await careful.flush()
            seconds.append(time.perf_counter() - began)
        await flooding
        ledger = await tenant.settled(bulk)
        quality = {each.event_name: each async for each in bulk.pipeline.events(last="1h")}
    print(f"\n{len(seconds)} commits awaited under load, the slowest for {max(seconds):.3f} s")
    assert sorted(seconds)[len(seconds) // 2] < 2.0
    assert (quality["page"].count, quality["page"].checked_count) == (count, count)
    assert (quality["page"].violation_count, quality["page"].violation_share) == (count // 10, 0.1)
    assert (ledger.total.stored, ledger.balanced) == (count + len(seconds), True)


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


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
RULES = {
    "rules": [
        {
            "ruleId": "price",
            "cast": {"field": "properties.price", "to": "TYPE_NUMBER"},
            "onFailure": "FAILURE_DEAD_LETTER",
        },
        {
            "ruleId": "total",
            "eventNames": ["order"],
            "set": {"field": "properties.total", "expression": "double(properties.price) * 2.0"},
        },
        {"ruleId": "plan", "set": {"field": "properties.plan", "value": "free", "onlyMissing": True}},
        {"ruleId": "city", "rename": {"field": "properties.town", "to": "properties.city"}},
        {"ruleId": "debug", "drop": {"field": "properties.debug"}},
        {"ruleId": "mail", "hash": {"field": "properties.mail"}},
        {"ruleId": "card", "mask": {"field": "properties.card", "keepLast": 4}},
        {
            "ruleId": "country",
            "lookUp": {
                "field": "properties.country",
                "table": {"DE": "Germany"},
                "to": "properties.land",
                "otherwise": "?",
            },
        },
        {"ruleId": "agent", "parseUserAgent": {}},
        {"ruleId": "address", "parseUrl": {}},
        {"ruleId": "visit", "sessionize": {"inactivity": "1800s"}},
    ]
}
MOST = {"properties": {"total": {"type": "number", "maximum": 100}, "price": {"maximum": 50}}}
SCHEMAS = {"order": "dead_letter", "refund": "reject", "view": "warn"}


async def judged_by(tenant: Tenant, client: tidemark.Client, rules: int, *schemas: str) -> None:
    """Returns when ingest applies this version of the rules, and a schema to each of these events."""

    async def applied() -> bool:
        trials = await client.validate([event(number, name=name) for number, name in enumerate(schemas)])
        return all(
            trial.judgement.rules_version == rules and trial.judgement.schema_version for trial in trials
        )

    await polling.until(applied, 10.0)


async def test_data_transformation(tenant: Tenant) -> None:
    """Rules change what is stored exactly as they say, schemas reject, keep aside or warn, and what was kept aside is repaired."""
    rejections: list[Rejection] = []
    async with tenant.client(on_rejection=rejections.append) as client:
        await client.rules.update(ParseDict(RULES, rule_pb2.Rules()))
        for name, enforcement in SCHEMAS.items():
            await client.schemas.create(name, MOST, enforcement=enforcement)
        await judged_by(tenant, client, 1, *SCHEMAS)

        def order(price: object, number: int, name: str = "order") -> bytes:
            return client.track(
                name,
                user_id=f"user-{number % 3}",
                properties={
                    "price": price,
                    "town": "Bonn",
                    "debug": [1],
                    "mail": f"user-{number % 3}@example.org",
                    "card": "4111111111111111",
                    "country": "DE" if number % 2 else "XX",
                    "url": "https://shop.example/cart?utm_source=news",
                },
                context={"user_agent": FIREFOX},
            )

        good = [order(f"{number}.5", number) for number in range(40)]
        broken = [order("dear", number) for number in range(3)]  # A rule fails on these,
        excessive = [order(60, number) for number in range(4)]  # their schema allows none of these,
        order(60, 0, "refund")  # refuses this
        order(60, 0, "view")  # and takes this.
        await client.flush()
        ledger = await tenant.settled(client)
        assert (ledger.total.received, ledger.total.stored) == (49, 41)
        assert (ledger.total.dead_lettered, ledger.total.rejected, ledger.balanced) == (7, 1, True)
        ((field, reason),) = [(each.field, each.reason) for each in rejections]
        assert (field.partition(".")[2], reason) == ("properties.price", "SCHEMA")

        stored_ones = {each.event_id.bytes: each async for each in client.events("order", last="1h")}
        mails = {each.user_id: each.properties["mail"] for each in stored_ones.values()}
        assert len(set(mails.values())) == 3
        assert {len(mail) for mail in mails.values()} == {64}
        sessions: dict[str, set[str]] = {}
        for number, event_id in enumerate(good):
            each = stored_ones[event_id]
            sessions.setdefault(each.user_id, set()).add(each.session_id)
            assert each.properties == {
                "price": number + 0.5,
                "total": 2 * number + 1.0,
                "plan": "free",
                "city": "Bonn",
                "mail": mails[each.user_id],
                "card": "*" * 12 + "1111",
                "country": "DE" if number % 2 else "XX",
                "land": "Germany" if number % 2 else "?",
                "url": "https://shop.example/cart?utm_source=news",
                "host": "shop.example",
                "path": "/cart",
                "query": "utm_source=news",
                "utm_source": "news",
            }
            assert (each.context["browser"], each.context["os"]) == ("Firefox", "Windows")
        assert all(len(of_person) == 1 and "" not in of_person for of_person in sessions.values())

        quality = {each.event_name: each async for each in client.pipeline.events(last="1h")}
        seen = quality["order"]
        assert (seen.count, seen.checked_count, seen.violation_count) == (40, 44, 4)
        assert (seen.rule_failure_count, seen.dead_lettered_count) == (3, 7)
        assert (quality["refund"].rejected_count, quality["view"].violation_count) == (1, 1)
        (way,) = (await client.pipeline.lineage(good[0])).events
        assert (way.batch.source, way.batch.rules_version, way.schema_version) == ("events", 1, 1)

        patch = rule_pb2.Rule(set={"field": "properties.price"})
        patch.set.value.number_value = 7
        foreseen = await client.dead_letters.repair([patch])
        assert (foreseen.selected_count, foreseen.recovered_count, foreseen.failed_count) == (7, 7, 0)
        assert (await tenant.settled(client)).total.dead_lettered == 7, "it was only foreseen"
        for recovered in (7, 0):  # Asked for again, it does nothing.
            done = await client.dead_letters.repair([patch], validate_only=False)
            assert (done.recovered_count, done.failed_count) == (recovered, 0)
        ledger = await tenant.settled(client)
        assert (ledger.total.received, ledger.total.stored, ledger.total.dead_lettered) == (49, 48, 0)
        assert ledger.balanced
        stored_ones = {each.event_id.bytes: each async for each in client.events("order", last="1h")}
        assert {stored_ones[each].properties["total"] for each in [*broken, *excessive]} == {14.0}
        (way,) = (await client.pipeline.lineage(broken[0])).events
        assert (way.batch.source, bool(way.dead_letter)) == ("repair", True)
    assert stored(tenant) == (48, 48)


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


async def test_real_time_processing_in_windows(tenant: Tenant) -> None:
    """Windows hold what their events say, though writer, ingest and Redis are killed; what comes late restates them visibly."""
    base = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    happened = [(base + timedelta(seconds=7 * number), number % 4, number % 11) for number in range(150)]
    async with tenant.client() as client:
        kept = {"events": "count", "sum": "sum properties.n"}
        await client.windows.create("Tumbling", event_names=["step"], size="1m", aggregates=kept)
        await client.windows.create("Hopping", event_names=["step"], size="2m", every="1m", aggregates=kept)
        await client.windows.create(
            "Visits", event_names=["step"], gap="5s", key=["user_id"], aggregates=kept
        )

        async def track(at: datetime, user: int, n: int) -> None:
            client.track("step", user_id=f"user-{user}", properties={"n": n}, occurred_at=at)

        members, redis = tenant.suite.members, tenant.suite.redis
        for number, each in enumerate(happened):
            await track(*each)
            if number % 50 == 25:
                await client.flush()
                members[f"writer-{1 + number // 50 % 2}"].kill()
                members["ingest-1"].kill()
                if number > 100:
                    redis.kill()
                    redis.start()
                members["ingest-1"].spawn()
                members[f"writer-{1 + number // 50 % 2}"].spawn()
        await client.flush()
        assert (await tenant.settled(client)).total.stored == len(happened)

        async def results(window: str) -> dict[tuple[datetime, str], tuple[int, float]]:
            found = [each async for each in client.windows.results(window, last="2h")]
            assert all(each.dropped_count == 0 for each in found)
            return {
                (each.start.ToDatetime(UTC), "".join(each.key)): (each.event_count, each.values[1])
                for each in found
            }

        def counted(minutes: int) -> dict[tuple[datetime, str], tuple[int, float]]:
            made: dict[tuple[datetime, str], tuple[int, float]] = {}
            for at, _, n in happened:
                for back in range(minutes):
                    start = at.replace(second=0) - timedelta(minutes=back)
                    count, total = made.get((start, ""), (0, 0.0))
                    made[start, ""] = (count + 1, total + n)
            return made

        assert await results("tumbling") == counted(1)
        assert await results("hopping") == counted(2)
        # A person acts every 28 seconds, so that each event is a visit of its own.
        assert await results("visits") == {(at, f"user-{user}"): (1, float(n)) for at, user, n in happened}

        happened.append((base + timedelta(seconds=1), 0, 5))
        await track(*happened[-1])
        await client.flush()
        await tenant.settled(client)
        assert await results("tumbling") == counted(1)
        ledger = await tenant.settled(client)
        assert (ledger.total.stored, ledger.balanced) == (151, True)
    assert stored(tenant) == (151, 151)


def _total(answer: object) -> float:
    """The total of a series of one line; NaN and no answer count as -1 and 0."""
    if not isinstance(answer, Series):
        return -1
    return sum(line.total for line in answer.lines if line.total == line.total)


BACKLOG_BYTES = 4 << 20


@pytest.fixture(scope="module")
def narrow() -> Iterator[Suite]:
    """One target of each kind with a writer that is soon behind, and nobody else's data."""
    settings = {"TIDEMARK_MICROBATCH_EVENTS": "200", "TIDEMARK_BACKLOG_BYTES": str(BACKLOG_BYTES)}
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        targets = {"ingest": "ingest", "writer": "writer", "query": "query"}
        with running(folder, targets, environment=settings) as suite:
            yield suite


@asynccontextmanager
async def connected(suite: Suite, limits: Limits | None = None) -> AsyncIterator[tidemark.Client]:
    """A client of the project `demo`."""
    address, query = suite.members["ingest"].address, suite.members["query"].address
    key = suite.keys["TIDEMARK_PROJECT_ADMIN_KEY"]
    async with tidemark.Client(address, query, key=key, limits=limits) as client:
        yield client


async def test_high_volume_ingestion_at_twice_what_is_sustainable(narrow: Suite) -> None:
    """Offered twice what the writer commits and more, producers hear of it, memory stays bounded, and what was taken is stored once."""
    ingest = psutil.Process(narrow.members["ingest"].identity.pid)  # type: ignore[union-attr]
    async with connected(narrow, Limits(batch_count=100, buffer_bytes=2 << 20)) as client:
        await fill(client, 1_000)
        await settled(client, 1_000)
        before, peak, backlog = ingest.memory_info().rss, 0, 0
        offered = taken = 0
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < 6 or offered < 2 * taken:
            assert elapsed < 30, f"of {offered} events {taken} were taken"
            for _ in range(2_000):
                offered += 1
                try:
                    client.track("page", properties={"number": offered, "country": "DE", "amount": 12.5})
                except tidemark.BufferFull:
                    continue
                taken += 1
            peak = max(peak, ingest.memory_info().rss)
            backlog = max(backlog, sum(each.backlog_bytes for each in (await client.analytics()).partitions))
        await client.flush()
        total = (await settled(client, 1_000 + taken)).total
    print(
        f"\noffered {offered / elapsed:,.0f} events a second, taken {taken / elapsed:,.0f};"
        f" ingest grew by {(peak - before) / 1e6:.0f} MB, the log held {backlog / 1e6:.1f} MB at most"
    )
    assert backlog < 2 * BACKLOG_BYTES
    assert peak - before < 64 << 20
    assert (total.stored, total.duplicate, total.rejected, total.dead_lettered) == (1_000 + taken, 0, 0, 0)


async def test_real_time_processing_of_what_is_critical(narrow: Suite) -> None:
    """A security event is heard of while bulk waits for a writer that stands still."""
    writer = narrow.members["writer"]
    async with connected(narrow) as client:
        stored_before = (await client.ledger(last="90d")).total.stored
        heard = client.watch_critical()
        first = asyncio.ensure_future(anext(heard))
        client.track("began", type=tidemark.EventType.SECURITY_EVENT)
        assert (await asyncio.wait_for(first, 20)).name == "began"
        await settled(client, stored_before + 1)
        writer.freeze()
        try:
            for number in range(5_000):
                client.track("bulk", properties={"number": number})
            began = time.perf_counter()
            client.track("broke_in", type=tidemark.EventType.SECURITY_EVENT, user_id="mallory")
            event = await asyncio.wait_for(anext(heard), 20)
            seconds = time.perf_counter() - began
            stored_meanwhile = (await client.ledger(last="90d")).total.stored
        finally:
            writer.thaw()
        await heard.aclose()
        await client.flush()
        ledger = await settled(client, stored_before + 5_002)
    print(f"\nheard of after {seconds * 1000:.0f} ms, with nothing committed")
    assert (event.name, event.user_id) == ("broke_in", "mallory")
    assert seconds < 1.0
    assert stored_meanwhile == stored_before + 1
    assert ledger.balanced


async def test_real_time_processing_of_late_events(narrow: Suite) -> None:
    """A window that has closed is restated, visibly, by an event that comes late, in its results and in its series."""
    async with connected(narrow) as client:
        await client.windows.create(
            "Second",
            event_names=["beat"],
            size="1s",
            aggregates={"sum": "sum properties.n"},
            allowed_lateness="1h",
        )
        at = datetime.now(UTC)
        client.track("beat", properties={"n": 1}, occurred_at=at)

        async def closed() -> bool:
            # The watermark follows what is received.
            client.track("tick")
            await client.flush()
            return any([each.closed async for each in client.windows.results("second", last="1h")])

        await polling.until(closed, 60)
        client.track("beat", properties={"n": 2}, occurred_at=at)
        await client.flush()

        async def restated() -> bool:
            (found,) = [each async for each in client.windows.results("second", last="1h")]
            return found.event_count == 2

        await polling.until(restated, 60)
        (result,) = [each async for each in client.windows.results("second", last="1h")]
        answer = await client.query(questions.window("projects/demo/windows/second", last="1h"))
    assert (result.closed, result.late_count, list(result.values)) == (True, 1, [3.0])
    assert result.HasField("restated_at")
    assert isinstance(answer, Series)
    assert sum(answer.lines[0].late_counts) == 1


async def settled(client: tidemark.Client, stored: int) -> Ledger:
    """The ledger once so much is stored."""

    async def look() -> Ledger | None:
        ledger = await client.ledger(last="90d")
        return ledger if ledger.total.stored >= stored and not ledger.total.in_flight else None

    found = await polling.until(look, 120)
    assert found is not None
    return found
