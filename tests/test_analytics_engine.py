"""Acceptance of the analytics engine: questions through the SDK, answered fast and right, on the real suite."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.deployment import Tenant
from tidemark.records import Series

WARM_P99_SECONDS = 0.1
CLIENTS = 4


async def test_query_performance(tenant: Tenant) -> None:
    """Answers equal a recount in Python, whichever source serves them; rollup answers stay under 100 ms at p99, warm."""
    chance = random.Random(7)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=2)
    by_hour: Counter[datetime] = Counter()
    by_country: Counter[str] = Counter()
    amounts: defaultdict[datetime, float] = defaultdict(float)
    users = set()
    async with tenant.client() as client:
        for number in range(60_000):
            at = start + timedelta(seconds=chance.random() * 172_800)
            hour, country = (
                at.replace(minute=0, second=0, microsecond=0),
                chance.choice(["DE", "FR", "IT", "PL"]),
            )
            amount, user = chance.randrange(1, 100), f"user-{chance.randrange(4000)}"
            by_hour[hour] += 1
            by_country[country] += 1
            amounts[hour] += amount
            users.add(user)
            client.track(
                "order", user_id=user, occurred_at=at, properties={"amount": amount, "country": country}
            )
            if number % 2000 == 0:
                await client.ready()
        for second in range(600):
            client.record("load", second % 10, observed_at=end - timedelta(seconds=600 - second))
        await client.flush()
        ledger = await tenant.settled(client)
        assert ledger.total.stored == 60_600

        span = {"start": start, "end": end}
        counted = await client.series("order", interval="hour", **span)
        assert _by_start(counted) == dict(by_hour)
        assert counted.metadata
        assert counted.metadata.source == "rollup"
        unique = await client.series("order", measure="uniques", interval="day", **span)
        assert unique.lines[0].total == pytest.approx(len(users), rel=0.07)
        assert unique.metadata
        assert 0 < unique.metadata.error_bound < 0.05
        summed = await client.series("order", measure="sum properties.amount", interval="hour", **span)
        assert _by_start(summed) == pytest.approx(dict(amounts))
        assert summed.metadata
        assert summed.metadata.source == "raw"
        split = await client.series("order", by=["properties.country"], interval="day", top=2, **span)
        largest = by_country.most_common(2)
        assert {line.label: line.total for line in split.lines if not line.other} == dict(largest)
        assert sum(line.total for line in split.lines) == 60_000
        load = await client.series(
            "load",
            source="metrics",
            measure=["avg", "max", "p90"],
            interval="minute",
            start=end - timedelta(minutes=10),
            end=end,
        )
        assert [round(line.total, 6) for line in load.lines[:2]] == [4.5, 9.0]
        assert load.lines[2].total == pytest.approx(8, abs=1)

        async def ask(times: int) -> list[float]:
            taken = []
            for _ in range(times):
                began = time.perf_counter()
                await client.series("order", interval="hour", **span)
                taken.append(time.perf_counter() - began)
            return taken

        await ask(20)
        p99 = float(np.quantile(await ask(200), 0.99))
        together = float(
            np.quantile(np.concatenate(await asyncio.gather(*(ask(50) for _ in range(CLIENTS)))), 0.99)
        )
        print(
            f"\nrollup question warm: p99 {p99 * 1000:.1f} ms alone, {together * 1000:.1f} ms from {CLIENTS} at once"
        )
        assert p99 < WARM_P99_SECONDS


def _by_start(answer: Series) -> dict[datetime, float]:
    return {start: value for start, value in zip(answer.starts, answer.lines[0].values) if value}
