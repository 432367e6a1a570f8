"""What clients see while a server of the stack is away: they keep what they have, and questions need the database alone."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

import tidemark
from deploy.local.servers import Server
from tests.deployment import Tenant


@pytest.mark.parametrize("away", ["redis", "postgres"])
async def test_what_is_tracked_during_an_outage_is_stored_once_after_it(tenant: Tenant, away: str) -> None:
    server: Server = getattr(tenant.suite, away)
    async with tenant.client() as client:
        client.track("before")
        await client.flush()
        server.kill()
        try:
            for _ in range(100):
                client.track("during")
            if away == "redis":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.flush(), 1.0)
            else:
                with pytest.raises(tidemark.Error):
                    await client.ledger()
        finally:
            server.start()
        await client.flush()
        client.track("after")
        await client.flush()
        ledger = await tenant.settled(client)
        assert (ledger.total.received, ledger.total.stored, ledger.balanced) == (102, 102, True)


async def test_questions_are_answered_without_the_log(tenant: Tenant) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    async with tenant.client(ack_mode=tidemark.AckMode.COMMITTED) as client:
        client.track("before")
        await client.flush()
        tenant.suite.redis.kill()
        try:
            answer = await client.series("before", interval="minute", start=hour_ago)
            assert answer.lines[0].total == 1
            assert answer.metadata
            assert math.isnan(answer.metadata.completeness)
        finally:
            tenant.suite.redis.start()
        await tenant.settled(client)
