"""A trace goes through all processes, the edge included; of an installation that keeps none of its own, as those of callers do."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.suite import Suite
from tests.collecting import Collector, application, collecting
from tests.deployment import Tenant
from tidemark import AckMode, questions

KNOWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(deployment: Suite) -> Iterator[Collector]:
    """Where the processes of the suite export their spans to."""
    port = urlsplit(deployment.environment["TIDEMARK_TRACING_ENDPOINT"]).port
    assert port
    with collecting(port) as found:
        yield found


def test_a_trace_leads_through_every_process(tenant: Tenant, collector: Collector) -> None:
    async def use() -> None:
        with application(collector) as provider:
            shop = provider.get_tracer("shop")
            async with tenant.client(tracer_provider=provider, ack_mode=AckMode.COMMITTED) as tidemark:
                with shop.start_as_current_span("checkout"):
                    tidemark.track("order_placed")
                await tidemark.flush()
                with shop.start_as_current_span("ask"):
                    await tidemark.forecasts.make(
                        questions.series("order_placed", last="7d", interval="hour"), horizon=3
                    )

    asyncio.run(use())
    answer = httpx.get(
        f"{tenant.suite.edge}/v1/{tenant.project}/ledger",
        headers={"authorization": f"Bearer {tenant.key}", "traceparent": KNOWN},
    )
    assert answer.status_code == 200, answer.text
    committed = collector.await_span("process batches")
    collector.await_span("commit batches")
    collector.await_span("append events")
    ledger = collector.await_span("GetLedger")
    collector.await_span("ForecastService/Forecast", "tidemark-insights")
    collector.await_span("RunQuery", "tidemark-query")
    services = {span.service for span in collector.spans if span.trace == committed.trace}
    assert services == {"shop", "tidemark-ingest", "tidemark-writer"}
    asked = {span.service for span in collector.spans if span.trace == collector.one("ask").trace}
    assert asked == {"shop", "tidemark-insights", "tidemark-query"}
    assert (ledger.service, ledger.trace.hex()) == ("tidemark-query", KNOWN.split("-")[1])
    assert ledger.proto.parent_span_id.hex() == KNOWN.split("-")[2]
