"""Segment by its unmodified library: what it sends is stored with the ids that it gave, exactly once across its retries."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from segment import analytics

from tests.deployment import Tenant
from tests.integration.losing import http, losing
from tidemark.ledger import Ledger

EVENTS = """
SELECT event_id, name, type, user_id, properties, context, occurred_at, source, producer_id
FROM tidemark.events JOIN tidemark.projects USING (project_id) JOIN tidemark.batches USING (project_id, batch_id)
WHERE slug = %s ORDER BY occurred_at, name
"""
OURS = UUID("0190f5fe-0000-4000-8000-000000000001")


def events(tenant: Tenant) -> list[Any]:
    """The events of the tenant's project and how they came."""
    with psycopg.connect(tenant.suite.postgres.url) as connection:
        return connection.execute(EVENTS, (tenant.project.removeprefix("projects/"),)).fetchall()


async def settled(tenant: Tenant) -> Ledger:
    """The ledger once everything is committed."""
    async with tenant.client() as client:
        return await tenant.settled(client)


@pytest.fixture
def failures() -> Iterator[list[Any]]:
    """What the library gave up on; nothing, when a test ends."""
    found: list[Any] = []
    yield found
    assert found == []


def library(host: str, key: str, failures: list[Any], **options: Any) -> analytics.Client:
    """The library's client."""
    return analytics.Client(
        key, host=host, on_error=lambda error, _: failures.append(error), upload_interval=0.05, **options
    )


@pytest.mark.parametrize("gzip", [False, True])
async def test_every_call_of_the_library_becomes_an_event(
    tenant: Tenant, failures: list[Any], gzip: bool
) -> None:
    def use() -> None:
        client = library(tenant.suite.edge, tenant.key, failures, gzip=gzip)
        client.identify("ann", {"plan": "pro"})
        client.track(
            "ann", "Order Placed", {"total": 12.5}, message_id=str(OURS), context={"ip": "203.0.113.9"}
        )
        client.track(None, "Opened", anonymous_id="a1", message_id="not-a-uuid")
        client.page("ann", "Docs", "Home", {"path": "/"})
        client.screen("ann", None, "Start")
        client.group("ann", "acme", {"size": 3})
        client.alias("a1", "ann")
        client.shutdown()

    before = time.time()
    await asyncio.to_thread(use)
    ledger = await settled(tenant)
    assert (ledger.total.received, ledger.total.stored) == (7, 7)
    found = {name: rest for _, name, *rest in events(tenant)}
    assert {name: (each[1], each[2]) for name, each in found.items()} == {
        "identify": ("ann", {"plan": "pro"}),
        "Order Placed": ("ann", {"total": 12.5}),
        "Opened": ("a1", None),
        "page": ("ann", {"path": "/", "name": "Home", "category": "Docs"}),
        "screen": ("ann", {"name": "Start"}),
        "group": ("ann", {"size": 3, "groupId": "acme"}),
        "alias": ("ann", {"previousId": "a1"}),
    }
    kind, _, _, context, at, source, producer = found["Order Placed"]
    assert (kind, source, producer) == (1, "segment", "segment:analytics-python")
    assert context["ip"] == "203.0.113.9"
    assert context["library"]["name"] == "analytics-python"
    assert before - 1 < at.timestamp() < time.time()
    assert [event_id for event_id, name, *_ in events(tenant) if name == "Order Placed"] == [OURS]


async def test_calls_whose_answers_are_lost_are_stored_once(tenant: Tenant, failures: list[Any]) -> None:
    with losing(urlsplit(tenant.suite.edge).port or 0, http, answers=3) as way:

        def use() -> None:
            client = library(f"http://{way.address}", tenant.key, failures, upload_size=50)
            for number in range(200):
                client.track(f"user-{number}", "clicked", {"number": number})
            client.shutdown()

        await asyncio.to_thread(use)
        assert way.lost == 3
    ledger = await settled(tenant)
    assert ledger.total.stored == 200
    assert ledger.total.duplicate > 0
    assert ledger.balanced
    assert sorted(row[4]["number"] for row in events(tenant)) == list(range(200))


async def test_the_library_learns_of_a_key_that_is_none(tenant: Tenant) -> None:
    failures: list[Any] = []

    def use() -> None:
        client = library(tenant.suite.edge, "tmk_0_" + "A" * 43, failures)
        client.track("ann", "clicked")
        client.shutdown()

    await asyncio.to_thread(use)
    (error,) = failures
    assert (error.status, error.message) == (401, "there is no such key")
    assert events(tenant) == []
